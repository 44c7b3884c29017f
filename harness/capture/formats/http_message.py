"""HTTP/1.x messages as bytes: head and body taken apart, chunks and compression undone, and written again."""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable
from typing import TypeVar

import msgspec

from harness.capture.formats.pieces import broken, header, headers_of
from harness.capture.formats.streams import MAX_RECORD_BYTES
from harness.errors import CaptureError
from harness.inflating import ENCODINGS, inflated

_CHUNK = re.compile(rb"([0-9a-fA-F]{1,8})[^\r\n]*\r?\n")
#: they describe the bytes on the wire, which the capture does not keep
FRAMING = frozenset({"content-length", "transfer-encoding"})
_SHORT = 2_048
_CR = 13
_Key = TypeVar("_Key", bound=Hashable)
_Said = TypeVar("_Said")


#: headers that say how the body is written
_CODED = frozenset({"transfer-encoding", "content-encoding"})
#: a header by its name in lower case, name, value
_Field = tuple[str, str, str]
_UNSAID: _Field = ("", "", "")


class Remembered(dict[_Key, _Said]):
    """What a function says of each key, remembered; all is forgotten before it is more than `most`."""

    def __init__(self, of: Callable[[_Key], _Said], most: int = 8_192) -> None:
        """Of nothing yet."""
        super().__init__()
        self._of, self._most = of, most

    def __missing__(self, key: _Key) -> _Said:
        """Ask."""
        if len(self) >= self._most:
            self.clear()
        said = self[key] = self._of(key)
        return said


class Message(msgspec.Struct, frozen=True, gc=False):
    """First line, headers without those of the framing, body as the application meant it."""

    start: tuple[str, str, str]
    headers: dict[str, str]
    body: bytes
    truncated: bool


class Head(msgspec.Struct, frozen=True, gc=False):
    """First line, headers without those of the framing, and what these say of the body."""

    start: tuple[str, str, str]
    headers: dict[str, str]
    length: int | None
    chunked: bool
    packed: bool


def parsed(payload: bytes, begin: int = 0) -> Message:
    """The message from `begin`; `truncated` where its Content-Length or chunks say that bytes are missing.

    A gzip or deflate body is unpacked and loses its Content-Encoding; one that cannot be is kept as it is.
    Raises `broken("cut short")` where the head has no end, `broken("not HTTP")` where its first line is none.
    """
    end, body_begin = _ends(payload, begin)
    if end < 0:
        raise broken("cut short", "no end of the HTTP head")
    head = head_of(payload[begin:end])
    headers, body, truncated = head.headers, payload[body_begin:], False
    if head.chunked:
        body, truncated = _unchunked(body)
    elif head.length is not None and head.length != len(body):
        body, truncated = body[: head.length], len(body) < head.length
    if head.packed and not truncated:
        body, headers = unpacked(body, headers)
    return Message(head.start, headers, body, truncated)


def missing_bytes(payload: bytes, begin: int = 0) -> int:
    """How many bytes of its Content-Length the message from `begin` lacks; 0 where it names none."""
    end, body_begin = _ends(payload, begin)
    if end < 0:
        return 0
    try:
        said = head_of(payload[begin:end]).length
    except CaptureError:
        return 0
    return 0 if said is None else max(0, said - (len(payload) - body_begin))


def unpacked(body: bytes, headers: dict[str, str]) -> tuple[bytes, dict[str, str]]:
    """The body without its gzip or deflate, and the headers that say so; both unchanged where that fails."""
    encoding = header(headers, "content-encoding").strip().lower()
    try:
        plain = inflated(body, encoding, limit=MAX_RECORD_BYTES)
    except ValueError:
        return body, headers
    return plain, {name: value for name, value in headers.items() if name.lower() != "content-encoding"}


def written(start: str, headers: dict[str, str], *, body: bytes) -> bytes:
    """The bytes of a message with the Content-Length of its body; no header can break out of its line."""
    said = [
        f"{_one_line(name)}: {_one_line(value)}"
        for name, value in headers.items()
        if name and ":" not in name and name.lower() not in FRAMING
    ]
    return (
        "\r\n".join([_one_line(start), *said, f"Content-Length: {len(body)}"]).encode() + b"\r\n\r\n" + body
    )


def head_of(head: bytes) -> Head:
    """What a head says; one that is written as nearly all are is read at once."""
    return plain_head(head) or _head(head)


