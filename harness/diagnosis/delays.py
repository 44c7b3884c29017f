"""How late labels come, and what rows whose label has not come can still say.

"Labels so far" is a trap: where positives are reported and negatives are silence, young rows look negative,
and where both come late only the mature say anything. The delay curve is estimated from the labels that came;
rows younger than its maturity are left out, or weighted by how much of their label is to be expected.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from harness.diagnosis._arrays import aligned, finite, numbers, outcomes
from harness.errors import HarnessError
from harness.metrics import LOG_LOSS_CLIP

if TYPE_CHECKING:
    import numpy.typing as npt

    from harness.diagnosis._arrays import Floats

MATURE_SHARE = 0.99
#: rows younger than the age at which this share of labels has come are not weighted up: too few know too much
FLOOR = 0.05


@dataclass(frozen=True)
class DelayCurve:
    """F: at each of `days`, ascending, the `share` of labels that came by that age; 0 before the first."""

    days: Floats
    share: Floats

    def at(self, ages: npt.ArrayLike) -> Floats:
        """The share of labels that have come at each age in days; nan where no label ever came."""
        age = numbers(ages, "ages")
        if not self.days.size:
            return np.full(age.size, math.nan)
        return np.append(0.0, self.share)[np.searchsorted(self.days, age, side="right")]

    def mature_at(self, share: float = MATURE_SHARE) -> float:
        """The least age in days at which that share of labels has come; nan where it never has."""
        reached = np.flatnonzero(self.share >= share - 1e-12)
        return float(self.days[reached[0]]) if reached.size else math.nan


@dataclass(frozen=True, kw_only=True)
class Ripeness:
    """As of a time: the maturity age in days, the watermark (event time in days up to which all is mature).

    `mature`, `open` and `without` count rows that are old enough, too young, and old enough without a label.
    """

    window_days: float
    watermark: float
    mature: int
    open: int
    without: int


@dataclass(frozen=True, kw_only=True)
class Estimates:
    """Metrics of one way to read the labels; `rows` is how many rows spoke, nan where undefined."""

    rows: int
    roc_auc: float
    log_loss: float
    brier: float
    precision: float
    recall: float
    base_rate: float


@dataclass(frozen=True, kw_only=True)
class ThreeReadings:
    """The same rows read three ways: silence as negative, mature rows only, and weighted by the delay."""

    as_seen: Estimates
    mature_only: Estimates
    weighted: Estimates
    why_not: str


def delay_curve(delays: npt.ArrayLike, ages: npt.ArrayLike) -> DelayCurve:
    """F from the labels that came: `delays` in days, and each row's age at `as_of`, both (labels,).

    A label that came is one whose delay is below its row's age, so short delays are over-represented; in
    reversed time that is left truncation, and Kaplan and Meier's product is right again (Lagakos, Barraj,
    De Gruttola, Biometrika 75, 1988). F is of labels that come within the oldest age seen: later ones cannot
    be known of. Raises HarnessError for a delay below 0 or above its age.
    To check: delays 1 2 3 at age 10 give 1/3 2/3 1; delays 1 1 2 at ages 1 10 10 give 1/2 and 1.
    """
    delay, age = finite(delays, "delays"), finite(ages, "ages")
    aligned(delays=delay, ages=age)
    if ((delay < 0.0) | (delay > age)).any():
        raise HarnessError(
            "came before its row, or after it was looked at", where="a label", expected="0 <= delay <= age"
        )
    days, place = np.unique(delay, return_inverse=True)
    events = np.bincount(place, minlength=days.size)
    # At risk of having delay exactly d, in reversed time: delay <= d, and old enough that d could be seen.
    at_risk = np.searchsorted(np.sort(delay), days, side="right") - np.searchsorted(
        np.sort(age), days, side="left"
    )
    stays = 1.0 - events / at_risk
    share = np.append(np.cumprod(stays[::-1])[::-1][1:], 1.0) if days.size else days
    return DelayCurve(days, np.asarray(share, np.float64))


def arrival_curve(ages: npt.ArrayLike, delays: npt.ArrayLike) -> DelayCurve:
    """F where every row gets a label in the end: `delays` in days, NaN where it has not come at that `age`.

    Kaplan, Meier, JASA 53 (1958); rows that wait are censored at their age. To check: ages 5 5 5 5, delays
    1 2 NaN NaN: .25 .5.
    """
    age, delay = finite(ages, "ages"), numbers(delays, "delays")
    aligned(ages=age, delays=delay)
    came = ~np.isnan(delay)
    until = np.where(came, delay, age)
    days, place = np.unique(until[came], return_inverse=True)
    at_risk = until.size - np.searchsorted(np.sort(until), days, side="left")
    waits = 1.0 - np.bincount(place, minlength=days.size) / at_risk
    return DelayCurve(days, np.asarray(1.0 - np.cumprod(waits), np.float64))


def ripeness(
    ages: npt.ArrayLike,
    labels: npt.ArrayLike,
    *,
    curve: DelayCurve,
    as_of: float,
    share: float = MATURE_SHARE,
) -> Ripeness:
    """The maturity window that the curve gives, the watermark, and how many rows are on either side of it.

    `as_of` is in days on any clock; ages are counted back from it. Labels are NaN where not known.
    """
    age, label = finite(ages, "ages"), numbers(labels, "labels")
    aligned(ages=age, labels=label)
    window = curve.mature_at(share)
    old = age >= window
    return Ripeness(
        window_days=window,
        watermark=as_of - window,
        mature=int(np.count_nonzero(old & ~np.isnan(label))),
        open=int(np.count_nonzero(~old)),
        without=int(np.count_nonzero(old & np.isnan(label))),
    )


def three_readings(
    positive: npt.ArrayLike,
    scores: npt.ArrayLike,
    *,
    ages: npt.ArrayLike,
    curve: DelayCurve,
    threshold: float,
    share: float = MATURE_SHARE,
) -> ThreeReadings:
    """Metrics where positives are reported late and negatives are silence: as seen, mature only, weighted.

    `positive` is 1 where a positive has been reported. A reported row of age a counts 1 / F(a) positives
    and 1 - 1 / F(a) negatives, a silent one as one negative: unbiased when the delay of a positive does not
    depend on its score (Horvitz, Thompson, JASA 47, 1952; Chapelle, KDD 2014, for delayed conversions).
    Rows with F below .05 are left out. If both outcomes are late, use the mature rows.
    """
    truth, score, age = outcomes(positive, "positive"), finite(scores, "scores"), finite(ages, "ages")
    aligned(positive=truth, scores=score, ages=age)
    come, window = curve.at(age), curve.mature_at(share)
    old = age >= window
    told = come >= FLOOR
    with np.errstate(divide="ignore", invalid="ignore"):
        ups = np.where(truth == 1.0, 1.0 / come, 0.0)
    why_not = "no label has come yet" if not curve.days.size else "" if old.any() else "no row is mature yet"
    return ThreeReadings(
        as_seen=estimates(score, truth, negatives=1.0 - truth, threshold=threshold),
        mature_only=estimates(score[old], truth[old], negatives=1.0 - truth[old], threshold=threshold),
        weighted=estimates(score[told], ups[told], negatives=1.0 - ups[told], threshold=threshold),
        why_not=why_not,
    )


def estimates(scores: Floats, positives: Floats, *, negatives: Floats, threshold: float) -> Estimates:
    """Metrics of rows that each count as so many positives and so many negatives, possibly below 0."""
    up, down = float(positives.sum()), float(negatives.sum())
    flagged = scores >= threshold
    kept = np.clip(scores, LOG_LOSS_CLIP, 1.0 - LOG_LOSS_CLIP)
    is_probability = bool(((scores >= 0.0) & (scores <= 1.0)).all())
    loss = -(positives @ np.log(kept) + negatives @ np.log1p(-kept)) if is_probability else math.nan
    square = (
        positives @ np.square(1.0 - scores) + negatives @ np.square(scores) if is_probability else math.nan
    )
    hits = float(positives[flagged].sum())
    return Estimates(
        rows=scores.size,
        roc_auc=_auc(scores, positives, negatives=negatives),
        log_loss=_ratio(float(loss), up + down),
        brier=_ratio(float(square), up + down),
        precision=_ratio(hits, hits + float(negatives[flagged].sum())),
        recall=_ratio(hits, up),
        base_rate=_ratio(up, up + down),
    )


def _ratio(above: float, below: float) -> float:
    return above / below if below > 0.0 else math.nan


def _auc(scores: Floats, positives: Floats, *, negatives: Floats) -> float:
    distinct, place = np.unique(scores, return_inverse=True)
    up, down = (np.bincount(place, one, minlength=distinct.size) for one in (positives, negatives))
    return auc_by_score(up.astype(np.float64, copy=False), down.astype(np.float64, copy=False))


def auc_by_score(up: Floats, down: Floats) -> float:
    """AUC from the positives and negatives at each distinct score, ascending; nan without either."""
    pairs = float(up.sum() * down.sum())
    return float((up * (np.cumsum(down) - 0.5 * down)).sum()) / pairs if pairs > 0.0 else math.nan
