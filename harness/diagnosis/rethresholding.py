"""Counterfactuals with another threshold: what reviewers can take, the holdout's precision, the best F1.

Each is chosen on one half of the units and judged on the other, both ways round, so that it does not flatter
itself.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from harness.diagnosis._arrays import aligned, codes_of
from harness.diagnosis.classifier import fold_of
from harness.diagnosis.counterfactuals import Counterfactual, Impossible
from harness.diagnosis.queues import BUSY
from harness.diagnosis.thresholds import capacity_threshold, costs, precision_recall

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    from harness.diagnosis.queues import Limits

    Floats = npt.NDArray[np.float64]
    Mask = npt.NDArray[np.bool_]
    Codes = npt.NDArray[np.int64]
    Made = Counterfactual | Impossible

HALVES = 2
#: a half of fewer units than this says nothing of the other
LEAST_UNITS = 10
Z95 = 1.959964
TO_CAPACITY, TO_PRECISION, TO_F1 = "threshold_for_capacity", "threshold_for_precision", "threshold_for_f1"
_ACTIONS = {
    TO_CAPACITY: "move the threshold to what the reviewers can take",
    TO_PRECISION: "move the threshold to the holdout's precision",
    TO_F1: "move the threshold to the best F1",
}


def rethresholded(
    now: Counterfactual,
    *,
    unit: npt.ArrayLike,
    day: npt.ArrayLike | None = None,
    limits: Limits | None = None,
    precision: float | None = None,
) -> tuple[Made, Made, Made]:
    """With the threshold that meets the limits a day, that reaches this precision, and of the best F1.

    Each is chosen on one half of the units and judged on the other, both ways; what would be served is chosen
    on all. For the limits a day all rows count, labelled or not; for the others those with a label.
    """
    codes = codes_of(unit, "units")
    aligned(scores=now.score, units=codes)
    half = fold_of(codes, HALVES)
    capacity = _capacity_chooser(now, day=day, limits=limits)
    choosers: dict[str, Callable[[Mask], float] | str] = {
        TO_CAPACITY: capacity,
        TO_PRECISION: "the precision of the holdout is not known"
        if precision is None or math.isnan(precision)
        else lambda mine: _for_precision(now, mine, least=precision),
        TO_F1: lambda mine: _for_f1(now, mine),
    }
    one, two, three = (_chosen(now, key, half=half, choose=choose) for key, choose in choosers.items())
    return one, two, three


@dataclass(frozen=True, kw_only=True)
class Saving:
    """What a request costs less at the cheapest threshold, with its 95 % interval; nan of few units."""

    value: float
    low: float
    high: float


def saving(now: Counterfactual, *, unit: npt.ArrayLike, false_alarm: float, miss: float) -> Saving:
    """The saving of the threshold that costs least, chosen on one half of the units and judged on the other.

    Rows without a label are left out; the error is by unit. To check: where the one served is the cheapest
    on both halves it is 0.
    """
    known = now.known()
    truth, score = now.labels()[known], now.ranking()[known]
    _, codes = np.unique(codes_of(unit, "units")[known], return_inverse=True)
    half = fold_of(codes.astype(np.int64), HALVES)
    if codes.max(initial=0) < HALVES * LEAST_UNITS or min(np.bincount(half, minlength=HALVES)) == 0:
        return Saving(value=math.nan, low=math.nan, high=math.nan)
    cut = np.empty(score.size)
    for one in range(HALVES):
        mine = half != one
        found = costs(truth[mine], score[mine], threshold=0.5, false_alarm=false_alarm, miss=miss)
        cut[~mine] = found.best_threshold

    def cost(flagged: Mask) -> Floats:
        each: Floats = np.where(flagged, false_alarm * (truth == 0.0), miss * (truth == 1.0))
        return each

    less = cost(now.flagged()[known]) - cost(score >= cut)
    value, many = float(less.mean()), int(codes.max()) + 1
    sums = np.bincount(codes, less - value)
    se = math.sqrt(float(np.square(sums).sum()) * many / (many - 1)) / less.size
    return Saving(value=value, low=value - Z95 * se, high=value + Z95 * se)


def _chosen(now: Counterfactual, key: str, *, half: Codes, choose: Callable[[Mask], float] | str) -> Made:
    """The threshold that each half chooses for the other, and the one that both choose together."""
    if isinstance(choose, str):
        return Impossible(key=key, action=_ACTIONS[key], why_not=choose)
    there = np.isfinite(now.ranking())
    cuts = [choose(there & (half != one)) for one in range(HALVES)]
    deployed = choose(there)
    if any(math.isnan(cut) for cut in (*cuts, deployed)):
        return Impossible(key=key, action=_ACTIONS[key], why_not=_NO_CUT[key])
    return replace(
        now,
        key=key,
        action=_ACTIONS[key],
        threshold=np.array(cuts)[half],
        deployed=deployed,
        note=f"threshold {deployed:.6g}",
    )


_NO_CUT = {
    TO_CAPACITY: "too few rows to choose a threshold on one half of the units",
    TO_PRECISION: "no threshold reaches the holdout's precision, or too few labels to tell",
    TO_F1: "too few positive labels to choose a threshold on one half of the units",
}


def threshold_within(score: Floats, day: npt.ArrayLike, *, limits: Limits) -> float:
    """The least of these scores from which on all limits hold; nan without limits, inf where none does."""
    now = Counterfactual(key=TO_CAPACITY, action=_ACTIONS[TO_CAPACITY], score=score, threshold=math.inf)
    choose = _capacity_chooser(now, day=day, limits=limits)
    return math.nan if isinstance(choose, str) else choose(np.isfinite(score))


def _capacity_chooser(
    now: Counterfactual, *, day: npt.ArrayLike | None, limits: Limits | None
) -> Callable[[Mask], float] | str:
    """Chooses the least threshold within all limits; the limits of some of the rows are as much smaller."""
    if limits is None or (limits.per_day, limits.busy_day, limits.positive_rate) == (None, None, None):
        return "the reviewers' capacity is not known"
    if day is None and limits.positive_rate is None:
        return "the days of the rows are not known"
    every = np.isfinite(now.ranking())
    days = np.zeros(every.size, dtype=np.int64) if day is None else codes_of(day, "days")
    aligned(scores=now.score, days=days)

    def choose(mine: Mask) -> float:
        if not mine.any():
            return math.nan
        score, dates = now.ranking()[mine], days[mine]
        share = limits.sampled * mine.sum() / every.sum()
        cuts = []
        if limits.per_day is not None and day is not None:
            cuts.append(capacity_threshold(score, dates, per_day=limits.per_day * share))
        if limits.busy_day is not None and day is not None:
            cuts.append(capacity_threshold(score, dates, per_day=limits.busy_day * share, share_of_days=BUSY))
        if limits.positive_rate is not None:
            most = limits.positive_rate * score.size
            cuts.append(capacity_threshold(score, np.zeros(score.size), per_day=most))
        return max(cuts)

    return choose


def _for_precision(now: Counterfactual, mine: Mask, *, least: float) -> float:
    """The least threshold from which on the rows flagged are so often positive; NaN where none is."""
    curve = _curve(now, mine)
    return math.nan if curve is None else _least_where(curve[0], curve[1] >= least)


def _for_f1(now: Counterfactual, mine: Mask) -> float:
    curve = _curve(now, mine)
    if curve is None:
        return math.nan
    cuts, precision, recall = curve
    with np.errstate(invalid="ignore"):
        f1 = np.nan_to_num(2.0 * precision * recall / (precision + recall))
    return float(cuts[np.argmax(f1)])


def _curve(now: Counterfactual, mine: Mask) -> tuple[Floats, Floats, Floats] | None:
    """Thresholds, precision and recall on some rows, every threshold of them; None without a positive."""
    used = mine & now.known()
    truth, score = now.labels()[used], now.ranking()[used]
    if not truth.any():
        return None
    found = precision_recall(truth, score, threshold=0.5, points=score.size)
    return found.thresholds, found.precision, found.recall


def _least_where(cuts: Floats, allowed: Mask) -> float:
    return float(cuts[allowed].min()) if allowed.any() else math.nan
