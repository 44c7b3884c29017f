"""What the harness itself adds to a latency, measured before a phase against a stub that knows the truth."""

from __future__ import annotations

import itertools
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import msgspec
import numpy as np

from harness.records import Attempt, CapturedRequest, Outcome, State
from harness.replay.arm import Arm
from harness.replay.engine import Options, replay
from harness.replay.journal import Journal, read_journal
from harness.replay.schedule import Phase, Poisson, plan

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

#: of the budget; reference/replay-engine.md section 8
MAX_BIAS_SHARE = 0.05
MAX_SHED_SHARE = 0.001
MAX_SEND_LAG_MS = 10.0
#: of the planned rate; below it the stub, and not the harness, may be what was measured
HELD_SHARE = 0.98


class MeasuredArm(Arm, Protocol):
    """An arm in front of the stub, which reads the time that the stub says it took."""

    def parse(self, attempt: Attempt) -> Outcome:
        """The outcome of an attempt, with `server_ns`."""


class Calibration(msgspec.Struct, frozen=True, kw_only=True):
    """The harness's own part in a latency at a rate: it is declared, and never subtracted.

    Bias is the quantile of done − due less that of the time the stub held the requests; quantiles do not add
    up, which is why it is no correction. `rate_held` is answered requests a second and arm.
    """

    rate: float
    requests: int
    bias_p50_ms: float
    bias_p95_ms: float
    send_lag_p99_ms: float
    shed_share: float
    rate_held: float
    note: str = ""


async def calibrate(
    arms: Sequence[MeasuredArm],
    rate: float,
    *,
    seconds: float = 4.0,
    body: bytes = b"{}",
    seed: int = 0,
) -> Calibration:
    """Poisson arrivals at `rate` to each arm for some seconds, through all that a phase goes through.

    Give as many arms as the phase sends to at once, each in front of the known-hold stub, the phase's peak
    as the rate, and a body as long as its own. Raises TargetUnreachable without the stub.
    """
    n = max(1, round(rate * seconds))
    phase = Phase(name="calibration", pace=Poisson(rate=rate), features=False)
    schedule = plan(np.arange(n, dtype=np.int64), phase, resolution_ns=1, seed=seed)
    requests = [CapturedRequest(seq=k, request_id=f"c{k}", ts_ns=k, body=body) for k in range(n)]
    with tempfile.TemporaryDirectory() as folder:
        paths = {arm.name: Path(folder) / f"{place}.jsonl" for place, arm in enumerate(arms)}
        with ExitStack() as stack:
            journals = {name: stack.enter_context(Journal(path)) for name, path in paths.items()}
            options = Options(seed=seed)
            await replay(schedule, requests, arms=arms, phase=phase, journals=journals, options=options)
        parsed = (map(arm.parse, read_journal(paths[arm.name])) for arm in arms)
        return summarised(list(itertools.chain.from_iterable(parsed)), rate=rate, arms=len(arms))


def summarised(outcomes: Sequence[Outcome], *, rate: float, arms: int = 1) -> Calibration:
    """What the outcomes of a calibration say, of all arms together; NaN where none was answered."""
    told = [o for o in outcomes if o.state is State.OK and None not in {o.done_ns, o.due_ns, o.server_ns}]
    stamps = np.array([(o.due_ns, o.written_ns, o.done_ns, o.server_ns) for o in told], np.int64)
    due, written, done, held = stamps.reshape(-1, 4).T
    bias = [_ms(done - due, q) - _ms(held, q) for q in (0.5, 0.95)]
    span_s = float(np.ptp(due)) / 1e9 if len(due) else 0.0
    rate_held = (len(told) - arms) / arms / span_s if span_s else 0.0
    return Calibration(
        rate=rate,
        requests=len(outcomes),
        bias_p50_ms=bias[0],
        bias_p95_ms=bias[1],
        send_lag_p99_ms=_ms(written - due, 0.99),
        shed_share=sum(o.state is State.SHED for o in outcomes) / max(1, len(outcomes)),
        rate_held=rate_held,
        note=_note(len(outcomes) - len(told), rate=rate, rate_held=rate_held),
    )


def _ms(values: NDArray[np.int64], quantile: float) -> float:
    """A quantile in ms; NaN of nothing."""
    return float(np.quantile(values, quantile)) / 1e6 if len(values) else float("nan")


def _note(lost: int, *, rate: float, rate_held: float) -> str:
    """What to know about the measurement itself."""
    if lost:
        return f"{lost:,} calibration requests were not answered with a server time"
    if rate_held < HELD_SHARE * rate:
        return (
            f"the stub held {rate_held:,.0f} of {rate:,.0f} requests/s, so part of this bias may be its own"
        )
    return ""


def trustworthy(
    calibration: Calibration, budget_ms: float, *, max_send_lag_ms: float = MAX_SEND_LAG_MS
) -> tuple[bool, str]:
    """Whether latencies measured like this may be judged against a budget, and why, in one sentence.

    Not when the bias at p95 is above 5 % of the budget, more than 0.1 % was shed, or the p99 of the send lag
    is above 10 ms (or what the gate allows); nor when nothing was measured. The latency gates then have no
    valid evidence.
    """
    c, limit = calibration, MAX_BIAS_SHARE * budget_ms
    told = (
        f"harness bias p95 {c.bias_p95_ms:.2f} ms, send lag p99 {c.send_lag_p99_ms:.2f} ms at {c.rate:,.0f}/s"
    )
    wrong = [
        (not c.bias_p95_ms <= limit, f"bias above {limit:.2f} ms, 5 % of the budget"),
        (not c.shed_share <= MAX_SHED_SHARE, f"{c.shed_share:.2%} shed, above 0.1 %"),
        (not c.send_lag_p99_ms <= max_send_lag_ms, f"send lag above {max_send_lag_ms:g} ms"),
    ]
    reasons = [reason for is_wrong, reason in wrong if is_wrong]
    return not reasons, f"{told}: {' and '.join(reasons)}" if reasons else told
