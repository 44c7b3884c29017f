"""HTTP/1.x messages as bytes: head and body taken apart, chunks and compression undone, and written again."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from harness.capture.formats.pieces import broken, header, headers_of
from harness.capture.formats.streams import inflated

_HEAD_END = re.compile(rb"\r?\n\r?\n")
_CHUNK = re.compile(rb"([0-9a-fA-F]{1,8})[^\r\n]*\r?\n")
#: they describe the bytes on the wire, which the capture does not keep
FRAMING = frozenset({"content-length", "transfer-encoding"})
_PACKED = frozenset({"gzip", "x-gzip", "deflate"})


class Message(NamedTuple):
    """First line, headers without those of the framing, body as the application meant it."""

    start: tuple[str, str, str]
    headers: dict[str, str]
    body: bytes
    truncated: bool


def parsed(payload: bytes) -> Message:
    """One message; `truncated` where its own Content-Length or chunks say that bytes are missing.

    A gzip or deflate body is unpacked and loses its Content-Encoding; one that cannot be is kept as it is.
    Raises `broken("cut short")` where the head has no end, `broken("not HTTP")` where its first line is none.
    """
    end = _HEAD_END.search(payload)
    if end is None:
        raise broken("cut short", "no end of the HTTP head")
    first, _, rest = payload[: end.start()].partition(b"\n")
    words = _text(first).split(" ", 2)
    if len(words) < 2 or not all(words[:2]):
        raise broken("not HTTP", _text(first)[:80])
    headers = headers_of(_lines(rest))
    body, truncated = _body(payload[end.end() :], headers)
    if not truncated:
        body, headers = unpacked(body, headers)
    kept = {name: value for name, value in headers.items() if name.lower() not in FRAMING}
    return Message((words[0], words[1], words[2] if len(words) > 2 else ""), kept, body, truncated)


def unpacked(body: bytes, headers: dict[str, str]) -> tuple[bytes, dict[str, str]]:
    """The body without its gzip or deflate, and the headers that say so; both unchanged where that fails."""
    if not body or header(headers, "content-encoding").strip().lower() not in _PACKED:
        return body, headers
    plain = inflated(body)
    if plain is None:
        return body, headers
    return plain, {name: value for name, value in headers.items() if name.lower() != "content-encoding"}


def missing_bytes(payload: bytes) -> int:
    """How many bytes of its Content-Length a message lacks; 0 where it names none."""
    end = _HEAD_END.search(payload)
    if end is None:
        return 0
    headers = headers_of(_lines(payload[: end.start()].partition(b"\n")[2]))
    said = _length(headers)
    return 0 if said is None else max(0, said - (len(payload) - end.end()))


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


def _body(rest: bytes, headers: dict[str, str]) -> tuple[bytes, bool]:
    if header(headers, "transfer-encoding").strip().lower() == "chunked":
        return _unchunked(rest)
    said = _length(headers)
    if said is None:
        return rest, False
    return rest[:said], len(rest) < said


def _length(headers: dict[str, str]) -> int | None:
    text = header(headers, "content-length").strip()
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


def _lines(head: bytes) -> Iterator[tuple[str, str]]:
    for line in head.split(b"\n"):
        name, colon, value = line.partition(b":")
        if colon:
            yield _text(name).strip(), _text(value).strip()


def _text(raw: bytes) -> str:
    try:
        return raw.decode().strip("\r")
    except UnicodeDecodeError:
        return raw.decode("latin-1").strip("\r")


def _one_line(text: str) -> str:
    return text.replace("\r", " ").replace("\n", " ")
