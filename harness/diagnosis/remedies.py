"""What a remedy would give back and cost: production's own rows, judged as they would have been.

A remedy is a counterfactual of the same rows: other scores, another threshold, other labels. What it gives is
the difference of each metric to what production has now, paired: a row's influence then minus its influence
now, summed by unit, so what both share is in neither the difference nor its interval. Its cost is the review
queue; a limit on that is the guardrail. The counterfactuals are made in `harness.diagnosis.fixes`,
`harness.diagnosis.rethresholding` and `harness.diagnosis.retraining`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from harness.diagnosis._arrays import aligned, codes_of
from harness.diagnosis.counterfactuals import Impossible, measured
from harness.diagnosis.influence import NAMES
from harness.diagnosis.intervals import Interval, contrasts, covariance
from harness.diagnosis.ladder import direction
from harness.diagnosis.queues import judged, volume, worsened
from harness.errors import HarnessError

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy.typing as npt

    from harness.diagnosis.counterfactuals import Counterfactual, Kind
    from harness.diagnosis.queues import Guardrail, Limits, Volume

    Floats = npt.NDArray[np.float64]
    Mask = npt.NDArray[np.bool_]

#: fewer units than this cannot tell how far units differ
LEAST_UNITS = 2
NO_ROWS = "no row has a label and a score, now and then"
WHOLLY_NAN = Interval(
    value=math.nan, se=math.nan, lower=math.nan, upper=math.nan, lower_all=math.nan, upper_all=math.nan
)


@dataclass(frozen=True, kw_only=True)
class Remedy:
    """What a remedy gives and costs.

    `metrics` are the differences by metric, then minus now, each with its own 95 % interval and with that of
    all metrics at once; `before` and `after` the metric now and then. `empty` says why one is not there,
    `why_not` why nothing is. `queue` is the volume now and then, `guardrail` whether the limits hold then,
    with `guardrail_why`, `guardrail_now` whether they hold as it is; `worsens` where one is broken then, and
    by more than now. `labelled` and `units` are how many rows with labels, and units, it rests on.
    """

    key: str
    action: str
    kind: Kind
    metrics: dict[str, Interval] = field(default_factory=dict)
    before: dict[str, float] = field(default_factory=dict)
    after: dict[str, float] = field(default_factory=dict)
    empty: dict[str, str] = field(default_factory=dict)
    queue: tuple[Volume, Volume] | None = None
    guardrail: Guardrail = "unknown"
    guardrail_now: Guardrail = "unknown"
    worsens: bool = False
    guardrail_why: str = ""
    labelled: int = 0
    units: int = 0
    note: str = ""
    why_not: str = ""

    def given_back(self, metric: str) -> Interval:
        """The difference so turned that more is better; nan where it is not computed.

        Raises HarnessError for a metric of which neither direction is better.
        """
        better = direction(metric)
        if better == "neither":
            raise HarnessError("has no better direction", where=metric, expected=f"one of {_ORIENTED}")
        found = self.metrics.get(metric, WHOLLY_NAN)
        return found if better == "higher" else _turned(found)


_ORIENTED = ", ".join(name for name in NAMES if direction(name) != "neither")


def gains(
    now: Counterfactual,
    then: Counterfactual | Impossible,
    *,
    unit: npt.ArrayLike,
    day: npt.ArrayLike | None = None,
    limits: Limits | None = None,
) -> Remedy:
    """What `then` gives beside `now`, by metric, and what it does to the queue.

    Rows that have no score on one side are left out on both. `unit` (n,) tells which rows belong together,
    `day` (n,) on which day each is; any values. What does not change is
    exactly 0, with an interval of width 0.
    """
    if isinstance(then, Impossible):
        return Remedy(key=then.key, action=then.action, kind=then.kind, why_not=then.why_not)
    both = np.isfinite(now.score) & np.isfinite(then.score)
    aligned(now=now.score, then=then.score)
    codes = codes_of(unit, "units")
    aligned(scores=now.score, units=codes)
    sides = [measured(one, unit=codes, only=both) for one in (now, then)]
    if not all(side.labelled for side in sides):
        return Remedy(key=then.key, action=then.action, kind=then.kind, why_not=NO_ROWS)
    seen = sides[0].seen | sides[1].seen
    differences = intervals(sides[1].values - sides[0].values, sides[1].sums - sides[0].sums, seen=seen)
    empty = sides[0].empty | sides[1].empty
    days = None if day is None else codes_of(day, "days")[both]
    queue_now, queue_then = (volume(one.served()[both], days, limits=limits) for one in (now, then))
    guardrail, why = judged(queue_then, limits)
    before, after = (dict(zip(NAMES, side.values.tolist(), strict=True)) for side in sides)
    return Remedy(
        key=then.key,
        action=then.action,
        kind=then.kind,
        metrics={name: one for name, one in zip(NAMES, differences, strict=True) if name not in empty},
        before=before,
        after=after,
        empty=empty,
        queue=(queue_now, queue_then),
        guardrail=guardrail,
        guardrail_now=judged(queue_now, limits)[0],
        worsens=worsened(queue_now, queue_then, limits=limits),
        guardrail_why=why,
        labelled=sides[1].labelled,
        units=int(np.count_nonzero(seen)),
        note=then.note,
    )


def ranked(remedies: Iterable[Remedy], *, by: str) -> tuple[Remedy, ...]:
    """The remedies, what surely gives most of a metric first: by the lower bound of what it gives back.

    First those that surely give something and keep the guardrail, then those of which it is not known or that
    break it no more than it is broken now, then what may give nothing, then what worsens the guardrail, last
    what is not computed. Raises
    HarnessError for a metric of which neither direction is better.
    """

    def place(remedy: Remedy) -> tuple[int, float]:
        lower = remedy.given_back(by).lower
        if math.isnan(lower):
            return 4, 0.0
        if remedy.worsens:
            return 3, -lower
        if lower <= 0.0:
            return 2, -lower
        return (0 if remedy.guardrail == "kept" else 1), -lower

    return tuple(sorted(remedies, key=place))


def interaction(
    now: Counterfactual, alone: Iterable[Counterfactual], *, together: Counterfactual, unit: npt.ArrayLike
) -> dict[str, Interval]:
    """What all fixes give at once beyond the sum of what each gives alone, by metric; less is below 0.

    Undefined metrics are left out. One fix that is all fixes gives exactly 0.
    """
    codes = codes_of(unit, "units")
    each = list(alone)
    every = [now, together, *each]
    only = np.logical_and.reduce([np.isfinite(one.score) for one in every])
    sides = [measured(one, unit=codes, only=only) for one in every]
    weights = [len(each) - 1.0, 1.0, *([-1.0] * len(each))]
    values, sums = (
        np.asarray(sum(w * getattr(side, name) for w, side in zip(weights, sides, strict=True)))
        for name in ("values", "sums")
    )
    seen = np.logical_or.reduce([side.seen for side in sides])
    found = dict(zip(NAMES, intervals(values, sums, seen=seen), strict=True))
    return {name: one for name, one in found.items() if not any(name in side.empty for side in sides)}


def intervals(values: Floats, sums: Floats, *, seen: Mask) -> list[Interval]:
    """Estimates (k,) with their intervals from sums of influence (k, units), over the units seen alone.

    One that is nan is nan throughout. To check: .5 with sums 1 and -1 of two units has standard error 2.
    """
    kept = sums[:, seen]
    if kept.shape[1] < LEAST_UNITS:
        kept = np.where(kept == 0.0, 0.0, np.nan)
    none = np.zeros((2, 0), dtype=np.int64)
    # A metric that is undefined must not reach the others.
    there = np.flatnonzero(np.isfinite(values))
    parts = covariance(kept[there], np.zeros((there.size, 0)), shared=none)
    made = contrasts(values[there], parts, weights=np.eye(there.size), sizes=(kept.shape[1], 0))
    found = [WHOLLY_NAN] * len(values)
    for place, one in zip(there.tolist(), made, strict=True):
        found[place] = one
    return found


def _turned(one: Interval) -> Interval:
    # 0 minus, so that 0 stays 0 and is not -0.
    return Interval(
        value=0.0 - one.value,
        se=one.se,
        lower=0.0 - one.upper,
        upper=0.0 - one.lower,
        lower_all=0.0 - one.upper_all,
        upper_all=0.0 - one.lower_all,
    )
