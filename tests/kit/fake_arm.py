"""An arm that answers without a network, and a way to replay against it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

from harness.errors import CaptureError
from harness.records import Attempt, CapturedRequest, State
from harness.replay.arm import Reply, Try
from harness.replay.clock import run_async
from harness.replay.engine import Options, ReplayCounts, replay
from harness.replay.journal import Journal, read_journal
from harness.replay.schedule import Phase, Recorded, plan
from harness.replay.source import Source

Done = Callable[[Reply], None]
MS = 1_000_000
LATENCY = Phase(name="latency", pace=Recorded(), features=False)


class FakeArm:
    """Answers by the seq it reads in the bytes: at once, on the next turn of the loop, twice, or never."""

    def __init__(self, name: str = "fake", *, turns: int = 1, rules: dict[int, str] | None = None) -> None:
        self.name = name
        self.connections = 3
        self.turns = turns
        self.rules = rules or {}
        self.submitted: list[int] = []
        self.in_flight = 0
        self.most = 0
        self.opened: list[int] = []
        self.closed = 0
        self.on_submit: Callable[[int], None] = lambda _: None

    async def open(self, connections: int) -> None:
        """Note how many connections are wanted."""
        self.opened.append(connections)

    async def aclose(self) -> None:
        """Note it."""
        self.closed += 1

    def prepare(self, request: CapturedRequest, *, features: bool) -> bytes:
        """The seq and whether features are wanted."""
        if self.rules.get(request.seq) == "refused":
            raise CaptureError("must not be sent")
        return b"%d %d" % (request.seq, features)

    def submit(self, data: bytes, done: Done) -> None:
        """Call back as the rule of this seq says."""
        seq = int(data.split()[0])
        self.submitted.append(seq)
        self.in_flight += 1
        self.most = max(self.most, self.in_flight)
        self.on_submit(seq)
        rule = self.rules.get(seq, "turn")
        if rule == "at_once":
            self.answer(done)
        elif rule != "never":
            times = 2 if rule == "twice" else 1
            self.later(partial(self.answer, done, times=times), turns=self.turns)

    def later(self, call: Callable[[], object], *, turns: int) -> None:
        """Call after some turns of the loop."""
        loop = asyncio.get_running_loop()
        loop.call_soon(call if turns == 1 else lambda: self.later(call, turns=turns - 1))

    def answer(self, done: Done, *, times: int = 1) -> None:
        """An OK answer, called back so many times."""
        self.in_flight -= 1
        answer = Try(state=State.OK, status=200, body=b"{}", submit_ns=1, written_ns=2, done_ns=3)
        for _ in range(times):
            done(Reply(tries=(answer,)))


def captured(n: int) -> list[CapturedRequest]:
    """Requests a millisecond apart, with a seq that is not their index."""
    return [CapturedRequest(seq=100 + i, request_id=str(i), ts_ns=i * MS) for i in range(n)]


def run(
    *arms: FakeArm,
    n: int,
    folder: Path,
    phase: Phase = LATENCY,
    options: Options | None = None,
    source: Source | None = None,
) -> ReplayCounts:
    """Replay n requests a millisecond apart, with a journal for each arm in the folder."""
    requests = source or captured(n)
    schedule = plan(np.arange(n, dtype=np.int64) * MS, phase, resolution_ns=1, seed=0)
    journals = {arm.name: Journal(folder / arm.name) for arm in arms}
    try:
        return run_async(
            lambda: replay(schedule, requests, arms=arms, phase=phase, journals=journals, options=options)
        )
    finally:
        for journal in journals.values():
            journal.close()


def journal(folder: Path, arm: FakeArm) -> list[Attempt]:
    """What the arm's journal holds."""
    return list(read_journal(folder / arm.name))
