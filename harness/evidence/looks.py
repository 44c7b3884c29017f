"""Challenger against champion on labels that mature: one test an outcome, looked at again and again.

Each look is what could have been said on its day, from the labels as they were known then: a request enters
once its window has closed and its label is known, whichever comes later, and too many matured requests that
lack a label, or an answer of either arm, refuse the look. So a look does not change when later labels or
revisions come, and a ruling once reached stays.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from harness.evidence import harms
from harness.evidence.cohort import DAY_NS, stamp
from harness.evidence.processes import Goal, Sample
from harness.records import Look
from harness.weighting import alike, even

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from numpy.typing import NDArray

    from harness.evidence.cohort import Arms, Cohort
    from harness.evidence.outcomes import Plan
    from harness.evidence.processes import Bounds
    from harness.records import Ruling


def looks(cohort: Cohort, arms: Arms, *, plan: Plan, as_of_ns: int) -> Iterator[Look]:
    """One look for each UTC day on which a request entered, the last one cut at `as_of`.

    Two processes run side by side, each latched: FAIL once the harm is shown to be above 0 (at the level of
    NO-GO), PASS once it is shown to be below the goal (at the level of GO). FAIL wins over an earlier PASS.
    """
    used = compared(cohort, arms, delay_days=plan.delay_days, as_of_ns=as_of_ns)
    outside = harms.undefined(plan, _scores(cohort, arms, rows=used))
    if outside:
        yield _undefined(plan, outside=outside, n=int(used.sum()), as_of_ns=as_of_ns)
        return
    rows = cohort.eligible() & cohort.answered(arms)
    entries = cohort.entries_ns(rows, plan.delay_days)
    days = _day_ends(entries[entries <= as_of_ns], as_of_ns)
    if plan.outcome.how.whole_days:
        days = [day for day in days if day % DAY_NS == 0]
    weighing = _weighing(cohort, plan)
    yield from taken(plan, [_sample(cohort, arms, plan=plan, day_end=day, weighing=weighing) for day in days])


def taken(plan: Plan, samples: Sequence[Sample]) -> Iterator[Look]:
    """The looks of an outcome's test at these samples, one after the other, each latched."""
    goal = Goal(below=plan.goal, go=plan.levels.go, nogo=plan.levels.nogo)
    found = plan.outcome.how.looks(samples, goal)
    # A test that has ended takes no further look, so there may be fewer looks than samples.
    yield from _latched(
        _look(plan, sample, bounds=bounds) for sample, bounds in zip(samples, found, strict=False)
    )


def remembered(fresh: Sequence[Look], written: Sequence[Look]) -> tuple[Look, ...]:
    """The looks of now among those taken before: all of them in order of time, and no ruling is taken back.

    Of a time that was looked at before, the numbers are those of now (a label may have been handed in late);
    the ruling that was written then stays.
    """
    merged = sorted([*written, *fresh], key=lambda look: look.as_of)
    return tuple({(look.test, look.as_of): look for look in _latched(merged)}.values())


def changed(fresh: Sequence[Look], written: Sequence[Look]) -> int:
    """Times that were looked at before and would show other numbers now."""
    now = {(look.test, look.as_of): _numbers(look) for look in fresh}
    then = [((look.test, look.as_of), _numbers(look)) for look in written]
    return len({key for key, numbers in then if key in now and numbers != now[key]})


def compared(cohort: Cohort, arms: Arms, *, delay_days: float, as_of_ns: int) -> NDArray[np.bool_]:
    """Requests whose matured label compares the arms at `as_of`: both scored them."""
    return cohort.eligible() & cohort.answered(arms) & (cohort.entry_ns(delay_days) <= as_of_ns)


def clipped(cohort: Cohort, arms: Arms, *, plan: Plan, used: NDArray[np.bool_]) -> int:
    """Requests whose score is clipped before its loss is taken, in one arm or both."""
    return harms.clipped(plan, _scores(cohort, arms, rows=used))


def _scores(cohort: Cohort, arms: Arms, *, rows: NDArray[np.bool_]) -> NDArray[np.float64]:
    return np.stack([cohort.scores[arm][rows] for arm in (arms.champion, arms.challenger)])


def _numbers(look: Look) -> Look:
    return msgspec.structs.replace(look, ruling="UNDECIDED")


def _latched(found: Iterable[Look]) -> Iterator[Look]:
    """The same looks, each with the ruling reached by then: FAIL wins over PASS, PASS over UNDECIDED."""
    reached: set[Ruling] = set()
    for look in found:
        reached.add(look.ruling)
        ruling: Ruling = "FAIL" if "FAIL" in reached else "PASS" if "PASS" in reached else "UNDECIDED"
        yield msgspec.structs.replace(look, ruling=ruling)


