"""One pass over a schedule: each of its jobs is pending, in flight or ended, and ends exactly once."""

from __future__ import annotations

import contextlib
import time
from collections import Counter, deque
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import anyio
import numpy as np

from harness.errors import HarnessError
from harness.records import Attempt, State
from harness.replay.arm import Arm, Reply, Try
from harness.replay.breaker import Tripwire
from harness.replay.clock import frozen_gc, prompt_turns, timer
from harness.replay.early import Tally
from harness.replay.feed import Feed
from harness.replay.options import Options
from harness.replay.schedule import Phase, Saturate, Schedule
from harness.replay.source import Source

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from harness.replay.journal import Journal

LEAD_NS = 20_000_000
CHECK_S = 1.0
#: how the detail of a request begins that was stopped before it was sent, and so may be sent later
NOT_YET_SENT = "stopped before it was sent"
_PENDING, _IN_FLIGHT, _ENDED = range(3)


@dataclass(frozen=True)
class Work:
    """What every pass of one phase shares."""

    schedule: Schedule
    source: Source
    phase: Phase
    journals: Mapping[str, Journal]
    options: Options

    def check_names(self, arms: Sequence[Arm]) -> None:
        """Every arm counts its own rows."""
        names = [arm.name for arm in arms]
        if len(set(names)) != len(names) or not set(names) <= set(self.journals):
            raise HarnessError("each arm needs a name and a journal of its own", found=names)

    async def open(self, arm: Arm) -> None:
        """The arm has as many connections warm as this pace wants."""
        pace = self.schedule.pace
        await arm.open(pace.connections if isinstance(pace, Saturate) else arm.connections)

    def bound(self) -> int:
        """The most requests in flight at one arm."""
        if isinstance(self.schedule.pace, Saturate):
            return self.schedule.pace.connections
        return self.options.max_inflight or max(64, 4 * self.schedule.peak)

    def left(self, arms: Sequence[Arm]) -> tuple[Schedule, NDArray[np.bool_]]:
        """The part of the schedule that some arm still needs, and which arm needs what, bool (n, arms)."""
        n, only = len(self.schedule.rows), self.options.only
        if only is None:
            return self.schedule, np.ones((n, len(arms)), np.bool_)
        wanted = np.stack([only[arm.name] for arm in arms], axis=1)
        some = wanted.any(axis=1)
        rows, due_ns = self.schedule.rows[some], self.schedule.due_ns[some]
        return replace(self.schedule, rows=rows, due_ns=due_ns), wanted[some]


