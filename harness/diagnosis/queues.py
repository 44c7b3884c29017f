"""The review queue that a remedy would make, and whether it is within what reviewers bear: no flood."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from harness.diagnosis.intervals import dense
from harness.errors import HarnessError

if TYPE_CHECKING:
    import numpy.typing as npt

    from harness.diagnosis.config import DiagnosisConfig

    Floats = npt.NDArray[np.float64]
    Mask = npt.NDArray[np.bool_]
    Codes = npt.NDArray[np.int64]

Guardrail = Literal["kept", "broken", "unknown"]
#: a busy day is one that this share of the days does not exceed
BUSY = 0.95
NO_LIMIT, NO_DAYS = "no limit is given", "the days of the rows are not known"


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What the reviewers bear: rows flagged a day on average and on a busy day, and the share flagged.

    None is no limit. `sampled` is the share of production's rows that are here; the queue is of all of them.
    """

    per_day: float | None = None
    busy_day: float | None = None
    positive_rate: float | None = None
    sampled: float = 1.0

    @classmethod
    def given(cls, config: DiagnosisConfig) -> Limits | None:
        """The limits of a configuration, in the one meaning that capacity has everywhere; None without any.

        Reviewers take `capacity_per_day` on average, and `busy_day_times` as many on a busy day.
        """
        per_day = config.capacity_per_day
        if per_day is None and config.max_flagged_share is None:
            return None
        busy = None if per_day is None else config.busy_day_times * per_day
        return cls(per_day=per_day, busy_day=busy, positive_rate=config.max_flagged_share)

    def __post_init__(self) -> None:
        """Refuse a share that is none."""
        if not 0.0 < self.sampled <= 1.0:
            raise HarnessError("is no share", where="sampled", found=self.sampled, expected="0 to 1, not 0")


@dataclass(frozen=True, kw_only=True)
class Volume:
    """The review queue: rows flagged a day on average and on a busy day, and the share of rows flagged.

    95 % of the days have no more than a busy one; nan where the days are not known, or there are no rows.
    """

    per_day: float
    busy_day: float
    positive_rate: float


def volume(flagged: Mask, day: Codes | None, *, limits: Limits | None = None) -> Volume:
    """The queue of these rows, labelled or not; `day` (n,) are the days' codes.

    To check: one of two rows flagged on each of two days, half of the rows sampled: 2 a day, share .5.
    """
    rate = float(flagged.mean()) if flagged.size else math.nan
    if day is None or not flagged.size:
        return Volume(per_day=math.nan, busy_day=math.nan, positive_rate=rate)
    _, place = dense(day)
    by_day = np.bincount(place[flagged], minlength=int(place.max()) + 1) / (limits or Limits()).sampled
    busy = float(np.quantile(by_day, BUSY, method="inverted_cdf"))
    return Volume(per_day=float(by_day.mean()), busy_day=busy, positive_rate=rate)


def judged(then: Volume, limits: Limits | None) -> tuple[Guardrail, str]:
    """Whether the queue is within the limits, and why: broken by one limit, kept by all, else not known."""
    given = _given(then, limits)
    if not given:
        return "unknown", NO_LIMIT
    over = [f"{_SAID[n]}: {found:.4g} > {limit:.4g}" for n, (found, limit) in given.items() if found > limit]
    if over:
        return "broken", "; ".join(over)
    if any(math.isnan(found) for found, _ in given.values()):
        return "unknown", NO_DAYS
    return "kept", "; ".join(f"{_SAID[n]}: {found:.4g} <= {limit:.4g}" for n, (found, limit) in given.items())


_SAID = {
    "per_day": "flagged a day",
    "busy_day": "flagged on a busy day",
    "positive_rate": "share flagged",
}


def worsened(now: Volume, then: Volume, *, limits: Limits | None) -> bool:
    """Whether a limit is broken then that is kept now, or by more than now."""
    before = _given(now, limits)
    return any(
        found > limit and not found <= before[name][0]
        for name, (found, limit) in _given(then, limits).items()
    )


def _given(volume: Volume, limits: Limits | None) -> dict[str, tuple[float, float]]:
    """What is counted and its limit, for each limit that is given."""
    return {
        name: (getattr(volume, name), limit)
        for name in _SAID
        if limits is not None and (limit := getattr(limits, name)) is not None
    }
