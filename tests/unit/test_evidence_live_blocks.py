"""The blocks of the canary's requests: which are slow, which may be, and what a claim on them is about."""

from __future__ import annotations

import numpy as np

from harness.evidence import LiveConfig
from harness.evidence.live import LiveLog
from harness.evidence.live_blocks import blocks, measure, rule, slow_ones

DAY = 86_400 * 10**9
#: of the canary: fast, slow, failed, without a status, without a latency; then one slow one of the champion
LOG = LiveLog(
    ts_ns=np.array([1, 2, 3, DAY, DAY + 1, DAY + 2]),
    arm=np.array([1, 1, 1, 1, 1, 0], dtype=np.int8),
    unit=np.array([7, 7, 8, 7, 9, 9]),
    error=np.array([False, False, True, False, False, False]),
    unlogged=np.array([False, False, False, True, False, False]),
    latency_ms=np.array([10.0, 200.0, 10.0, 10.0, np.nan, 500.0]),
    neither_ns=np.zeros(0, dtype=np.int64),
)


def test_what_is_not_known_is_slow_for_one_ruling_and_fast_for_the_other() -> None:
    """A failed request is slow; one without a status or a latency may be; the champion's count nowhere."""
    least, most = slow_ones(LOG, budget_ms=120.0)
    assert least.tolist() == [False, True, True, False, False]
    assert most.tolist() == [False, True, True, True, True]


def test_consecutive_requests_are_a_block_when_it_is_full() -> None:
    """Two blocks of 2, complete with their second request, and one request in none."""
    found = blocks(LOG, LiveConfig(share=0.5, block=2), budget_ms=120.0)
    assert (found.least.tolist(), found.most.tolist()) == ([0.5, 0.5], [0.5, 1.0])
    assert (found.at_ns.tolist(), found.sizes.tolist(), found.left) == ([2, DAY], [2, 2], 1)
    assert [found.until(ns) for ns in (2, 3, DAY, DAY + 1)] == [0, 1, 1, 2]


def test_a_unit_is_a_block_by_its_first_day() -> None:
    """Unit 7 by its first two requests, though it comes again; known when the day is over."""
    found = blocks(LOG, LiveConfig(share=0.5, blocks="units"), budget_ms=120.0)
    assert (found.least.tolist(), found.most.tolist()) == ([0.5, 1.0, 0.0], [0.5, 1.0, 1.0])
    assert (found.sizes.tolist(), found.left) == ([2, 1, 1], 1)
    assert [found.until(ns) for ns in (DAY - 1, DAY, 2 * DAY)] == [0, 2, 3]


def test_the_claim_is_named_by_what_its_share_is_of() -> None:
    """A mean over units is no share of requests."""
    by_request, by_unit = LiveConfig(share=0.5), LiveConfig(share=0.5, blocks="units", every="hour")
    assert (measure(by_request), rule(by_request)) == (
        "share of the requests",
        "blocks of 20 consecutive requests",
    )
    assert (measure(by_unit), rule(by_unit)) == (
        "share of a unit's requests in its first hour, mean over units",
        "units, each by its first hour",
    )