class Pass:
    """The state of one pass: each of its jobs, one request at one arm, is pending, in flight or ended.

    Jobs stand in the order of the schedule, the arms of each request shuffled; job // arms is its position.
    """

    def __init__(self, work: Work, arms: Sequence[Arm]) -> None:
        self.work = work
        self.arms = arms
        self.options = work.options
        schedule, wanted = work.left(arms)
        n, width = wanted.shape
        order = np.tile(np.arange(width, dtype=np.uint8), (n, 1))
        order = np.random.default_rng(self.options.seed).permuted(order, axis=1)
        self.order = order.tobytes()
        self.state = bytearray(
            np.where(np.take_along_axis(wanted, order, axis=1), _PENDING, _ENDED).astype(np.uint8)
        )
        self.jobs = wanted.sum(axis=0).tolist()
        self.seqs = np.ascontiguousarray(work.source.seqs(schedule.rows), np.int64).data
        self.open_loop = not isinstance(schedule.pace, Saturate)
        self.offsets = schedule.due_ns if self.open_loop else None
        self.feed = Feed(
            work.source,
            schedule.rows,
            arms=arms,
            order=self.order,
            features=work.phase.features,
            due_ns=self.offsets,
        )
        self.bound = work.bound()
        self.total = n * width
        self.books = [work.journals[arm.name] for arm in arms]
        self.wires = [
            Tripwire(self.options.breaker, target=arm.name) if self.options.breaker else None for arm in arms
        ]
        limits = [self.options.early.get(arm.name) for arm in arms]
        self.tallies = [Tally(each) if each else None for each in limits]
        self._begin(width)

    def _begin(self, width: int) -> None:
        """Nothing has been sent."""
        self.finals: list[Counter[State]] = [Counter() for _ in range(width)]
        self.waiting: list[deque[int]] = [deque() for _ in range(width)]
        self.retried = [0] * width
        self.in_flight = [0] * width
        self.peak = [0] * width
        self.due_ns: memoryview[int] | None = None
        self.started_ns = self.ended_ns = time.monotonic_ns()
        self.lag_ns = self.cursor = 0
        self.stopped = self.pumping = False
        self.stopped_by = self.decided = ""
        self.scope: anyio.CancelScope | None = None
        self.offering: anyio.CancelScope | None = None
        self.quiet: anyio.Event | None = None

    async def send(self) -> None:
        """All jobs have ended, whatever happens on the way."""
        with frozen_gc() if self.open_loop else contextlib.nullcontext(), prompt_turns():
            self.started_ns = time.monotonic_ns() + LEAD_NS
            try:
                with anyio.move_on_after(self.options.max_seconds) as self.scope:
                    await self._drained_when_cancelled()
            finally:
                if self.scope is not None and self.scope.cancelled_caught and not self.stopped_by:
                    self.stopped_by = f"the time limit of {self.options.max_seconds:g} s"
                self.end_the_rest()
                self.ended_ns = time.monotonic_ns()

    async def _drained_when_cancelled(self) -> None:
        """Everything was offered and answered; cancelled, what is in flight has had its chance."""
        try:
            await (self._on_the_clock() if self.open_loop else self._as_answered())
        except anyio.get_cancelled_exc_class():
            self.stopped = True
            with anyio.move_on_after(self.options.drain_s, shield=True):
                await self._settled()
            raise

    async def _on_the_clock(self) -> None:
        """Open loop: at each tick everything due is submitted; nothing but the schedule delays it."""
        width, feed = len(self.arms), self.feed
        due = self.due_ns = (self._offsets() + self.started_ns).data
        clock = timer()
        try:
            with anyio.CancelScope() as self.offering:
                while self.cursor < self.total and not self.decided:
                    position = self.cursor // width
                    await clock.until(due[position])
                    self._check_books()
                    await feed.until(position)
                    now, ready = time.monotonic_ns(), feed.ready * width
                    while self.cursor < ready and due[self.cursor // width] <= now and not self.decided:
                        self._offer(self.cursor)
                        self.cursor += 1
                    feed.poke(self.cursor // width, now_ns=now - self.started_ns)
        finally:
            clock.close()
        await self._answered()

    def _offsets(self) -> NDArray[np.int64]:
        """When each position is due, from the start; int64 ns (n,)."""
        return np.zeros(0, np.int64) if self.offsets is None else self.offsets

    def _offer(self, job: int) -> None:
        """Send now, or shed, or queue: the clock does not wait."""
        arm = self.order[job]
        if self.state[job] == _ENDED:
            self.feed.take(job)
        elif self.in_flight[arm] < self.bound:
            self._launch(job)
        elif self.work.phase.overload == "queue":
            self.waiting[arm].append(job)
        else:
            self.feed.take(job)
            self._end(job, State.SHED, detail=f"{self.bound} requests in flight")

    async def _as_answered(self) -> None:
        """Closed loop: `connections` in flight at each arm, all arms in step through the one list."""
        self.feed.listen(self._pump)
        self._pump()
        await self._answered()

    def _pump(self) -> None:
        """Fill the arms up; an arm that answers at once calls back into here, which must not nest."""
        if self.pumping or self.stopped:
            return
        self.pumping = True
        if self.open_loop:
            self._pump_waiting()
        else:
            self._pump_list()
        self.pumping = False

    def _pump_waiting(self) -> None:
        """Open loop: what had to queue leaves first come, first served."""
        for arm, waiting in enumerate(self.waiting):
            while waiting and self.in_flight[arm] < self.bound and not self.stopped:
                self._launch(waiting.popleft())

    def _pump_list(self) -> None:
        """Closed loop: the next jobs of the list."""
        ready = self.feed.ready * len(self.arms)
        while (
            self.cursor < ready and self.in_flight[self.order[self.cursor]] < self.bound and not self.stopped
        ):
            job, self.cursor = self.cursor, self.cursor + 1
            if self.state[job] == _ENDED:
                self.feed.take(job)
            else:
                self._launch(job)
        self.feed.poke(self.cursor // len(self.arms), now_ns=0)
        self._tell_quiet()

    def _launch(self, job: int) -> None:
        data, arm = self.feed.take(job), self.order[job]
        if isinstance(data, str):
            self._end(job, State.NOT_SENT, detail=data)
            return
        self.state[job] = _IN_FLIGHT
        self.in_flight[arm] += 1
        self.peak[arm] = max(self.peak[arm], self.in_flight[arm])
        self.arms[arm].submit(data, partial(self._done, job))

    def _done(self, job: int, reply: Reply) -> None:
        """An arm called back; what comes after a job has ended is ignored."""
        if self.state[job] != _IN_FLIGHT:
            return
        arm = self.order[job]
        self.in_flight[arm] -= 1
        self.retried[arm] += len(reply.tries) > 1
        self._write(job, reply.tries)
        self._watch(job, reply.tries[-1])
        if not self.open_loop or self.waiting[arm]:
            self._pump()
        self._tell_quiet()

    def _watch(self, job: int, last: Try) -> None:
        """The breaker and the counts that decide see every answer, and stop the phase once."""
        if self.stopped:
            return
        arm = self.order[job]
        wire, tally = self.wires[arm], self.tallies[arm]
        due_ns = self.due_ns[job // len(self.arms)] if self.due_ns is not None else None
        if wire is not None:
            self.stopped_by = wire.note(last, now_ns=time.monotonic_ns(), due_ns=due_ns)
        if tally is not None and not self.stopped_by:
            lost = self.finals[arm][State.SHED] + self.finals[arm][State.NOT_SENT]
            self.decided = tally.note(last, due_ns=due_ns, lost=lost)
        which = self.scope if self.stopped_by else self.offering
        self.stopped = bool(self.decided or (self.stopped_by and which))
        if self.stopped and which is not None:
            which.cancel()

    def _end(self, job: int, state: State, *, detail: str) -> None:
        """The job ends without an answer; attempt 0 says that nothing was tried."""
        self._write(job, (Try(state=state, detail=detail),), first=int(state is State.ABANDONED))

    def _write(self, job: int, tries: tuple[Try, ...], *, first: int = 1) -> None:
        """The job has ended, and the journal knows."""
        position, arm = job // len(self.arms), self.order[job]
        self.state[job] = _ENDED
        self.finals[arm][tries[-1].state] += 1
        due_ns = self.due_ns[position] if self.due_ns is not None else None
        if due_ns is not None and tries[-1].written_ns is not None:
            self.lag_ns = tries[-1].written_ns - due_ns
        for number, one in enumerate(tries, first):
            self.books[arm].append(
                Attempt(
                    seq=self.seqs[position],
                    phase=self.work.phase.name,
                    target=self.arms[arm].name,
                    attempt=number,
                    state=one.state,
                    due_ns=due_ns,
                    submit_ns=one.submit_ns,
                    written_ns=one.written_ns,
                    first_ns=one.first_ns,
                    done_ns=one.done_ns,
                    status=one.status,
                    headers=one.headers,
                    body=one.body,
                    detail=one.detail,
                )
            )

    def _busy(self) -> bool:
        """Whether something is in flight, or will be."""
        return any(self.in_flight) or (not self.stopped and self.cursor < self.total)

    def _tell_quiet(self) -> None:
        if self.quiet is not None and not self._busy():
            self.quiet.set()

    async def _answered(self) -> None:
        """Everything submitted has ended; a journal that fails meanwhile is noticed."""
        while self._busy():
            with anyio.move_on_after(CHECK_S):
                await self._settled()
            self._check_books()

    async def _settled(self) -> None:
        """Nothing is in flight."""
        if self._busy():
            self.quiet = anyio.Event()
            await self.quiet.wait()

    def end_the_rest(self) -> None:
        """After a whole pass this finds nothing; after a cut one, everything not answered."""
        self.stopped = True
        self.feed.close()
        why = f" ({self.stopped_by})" if self.stopped_by else ""
        for job, state in enumerate(self.state):
            if state == _IN_FLIGHT:
                self.in_flight[self.order[job]] -= 1
                self._end(job, State.ABANDONED, detail=f"stopped while in flight{why}")
            elif state == _PENDING and self.decided:
                self._end(job, State.NOT_NEEDED, detail=f"FAIL of {self.decided} was certain")
            elif state == _PENDING:
                self._end(job, State.NOT_SENT, detail=f"{NOT_YET_SENT}{why}")

    def _check_books(self) -> None:
        self.feed.check()
        for book in self.books:
            book.check()

    def check(self) -> None:
        """Every request ended in exactly one state at every arm."""
        for arm, finals, jobs in zip(self.arms, self.finals, self.jobs, strict=True):
            if finals.total() != jobs:
                where = f"phase {self.work.phase.name}, target {arm.name}"
                raise HarnessError(
                    "requests were lost or doubled", where=where, found=finals.total(), expected=jobs
                )
