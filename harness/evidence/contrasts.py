"""Challenger against champion on matured labels, beside the test: each metric's difference, and by segment.

A read-out with intervals of one look, by unit; never a gate. The metrics' influence functions are those of
`diagnosis.influence`; the variance of a difference is the sum over units of its squared influence.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np
from msgspec import UNSET

from harness.diagnosis.influence import NAMES, grid, table, unit_influence
from harness.evidence.harms import harm, undefined, unfit
from harness.records import Estimate, SegmentRow
from harness.stats import mean_influence, unit_sums
from harness.weighting import alike

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from harness.evidence.cohort import Arms, Cohort
    from harness.evidence.outcomes import Plan

LEVEL = 0.95
#: the normal quantile of two-sided 95 %
_NORMAL = 1.959964
#: levels of a segment that are told, those with most requests, and units without which none is
LEVELS, FEWEST_UNITS = 6, 30
_METHOD = "influence by unit, normal, if looked at once"


def differences(
    cohort: Cohort, arms: Arms, *, used: NDArray[np.bool_], threshold: float
) -> dict[str, Estimate]:
    """Challenger minus champion by metric, with its 95 % interval; a metric that is undefined is left out.

    None on fewer units than an interval that is normal can be asked for.
    """
    label, weight = cohort.label[used], cohort.weight[used]
    if not label.size or not np.isin(label, (0.0, 1.0)).all():
        return {}
    names, unit = np.unique(cohort.unit[used], return_inverse=True)
    if len(names) < FEWEST_UNITS:
        return {}
    found = []
    for arm in (arms.champion, arms.challenger):
        scores = grid(cohort.scores[arm][used])
        made = table(scores, label, weight=weight, threshold=threshold)
        moved = unit_influence(made, scores, label=label, weight=weight, unit=unit, size=len(names))
        found.append((made.values, moved))
    (before, less), (after, more) = found
    spread = np.square(more - less).sum(axis=1) * len(names) / (len(names) - 1)
    value, error = after - before, np.sqrt(spread)
    return {
        name: _estimate(name, float(value[row]), error=float(error[row]), n=len(label))
        for row, name in enumerate(NAMES)
        if np.isfinite(value[row]) and np.isfinite(error[row])
    }


def by_segment(cohort: Cohort, arms: Arms, *, plan: Plan, used: NDArray[np.bool_]) -> tuple[SegmentRow, ...]:
    """The harm that is tested on each of the largest levels of each segment that has units enough."""
    return tuple(
        row
        for segment, values in (cohort.segments or {}).items()
        for row in _levels(cohort, arms, plan=plan, used=used, named=(segment, values))
    )


def _levels(
    cohort: Cohort,
    arms: Arms,
    *,
    plan: Plan,
    used: NDArray[np.bool_],
    named: tuple[str, NDArray[np.object_]],
) -> Iterator[SegmentRow]:
    segment, values = named
    uneven, whole = not alike(cohort.weight[used]), float(cohort.weight[used].sum())
    counted = Counter(value for value in values[used].tolist() if value is not None)
    for level, _ in counted.most_common(LEVELS):
        rows = used & (values == level)
        units = len(np.unique(cohort.unit[rows]))
        if units >= FEWEST_UNITS and (found := _harm(cohort, arms, plan=plan, rows=rows)) is not None:
            share = float(cohort.weight[rows].sum()) / whole if uneven else UNSET
            yield SegmentRow(
                segment=segment, level=str(level), requests=found.n, units=units, share=share, harm=found
            )


def _harm(cohort: Cohort, arms: Arms, *, plan: Plan, rows: NDArray[np.bool_]) -> Estimate | None:
    """The mean harm of some requests with its interval; None where the metric has no value on them."""
    label, weight, unit = cohort.label[rows], cohort.weight[rows], cohort.unit[rows]
    champion, challenger = (cohort.scores[arm][rows] for arm in (arms.champion, arms.challenger))
    if undefined(plan, np.stack([champion, challenger])) or unfit(plan, label, weight=weight):
        return None
    worse = harm(plan, label, champion=champion, challenger=challenger, weight=weight)
    totals = unit_sums(worse * weight, unit)
    each = mean_influence(totals.sums, unit_sums(weight, unit).sums)
    error = float(each.std(ddof=1) / np.sqrt(len(each)))
    return _estimate(plan.outcome.harm, float(each.mean()), error=error, n=len(label))


def _estimate(name: str, value: float, *, error: float, n: int) -> Estimate:
    return Estimate(
        name=name,
        value=value,
        n=n,
        lower=value - _NORMAL * error,
        upper=value + _NORMAL * error,
        level=LEVEL,
        unit="difference",
        method=_METHOD,
    )