def _day_ends(entry_ns: NDArray[np.int64], as_of_ns: int) -> list[int]:
    """The end of each UTC day on which something entered, the last cut at `as_of`; midnight ends a day."""
    return [min(int(day) * DAY_NS, as_of_ns) for day in np.unique(-(-entry_ns // DAY_NS))]


@dataclass(frozen=True)
class _Weighing:
    """The largest weight of any request that may come to be compared (None: all weigh alike); why not.

    `seen` says that it is only the largest seen.
    """

    most: float | None = None
    refused: str = ""
    seen: bool = False


def _weighing(cohort: Cohort, plan: Plan) -> _Weighing:
    """How the outcome's test is to weigh units, known before any label; or why it cannot."""
    rows = cohort.eligible()
    weight = cohort.weight[rows]
    seen = cohort.most is None and not alike(cohort.weight)
    if even(weight, cohort.most) and not seen:
        return _Weighing()
    # what was not exposed, or before the scope, still shows how heavy requests may be
    most = float(cohort.weight.max()) if cohort.most is None else cohort.most
    _, first, code = np.unique(cohort.unit[rows], return_index=True, return_inverse=True)
    mixed = len(np.unique(code[weight != weight[first][code]]))
    if mixed and plan.outcome.how.unit_once:
        return _Weighing(
            most,
            f"{mixed:,} of {len(first):,} units have requests of unequal weight, and this test counts a unit "
            'once: sample by unit, or take test = { kind = "asymptotic" }',
            seen,
        )
    return _Weighing(most, seen=seen)


def _sample(cohort: Cohort, arms: Arms, *, plan: Plan, day_end: int, weighing: _Weighing) -> Sample:
    """What may be compared at the end of a day, by the labels as they were known then."""
    label, ripe = cohort.label_on(day_end), cohort.eligible() & (cohort.ripe_ns(plan.delay_days) <= day_end)
    seen = ripe & cohort.answered(arms) & ~np.isnan(label)
    matured = int(np.count_nonzero(ripe))
    absent = matured - int(np.count_nonzero(seen))
    weight = cohort.weight[seen]
    unfit = harms.unfit(plan, label[seen], weight=weight)
    harm = np.zeros(int(np.count_nonzero(seen)))
    if not unfit:
        champion, challenger = _scores(cohort, arms, rows=seen)
        harm = harms.harm(plan, label[seen], champion=champion, challenger=challenger, weight=weight)
    return Sample(
        at_ns=day_end,
        harm=harm,
        weight=weight,
        unit=cohort.unit[seen],
        most=weighing.most,
        only_seen=weighing.seen,
        refused=weighing.refused
        or unfit
        or _absent(absent, matured, allowed=plan.max_missing_share)
        or _absent_traffic(weight, cohort.weight[ripe], allowed=plan.max_missing_share),
        undefined=bool(unfit),
    )


def _look(plan: Plan, sample: Sample, *, bounds: Bounds) -> Look:
    return Look(
        as_of=stamp(sample.at_ns),
        test=plan.title,
        n=bounds.rows,
        units=bounds.units,
        estimate=None if sample.undefined else _finite(bounds.estimate),
        lower=_finite(bounds.lower),
        upper=_finite(bounds.upper),
        log_e=_finite(bounds.log_e),
        ruling=bounds.ruling(plan.goal),
        refused=bounds.refused,
        final=bounds.final,
    )


def _absent(absent: int, total: int, *, allowed: float) -> str:
    """Why too many ripe requests cannot be compared on this day, or nothing."""
    if absent <= allowed * total:
        return ""
    return (
        f"{absent:,} of {total:,} matured requests have no label yet or no answer of both arms, "
        f"at most {allowed:.0%} may"
    )


def _absent_traffic(seen: NDArray[np.float64], ripe: NDArray[np.float64], *, allowed: float) -> str:
    """The same by what requests stand for: few that are missing may be much of the traffic."""
    share = 0.0 if alike(ripe) else 1.0 - float(seen.sum() / ripe.sum())
    if share <= allowed:
        return ""
    return (
        f"matured requests that have no label yet or no answer of both arms stand for {share:.1%} of the "
        f"traffic, at most {allowed:.0%} may"
    )


def _undefined(plan: Plan, *, outside: int, n: int, as_of_ns: int) -> Look:
    return Look(
        as_of=stamp(as_of_ns),
        test=plan.title,
        n=n,
        units=0,
        estimate=None,
        lower=None,
        upper=None,
        log_e=None,
        ruling="UNDECIDED",
        refused=f"{outside:,} of {n:,} requests have a score outside 0 to 1, where no loss is defined",
    )


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
