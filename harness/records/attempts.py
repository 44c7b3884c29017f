"""What was sent to a target and came back: every try, the state that a request ended in, the outcome."""

from __future__ import annotations

from enum import StrEnum

import msgspec


class State(StrEnum):
    """How one captured request ended at one target; every request ends in exactly one."""

    OK = "ok"
    HTTP_ERROR = "http_error"
    CONNECTION_ERROR = "connection_error"
    TIMEOUT = "timeout"
    BAD_BODY = "bad_body"
    SHED = "shed"
    NOT_SENT = "not_sent"
    ABANDONED = "abandoned"
    NOT_NEEDED = "not_needed"


#: what the build did wrong; all else that is not OK is the harness's own loss, or was not needed for a FAIL
TARGET_FAULTS = frozenset({State.HTTP_ERROR, State.CONNECTION_ERROR, State.TIMEOUT, State.BAD_BODY})
#: what the build answers for, well or badly
ANSWERED_FOR = TARGET_FAULTS | {State.OK}


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """One try of one request at one target: a line of the journal.

    Stamps are CLOCK_MONOTONIC ns; None where the attempt never got that far. `due_ns` is the schedule's.
    """

    seq: int
    phase: str
    target: str
    attempt: int
    state: State
    due_ns: int | None = None
    submit_ns: int | None = None
    written_ns: int | None = None
    first_ns: int | None = None
    done_ns: int | None = None
    status: int | None = None
    headers: dict[str, str] = {}
    body: bytes = b""
    detail: str = ""


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What one arm answered to one request in one phase: the final attempt, parsed.

    `features` is a JSON object with NaN and infinities spelled as strings; None when none were echoed.
    `server_ns` is the time the service says it took.
    """

    seq: int
    phase: str
    target: str
    state: State
    attempts: int = 1
    status: int | None = None
    due_ns: int | None = None
    submit_ns: int | None = None
    written_ns: int | None = None
    first_ns: int | None = None
    done_ns: int | None = None
    server_ns: int | None = None
    score: float | None = None
    features: bytes | None = None
    model: str | None = None
    echoed_id: str | None = None
    detail: str = ""
    body: bytes = b""
