"""The harness measured against a stub that knows the truth, before each phase whose latency is judged."""

from __future__ import annotations

import math
from contextlib import AsyncExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from harness.errors import HarnessError
from harness.gates import LatencyP95
from harness.records import Calibrated
from harness.replay.calibrate import Calibration, calibrate, trustworthy
from replayers.hold import Hold, command
from replayers.http import HttpArm, HttpTarget
from replayers.process import managed

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.replay.schedule import Schedule
    from harness.replay.source import Source
    from harness.scenario import Loaded

SECONDS = 3.0
#: requests looked at for a body of typical length
BODIES = 64
NAME = "calibration"


async def measure(
    loaded: Loaded, schedule: Schedule, *, arms: int, source: Source, say: Callable[[str], None]
) -> Calibrated:
    """What the harness adds at a phase's peak to `arms` targets at once, and whether to trust it.

    A busy host gets a second chance, which is said. A stub that cannot be measured leaves no trust.
    """
    stub = HttpTarget(url="http://127.0.0.1:{port}/score", start=command(Hold()), ready="")
    body = typical(source, schedule)
    try:
        async with AsyncExitStack() as stack:
            folder = Path(stack.enter_context(TemporaryDirectory()))
            running = await stack.enter_async_context(
                managed(stub, name=NAME, scenario=loaded.folder, folder=folder)
            )
            names = [f"{NAME}-{k}" for k in range(arms)]
            found = await _once(running, names, rate=schedule.peak, body=body, loaded=loaded)
            if not found.trusted:
                say(f"  {found.why}; measured once more, for the host may have been busy")
                found = await _once(running, names, rate=schedule.peak, body=body, loaded=loaded)
    except HarnessError as error:
        return _nothing(schedule.peak, error.sentence())
    return found


async def _once(
    stub: HttpTarget, names: list[str], *, rate: float, body: bytes, loaded: Loaded
) -> Calibrated:
    them = [HttpArm(stub, name=name, run_id=NAME) for name in names]
    found = await calibrate(them, rate, seconds=SECONDS, body=body, seed=loaded.scenario.seed)
    return verdict(found, loaded)


def verdict(found: Calibration, loaded: Loaded) -> Calibrated:
    """A calibration with its standing before the latency gate of a scenario."""
    gate = next(g for g in loaded.gates if isinstance(g, LatencyP95))
    trusted, why = trustworthy(found, gate.budget_ms, max_send_lag_ms=gate.max_send_lag_p99_ms)
    return Calibrated(
        rate=found.rate,
        requests=found.requests,
        bias_p50_ms=_known(found.bias_p50_ms),
        bias_p95_ms=_known(found.bias_p95_ms),
        send_lag_p99_ms=_known(found.send_lag_p99_ms),
        shed_share=found.shed_share,
        rate_held=found.rate_held,
        trusted=trusted,
        why=why,
        note=found.note,
    )


def _known(value: float) -> float | None:
    """NaN, which JSON has not, as None."""
    return None if math.isnan(value) else value


def _nothing(rate: float, why: str) -> Calibrated:
    return Calibrated(
        rate=rate,
        requests=0,
        bias_p50_ms=None,
        bias_p95_ms=None,
        send_lag_p99_ms=None,
        shed_share=0.0,
        rate_held=0.0,
        trusted=False,
        why=f"the harness could not be measured: {why}",
    )


def typical(source: Source, schedule: Schedule) -> bytes:
    """The body of median length among the first requests of a schedule."""
    bodies = sorted((request.body for request in source.read(schedule.rows[:BODIES])), key=len)
    return bodies[len(bodies) // 2] if bodies else b"{}"
