"""What the log of a live canary lacks, and above which share that is too much."""

from __future__ import annotations

import numpy as np
import pytest

from harness.evidence import LiveConfig
from harness.evidence.live import CHALLENGER, CHAMPION, LiveLog
from harness.evidence.live_gaps import unlogged, unnamed, untimed

CONFIG = LiveConfig(share=0.5, max_missing_share=0.02)


def log(*, status: int = 0, latency: int = 0, neither: int = 0, arm: int = CHALLENGER) -> LiveLog:
    """100 requests of each arm; so many of one lack a status, or a latency; so many more name no arm."""
    mine = np.repeat([1 - arm, arm], 100).astype(np.int8)
    place = np.arange(200) - 100
    return LiveLog(
        ts_ns=np.arange(200),
        arm=mine,
        unit=np.arange(200),
        error=np.zeros(200, dtype=bool),
        unlogged=(place >= 0) & (place < status),
        latency_ms=np.where((place >= 0) & (place < latency), np.nan, 5.0),
        neither_ns=np.arange(neither),
    )


@pytest.mark.parametrize(
    ("neither", "why"), [(4, ""), (5, "5 of 205 requests name neither arm, at most 2 % may")]
)
def test_requests_of_neither_arm_are_counted_among_all(neither: int, why: str) -> None:
    """4 of 204 are below 2 %, 5 of 205 above."""
    assert unnamed(log(neither=neither), CONFIG) == why


@pytest.mark.parametrize(("arm", "name"), [(CHAMPION, "champion"), (CHALLENGER, "challenger")])
def test_each_arm_has_its_own_share_of_missing_statuses(arm: int, name: str) -> None:
    """3 of an arm's 100, though 1.5 % of all; only the arms that are read count."""
    found = log(status=3, arm=arm)
    why = f"3 of 100 requests of the {name} have no recorded status, at most 2 % may"
    assert unlogged(found, CONFIG) == why
    assert unlogged(found, CONFIG, arms=(1 - arm,)) == ""
    assert unlogged(log(status=2, arm=arm), CONFIG) == ""


def test_only_the_challenger_needs_its_latencies() -> None:
    """No gate reads those of the champion."""
    why = "3 of 100 answers of the challenger have no recorded latency, at most 2 % may"
    assert untimed(log(latency=3), CONFIG) == why
    assert untimed(log(latency=2), CONFIG) == ""
    assert untimed(log(latency=90, arm=CHAMPION), CONFIG) == ""
