"""Open loops through the whole engine: how late requests leave, and what of a latency is our own.

Each run is a program of its own on the client's core, journal and all: `python -m tests.benchmarks.open_loop
JSON`. The known-hold server stamps each request on receipt on the clock that the schedule is kept by, so the
truth is known for each request.
"""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from harness.records import Attempt, CapturedRequest, State
from harness.replay.clock import run_async
from harness.replay.engine import Options, replay
from harness.replay.journal import Journal, read_journal
from harness.replay.schedule import Phase, Poisson, plan
from replayers.http import HttpArm, HttpTarget
from replayers.selectors import Response
from tests.benchmarks.figures import Goal, Rows, row, unmeasured
from tests.benchmarks.machine import NotHere, answer_on_stdout, given, loudly, priority, run_module
from tests.benchmarks.servers import REQUEST_BODY, hold_server

if TYPE_CHECKING:
    from numpy.typing import NDArray

ROUNDS = 7
SECONDS = 4.0
RECEIVED, SENT, HOLD = "x-received-ns", "x-sent-ns", "x-hold-us"
#: where the server's stamps are, so that the wire keeps these headers
STAMPED = Response(score=f"header:{SENT}", model=f"header:{RECEIVED}", request_id=f"header:{HOLD}")
_SHARED = "normal priority, beside whatever else this machine does"
_RUNS = f"{ROUNDS} runs of {SECONDS:g} s, whole engine and journal on one core"

SEND_P95 = Goal(
    id="send_p95_1000",
    figure=f"Poisson 1,000/s: p95 of when the server received a request less when it was due; {_RUNS}",
    unit="ms",
    better="lower",
    floor=0.3,
    aim=0.1,
)
BIAS_P95 = Goal(
    id="bias_p95_1000",
    figure=f"Poisson 1,000/s: p95 reported from due times less p95 that the server held; {_RUNS}",
    unit="ms",
    better="lower",
    floor=0.5,
    aim=0.2,
)
SEND_P50 = Goal(
    id="send_p50_2000",
    figure=f"Poisson 2,000/s: p50 of when the server received a request less when it was due; {_RUNS}",
    unit="ms",
    better="lower",
    floor=0.15,
    aim=0.07,
)
STRETCH = Goal(
    id="stretch",
    figure="Poisson 1,000/s and 2,000/s: how much longer than the schedule a run took, to 0.01 %",
    unit="%",
    better="lower",
    floor=0.1,
    aim=0,
)


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """One run: to how many arms, how fast, for how long."""

    url: str
    rate: float
    seconds: float
    seed: int = 0
    arms: int = 1


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """What one run came to, over the requests of all arms; times in ms."""

    requests: int
    answered: int
    send_p50: float
    send_p95: float
    bias_p95: float
    lag_p95: float
    lag_p99: float
    stretch_percent: float
    reported_p95: float
    due_ns: list[int] = []
    hold_us: list[int] = []


def found_in(attempts: list[Attempt]) -> Found:
    """The figures of the attempts of a run."""
    right = [one for one in attempts if one.state is State.OK]
    stamps = np.array([_stamps(one) for one in right], np.int64).reshape(-1, 6)
    due, written, done, received, sent, hold_us = stamps.T
    order = np.argsort(due, kind="stable")
    lag = written - due
    span = int(np.ptp(due))
    return Found(
        requests=len(attempts),
        answered=len(right),
        send_p50=ms(received - due, 0.5),
        send_p95=ms(received - due, 0.95),
        bias_p95=ms(done - due, 0.95) - ms(sent - received, 0.95),
        lag_p95=ms(lag, 0.95),
        lag_p99=ms(lag, 0.99),
        stretch_percent=100 * abs(int(lag[order[-1]] - lag[order[0]])) / span,
        reported_p95=ms(done - due, 0.95),
        due_ns=due.tolist(),
        hold_us=hold_us.tolist(),
    )


def _stamps(one: Attempt) -> tuple[int, ...]:
    """Due, written, done, received, sent in ns, and the hold in us."""
    ours = (one.due_ns or 0, one.written_ns or 0, one.done_ns or 0)
    return (*ours, *(int(one.headers[name]) for name in (RECEIVED, SENT, HOLD)))


def ms(values: NDArray[np.int64], quantile: float) -> float:
    """A quantile in ms."""
    return float(np.quantile(values, quantile)) / 1e6


async def replayed(asked: Asked, folder: Path) -> list[Attempt]:
    """Every attempt of the run, from the journals."""
    n = round(asked.rate * asked.seconds)
    body = REQUEST_BODY.encode()
    requests = [CapturedRequest(seq=k, request_id=f"r{k}", ts_ns=k, body=body) for k in range(n)]
    phase = Phase(name="bench", pace=Poisson(rate=asked.rate), features=False, arms="together")
    schedule = plan(np.arange(n, dtype=np.int64), phase, resolution_ns=1, seed=asked.seed)
    target = HttpTarget(url=asked.url, response=STAMPED, timeout_s=10.0, connections=128)
    arms = [HttpArm(target, name=f"arm{k}", run_id="bench") for k in range(asked.arms)]
    journals = {arm.name: Journal(folder / f"{arm.name}.jsonl") for arm in arms}
    options = Options(seed=asked.seed)
    try:
        await replay(schedule, requests, arms=arms, phase=phase, journals=journals, options=options)
    finally:
        for journal in journals.values():
            journal.close()
    return [one for journal in journals.values() for one in read_journal(journal.path)]


def rows() -> Rows:
    """The figures at 1,000/s and at 2,000/s, each seed once at both."""
    try:
        with hold_server() as server:
            slow, fast = (_runs(server.url, rate, prompt=True) for rate in (1000, 2000))
        with hold_server(prompt=False) as server:
            shared = _runs(server.url, 1000, prompt=False)
    except NotHere as why:
        loudly(f"the open loops are not measured: {why}")
        return [unmeasured(goal, str(why)) for goal in (SEND_P95, BIAS_P95, SEND_P50, STRETCH)]
    told = priority()
    return [
        row(SEND_P95, [one.send_p95 for one in slow], told=told),
        row(BIAS_P95, [one.bias_p95 for one in slow], told=told),
        row(SEND_P50, [one.send_p50 for one in fast], told=told),
        row(STRETCH, [round(one.stretch_percent, 2) for one in (*slow, *fast)], told=told),
        row(_shared(SEND_P95), [one.send_p95 for one in shared], told=_SHARED),
        row(_shared(BIAS_P95), [one.bias_p95 for one in shared], told=_SHARED),
    ]


def _runs(url: str, rate: float, *, prompt: bool) -> list[Found]:
    """As many runs as there are rounds, each with a schedule of its own."""
    asked = (Asked(url=url, rate=rate, seconds=SECONDS, seed=seed) for seed in range(ROUNDS))
    return [run_module("open_loop", one, answer=Found, prompt=prompt) for one in asked]


def _shared(goal: Goal) -> Goal:
    """The same as it comes, for which there is no bar: it is as much about the machine as about us."""
    return replace(goal, id=f"{goal.id}_shared", floor=None, aim=None)


def main() -> None:
    """One run, as asked for by the first argument."""
    asked = given(Asked)
    with tempfile.TemporaryDirectory() as folder:
        answer_on_stdout(found_in(run_async(replayed, asked, Path(folder))))


if __name__ == "__main__":
    main()
