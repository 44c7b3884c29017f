"""The review queue by hand, and the limits: kept, broken, unknown, and worse than now."""

import math

import numpy as np
import pytest

from harness.diagnosis.config import DiagnosisConfig
from harness.diagnosis.queues import NO_DAYS, NO_LIMIT, Limits, Volume, judged, volume, worsened
from harness.errors import HarnessError

FLAGGED = np.array([True, False, True, False])
DAYS = np.array([3, 3, 8, 8])


def queue(per_day: float, busy_day: float, rate: float) -> Volume:
    """A queue of these numbers."""
    return Volume(per_day=per_day, busy_day=busy_day, positive_rate=rate)


def test_the_queue_by_hand() -> None:
    """One of two rows on each of two days, half of the rows sampled: 2 a day, a share of .5."""
    assert volume(FLAGGED, DAYS, limits=Limits(sampled=0.5)) == queue(2.0, 2.0, 0.5)


def test_a_busy_day_is_one_that_nineteen_of_twenty_do_not_exceed() -> None:
    """Twenty days with 1, 2, ... 20 flagged rows: 19; one row flagged on none of two days counts both."""
    days = np.repeat(np.arange(20), np.arange(1, 21))
    assert volume(np.ones(days.size, dtype=bool), days).busy_day == 19.0
    assert volume(np.zeros(4, dtype=bool), DAYS).per_day == 0.0


def test_without_days_or_rows_there_is_no_queue() -> None:
    """The share flagged needs no days."""
    found = volume(FLAGGED, None)
    assert math.isnan(found.per_day)
    assert math.isnan(found.busy_day)
    assert found.positive_rate == 0.5
    assert math.isnan(volume(FLAGGED[:0], DAYS[:0]).positive_rate)


@pytest.mark.parametrize(
    ("then", "limits", "found", "why"),
    [
        (queue(5, 9, 0.1), None, "unknown", NO_LIMIT),
        (queue(5, 9, 0.1), Limits(), "unknown", NO_LIMIT),
        (queue(5, 9, 0.1), Limits(per_day=5), "kept", "flagged a day: 5 <= 5"),
        (queue(5, 9, 0.1), Limits(per_day=5, busy_day=8), "broken", "flagged on a busy day: 9 > 8"),
        (queue(5, 9, 0.1), Limits(positive_rate=0.09), "broken", "share flagged: 0.1 > 0.09"),
        (queue(math.nan, math.nan, 0.1), Limits(per_day=5, positive_rate=0.2), "unknown", NO_DAYS),
        (queue(math.nan, math.nan, 0.3), Limits(per_day=5, positive_rate=0.2), "broken", "share flagged"),
    ],
)
def test_the_guardrail(then: Volume, limits: Limits | None, found: str, why: str) -> None:
    """Broken by one limit, kept by all, unknown where one cannot be told."""
    said = judged(then, limits)
    assert said[0] == found
    assert said[1].startswith(why)


@pytest.mark.parametrize(
    ("now", "then", "worse"),
    [(4, 5, False), (4, 6, True), (6, 6, False), (7, 6, False), (6, 7, True), (math.nan, 7, True)],
)
def test_worse_is_above_the_limit_and_above_now(now: float, then: float, worse: bool) -> None:  # noqa: FBT001  -- a table
    """At a limit of 5 a day."""
    limits = Limits(per_day=5)
    assert worsened(queue(now, 0, 0), queue(then, 0, 0), limits=limits) is worse
    assert not worsened(queue(now, 0, 0), queue(then, 0, 0), limits=None)


@pytest.mark.parametrize(
    ("config", "limits"),
    [
        (DiagnosisConfig(), None),
        (DiagnosisConfig(capacity_per_day=8), Limits(per_day=8, busy_day=16)),
        (DiagnosisConfig(capacity_per_day=8, busy_day_times=1.5), Limits(per_day=8, busy_day=12)),
        (DiagnosisConfig(max_flagged_share=0.1), Limits(positive_rate=0.1)),
    ],
)
def test_capacity_has_one_meaning(config: DiagnosisConfig, limits: Limits | None) -> None:
    """So many a day on average, and so many times as many on a busy day."""
    assert Limits.given(config) == limits


@pytest.mark.parametrize("share", [0.0, -1.0, 1.5, math.nan])
def test_a_sample_is_a_share(share: float) -> None:
    """Above 0 and at most 1."""
    with pytest.raises(HarnessError, match="sampled: is no share"):
        Limits(sampled=share)
