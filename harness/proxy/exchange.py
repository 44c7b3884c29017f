"""One request of a user and its answer, as both pass through."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Protocol

from harness.proxy.counts import Tally
from harness.proxy.heads import (
    AnswerHead,
    RequestHead,
    chunk,
    given_back,
    last_chunk,
    passed_on,
    said,
)
from harness.proxy.names import CallNames
from harness.proxy.reading import AnswerPart, End, RequestPart
from harness.proxy.recording import OUTCOME, Kept, Passed, Room

if TYPE_CHECKING:
    from harness.proxy.upstream import Connection, Pool

_TIMED_OUT = frozenset({"connection_timeout", "http_response_timeout"})
#: may be sent again where the first went into a connection that was being closed (RFC 9110, section 9.2.1)
_SAFE = frozenset({b"GET", b"HEAD", b"OPTIONS"})
_BODILESS = frozenset({204, 304})


class Copies(Protocol):
    """Where copies of requests go that have been passed on."""

    def offer(self, head: RequestHead, body: list[bytes] | None, *, request_id: str, ts_ns: int) -> None:
        """Take a copy; None where the body was too large to keep. Neither waits nor raises."""


class Records(Protocol):
    """Where calls go that are over: a `Recorder`."""

    def offer(self, call: Passed) -> bool:
        """Whether the call is taken. Neither waits nor raises."""


class User(Protocol):
    """Who gets the answer."""

    peer: bytes
    last: bool

    def write(self, data: bytes) -> None:
        """Send some of the answer."""

    def over(self, *, close: bool, cut: bool = False) -> None:
        """The answer is over; `close` ends the connection after it, `cut` so that it shows."""

    def regulate(self) -> None:
        """Whether more of the request may be read has changed."""

    def granted(self) -> list[RequestPart]:
        """The upgrade was granted: what came after the request, as bytes."""


@dataclass
class Shared:
    """What all exchanges of a proxy have in common."""

    pool: Pool
    recorder: Records
    via: bytes = b"replaygate"
    room: Room = field(default_factory=Room)
    tally: Tally = field(default_factory=Tally)
    names: CallNames = field(default_factory=CallNames)
    mirror: Copies | None = None
    timeout_ns: int = 60_000_000_000
    wall_ns: Callable[[], int] = time.time_ns
    clock_ns: Callable[[], int] = time.monotonic_ns


class Exchange:
    """One request of a user and its answer: parts come in from both sides, bytes go out to both.

    The request is passed on as it comes; the answer is given back as it comes. What was kept of both goes to
    the recorder when the answer is over, however it ends. The user's answer never waits for that, nor for the
    mirror.
    """

    __slots__ = (
        "_answer",
        "_asked",
        "_close",
        "_connection",
        "_full",
        "_given",
        "_out",
        "_request",
        "_retried",
        "_said_all",
        "_sent_ns",
        "_shared",
        "_slow",
        "_taken",
        "_touched_ns",
        "_ts_ns",
        "_user",
        "asked_whole",
        "head",
        "over",
        "request_id",
        "tunnel",
    )

    def __init__(self, head: RequestHead, user: User, *, shared: Shared) -> None:
        self.head = head
        self._user = user
        self._shared = shared
        self._ts_ns = shared.wall_ns()
        self._touched_ns = shared.clock_ns()
        self._sent_ns = self._taken = 0
        self.request_id = shared.names.name(head)
        self._request, self._answer = Kept(shared.room), Kept(shared.room)
        self._out = [self._head_out()]
        self._connection: Connection | None = None
        self._given: AnswerHead | None = None
        self._asked = self._retried = self._full = self._slow = False
        self._close = self._said_all = False
        self.asked_whole = self.tunnel = self.over = False

    @property
    def stuck(self) -> bool:
        """No more of the request is to be read for now."""
        if self.head.upgrade and not self.tunnel:
            return True
        return self._full or (self._connection is None and not self.asked_whole)

    def take(self, part: bytes | End) -> None:
        """More of the request; `flush` sends it. One that ends before its length, or after, is refused.

        What is missing would be taken from the next request on the connection to the service.
        """
        if isinstance(part, End):
            if not self.head.chunked and self._taken != self.head.length:
                self.fail("http_request_error", 400)
                return
            self.asked_whole = True
            if self.head.chunked:
                self._out.append(last_chunk([]))
        else:
            self._taken += len(part)
            self._request.add(part)
            self._out.append(chunk(part) if self.head.chunked else part)

    def flush(self) -> None:
        """Send what was taken, all in one write, and then offer a copy of a whole request to the mirror."""
        if self.over:
            return
        if self._connection is None:
            if not self._asked:
                self._asked = True
                self._shared.pool.ask(self)
            return
        if self._out:
            self._connection.write(self._out[0] if len(self._out) == 1 else b"".join(self._out))
            self._out = []
            self._touched_ns = self._shared.clock_ns()
        if self.asked_whole and not self._sent_ns:
            self._sent_ns = self._touched_ns
            mirror = self._shared.mirror
            if mirror is not None and not self.head.upgrade and not self._retried:
                body = self._request.parts if self._request.whole else None
                copy = partial(mirror.offer, self.head, body, request_id=self.request_id, ts_ns=self._ts_ns)
                # the loop writes to sockets once its callbacks are done: only then has the request gone
                asyncio.get_running_loop().call_soon(copy)

    def connected(self, connection: Connection) -> None:
        """There is a connection: what was taken so far goes out."""
        self._connection = connection
        connection.reader.begin(head_only=self.head.method == b"HEAD")
        self.flush()
        if self._said_all:
            connection.write_eof()
        self._user.regulate()

    def unconnected(self, error: str) -> None:
        """The service cannot be reached."""
        self.fail(error)

    def full(self, *, is_full: bool) -> None:
        """The service takes no more of the request for now, or takes it again."""
        self._full = is_full
        self._touched_ns = self._shared.clock_ns()
        self._user.regulate()

    def slow(self, *, is_slow: bool) -> None:
        """The user takes no more of the answer for now, or takes it again."""
        self._slow = is_slow
        self._touched_ns = self._shared.clock_ns()
        if self._connection is not None:
            self._connection.pause(paused=is_slow)

    def last_word(self) -> None:
        """The user has closed one half of the connection, or all of it: nobody can know which."""
        self._said_all = True
        if self._connection is not None:
            self._connection.write_eof()

    def answered(self, parts: list[AnswerPart]) -> None:
        """More of the answer: given back in one write."""
        self._touched_ns = self._shared.clock_ns()
        out: list[bytes] = []
        last: End | str | None = None
        for part in parts:
            if isinstance(part, bytes):
                self._answer.add(part)
                out.append(chunk(part) if self._rechunked else part)
            elif isinstance(part, AnswerHead):
                last = self._begin_answer(part, out)
            else:
                last = part if isinstance(part, End) else part.error
        if isinstance(last, End) and self._rechunked:
            out.append(last_chunk(last.trailers))
        if out:
            self._user.write(out[0] if len(out) == 1 else b"".join(out))
        if isinstance(last, End):
            self._shared.tally.answered += 1
            self._end("", close=self._close or not self.asked_whole)
        elif last is not None:
            self.fail(last)

    def check(self, now_ns: int) -> None:
        """End what has made no progress for too long."""
        if now_ns - self._touched_ns <= self._shared.timeout_ns or self.over or self.tunnel:
            return
        if self._slow:
            self._end("user stalled", close=True, cut=True)
        else:
            waits = self.asked_whole or self._full
            self.fail("http_response_timeout" if waits else "http_request_timeout")

    def fail(self, error: str, status: int = 0) -> None:
        """No answer, or no more of it: the user is told, or sees that it is cut."""
        if self._said_all and error == "connection_terminated":
            self.abandon()
        if self.over or self._sent_again(error):
            return
        if self._given is None and not self.tunnel:
            status = status or (
                408 if error == "http_request_timeout" else 504 if error in _TIMED_OUT else 502
            )
            what = "the service gave no answer" if status >= 500 else "the request did not come whole"
            words = f"{what}: {error.replace('_', ' ')}"
            head_only = self.head.method == b"HEAD"
            self._user.write(said(status, words, error=error, head_only=head_only))
            self._end(error, status=status, close=True)
        else:
            unframed = self.head.minor == 0 or (self._given is not None and self._given.to_close)
            self._end(error, close=True, cut=unframed and not self.tunnel)

    def abandon(self) -> None:
        """The user has gone: nobody waits for the answer."""
        self._end("user left", close=True, cut=True)

    @property
    def _rechunked(self) -> bool:
        """The answer's body goes to the user in chunks."""
        given = self._given
        if given is None or not given.chunked or not self.head.minor:
            return False
        return self.head.method != b"HEAD" and given.status not in _BODILESS

    def _begin_answer(self, head: AnswerHead, out: list[bytes]) -> str | None:
        """The head of an answer goes out; a word says why it cannot."""
        if head.status == 101:
            return self._open_tunnel(head, out)
        if head.status < 200:
            if self.head.minor:
                out.append(given_back(head, minor=1, close=False))
            return None
        self._given = head
        self._close = head.to_close or not self.head.keep_alive or self._user.last
        out.append(given_back(head, minor=self.head.minor, close=self._close))
        return None

    def _open_tunnel(self, head: AnswerHead, out: list[bytes]) -> str | None:
        """From now on bytes pass both ways as they are, and nothing is kept."""
        if not self.head.upgrade or self._connection is None:
            return "http_upgrade_failed"
        self._given, self.tunnel, self._close = head, True, True
        self._request.stop()
        self._answer.stop()
        self._shared.tally.tunnels += 1
        out.append(given_back(head, minor=1, close=False))
        out += [part for part in self._connection.reader.upgraded() if isinstance(part, bytes)]
        self._out += [part for part in self._user.granted() if isinstance(part, bytes)]
        self.flush()
        self._user.regulate()
        return None

    def _head_out(self) -> bytes:
        """The head as the service gets it."""
        shared = self._shared
        host = shared.pool.endpoint.authority.encode("ascii", "replace")
        return passed_on(self.head, peer=self._user.peer, via=shared.via, host=host)

    def _sent_again(self, error: str) -> bool:
        """A harmless request that met a connection being closed is sent once more, on a fresh one."""
        connection = self._connection
        again = (
            error == "connection_terminated"
            and connection is not None
            and connection.reused
            and not self._retried
            and self.asked_whole
            and self.head.method in _SAFE
            and not (self.head.length or self.head.chunked or self.head.upgrade)
        )
        if again:
            self._retried, self._connection, self._sent_ns = True, None, 0
            self._out = [self._head_out()]
            self._shared.pool.ask(self, fresh=True)
        return again

    def _end(self, error: str, *, close: bool, status: int = 0, cut: bool = False) -> None:
        """The exchange is over: the connection is given back, the user told, the record offered."""
        if self.over:
            return
        self.over = True
        done_ns = self._touched_ns
        if self._connection is not None:
            if error or not self.asked_whole or self.tunnel:
                self._connection.drop()
            else:
                self._connection.release()
        if error and not self.tunnel:
            self._shared.tally.failed[error.replace("_", " ")] += 1
        self._user.over(close=close, cut=cut)
        if not self.tunnel:
            self._record(error, status or (self._given.status if self._given else 0), done_ns=done_ns)
        self._request.free()
        self._answer.free()

    def _record(self, error: str, status: int, *, done_ns: int) -> None:
        whole = self._given is not None and not error
        self._shared.recorder.offer(
            Passed(
                request_id=self.request_id,
                ts_ns=self._ts_ns,
                head=self.head,
                body=self._request.parts,
                truncated=not (self._request.whole and self.asked_whole),
                status=status or None,
                answer=self._given,
                answer_body=self._answer.parts,
                answer_truncated=self._given is not None and not (self._answer.whole and not error),
                latency_ns=done_ns - self._sent_ns if whole and self._sent_ns else None,
                tags={OUTCOME: error.replace("_", " ")} if error else {},
                largest=self._shared.room.each,
            )
        )
