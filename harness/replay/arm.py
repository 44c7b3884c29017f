"""The seam between the engine and whatever answers requests: bytes in, one callback out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import msgspec

from harness.records import CapturedRequest, State

if TYPE_CHECKING:
    from collections.abc import Callable

#: details of a first try that met a dead connection, which is always followed by a second one
RETRIED = frozenset({"stale keep-alive", "closed after error"})


class Try(msgspec.Struct, frozen=True, kw_only=True):
    """One exchange with a target; stamps are CLOCK_MONOTONIC ns, None where it never got that far.

    `headers` are those that the arm's selectors read, by lower-case name.
    """

    state: State
    status: int | None = None
    headers: dict[str, str] = {}
    body: bytes = b""
    submit_ns: int | None = None
    written_ns: int | None = None
    first_ns: int | None = None
    done_ns: int | None = None
    detail: str = ""


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """How a request ended at an arm: its tries, one or two, of which the last counts."""

    tries: tuple[Try, ...]

    @property
    def final(self) -> Try:
        """The try that counts."""
        return self.tries[-1]


class Arm(Protocol):
    """A target as the engine sees it."""

    @property
    def name(self) -> str:
        """The target's name, in journals and reports."""

    @property
    def connections(self) -> int:
        """How many connections to open before an open-loop phase starts."""

    async def open(self, connections: int) -> None:
        """The arm answers, and has this many connections warm; raises TargetUnreachable."""

    async def aclose(self) -> None:
        """Nothing of the arm is left; what was in flight has been called back."""

    def prepare(self, request: CapturedRequest, *, features: bool) -> bytes:
        """The whole request as bytes; raises CaptureError for one that must not be sent."""

    def submit(self, data: bytes, done: Callable[[Reply], None]) -> None:
        """Send without blocking or raising; `done` is called exactly once, later or at once."""
