"""Latencies: percentiles that may be missing, and counts that come back as pairs."""

import msgspec

from harness.records import LatencySummary, SlowCount, SlowLimits, Spread

NOTHING = Spread(n=0, p50=None, p95=None, p99=None, max=None)
SOME = Spread(n=9, p50=1.5, p95=3.0, p99=3.5, max=4.0)


def test_a_summary_survives_json() -> None:
    """Percentiles of nothing stay None, and points stay pairs."""
    summary = LatencySummary(
        phase="latency",
        target="challenger",
        pace="open",
        judged=True,
        requests=9,
        over_budget=1,
        failed=0,
        response=SOME,
        service=NOTHING,
        send_lag=SOME,
        points=((0.0, 1.5), (1.0, 4.0)),
    )
    assert msgspec.json.decode(msgspec.json.encode(summary), type=LatencySummary) == summary
    assert (summary.lost, summary.spared) == (0, 0)


def test_limits_survive_json() -> None:
    """Each limit is an n with its count of slow requests, and what was seen names its target."""
    limits = SlowLimits(
        phase="latency",
        within=((100, 1), (200, 4)),
        over=((100, 11),),
        seen=(SlowCount(target="challenger", name="all", n=200, slow=3),),
    )
    assert msgspec.json.decode(msgspec.json.encode(limits), type=SlowLimits) == limits
