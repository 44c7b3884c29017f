"""The circuit breaker: a replay must not go on hurting a target that is already down."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Annotated

import msgspec
import numpy as np
from msgspec import Meta

from harness.records import State

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.replay.arm import Try

_LOOK_EVERY = 50  # answers between two looks at the p95, which sorts
_TOO_MANY = 429
TRIPPED = "circuit breaker: "

Positive = Annotated[float, Meta(gt=0)]
Count = Annotated[int, Meta(ge=1)]
Share = Annotated[float, Meta(gt=0, le=1)]


class Breaker(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When a phase is stopped for the sake of a target; its remaining requests end NOT_SENT.

    An error here is a sign of distress: no connection, no answer in time, 5xx or 429.
    """

    error_share: Annotated[
        Share | None,
        Meta(description="Stop when more than this share of the last answers are errors."),
    ] = 0.5
    window_s: Annotated[Positive, Meta(description="How far back `error_share` looks, in seconds.")] = 10.0
    min_answers: Annotated[
        Count, Meta(description="Answers in the window before `error_share` is looked at.")
    ] = 200
    consecutive: Annotated[
        Count | None, Meta(description="Stop after this many errors of one target in a row.")
    ] = 200
    p95_ms: Annotated[
        Positive | None,
        Meta(
            description="Stop an open loop when the p95 response time of a target's last `min_answers` "
            "answers is above this."
        ),
    ] = 5_000.0


class Tripwire:
    """The breaker of one target, fed with each final answer; pure but for its own memory."""

    def __init__(self, breaker: Breaker, *, target: str) -> None:
        self._breaker = breaker
        self._target = target
        self._window_ns = round(breaker.window_s * 1e9)
        self._window: deque[tuple[int, bool]] = deque()
        self._errors = 0
        self._row = 0
        self._answers = 0
        self._response_ns: deque[int] = deque(maxlen=breaker.min_answers)

    def note(self, last: Try, *, now_ns: int, due_ns: int | None) -> str:
        """Why to stop, now that this answer has come, or nothing."""
        error = distress(last)
        self._answers += 1
        self._row = self._row + 1 if error else 0
        self._window.append((now_ns, error))
        self._errors += error
        while self._window[0][0] < now_ns - self._window_ns:
            self._errors -= self._window.popleft()[1]
        if due_ns is not None and last.done_ns is not None:
            self._response_ns.append(last.done_ns - due_ns)
        return (self._too_many_errors() if error else "") or self._too_slow()

    def _too_many_errors(self) -> str:
        config, n = self._breaker, len(self._window)
        if config.consecutive is not None and self._row >= config.consecutive:
            return f"{TRIPPED}{self._row} errors of {self._target} in a row"
        if config.error_share is None or n < config.min_answers or self._errors <= config.error_share * n:
            return ""
        return f"{TRIPPED}{self._errors} of the last {n} answers of {self._target} were errors"

    def _too_slow(self) -> str:
        limit = self._breaker.p95_ms
        if limit is None or self._answers % _LOOK_EVERY or len(self._response_ns) < self._breaker.min_answers:
            return ""
        p95_ms = float(np.quantile(np.fromiter(self._response_ns, np.int64), 0.95)) / 1e6
        if p95_ms <= limit:
            return ""
        return f"{TRIPPED}p95 of {self._target} is {p95_ms:,.0f} ms, above {limit:,.0f} ms"


def blamed(reason: str, targets: Sequence[str]) -> str:
    """The target whose trouble stopped a phase, by the reason given; nothing where it was the time limit."""
    told = reason.startswith(TRIPPED)
    return next((name for name in targets if told and f" of {name} " in reason), "")


def distress(last: Try) -> bool:
    """Whether an answer says that the target is in trouble; another wrong answer is a finding."""
    if last.state in {State.CONNECTION_ERROR, State.TIMEOUT}:
        return True
    status = last.status or 0
    return last.state is State.HTTP_ERROR and (status >= 500 or status == _TOO_MANY)
