"""Quality on rows whose labels have not come, from the scores alone; told only where it can be trusted.

The confidence-based estimate (CBPE, NannyML) takes recalibrated scores as the chance of a positive and adds
up what each metric is then expected to be. It sees covariate shift and is blind to a change of Y given X. So
it is withheld, with the reasons, unless scores are calibrated on the latest labelled rows, production and
reference can hardly be told apart, and the scores lie where the reference has some.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from harness.diagnosis._arrays import aligned, finite, probabilities, scored
from harness.diagnosis.calibration import calibration_error, recalibration_line
from harness.diagnosis.delays import auc_by_score
from harness.diagnosis.recalibrators import Map, fit
from harness.metrics import LOG_LOSS_CLIP

if TYPE_CHECKING:
    import numpy.typing as npt

    from harness.diagnosis._arrays import Floats

#: fewer rows than this, and sampling alone decides what is seen
ENOUGH = 300
MAX_DOMAIN_AUC = 0.6
SMALL_ERROR = 0.01
MAX_OUTSIDE = 0.01


@dataclass(frozen=True, kw_only=True)
class Check:
    """One condition of the estimate: whether it holds, in one sentence with its numbers."""

    name: str
    holds: bool
    sentence: str


@dataclass(frozen=True, kw_only=True)
class Expected:
    """Metrics that the calibrated scores promise, `average_precision` and `f1` too, and the share flagged."""

    roc_auc: float
    average_precision: float
    log_loss: float
    precision: float
    recall: float
    f1: float
    accuracy: float
    specificity: float
    flagged: float


@dataclass(frozen=True, kw_only=True)
class Unlabelled:
    """The estimate, or None where a check does not hold; all checks either way."""

    estimate: Expected | None
    checks: tuple[Check, ...]

    @property
    def why_not(self) -> str:
        """The checks that do not hold, in words; empty where all do."""
        return "; ".join(check.sentence for check in self.checks if not check.holds)


@dataclass(frozen=True, kw_only=True)
class Domain:
    """How far production can be told from the reference: AUC of a domain classifier and its upper bound."""

    auc: float
    high: float


@dataclass(frozen=True, kw_only=True)
class Labelled:
    """Rows with labels of 0 and 1 and served scores, both (rows,), and units where rows come in them."""

    labels: npt.ArrayLike
    scores: npt.ArrayLike
    units: npt.ArrayLike | None = None


def expected_metrics(calibrated: npt.ArrayLike, scores: npt.ArrayLike, *, threshold: float) -> Expected:
    """What metrics are expected to be where each row is positive with its calibrated probability.

    Rows are ranked and decided on by the served score. Expectations of ratios are
    ratios of expectations, right for many rows. To check: probabilities 1 1 0 0 give 1 throughout.
    """
    chance, score = probabilities(calibrated, "calibrated"), finite(scores, "scores")
    aligned(calibrated=chance, scores=score)
    distinct, place, rows = np.unique(score, return_inverse=True, return_counts=True)
    up = np.bincount(place, chance, minlength=distinct.size).astype(np.float64, copy=False)
    flagged = score >= threshold
    hits, misses = float(chance[flagged].sum()), float(chance[~flagged].sum())
    alarms, quiet = float((1.0 - chance)[flagged].sum()), float((1.0 - chance)[~flagged].sum())
    return Expected(
        roc_auc=auc_by_score(up, rows - up),
        average_precision=_average_precision(up, rows),
        log_loss=_log_loss(chance, score),
        precision=_ratio(hits, hits + alarms),
        recall=_ratio(hits, hits + misses),
        f1=_ratio(2.0 * hits, 2.0 * hits + alarms + misses),
        accuracy=_ratio(hits + quiet, float(chance.size)),
        specificity=_ratio(quiet, quiet + alarms),
        flagged=_ratio(float(np.count_nonzero(flagged)), float(score.size)),
    )


def unlabelled(
    reference: Labelled,
    latest: Labelled | None,
    *,
    scores: npt.ArrayLike,
    threshold: float,
    domain: Domain | None,
    alpha: float = 0.01,
) -> Unlabelled:
    """The estimate for rows without labels, if the checks allow it.

    `reference` has labels and fits the calibration (isotonic); `latest` is the newest labelled window, on
    which the calibrated scores must hold (likelihood ratio of the recalibration line); `domain` tells the
    shift between reference and these rows. What is not given does not hold.
    """
    now = probabilities(scores)
    truth, then = scored(reference.labels, reference.scores)
    both = bool(0.0 < truth.sum() < truth.size)
    map_ = fit("isotonic", labels=truth, scores=then) if both else None
    checks = (
        Check(
            name="rows",
            holds=min(truth.size, now.size) >= ENOUGH and both,
            sentence=f"{truth.size:,} labelled rows of {'both classes' if both else 'one class'} and "
            f"{now.size:,} without labels, {ENOUGH} of each are needed",
        ),
        _calibrated(map_, latest, alpha=alpha),
        _near(domain),
        _inside(then, now),
    )
    estimate = None
    if map_ is not None and all(check.holds for check in checks):
        estimate = expected_metrics(map_(now), now, threshold=threshold)
    return Unlabelled(estimate=estimate, checks=checks)


def _calibrated(map_: Map | None, latest: Labelled | None, *, alpha: float) -> Check:
    if map_ is None or latest is None:
        return Check(name="calibration", holds=False, sentence="no labelled window to check calibration on")
    truth, score = scored(latest.labels, latest.scores)
    if truth.size < ENOUGH:
        return Check(
            name="calibration",
            holds=False,
            sentence=f"the latest labelled window has {truth.size:,} rows, {ENOUGH} are needed",
        )
    mapped = np.clip(map_(score), 1e-3, 1.0 - 1e-3)
    line, off = recalibration_line(truth, mapped, units=latest.units), calibration_error(truth, mapped).root
    # Very many rows reject any model; an error that no reader would mind does not withhold the estimate.
    holds = not math.isnan(line.test.p) and (line.test.p > alpha or off <= SMALL_ERROR)
    return Check(
        name="calibration",
        holds=holds,
        sentence=f"on the latest labelled window calibration {'holds' if holds else 'does not hold'} "
        f"(slope {line.slope:.2f}, intercept {line.intercept:.2f}, p {line.test.p:.2g}, error {off:.3f})",
    )


def _near(domain: Domain | None) -> Check:
    if domain is None:
        return Check(name="domain", holds=False, sentence="the shift from the reference was not measured")
    holds = domain.high <= MAX_DOMAIN_AUC
    return Check(
        name="domain",
        holds=holds,
        sentence=f"a classifier tells these rows from the reference with AUC {domain.auc:.3f} "
        f"(up to {domain.high:.3f}), {'within' if holds else 'above'} {MAX_DOMAIN_AUC}",
    )


def _inside(then: Floats, now: Floats) -> Check:
    outside = math.nan
    if then.size and now.size:
        outside = float(np.mean((now < then.min()) | (now > then.max())))
    if math.isnan(outside):
        return Check(name="range", holds=False, sentence="there are no scores to compare")
    return Check(
        name="range",
        holds=outside <= MAX_OUTSIDE,
        sentence=f"{100 * outside:.3g} % of the scores lie outside the reference's, up to "
        f"{100 * MAX_OUTSIDE:g} % are allowed",
    )


def _average_precision(up: Floats, rows: npt.NDArray[np.intp]) -> float:
    """By falling distinct score: the sum of (gain in recall) * precision, rows counted as chances."""
    gain, found = up[::-1], np.cumsum(up[::-1])
    return _ratio(float((gain * found / np.cumsum(rows[::-1])).sum()), float(up.sum()))


def _log_loss(chance: Floats, score: Floats) -> float:
    """The mean over rows; nan where a score is no probability, or without rows."""
    if not score.size or score.min() < 0.0 or score.max() > 1.0:
        return math.nan
    kept = np.clip(score, LOG_LOSS_CLIP, 1.0 - LOG_LOSS_CLIP)
    # A product and its sum: `@` would wake a thread of the linear algebra library for each chunk of rows.
    return -float((chance * np.log(kept) + (1.0 - chance) * np.log1p(-kept)).sum()) / score.size


def _ratio(above: float, below: float) -> float:
    return above / below if below > 0.0 else math.nan
