"""Latencies of an arm in a phase, and the counts of slow requests that decide its p95."""

from __future__ import annotations

import msgspec

from harness.records.sampling import ThinLoad


class Spread(msgspec.Struct, frozen=True, kw_only=True):
    """Percentiles of one latency in milliseconds over n requests.

    `buckets` holds (ms, how many of the n took at most that), whole numbers that may be added up over runs;
    `sum_ns` is their sum. A failed request is in n, and in no bucket and no sum.
    """

    n: int
    p50: float | None
    p95: float | None
    p99: float | None
    max: float | None
    buckets: tuple[tuple[float, int], ...] = ()
    sum_ns: int = 0


class LatencySummary(msgspec.Struct, frozen=True, kw_only=True):
    """Latencies of an arm in a phase: response done − due, service done − written, lag written − due.

    Of the requests planned, `lost` are those of which the harness knows nothing, and `spared` those that were
    not sent after a stop. `curve` is the distribution of the response time as (ms, share of
    requests at or below it), ascending; it ends below 1 where requests failed. `thin` is there where the
    capture is a sample.
    """

    phase: str
    target: str
    pace: str
    judged: bool
    requests: int
    over_budget: int
    failed: int
    lost: int = 0
    spared: int = 0
    response: Spread
    service: Spread
    send_lag: Spread
    curve: tuple[tuple[float, float], ...] = ()
    rate: tuple[tuple[float, float], ...] = ()
    points: tuple[tuple[float, float], ...] = ()
    thin: ThinLoad | msgspec.UnsetType = msgspec.UNSET


class SlowCount(msgspec.Struct, frozen=True, kw_only=True):
    """How many of n requests of a pass, or of all pooled, were over the budget."""

    target: str
    name: str
    n: int
    slow: int


class SlowLimits(msgspec.Struct, frozen=True, kw_only=True):
    """What decides latency_p95 in a phase, as a function of n, and what was seen.

    `within` holds (n, the most slow requests that prove it within the budget), `over` (n, the fewest that
    prove it over); an n at which no count does is left out.
    """

    phase: str
    within: tuple[tuple[int, int], ...]
    over: tuple[tuple[int, int], ...]
    seen: tuple[SlowCount, ...]
