"""Challenger minus champion on labels that mature day by day: one test, looked at again and again.

Each look is what could have been said on its day, from the labels as they were known then: a request enters
once its window has closed and its label is known, whichever comes later, and too many matured requests that
lack a label, or an answer of either arm, refuse the look. So a look does not change when later labels or
revisions come, and a ruling once reached stays.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from harness.evidence.cohort import DAY_NS, stamp
from harness.metrics import brier_rows, log_loss_rows
from harness.records import Look
from harness.stats import AsymptoticCS, enough_units, mean_influence, unit_sums

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    import numpy.typing as npt
    from numpy.typing import NDArray

    from harness.evidence.cohort import Arms, Cohort, LabelsConfig
    from harness.evidence.model import Levels
    from harness.records import Ruling

#: How far the paired log loss keeps both arms' probabilities from 0 and 1. The metric read-out clips at
#: 1e-15, where one sure and wrong row costs 34.5 nats; so heavy a tail breaks the normal approximation of the
#: test, and 1e-6 (13.8 nats), the same for both arms, does not.
PAIRED_CLIP = 1e-6

_LOSSES: dict[str, Callable[[npt.ArrayLike, npt.ArrayLike], NDArray[np.float64]]] = {
    "log_loss": partial(log_loss_rows, clip=PAIRED_CLIP),
    "brier": brier_rows,
}


@dataclass(frozen=True)
class _Rows:
    """Over all requests: which can be compared at all (their label can come), and when each is ripe."""

    mine: NDArray[np.bool_]
    answered: NDArray[np.bool_]
    ripe_ns: NDArray[np.int64]


def looks(
    cohort: Cohort, arms: Arms, *, config: LabelsConfig, as_of_ns: int, levels: Levels
) -> Iterator[Look]:
    """One look for each UTC day on which a request entered, the last one cut at `as_of`.

    The mean loss is the challenger's minus the champion's, by unit, weighted. Two processes run side by side,
    each latched: FAIL once the lower bound is above 0 (at the level of NO-GO), PASS once the upper bound is
    below the margin (at the level of GO). FAIL wins over an earlier PASS.
    """
    used = compared(cohort, arms, delay_days=config.delay_days, as_of_ns=as_of_ns)
    outside = _beyond(cohort, arms, used=used, least=0.0)
    if outside:
        yield _undefined(config, outside=outside, n=int(used.sum()), as_of_ns=as_of_ns)
        return
    rows = _Rows(cohort.eligible(), cohort.answered(arms), cohort.ripe_ns(config.delay_days))
    entries = cohort.entries_ns(rows.mine & rows.answered, config.delay_days)
    days = _day_ends(entries[entries <= as_of_ns], as_of_ns)
    yield from _latched(
        _look(cohort, arms, rows=rows, config=config, day_end=day, levels=levels) for day in days
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


def _numbers(look: Look) -> Look:
    return msgspec.structs.replace(look, ruling="UNDECIDED")


def _latched(found: Iterable[Look]) -> Iterator[Look]:
    """The same looks, each with the ruling reached by then: FAIL wins over PASS, PASS over UNDECIDED."""
    reached: set[Ruling] = set()
    for look in found:
        reached.add(look.ruling)
        ruling: Ruling = "FAIL" if "FAIL" in reached else "PASS" if "PASS" in reached else "UNDECIDED"
        yield msgspec.structs.replace(look, ruling=ruling)


def compared(cohort: Cohort, arms: Arms, *, delay_days: float, as_of_ns: int) -> NDArray[np.bool_]:
    """Requests whose matured label compares the arms at `as_of`: both scored them."""
    return cohort.eligible() & cohort.answered(arms) & (cohort.entry_ns(delay_days) <= as_of_ns)


def clipped(cohort: Cohort, arms: Arms, *, used: NDArray[np.bool_]) -> int:
    """Requests with a score so near to 0 or 1 that the paired log loss clips it in one arm or both."""
    return _beyond(cohort, arms, used=used, least=PAIRED_CLIP)


def _beyond(cohort: Cohort, arms: Arms, *, used: NDArray[np.bool_], least: float) -> int:
    both = np.stack([cohort.scores[arm][used] for arm in (arms.champion, arms.challenger)])
    return int(np.count_nonzero(((both < least) | (both > 1.0 - least)).any(axis=0)))


def _day_ends(entry_ns: NDArray[np.int64], as_of_ns: int) -> list[int]:
    """The end of each UTC day on which something entered, the last cut at `as_of`; midnight ends a day."""
    return [min(int(day) * DAY_NS, as_of_ns) for day in np.unique(-(-entry_ns // DAY_NS))]


def _look(
    cohort: Cohort, arms: Arms, *, rows: _Rows, config: LabelsConfig, day_end: int, levels: Levels
) -> Look:
    """The estimate so far with its one-sided bounds, each at its own level, by unit."""
    label, ripe = cohort.label_on(day_end), rows.mine & (rows.ripe_ns <= day_end)
    seen = ripe & rows.answered & ~np.isnan(label)
    loss, weight, unit = _LOSSES[config.metric], cohort.weight[seen], cohort.unit[seen]
    difference = loss(label[seen], cohort.scores[arms.challenger][seen])
    difference = difference - loss(label[seen], cohort.scores[arms.champion][seen])
    sums, sizes = unit_sums(difference * weight, unit), unit_sums(weight, unit)
    values = mean_influence(sums.sums, sizes.sums)
    lower = AsymptoticCS(n_opt=config.planned_units, alpha=levels.nogo).update(values)
    upper = AsymptoticCS(n_opt=config.planned_units, alpha=levels.go).update(values)
    enough, found = enough_units(sizes.sums)
    absent = int(np.count_nonzero(ripe)) - int(np.count_nonzero(seen))
    lacking = _absent(absent, int(np.count_nonzero(ripe)), allowed=config.max_missing_share)
    refused = lacking or ("" if enough else found)
    return Look(
        as_of=stamp(day_end),
        test=_test(config),
        n=int(seen.sum()),
        units=len(sizes.counts),
        estimate=float(upper.mean),
        lower=_finite(lower.lower_bound()),
        upper=_finite(upper.upper_bound()),
        log_e=_finite(upper.log_e(config.margin, "less")),
        ruling="UNDECIDED" if refused else _rule(lower, upper, margin=config.margin),
        refused=refused,
    )


def _rule(lower: AsymptoticCS, upper: AsymptoticCS, *, margin: float) -> Ruling:
    if lower.lower_bound() > 0:
        return "FAIL"
    return "PASS" if upper.upper_bound() < margin else "UNDECIDED"


def _absent(absent: int, total: int, *, allowed: float) -> str:
    """Why too many ripe requests cannot be compared on this day, or nothing."""
    if absent <= allowed * total:
        return ""
    return (
        f"{absent:,} of {total:,} matured requests have no label yet or no answer of both arms, "
        f"at most {allowed:.0%} may"
    )


def _undefined(config: LabelsConfig, *, outside: int, n: int, as_of_ns: int) -> Look:
    return Look(
        as_of=stamp(as_of_ns),
        test=_test(config),
        n=n,
        units=0,
        estimate=None,
        lower=None,
        upper=None,
        log_e=None,
        ruling="UNDECIDED",
        refused=f"{outside:,} of {n:,} requests have a score outside 0 to 1, where no loss is defined",
    )


def _test(config: LabelsConfig) -> str:
    return f"{config.metric}: challenger − champion, margin {config.margin:g}"


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
