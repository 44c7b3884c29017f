"""Copies of live requests to a shadow: after the user's request has gone, never in the way of an answer."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Protocol

import msgspec

from harness.capture.live.sampling import TAG, below
from harness.proxy.counts import Tally
from harness.proxy.heads import AnswerHead, RequestHead, dropped
from harness.proxy.masking import masked
from harness.proxy.reading import AnswerPart, End
from harness.proxy.recording import OUTCOME, Kept, Passed, Room, memory_of
from harness.replay.guard import HOP, OURS, safe_headers

if TYPE_CHECKING:
    from harness.proxy.upstream import Connection, Pool

MARK = b"mirror"
#: set anew; and who passed the request on to us is nobody's business behind a shadow
_OURS = frozenset(
    {name.encode() for name in HOP | OURS} | {b"via", b"x-forwarded-for", b"x-request-id", b"x-shadow-replay"}
)


class Shadows(Protocol):
    """Where answers of the shadow go: a `Recorder`."""

    def offer(self, call: Passed) -> bool:
        """Whether the call is taken. Neither waits nor raises."""

    def lose(self, reason: str) -> None:
        """Count a call that there is nothing to write of."""


@dataclass(frozen=True, kw_only=True)
class Terms:
    """What is mirrored, and how much of it waits; a shadow answers within `timeout_ns` or not at all."""

    share: float = 1.0
    methods: frozenset[bytes] = frozenset({b"GET", b"POST"})
    credentials: bool = False
    at_once: int = 64
    waiting: int = 1_000
    timeout_ns: int = 10_000_000_000


@dataclass(frozen=True, slots=True)
class Copy:
    """A request as the user sent it."""

    head: RequestHead
    body: list[bytes]
    request_id: str
    ts_ns: int

    @property
    def size(self) -> int:
        """Of its body."""
        return sum(map(len, self.body))

    @property
    def memory(self) -> int:
        """What its body takes."""
        return memory_of(self.body)


@dataclass
class Mirror:
    """Sends copies on connections of its own and records what the shadow answers, under the same ids.

    At most `at_once` are under way and `waiting` wait, in the memory of `room`; what does not fit is not
    mirrored, and counted.
    """

    pool: Pool
    recorder: Shadows
    tally: Tally
    terms: Terms = field(default_factory=Terms)
    room: Room = field(default_factory=lambda: Room(left=64 << 20))
    clock_ns: Callable[[], int] = time.monotonic_ns

    def __post_init__(self) -> None:
        self._queue: deque[Copy] = deque()
        self._under_way: set[Shadowed] = set()
        self._open = True
        self._authority = self.pool.endpoint.authority.encode("ascii", "replace")

    def offer(self, head: RequestHead, body: list[bytes] | None, *, request_id: str, ts_ns: int) -> None:
        """Send a copy now or soon, or count why not."""
        if not in_share(request_id, self.terms.share):
            return
        if head.method not in self.terms.methods:
            self.tally.unmirrored[f"method {head.method.decode('ascii')}"] += 1
            return
        copy = Copy(head, body or [], request_id, ts_ns)
        why = "too large" if body is None else self._why_not(copy)
        if why:
            self._lose(why)
            return
        self.room.left -= copy.memory
        self._queue.append(copy)
        self._next()

    def over(self, one: Shadowed) -> None:
        """One is answered, or never will be: the next."""
        self._under_way.discard(one)
        self.room.left += one.copy.memory
        self._next()

    def sweep(self) -> None:
        """End what takes too long."""
        oldest = self.clock_ns() - self.terms.timeout_ns
        for one in [each for each in self._under_way if each.started_ns < oldest]:
            one.fail("timeout")

    @property
    def busy(self) -> bool:
        """Copies are under way or wait."""
        return bool(self._queue or self._under_way)

    def close(self) -> None:
        """What is under way or waits is counted as not answered."""
        self._open = False
        for _ in self._queue:
            self._lose("end")
        self._queue.clear()
        for one in list(self._under_way):
            one.fail("end")

    def _lose(self, why: str) -> None:
        """What should have been mirrored is missing in the shadow's capture, whose counts say so."""
        self.tally.unmirrored[why] += 1
        self.recorder.lose(f"not mirrored: {why}")

    def _why_not(self, copy: Copy) -> str:
        if len(self._queue) >= self.terms.waiting or copy.memory > self.room.left:
            return "queue full"
        return "" if self._open else "end"

    def _next(self) -> None:
        """As many as may be under way are."""
        while self._open and self._queue and len(self._under_way) < self.terms.at_once:
            copy = self._queue.popleft()
            data = copied(copy, self._authority, credentials=self.terms.credentials)
            one = Shadowed(copy, data, mirror=self)
            self._under_way.add(one)
            self.tally.mirrored += 1
            self.pool.ask(one)


