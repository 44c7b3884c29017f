"""The gap between the reported holdout and the dashboard, cut into steps that add up to it exactly.

A step is the metric on one rung minus the metric on the next, so for ROC-AUC a positive step is what was
lost there, and for log loss a negative one. What each step means, and what it assumes, is in
docs/diagnosis.md.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from harness.diagnosis.influence import NAMES
from harness.diagnosis.intervals import Interval, contrasts, covariance, units
from harness.diagnosis.rows import unit_codes
from harness.diagnosis.rungs import CONCEPT, SEEN, UNSEEN, Rung, all_rungs
from harness.diagnosis.samples import LEAKS, REPEATED, UNTIMELY
from harness.metrics import METRICS

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

    from harness.diagnosis.intervals import Units
    from harness.diagnosis.rows import Holdout, Production, Thresholds
    from harness.metrics import Better

    Floats = npt.NDArray[np.float64]

#: which later rungs hold the change of a rung whose columns are missing: unmeasured leakage shows where the
#: rows become production's, a score or label in between where the last one comes in
HELD_BY = {
    REPEATED: (CONCEPT, UNSEEN),
    UNTIMELY: (CONCEPT, UNSEEN),
    LEAKS: (CONCEPT, UNSEEN),
    SEEN: (UNSEEN,),
    CONCEPT: (UNSEEN,),
    "served_features": ("served_scores",),
    "label_definition": ("label_maturity",),
}


@dataclass(frozen=True, kw_only=True)
class Part:
    """One step of one metric: `value` is before minus after, None where it is not computed, and `why_not`.

    `includes` are steps before it that were not computed, whose change is in this part.
    """

    step: str
    value: Interval | None = None
    includes: tuple[str, ...] = ()
    why_not: str = ""


@dataclass(frozen=True, kw_only=True)
class MetricLadder:
    """One metric from its first computed rung to its last: `gap` is the difference, the parts add up to it.

    `rungs` are the computed rungs with their values, top first. Without two of them there is no gap, and
    `why_not` says so. `outside` are the steps that no part includes: in these the last rung is not yet
    production, so the gap is short of the whole.
    """

    metric: str
    rungs: tuple[tuple[str, float], ...]
    parts: tuple[Part, ...]
    gap: Interval | None
    outside: tuple[str, ...] = ()
    why_not: str = ""

    def deviation(self) -> float:
        """How far the sum of the parts is from the gap; rounding only."""
        if self.gap is None:
            return 0.0
        return abs(math.fsum(part.value.value for part in self.parts if part.value) - self.gap.value)

    def ranked(self) -> tuple[Part, ...]:
        """The computed parts, the one that did most harm first; where no direction is better, the largest."""
        computed = [part for part in self.parts if part.value is not None]
        return tuple(sorted(computed, key=lambda part: -harm(self.metric, part)))


@dataclass(frozen=True, kw_only=True)
class Ladder:
    """All metrics side by side, by name, on the same rungs."""

    metrics: dict[str, MetricLadder]

    def adds_up(self) -> float:
        """The largest deviation of the sum of the parts from the gap over all metrics."""
        return max(metric.deviation() for metric in self.metrics.values())


def climb(holdout: Holdout | None, production: Production, *, thresholds: Thresholds) -> Ladder:
    """The gap in steps, for all eight metrics, with intervals by unit, alone and over all steps at once.

    What cannot be computed says why not; what can be is computed. Raises HarnessError for columns of
    different lengths and labels that are not binary (when the rows are made).
    """
    clusters = clusters_of(holdout, production)
    rungs = all_rungs(holdout, production, thresholds=thresholds, units=clusters)
    return Ladder(metrics={name: _metric(name, rungs, clusters=clusters) for name in NAMES})


def clusters_of(holdout: Holdout | None, production: Production) -> Units:
    """The units of both populations; rows that are units of their own are shared with nobody."""
    here = unit_codes(production.unit, production.time_ns, size=production.offline_score.size)
    if holdout is None:
        return units(here[:0], here)
    there = unit_codes(holdout.unit, holdout.time_ns, size=holdout.score.size)
    if holdout.unit is None or production.unit is None:
        # Days and row numbers of the one are not those of the other; below 0 no code of ours is taken.
        there = -1 - (there - there.min(initial=0)) + min(int(here.min(initial=0)), 0)
    return units(there, here)


def harm(metric: str, part: Part) -> float:
    """How much a computed part made the metric worse; its size where no direction is better."""
    value = 0.0 if part.value is None else part.value.value
    return {"higher": value, "lower": -value, "neither": abs(value)}[direction(metric)]


def direction(metric: str) -> Better:
    """Which direction of a metric is better."""
    return METRICS[metric].better if metric in METRICS else "higher"  # of F1, which is not in that table


def _metric(name: str, rungs: tuple[Rung, ...], *, clusters: Units) -> MetricLadder:
    row = NAMES.index(name)
    there = [rung for rung in rungs if not rung.why_not and np.isfinite(rung.values[row])]
    found: list[Interval] = []
    if len(there) > 1:
        found = _intervals(there, row=row, clusters=clusters)
    parts, outside = _parts(name, rungs, found=iter(found[:-1]))
    return MetricLadder(
        metric=name,
        rungs=tuple((rung.key, float(rung.values[row])) for rung in there),
        parts=parts,
        gap=found[-1] if found else None,
        outside=outside,
        why_not="" if found else _why_no_gap(name, rungs),
    )


def _intervals(rungs: list[Rung], *, row: int, clusters: Units) -> list[Interval]:
    """The interval of each step and, last, of the gap."""
    sums = []
    for size, side in zip(clusters.sizes, ("holdout", "production"), strict=True):
        each = [getattr(rung, side) for rung in rungs]
        # A single unit cannot tell how far units differ.
        unsure = np.nan if size == 1 else 0.0
        sums.append(np.stack([np.zeros(size) if one is None else one[row] + unsure for one in each]))
    parts = covariance(*sums, shared=clusters.shared)
    values = np.array([rung.values[row] for rung in rungs])
    step = np.eye(len(rungs))[:-1] - np.eye(len(rungs))[1:]
    gap = contrasts(values, parts, weights=step.sum(axis=0, keepdims=True), sizes=clusters.sizes)
    return [*contrasts(values, parts, weights=step, sizes=clusters.sizes), *gap]


def _parts(
    name: str, rungs: tuple[Rung, ...], *, found: Iterator[Interval]
) -> tuple[tuple[Part, ...], tuple[str, ...]]:
    """A part for each rung but the first that is there, where the ladder begins; and the steps in no part.

    A rung on which the metric is undefined has made its change, so the next part includes it. A rung whose
    columns are missing has not: only a rung that puts another column in the same place includes it.
    """
    parts: list[Part] = []
    missing: list[str] = []
    made: list[str] = []
    begun = False
    for rung in rungs:
        held = [key for key in missing if rung.key in HELD_BY.get(key, ()) and not rung.why_not]
        missing = [key for key in missing if key not in held]
        if rung.why_not:
            missing.append(rung.key)
            parts.append(Part(step=rung.key, why_not=rung.why_not))
        elif name in rung.empty:
            made += [*held, rung.key]
            parts.append(Part(step=rung.key, why_not=rung.empty[name]))
        else:
            if begun:
                parts.append(Part(step=rung.key, value=next(found), includes=(*made, *held)))
            begun, made = True, []
    return tuple(parts), (*missing, *made)


def _why_no_gap(name: str, rungs: tuple[Rung, ...]) -> str:
    reasons = dict.fromkeys(why for rung in rungs if (why := rung.why_not or rung.empty.get(name, "")))
    return "; ".join(reasons) or "there is one rung only"
