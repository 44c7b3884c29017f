"""A live endpoint asked one request at a time, for a human who looks for a bug: slowly, and not for long."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import anyio

from harness.records import Attempt, Outcome, State
from harness.replay.breaker import Tripwire

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.records import CapturedRequest
    from harness.replay.arm import Reply, Try
    from harness.replay.breaker import Breaker
    from harness.replay.message import Message
    from replayers.http import HttpArm

#: answers in a row that say "not now"; a 500 to a request that lacks a field is an answer
TROUBLE = 3
_NOT_NOW = frozenset({429, 502, 503, 504})
PHASE = "reproduce"


@dataclass(frozen=True)
class Limits:
    """How often an endpoint may be asked: in all, for how long, and how many times a second."""

    sends: int = 200
    seconds: float = 60.0
    rate: float = 20.0


@dataclass
class Budget:
    """What is left of the limits; once `stopped` says why, nothing more is sent."""

    limits: Limits
    clock: Callable[[], int] = field(default=time.monotonic_ns)
    sends: int = 0
    stopped: str = ""
    _begun_ns: int | None = None
    _next_ns: int = 0

    @property
    def seconds(self) -> float:
        """Since the first send."""
        return 0.0 if self._begun_ns is None else (self.clock() - self._begun_ns) / 1e9

    async def take(self) -> bool:
        """Whether one more may be sent, once it is its turn."""
        if not self.stopped and self.sends >= self.limits.sends:
            self.stopped = f"after {self.sends:,} sends (--max-sends)"
        if not self.stopped and self.seconds >= self.limits.seconds:
            self.stopped = f"after {self.limits.seconds:g} s (--max-seconds)"
        if self.stopped:
            return False
        now_ns = self.clock()
        self._begun_ns = now_ns if self._begun_ns is None else self._begun_ns
        await anyio.sleep(max(0.0, (self._next_ns - now_ns) / 1e9))
        self._next_ns = max(now_ns, self._next_ns) + round(1e9 / self.limits.rate)
        self.sends += 1
        return True


class Asker:
    """One target, its answers read as in a run; trouble there ends the budget for all."""

    def __init__(self, arm: HttpArm, *, budget: Budget, breaker: Breaker) -> None:
        self.arm = arm
        self.budget = budget
        self._tripwire = Tripwire(breaker, target=arm.name)
        self._not_now = 0

    async def ask(self, message: Message, request: CapturedRequest) -> Outcome | None:
        """What the target answers to this message; None where nothing may be sent any more."""
        last = await self.answer(message.encode())
        if last is None:
            return None
        sent_id = request.request_id if "x-request-id" in message.headers else None
        return self.arm.outcome(_attempt(last, request, target=self.arm.name), sent_id=sent_id)

    async def answer(self, data: bytes) -> Try | None:
        """What comes back to these bytes, as it is; None where nothing may be sent any more."""
        if not await self.budget.take():
            return None
        last = (await self._exchange(data)).final
        self._watch(last)
        return last

    async def _exchange(self, data: bytes) -> Reply:
        replies: list[Reply] = []
        done = anyio.Event()

        def note(reply: Reply) -> None:
            replies.append(reply)
            done.set()

        self.arm.submit(data, note)
        await done.wait()
        return replies[0]

    def _watch(self, last: Try) -> None:
        """The target is left alone once it does not answer, or says that it cannot."""
        silent = last.state in {State.CONNECTION_ERROR, State.TIMEOUT, State.SHED}
        self._not_now = self._not_now + 1 if silent or last.status in _NOT_NOW else 0
        reason = self._tripwire.note(last, now_ns=self.budget.clock(), due_ns=None)
        if self._not_now >= TROUBLE:
            reason = f"{self.arm.name} is in trouble: {last.detail or last.state}, {TROUBLE} times in a row"
        self.budget.stopped = self.budget.stopped or reason


def _attempt(last: Try, request: CapturedRequest, *, target: str) -> Attempt:
    return Attempt(
        seq=request.seq,
        phase=PHASE,
        target=target,
        attempt=1,
        state=last.state,
        written_ns=last.written_ns,
        done_ns=last.done_ns,
        status=last.status,
        headers=last.headers,
        body=last.body,
        detail=last.detail,
    )
