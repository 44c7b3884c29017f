"""What the capture middleware costs a call and what it loses, and the client that offers the calls.

The service is a process of its own on the server's core: an application without a framework under uvicorn
with httptools and uvloop, recorded to the disk. The client offers calls when they are due, on the other core.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from statistics import median

import msgspec

from harness.capture import CaptureConfig
from harness.capture.line import BadLine
from harness.capture.read import read
from harness.replay.arm import Reply
from harness.replay.clock import run_async
from replayers.process import free_port
from replayers.wire import Origin, Pool
from tests.benchmarks import recorded_app
from tests.benchmarks.figures import Goal, Rows, row, unmeasured
from tests.benchmarks.machine import (
    NotHere,
    answer_on_stdout,
    given,
    loudly,
    run_module,
    serving,
)
from tests.benchmarks.servers import await_port

ROUNDS = 3
RATE = 2_000.0
SECONDS = 60.0
CONNECTIONS = 32
#: above it the client holds back, so that a server that cannot keep up is not buried
IN_FLIGHT = 512

OWN = Goal(
    id="middleware_us",
    figure=(
        "time of a call in our middleware at p95, with reading, attaching and answering by the application: "
        f"20,000 calls of 1 KB and 40 features at {RATE:,.0f}/s in one process, recorded to the disk"
    ),
    unit="us",
    better="lower",
    floor=50,
    aim=20,
)
SERVED = Goal(
    id="middleware_us_served",
    figure=f"the same inside uvicorn at {RATE:,.0f}/s for {SECONDS:g} s, while it parses and answers",
    unit="us",
    better="lower",
)
LOST = Goal(
    id="middleware_lost",
    figure=f"calls answered and not in the files, of {SECONDS:g} s at {RATE:,.0f}/s under uvicorn",
    unit="calls",
    better="lower",
    floor=0,
    aim=0,
)


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """How fast and how long the client calls which port."""

    port: int
    rate: float = RATE
    seconds: float = SECONDS


class Answers(msgspec.Struct, frozen=True, kw_only=True):
    """How many calls were offered, which of them were answered, and how late the client was at p95, ms."""

    offered: int
    held_back: int
    answered: list[int]
    late_ms: float


class Client:
    """Offers calls when they are due, whatever became of those before."""

    def __init__(self, asked: Asked) -> None:
        self.asked = asked
        self.pool = Pool(Origin(addresses=("127.0.0.1",), port=asked.port))
        self.total = round(asked.rate * asked.seconds)
        self.answered: list[int] = []
        self.late: list[float] = []
        self.held_back = self.ended = 0
        self.over = asyncio.Event()

    async def offered(self) -> Answers:
        """All calls, and what came of them."""
        await self.pool.warm(CONNECTIONS)
        begun = time.perf_counter()
        for k in range(self.total):
            ahead = begun + k / self.asked.rate - time.perf_counter()
            await asyncio.sleep(max(ahead, 0))
            self.late.append(max(0.0, -ahead))
            self.offer(k)
        await self.over.wait()
        await self.pool.aclose()
        self.late.sort()
        return Answers(
            offered=self.total,
            held_back=self.held_back,
            answered=self.answered,
            late_ms=1_000 * self.late[self.total * 95 // 100],
        )

    def offer(self, k: int) -> None:
        """One call leaves, unless too many are under way."""
        if k - self.ended >= IN_FLIGHT:
            self.held_back += 1
            self.end()
        else:
            self.pool.submit(message(k), timeout_s=10.0, done=partial(self.done, k))

    def done(self, k: int, reply: Reply) -> None:
        """The call is over."""
        if reply.final.status == 200:
            self.answered.append(k)
        self.end()

    def end(self) -> None:
        """One call fewer to wait for."""
        self.ended += 1
        if self.ended == self.total:
            self.over.set()


async def offered(asked: Asked) -> Answers:
    """Calls when they are due."""
    return await Client(asked).offered()


def message(k: int) -> bytes:
    """One call on the wire."""
    head = b"".join(b"%b: %b\r\n" % pair for pair in recorded_app.headers(k))
    return b"POST /predict HTTP/1.1\r\n%b\r\n%b" % (head, recorded_app.BODY)


def rows() -> Rows:
    """The three figures."""
    try:
        return [*own_rows(), *served_rows()]
    except NotHere as why:
        loudly(f"live capture is not measured: {why}")
        return [unmeasured(goal, str(why)) for goal in (OWN, SERVED, LOST)]


def own_rows() -> Rows:
    """The middleware's own time in one process; beside it the same calls without a middleware."""
    found, bare = [], []
    for _ in range(ROUNDS):
        with tempfile.TemporaryDirectory() as folder:
            asked = recorded_app.Asked(folder=folder)
            found.append(run_module("recorded_app", asked, answer=recorded_app.Times))
            other = recorded_app.Asked(folder=folder, recorded=False, calls=4_000)
            bare.append(run_module("recorded_app", other, answer=recorded_app.Times))
    written = sum(one.written for one in found) / sum(one.calls for one in found)
    p50, p99 = (median([getattr(one, name) for one in found]) for name in ("p50", "p99"))
    without = median([one.p95 for one in bare])
    told = (
        f"p50 {p50:.1f}, p99 {p99:.1f} us; {written:.2%} of the records were written; "
        f"without the middleware p95 {without:.1f} us"
    )
    return [row(OWN, [one.p95 for one in found], told=told)]


def served_rows() -> Rows:
    """A minute under load: what it cost each call, and which of them are not in the files."""
    with tempfile.TemporaryDirectory() as name:
        folder, port = Path(name), free_port()
        asked = recorded_app.Asked(folder=name, port=port)
        with serving(*module("recorded_app", asked)) as process:
            await_port(process, port)
            answers = run_module("capture_live", Asked(port=port), answer=Answers, timeout_s=SECONDS + 60)
        times = msgspec.json.decode((folder / recorded_app.TIMES).read_bytes(), type=recorded_app.Times)
        bad: list[BadLine] = []
        config = CaptureConfig(path="-")
        ids = {one.request_id for one in read(folder, config, on_bad=bad.append)}
    missing = {f"r{k}" for k in answers.answered} - ids
    told = (
        f"{len(answers.answered):,} of {answers.offered:,} answered, {answers.held_back:,} held back, "
        f"{len(ids):,} in the files, {len(bad)} bad lines, {times.dropped} counted as dropped; "
        f"the client was {answers.late_ms:.1f} ms late at p95"
    )
    share = f"p50 {times.p50:.1f}, p99 {times.p99:.1f} us over {times.calls:,} calls"
    return [row(SERVED, [times.p95], told=share), row(LOST, [len(missing)], told=told)]


def module(name: str, asked: object) -> tuple[str, ...]:
    """The command of a program of the benchmarks."""
    return (sys.executable, "-m", f"tests.benchmarks.{name}", msgspec.json.encode(asked).decode())


def main() -> None:
    """The client, as asked for by the first argument."""
    answer_on_stdout(run_async(offered, given(Asked)))


if __name__ == "__main__":
    main()
