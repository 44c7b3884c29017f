"""What is kept of a call while it passes, in bounded memory, and the record that it becomes."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from harness.capture.live import Record
from harness.capture.live.record import decoded

if TYPE_CHECKING:
    from harness.proxy.heads import AnswerHead, RequestHead

#: what a call takes beside its bodies and headers
_OVERHEAD = 1_000
_HEADER = 120
_ZIPPED = frozenset({"gzip", "x-gzip", "deflate"})
#: the tag that says what went wrong
OUTCOME = "proxy"


@dataclass
class Room:
    """Memory for the bodies of all calls under way: `each` for one body, `left` for all of them."""

    each: int = 10 << 20
    left: int = 256 << 20


class Kept:
    """A body as far as there is room for it; `whole` until something is left out."""

    __slots__ = ("_room", "parts", "size", "whole")

    def __init__(self, room: Room) -> None:
        self._room = room
        self.parts: list[bytes] = []
        self.size = 0
        self.whole = True

    def add(self, data: bytes) -> None:
        """Keep this too: the beginning of it where not all fits."""
        if not self.whole:
            return
        taken = min(len(data), self._room.each - self.size, self._room.left)
        self.whole = taken == len(data)
        self.parts.append(data if self.whole else data[:taken])
        self.size += taken
        self._room.left -= taken

    def free(self) -> None:
        """The room is free for others; the parts belong to whoever took them."""
        self._room.left += self.size
        self.size = 0

    def stop(self) -> None:
        """Nothing is kept, from now on."""
        self.free()
        self.parts = []
        self.whole = False


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

    @property
    def size(self) -> int:
        """About how many bytes of memory it takes."""
        headers = len(self.head.fields) + (len(self.answer.fields) if self.answer else 0)
        bodies = sum(map(len, self.body)) + sum(map(len, self.answer_body))
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
        )


def unpacked(headers: dict[str, str], body: bytes, *, limit: int) -> tuple[dict[str, str], bytes]:
    """Headers and body of an answer without its content encoding; as they are where that cannot be undone."""
    encoding = headers.get("content-encoding", "").strip().lower()
    if encoding not in _ZIPPED or not body:
        return headers, body
    zlib_format = encoding != "deflate" or body[:1] == b"\x78"
    inflate = zlib.decompressobj(47 if zlib_format else -zlib.MAX_WBITS)
    try:
        plain = inflate.decompress(body, limit)
    except zlib.error:
        return headers, body
    if not inflate.eof:
        return headers, body
    gone = {"content-encoding", "content-length"}
    return {name: value for name, value in headers.items() if name not in gone}, plain