def plain_head(head: bytes) -> Head | None:
    """The same for lines that end as they should, no name twice, and a body that is just what follows.

    None for all other heads. Lines of one client are alike, so they are remembered.
    """
    if len(head) > _SHORT:
        return None
    lines = head.split(b"\r\n")
    start = _known_start(lines.pop(0))
    headers = dict(map(_known_field, lines))
    said = _known_names(tuple(headers))
    if start is None or said is None or len(headers) < len(lines):
        return None
    length = _known_length(headers.pop(said)) if said else None
    return Head(start, headers, length, chunked=False, packed=False)


def _plain_field(line: bytes) -> tuple[str, str]:
    """Name and value of a line; without a name where it is no line of a header, or not plain."""
    name, colon, value = line.decode("latin-1").partition(":")
    plain = colon and line.isascii() and b"\n" not in line and name == name.strip()
    return (name, value.strip()) if plain else ("", "")


def _plain_start(line: bytes) -> tuple[str, str, str] | None:
    try:
        return None if b"\n" in line else _first_line(line)
    except CaptureError:
        return None


def _plain_names(names: tuple[str, ...]) -> str | None:
    """Which of them is that of the length, "" for none; None where one says more of the body, or is odd."""
    lower = [name.lower() for name in names]
    if "" in lower or len(set(lower)) < len(lower) or not _CODED.isdisjoint(lower):
        return None
    return names[lower.index("content-length")] if "content-length" in lower else ""


def _head(head: bytes) -> Head:
    first, *lines = head.split(b"\n")
    fields = list(filter(None, map(_field, lines)))
    said = {field[0]: field for field in fields}
    if len(said) < len(fields):
        merged = headers_of((name, value) for _, name, value in fields)
        said = {name.lower(): (name.lower(), name, value) for name, value in merged.items()}
    return Head(
        _first_line(first),
        {name: value for key, name, value in said.values() if key not in FRAMING},
        _length(said.get("content-length", _UNSAID)[2]),
        said.get("transfer-encoding", _UNSAID)[2].lower() == "chunked",
        said.get("content-encoding", _UNSAID)[2].lower() in ENCODINGS,
    )


def _first_line(line: bytes) -> tuple[str, str, str]:
    words = _text(line).split(" ", 2)
    if len(words) < 2 or not all(words[:2]):
        raise broken("not HTTP", _text(line)[:80])
    return words[0], words[1], words[2] if len(words) > 2 else ""


def _ends(payload: bytes, begin: int) -> tuple[int, int]:
    """Where the head that begins there ends, and where its body begins; -1 for a head without an end."""
    end = payload.find(b"\n\r\n", begin)
    bare = payload.find(b"\n\n", begin, end + 2 if end >= 0 else len(payload))
    if bare >= 0:
        end, body = bare, bare + 2
    else:
        body = end + 3
    return (end - 1 if end > begin and payload[end - 1] == _CR else end), body


def _length(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else None


def _unchunked(rest: bytes) -> tuple[bytes, bool]:
    """The chunks put together; a body that has none was put together by who captured it."""
    found: list[bytes] = []
    place = 0
    while (match := _CHUNK.match(rest, place)) is not None:
        size = int(match[1], 16)
        if size == 0:
            return b"".join(found), False
        found.append(rest[match.end() : match.end() + size])
        if len(found[-1]) < size:
            return b"".join(found), True
        place = match.end() + size
        place += 2 if rest[place : place + 2] == b"\r\n" else 1
    return (b"".join(found), True) if found or not rest else (rest, False)


def _field(line: bytes) -> _Field | None:
    """A line of a head; None for one without a colon or a name, and for HTTP/2's `:names`."""
    name, colon, value = _text(line).partition(":")
    name = name.strip()
    return (name.lower(), name, value.strip()) if colon and name else None


def _text(raw: bytes) -> str:
    try:
        return raw.decode().strip("\r")
    except UnicodeDecodeError:
        return raw.decode("latin-1").strip("\r")


def _one_line(text: str) -> str:
    return text.replace("\r", " ").replace("\n", " ")


_known_field = Remembered(_plain_field).__getitem__
_known_start = Remembered(_plain_start).__getitem__
_known_names = Remembered(_plain_names).__getitem__
_known_length = Remembered(_length).__getitem__
