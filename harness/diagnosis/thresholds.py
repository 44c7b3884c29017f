"""What a threshold does: precision against recall, cost, the reviewers' day, and why fewer rows are flagged.

A row is flagged when score >= threshold, as everywhere. Thresholds that are found are scores of the data, so
they can be served as they are.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import ndtri

from harness.diagnosis._arrays import aligned, codes_of, finite, outcomes
from harness.errors import HarnessError
from harness.metrics import pr_auc, precision, predicted_positive_rate, recall

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from harness.diagnosis._arrays import Codes, Floats

#: a curve is drawn through at most this many points
POINTS = 200


@dataclass(frozen=True, kw_only=True)
class Operating:
    """One point: the threshold with precision, recall and the share flagged; nan where undefined."""

    threshold: float
    precision: float
    recall: float
    flagged: float


@dataclass(frozen=True, kw_only=True)
class PrecisionRecall:
    """Points by falling threshold, `average_precision` of the whole curve, and the `serving` point."""

    thresholds: Floats
    precision: Floats
    recall: Floats
    average_precision: float
    serving: Operating


@dataclass(frozen=True, kw_only=True)
class Costs:
    """Cost a row by falling threshold (inf: none is flagged), the cheapest threshold, and the serving one."""

    thresholds: Floats
    cost: Floats
    best_threshold: float
    best_cost: float
    serving_cost: float


@dataclass(frozen=True, kw_only=True)
class Queue:
    """What reviewers get at a threshold: rows a day on average with the busiest day, and days above capacity.

    `expected` is by segment, rows a day. `precision` is of the labelled rows, nan without.
    """

    threshold: float
    a_day: float
    busiest: int
    days_over: int
    days: int
    expected: dict[str, float]
    precision: float
    recall: float


@dataclass(frozen=True, kw_only=True)
class Column:
    """One step of how a share came about: scores with the threshold that decides them.

    Consecutive columns with the same `rows` are the same rows in the same order, so their difference is
    paired; others are two samples.
    """

    name: str
    scores: npt.ArrayLike
    threshold: float
    rows: str
    units: npt.ArrayLike | None = None


@dataclass(frozen=True, kw_only=True)
class SharePart:
    """What one step did to the share flagged: share after minus share before, and its 95 % interval."""

    name: str
    change: float
    low: float
    high: float


def precision_recall(
    labels: npt.ArrayLike, scores: npt.ArrayLike, *, threshold: float, points: int = POINTS
) -> PrecisionRecall:
    """The curve at every distinct score, thinned evenly in recall, with the point that is served.

    To check: labels 0 0 1 1, scores .1 .4 .35 .8: thresholds .8 .4 .35 .1, precision 1 1/2 2/3 1/2.
    """
    truth, score = outcomes(labels), finite(scores, "scores")
    aligned(labels=truth, scores=score)
    cuts, found, flagged = _cumulative(truth, score)
    with np.errstate(invalid="ignore"):
        shares, hits = found / flagged, found / (truth.sum() or math.nan)
    keep = _thinned(flagged, points=points)
    return PrecisionRecall(
        thresholds=cuts[keep],
        precision=shares[keep],
        recall=hits[keep],
        average_precision=pr_auc(truth, score) if truth.any() else math.nan,
        serving=operating(truth, score, threshold=threshold),
    )


def operating(labels: npt.ArrayLike, scores: npt.ArrayLike, *, threshold: float) -> Operating:
    """Precision, recall and share flagged at one threshold."""
    return Operating(
        threshold=threshold,
        precision=precision(labels, scores, threshold=threshold),
        recall=recall(labels, scores, threshold=threshold),
        flagged=predicted_positive_rate(scores, threshold=threshold),
    )


def costs(
    labels: npt.ArrayLike,
    scores: npt.ArrayLike,
    *,
    threshold: float,
    false_alarm: float,
    miss: float,
) -> Costs:
    """The mean cost a row at each threshold, where a false alarm and a miss cost so much, and the cheapest.

    With calibrated scores the cheapest threshold is false_alarm / (false_alarm + miss) (Elkan, IJCAI 2001).
    Raises HarnessError for costs below 0 or no rows. To check: labels 0 0 1 1, scores .1 .4 .35 .8, costs 1
    and 1: .25 at .35 and at .8.
    """
    truth, score = outcomes(labels), finite(scores, "scores")
    aligned(labels=truth, scores=score)
    if not score.size or min(false_alarm, miss) < 0.0:
        raise HarnessError(
            "has no cost",
            where="costs",
            found=(score.size, false_alarm, miss),
            expected="rows, and costs >= 0",
        )
    cuts, found, flagged = _cumulative(truth, score)
    cuts, found, flagged = (
        np.concatenate([[start], one]) for start, one in ((np.inf, cuts), (0, found), (0, flagged))
    )
    cost = (false_alarm * (flagged - found) + miss * (truth.sum() - found)) / score.size
    best = int(np.argmin(cost))
    at = int(np.searchsorted(-cuts, -threshold, side="right")) - 1
    return Costs(
        thresholds=cuts,
        cost=cost,
        best_threshold=float(cuts[best]),
        best_cost=float(cost[best]),
        serving_cost=float(cost[at]),
    )


def capacity_threshold(
    scores: npt.ArrayLike, days: npt.ArrayLike, *, per_day: float, share_of_days: float | None = None
) -> float:
    """The least threshold at which reviewers, who take `per_day` rows, are not sent more.

    On average over the days, or, with `share_of_days`, on at least that share of them. inf where even the
    highest score comes too often. `days` are the rows' days, any values; a day without rows is not seen.
    To check: scores .9 .8 .7 .6 on one day, capacity 2: .8.
    """
    score, day = finite(scores, "scores"), codes_of(days, "days")
    aligned(scores=score, days=day)
    if not score.size:
        raise HarnessError("has no rows", where="scores", expected="scores of at least one day")
    many = int(day.max()) + 1
    if share_of_days is None:
        return _least_cut(score, at_most=math.floor(per_day * many + 1e-9))
    cuts = np.array([_least_cut(score[day == one], at_most=math.floor(per_day)) for one in range(many)])
    # Each day is within capacity from its own cut on; enough of them must be.
    needed = math.ceil(share_of_days * many - 1e-9)
    return float(np.sort(cuts)[max(needed, 1) - 1])


def queue(
    scores: npt.ArrayLike,
    days: npt.ArrayLike,
    *,
    threshold: float,
    per_day: float,
    segments: npt.ArrayLike | None = None,
    labels: npt.ArrayLike | None = None,
) -> Queue:
    """The review queue at a threshold, by day and by segment; `labels` may hold NaN where not known."""
    score, day = finite(scores, "scores"), codes_of(days, "days")
    aligned(scores=score, days=day)
    flagged = score >= threshold
    many = int(day.max(initial=-1)) + 1
    by_day = np.bincount(day[flagged], minlength=many)
    expected: dict[str, float] = {}
    if segments is not None and many:
        names = np.asarray(segments, object).astype(str)
        expected = {str(n): np.count_nonzero(flagged & (names == n)) / many for n in np.unique(names)}
    truth = np.full(score.size, np.nan) if labels is None else np.asarray(labels, np.float64)
    known = ~np.isnan(truth)
    return Queue(
        threshold=threshold,
        a_day=float(by_day.mean()) if many else math.nan,
        busiest=int(by_day.max(initial=0)),
        days_over=int(np.count_nonzero(by_day > per_day)),
        days=many,
        expected=expected,
        precision=precision(truth[known], score[known], threshold=threshold),
        recall=recall(truth[known], score[known], threshold=threshold),
    )


def share_parts(columns: Sequence[Column], *, level: float = 0.95) -> tuple[SharePart, ...]:
    """Why the share flagged went from the first column's to the last's, step by step; parts add up exactly.

    Steps on the same rows are paired, others compare two samples; errors count units. Usual columns: the
    holdout's offline scores, production's offline scores, the same from served features, served scores,
    and those at the serving threshold.
    """
    z = float(ndtri(0.5 + level / 2))
    found = []
    for before, after in pairwise(columns):
        one, other = _flagged(before), _flagged(after)
        if not one.size or not other.size:
            raise HarnessError("has no rows", where=after.name if one.size else before.name)
        change = float(other.mean() - one.mean())
        if before.rows == after.rows:
            aligned(**{before.name: one, after.name: other})
            variance = _variance(other - one, _units(after, other.size))
        else:
            variance = _variance(one, _units(before, one.size)) + _variance(other, _units(after, other.size))
        half = z * math.sqrt(variance)
        found.append(SharePart(name=after.name, change=change, low=change - half, high=change + half))
    return tuple(found)


def _cumulative(truth: Floats, score: Floats) -> tuple[Floats, Floats, Floats]:
    """Distinct scores, falling; at each the positives and the rows at or above it."""
    cuts, place = np.unique(-score, return_inverse=True)
    rows = np.bincount(place, minlength=cuts.size).astype(np.float64)
    positives = np.bincount(place, truth, minlength=cuts.size)
    return -cuts, np.cumsum(positives), np.cumsum(rows)


def _thinned(flagged: Floats, *, points: int) -> Codes:
    if flagged.size <= points:
        return np.arange(flagged.size)
    at = np.linspace(flagged[0], flagged[-1], points)
    return np.unique(np.searchsorted(flagged, at))


def _least_cut(score: Floats, *, at_most: int) -> float:
    """The least of these scores that at most so many reach; inf where there is none."""
    cuts, place = np.unique(-score, return_inverse=True)
    allowed = np.flatnonzero(np.cumsum(np.bincount(place, minlength=cuts.size)) <= at_most)
    return float(-cuts[allowed[-1]]) if allowed.size else math.inf


def _flagged(column: Column) -> Floats:
    return (finite(column.scores, column.name) >= column.threshold).astype(np.float64)


def _units(column: Column, rows: int) -> Codes:
    return np.arange(rows) if column.units is None else codes_of(column.units, f"units of {column.name}")


def _variance(values: Floats, units: Codes) -> float:
    aligned(scores=values, units=units)
    sums = np.bincount(units, values - values.mean())
    many = sums.size
    if many < 2:
        return math.nan  # one unit cannot tell how far units differ
    return float(np.square(sums).sum()) * many / (many - 1) / values.size**2