class Shadowed:
    """One copy on its way, and the shadow's answer."""

    __slots__ = ("_answer", "_connection", "_data", "_given", "_mirror", "copy", "over", "started_ns")

    def __init__(self, copy: Copy, data: bytes, *, mirror: Mirror) -> None:
        self.copy = copy
        self._data = data
        self._mirror = mirror
        self._answer = Kept(mirror.room)
        self._given: AnswerHead | None = None
        self._connection: Connection | None = None
        self.started_ns = mirror.clock_ns()
        self.over = False

    def connected(self, connection: Connection) -> None:
        """The copy goes out."""
        self._connection = connection
        connection.reader.begin(head_only=self.copy.head.method == b"HEAD")
        connection.write(self._data)

    def unconnected(self, error: str) -> None:
        """The shadow cannot be reached."""
        self.fail(error)

    def full(self, *, is_full: bool) -> None:
        """The shadow is slow to read; the copy is whole and waits in its own connection."""

    def answered(self, parts: list[AnswerPart]) -> None:
        """More of the shadow's answer; what does not fit ends it."""
        for part in parts:
            if isinstance(part, bytes):
                self._answer.add(part)
            elif isinstance(part, End):
                if self._answer.whole:
                    self._end("")
                    return
            elif not isinstance(part, AnswerHead):
                self.fail(part.error)
                return
            elif part.status >= 200:
                self._given = part
            elif part.status == 101:
                self.fail("http_protocol_error")
                return
        if not self._answer.whole:
            self.fail("too large")

    def fail(self, error: str) -> None:
        """No whole answer: counted and recorded as such."""
        if not self.over:
            self._mirror.tally.mirror_failed[error.replace("_", " ")] += 1
            self._end(error)

    def _end(self, error: str) -> None:
        self.over = True
        done_ns = self._mirror.clock_ns()
        if self._connection is not None:
            (self._connection.drop if error else self._connection.release)()
        given = self._given if not error else None
        share = min(1.0, self._mirror.terms.share)
        self._mirror.recorder.offer(
            Passed(
                request_id=self.copy.request_id,
                ts_ns=self.copy.ts_ns,
                head=self.copy.head,
                body=self.copy.body,
                status=given.status if given else None,
                answer=given,
                answer_body=self._answer.parts if given else [],
                latency_ns=done_ns - self.started_ns if given else None,
                tags=({OUTCOME: error.replace("_", " ")} if error else {}) | sampled(share),
                largest=self._mirror.room.each,
                sampling_weight=1 / share,
            )
        )
        self._answer.free()
        self._mirror.over(self)


def in_share(request_id: str, share: float) -> bool:
    """Whether a request is mirrored: the same answer for the same id, and a larger share only adds.

    The hash has a key of its own, so that the sample of a recorder is drawn independently.
    """
    return below(request_id, share, key=MARK)


def sampled(share: float) -> dict[str, str]:
    """The tag of a record that says by what chance it was mirrored."""
    return {} if share >= 1 else {TAG: msgspec.json.encode({"request_id mirror": share}).decode()}


def copied(copy: Copy, authority: bytes, *, credentials: bool) -> bytes:
    """The copy as the shadow gets it, marked `x-shadow-replay`, its body with a length.

    What is of one hop stays here, and so do credentials, as the guard of a replay knows them, in headers and
    in the query, unless they are wanted. Values hold no control characters: the parser let none in.
    """
    head, gone = copy.head, dropped(copy.head.fields)
    target = head.target if credentials else masked(head.target)
    lines = [b"%b %b HTTP/1.1" % (head.method, target), b"host: " + authority]
    for name, value in head.fields:
        lower = name.lower()
        if lower not in gone and (credentials or _harmless(lower)) and lower not in _OURS:
            lines.append(b"%b: %b" % (lower, value))
    lines += (b"x-request-id: " + copy.request_id.encode("latin-1"), b"x-shadow-replay: " + MARK)
    if copy.size or head.chunked or head.length or head.method == b"POST":
        lines.append(b"content-length: %d" % copy.size)
    return b"".join((b"\r\n".join((*lines, b"", b"")), *copy.body))


@lru_cache(maxsize=1_024)
def _harmless(name: bytes) -> bool:
    """Whether a header by this name may go to a shadow: neither a credential nor ours to set."""
    return bool(safe_headers({name.decode("latin-1"): ""}))
