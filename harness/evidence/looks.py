"""Challenger minus champion on labels that mature day by day: one test, looked at again and again.

Each look is what could have been said on its day: a request enters once its window has closed and its label
is known, whichever comes later, and too many matured requests without a label refuse the look. So a look
does not change when later labels come, and a ruling once reached stays.
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
    from collections.abc import Callable, Iterator

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
    """The requests whose label can come: when each is ripe and enters, and what it says of both arms."""

    ripe_ns: NDArray[np.int64]
    entry_ns: NDArray[np.int64]
    answered: NDArray[np.bool_]
    difference: NDArray[np.float64]
    weight: NDArray[np.float64]
    unit: NDArray[np.int64]


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
    rows = _rows(cohort, arms, used=used, config=config)
    reached: set[Ruling] = set()
    for day_end in _day_ends(cohort.entry_ns(config.delay_days)[used], as_of_ns):
        look = _look(rows, config, day_end=day_end, levels=levels)
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


def _rows(cohort: Cohort, arms: Arms, *, used: NDArray[np.bool_], config: LabelsConfig) -> _Rows:
    loss, labels, mine = _LOSSES[config.metric], cohort.label[used], cohort.eligible()
    difference = np.zeros(len(used))
    difference[used] = loss(labels, cohort.scores[arms.challenger][used])
    difference[used] -= loss(labels, cohort.scores[arms.champion][used])
    return _Rows(
        ripe_ns=cohort.ripe_ns(config.delay_days)[mine],
        entry_ns=cohort.entry_ns(config.delay_days)[mine],
        answered=used[mine],
        difference=difference[mine],
        weight=cohort.weight[mine],
        unit=cohort.unit[mine],
    )


def _day_ends(entry_ns: NDArray[np.int64], as_of_ns: int) -> list[int]:
    """The end of each UTC day on which something entered, the last cut at `as_of`; midnight ends a day."""
    return [min(int(day) * DAY_NS, as_of_ns) for day in np.unique(-(-entry_ns // DAY_NS))]


def _look(rows: _Rows, config: LabelsConfig, *, day_end: int, levels: Levels) -> Look:
    """The estimate so far with its one-sided bounds, each at its own level, by unit."""
    seen = rows.answered & (rows.entry_ns <= day_end)
    weight, unit = rows.weight[seen], rows.unit[seen]
    sums, sizes = unit_sums(rows.difference[seen] * weight, unit), unit_sums(weight, unit)
    values = mean_influence(sums.sums, sizes.sums)
    lower = AsymptoticCS(n_opt=config.planned_units, alpha=levels.nogo).update(values)
    upper = AsymptoticCS(n_opt=config.planned_units, alpha=levels.go).update(values)
    enough, found = enough_units(sizes.sums)
    refused = _unlabelled(rows, day_end, allowed=config.max_missing_share) or ("" if enough else found)
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


def _unlabelled(rows: _Rows, day_end: int, *, allowed: float) -> str:
    """Why too many ripe requests lack their label on this day, or nothing."""
    ripe = rows.ripe_ns <= day_end
    total, missing = int(ripe.sum()), int((ripe & (rows.entry_ns > day_end)).sum())
    if missing <= allowed * total:
        return ""
    return f"{missing:,} of {total:,} matured requests have no label yet, at most {allowed:.0%} may"


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
