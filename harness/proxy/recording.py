"""What is kept of a call while it passes, in bounded memory, and the record that it becomes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from harness.capture.live import Record
from harness.capture.live.record import decoded
from harness.inflating import ENCODINGS, inflated

if TYPE_CHECKING:
    from harness.proxy.heads import AnswerHead, RequestHead

#: what a call takes beside its bodies and headers
_OVERHEAD = 1_000
_HEADER = 120
#: what a piece of a body takes beside its bytes, and how many are put together; a chunk may be one byte
_PIECE = 60
_MANY = 1_024
#: the tag that says what went wrong
OUTCOME = "proxy"


@dataclass
class Room:
    """Bytes for one body (`each`), and memory for those of all calls under way (`left`)."""

    each: int = 10 << 20
    left: int = 256 << 20


class Kept:
    """A body as far as there is room for it; `whole` until something is left out, `size` in bytes."""

    __slots__ = ("_loose", "_room", "_used", "parts", "size", "whole")

    def __init__(self, room: Room) -> None:
        self._room = room
        self.parts: list[bytes] = []
        self.size = self._used = self._loose = 0
        self.whole = True

    def add(self, data: bytes) -> None:
        """Keep this too: the beginning of it where not all fits."""
        if not self.whole:
            return
        taken = max(0, min(len(data), self._room.each - self.size, self._room.left - _PIECE))
        self.whole = taken == len(data)
        if taken:
            self.parts.append(data if self.whole else data[:taken])
            self.size += taken
            self._loose += 1
            self._use(taken + _PIECE)
            if self._loose == _MANY:
                self._join()

    def free(self) -> None:
        """The room is free for others; the parts belong to whoever took them."""
        self._use(-self._used)
        self.size = 0

    def stop(self) -> None:
        """Nothing is kept, from now on."""
        self.free()
        self.parts = []
        self.whole = False

    def _join(self) -> None:
        """The last pieces are one: only they, or single bytes would be copied thousands of times."""
        self.parts[-_MANY:] = [b"".join(self.parts[-_MANY:])]
        self._loose = 0
        self._use(-_PIECE * (_MANY - 1))

    def _use(self, memory: int) -> None:
        self._used += memory
        self._room.left -= memory


def memory_of(parts: list[bytes]) -> int:
    """About how many bytes of memory the pieces of a body take."""
    return sum(map(len, parts)) + _PIECE * len(parts)


@dataclass(frozen=True, kw_only=True)
class Passed:
    """A call that is over; it becomes a record on the recorder's own thread."""

    request_id: str
    ts_ns: int
    head: RequestHead
    body: list[bytes]
    truncated: bool = False
    status: int | None = None
    answer: AnswerHead | None = None
    answer_body: list[bytes] = field(default_factory=list)
    answer_truncated: bool = False
    latency_ns: int | None = None
    tags: dict[str, str] = field(default_factory=dict)
    largest: int = 10 << 20
    sampling_weight: float = 1.0

    @property
    def size(self) -> int:
        """About how many bytes of memory it takes."""
        headers = len(self.head.fields) + (len(self.answer.fields) if self.answer else 0)
        bodies = memory_of(self.body) + memory_of(self.answer_body)
        return _OVERHEAD + len(self.head.target) + _HEADER * headers + bodies

    def record(self) -> Record:
        """The record of it; an answer that was compressed is unpacked, as clients do."""
        headers = decoded(self.answer.fields) if self.answer else {}
        body = b"".join(self.answer_body)
        if not self.answer_truncated:
            headers, body = unpacked(headers, body, limit=self.largest)
        return Record(
            request_id=self.request_id,
            ts_ns=self.ts_ns,
            method=self.head.method.decode("ascii"),
            path=self.head.target.decode("ascii"),
            headers=decoded(self.head.fields),
            body=b"".join(self.body),
            truncated=self.truncated,
            status=self.status,
            answer_headers=headers,
            answer_body=body,
            answer_truncated=self.answer_truncated,
            latency_ns=self.latency_ns,
            latency_kind="service",
            tags=self.tags,
            sampling_weight=self.sampling_weight,
        )


def unpacked(headers: dict[str, str], body: bytes, *, limit: int) -> tuple[dict[str, str], bytes]:
    """Headers and body of an answer without its content encoding; as they are where that cannot be undone."""
    encoding = headers.get("content-encoding", "").strip().lower()
    if encoding not in ENCODINGS:
        return headers, body
    try:
        plain = inflated(body, encoding, limit=limit)
    except ValueError:  # damaged, cut, or a bomb
        return headers, body
    gone = {"content-encoding", "content-length"}
    return {name: value for name, value in headers.items() if name not in gone}, plain
