"""Each phase as it was run, and what the harness itself added to its latencies."""

from __future__ import annotations

import msgspec


class Calibrated(msgspec.Struct, frozen=True, kw_only=True):
    """What the harness itself adds to a latency at a rate, measured before a phase; declared, not subtracted.

    Latencies in ms, None where nothing was measured; `rate` is planned and `rate_held` was answered, each in
    requests a second and arm. Only where it is `trusted` are latencies judged, and `why` says so or not.
    """

    rate: float
    requests: int
    bias_p50_ms: float | None
    bias_p95_ms: float | None
    send_lag_p99_ms: float | None
    shed_share: float
    rate_held: float
    trusted: bool
    why: str
    note: str = ""


class PhaseNote(msgspec.Struct, frozen=True, kw_only=True):
    """A phase as it was run, or why it was not; latency is judged where it is `open_loop`.

    `arms` says whether targets were measured together or apart, and why. `stopped` says why it was cut short,
    and `blamed` which target was in trouble then. `torn` names earlier passes, which count for nothing.
    `decided` names the gate that failed whatever was still to come, or on the first answers alone, for which
    the phase was stopped.
    Of a phase that is replayed several times, `series` is its name and `passes` how often it was declared.
    """

    phase: str
    pace: str
    requests: int
    targets: tuple[str, ...]
    ran: bool
    open_loop: bool = False
    reason: str = ""
    arms: str = ""
    stopped: str = ""
    blamed: str = ""
    torn: tuple[str, ...] = ()
    calibration: Calibrated | None = None
    series: str = ""
    passes: int = 1
    decided: str = ""
