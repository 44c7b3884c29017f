"""JSON objects out of a stream: one after another, one a line, in a list, or in a list inside an object."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from harness.capture.formats.pieces import broken, readable
from harness.capture.formats.streams import MAX_RECORD_BYTES, chunks, lines
from harness.capture.sources import Unreadable

_TOKEN = re.compile(rb'"(?:[^"\\]++|\\.)*+"|["{}\[\],]', re.DOTALL)
_DEEPEST = 64
_OPEN, _CLOSE = (b"{", b"["), (b"}", b"]")

Found = tuple[int, bytes | Unreadable]


def objects(
    stream: Iterable[bytes | Unreadable], inside: tuple[str, ...] = (), *, limit: int = MAX_RECORD_BYTES
) -> Iterator[Found]:
    """The text of each object with its offset in bytes, in order; memory is that of the largest object.

    With `inside`, the objects of the list that stands there, as ("log", "entries") for `{"log": {"entries":
    [`; else those of the top level or of a list at the top. Whatever stands between them is skipped. An
    object above `limit` comes as one Unreadable, and so does one that the end of the stream cuts, a stream
    that ends before its list does, and brackets outside of objects that are nested too deeply. Brackets are
    counted, not judged: the text may still be no JSON.
    """
    scan = _Scan(tuple(name.encode() for name in inside), limit)
    for chunk in stream:
        if isinstance(chunk, Unreadable):
            yield from scan.ended(chunk)
            return
        yield from scan.feed(chunk)
        if scan.over:
            return
    yield from scan.ended(Unreadable("cut short", "the file ends inside"))


class _Scan:
    """Where the scanner stands: the open brackets outside of objects, or the object that is being read."""

    def __init__(self, inside: tuple[bytes, ...], limit: int) -> None:
        self.inside = inside
        self.limit = limit
        self.over = False
        self.found_list = not inside
        self._data = b""
        self._base = 0  # offset of the first byte of `_data`
        self._path: list[bytes] = []
        self._last: bytes | None = None
        self._depth = 0  # brackets open in the object that is being read; 0 between objects
        self._begun = 0
        self._parts: list[bytes] = []
        self._size = 0

    def feed(self, chunk: bytes) -> Iterator[Found]:
        data = self._data + chunk
        kept_from = len(data)
        taken = 0  # the part of `data` that the object being read already has
        for match in _TOKEN.finditer(data):
            token = match.group()
            if token == b'"':  # a text that goes on in the next chunk
                kept_from = match.start()
                break
            if self._depth:
                self._depth += (token in _OPEN) - (token in _CLOSE)
                if not self._depth:
                    self._keep(data[taken : match.end()])
                    yield self._finished()
                continue
            if self._outside(token):
                self._begun, taken = self._base + match.start(), match.start()
            if self.over:
                if len(self._path) > _DEEPEST:
                    yield self._base + match.start(), Unreadable("not JSON", "nested too deeply")
                return
        if self._depth:
            self._keep(data[taken:kept_from])
        self._data = data[kept_from:]
        self._base += kept_from
        if len(self._data) > self.limit:
            self.over = True
            yield self._base, Unreadable("record too long", f"a text of more than {self.limit >> 20} MiB")

    def _outside(self, token: bytes) -> bool:
        """Whether this token begins an object that is asked for."""
        if token in _OPEN:
            if token == b"{" and self._at_list():
                self._depth, self._parts, self._size = 1, [], 0
                return True
            self._path.append(b"" if self._last is None else self._last)
            self.found_list = self.found_list or (token == b"[" and self._at_list())
            self.over = len(self._path) > _DEEPEST
        elif token in _CLOSE:
            if self._path:
                self._path.pop()
            if self.inside and self.found_list and len(self._path) < len(self.inside):
                self.over = True  # the list is finished
        self._last = token[1:-1] if token[:1] == b'"' else None
        return False

    def _at_list(self) -> bool:
        if self.inside:
            return tuple(self._path[1:]) == self.inside
        return not any(self._path) and len(self._path) <= 1

    def _keep(self, part: bytes) -> None:
        self._size += len(part)
        if self._size <= self.limit:
            self._parts.append(part)
        else:
            self._parts = []

    def _finished(self) -> Found:
        text = b"".join(self._parts)
        self._parts = []
        if self._size > self.limit:
            return self._begun, Unreadable("record too long", f"more than {self.limit >> 20} MiB")
        return self._begun, text

    def ended(self, why: Unreadable) -> Iterator[Found]:
        """What the end of the stream cuts."""
        end = self._base + len(self._data)
        if self._depth:
            yield self._begun, why
        elif self.inside and not self.found_list:
            yield end, Unreadable("not this format", f"no list {'.'.join(n.decode() for n in self.inside)}")
        elif self._path or self._data or why.reason != "cut short":
            yield end, why


def records(path: Path) -> Iterator[Found]:
    """The objects of a file; a line each where its first is a whole one, so that a bad line costs itself."""
    head = next((chunk for chunk in chunks(path) if isinstance(chunk, bytes)), b"")
    first, newline, _ = head.lstrip().partition(b"\n")
    try:
        whole = isinstance(msgspec.json.decode(first), dict) and bool(newline)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        whole = False
    yield from lines(chunks(path)) if whole else objects(chunks(path))


def decoded(raw: bytes | Unreadable) -> dict[str, Any]:
    """The object of one text; raises `broken` for what is unreadable or no JSON."""
    try:
        found = msgspec.json.decode(readable(raw))
    except RecursionError as error:
        raise broken("not JSON", "nested too deeply") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise broken("not JSON", str(error)) from error
    if not isinstance(found, dict):
        raise broken("wrong type", "not an object")
    return found


def encoded(value: object) -> bytes:
    """A body out of a decoded value: text and Raw as they are, nothing as no bytes, the rest as JSON."""
    if value is None:
        return b""
    if isinstance(value, msgspec.Raw):
        return bytes(value)
    return value.encode() if isinstance(value, str) else msgspec.json.encode(value)
