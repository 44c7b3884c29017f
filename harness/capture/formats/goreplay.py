"""GoReplay `.gor` files: a line of meta, a raw HTTP message, a separator of three monkeys."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

from harness.capture.formats.http_message import Message, missing_bytes, parsed
from harness.capture.formats.pieces import (
    Answered,
    Asked,
    Format,
    Head,
    Piece,
    Place,
    answer,
    broken,
    epoch,
    guarded,
    readable,
)
from harness.capture.formats.streams import MAX_RECORD_BYTES, chunks
from harness.capture.sources import Unreadable
from harness.records import CapturedRequest

SEPARATOR = "\n🐵🙈🙉\n".encode()
#: type, id, ns since the epoch, and how long the message took, where it is known
_META = re.compile(rb"([123]) (\S{1,256}) (\d{1,19})(?: (-?\d{1,19}))?\r?\n")
#: the same, then the first line of a message: so begins a record, and hardly anything else
_BEGINS = re.compile(_META.pattern + rb"(?:HTTP/\d|[^\s/]{1,32} \S+ HTTP/\d)")

_Raw = tuple[int, bytes | Unreadable]


def detects(head: Head) -> bool:
    """Whether the file begins with a line of meta."""
    return not head.parquet and _META.match(head.start.lstrip(b"\n")) is not None


def read(path: Path) -> Iterator[Piece]:
    """The requests and answers of one file, in file order; each pair shares its id."""
    for offset, raw in _rejoined(records(chunks(path))):
        place = Place(path.name, offset)
        yield from guarded(_piece(raw, place), place)


def records(
    stream: Iterable[bytes | Unreadable], *, limit: int = MAX_RECORD_BYTES
) -> Iterator[tuple[int, bytes | Unreadable]]:
    """What stands between separators, with its offset in bytes; the last one needs none.

    A record above `limit` comes as one Unreadable, and memory stays near `limit`.
    """
    buffer, base, searched, too_long = b"", 0, 0, False
    why: Unreadable | None = None
    for chunk in stream:
        if isinstance(chunk, Unreadable):
            why = chunk
            break
        buffer += chunk
        begun = 0
        while (end := buffer.find(SEPARATOR, max(begun, searched))) >= 0:
            yield base + begun, _sized(buffer[begun:end], too_long=too_long, limit=limit)
            begun, too_long = end + len(SEPARATOR), False
        if len(buffer) - begun > limit:
            too_long, begun = True, len(buffer) - len(SEPARATOR)
        buffer, base = buffer[begun:], base + begun
        searched = max(0, len(buffer) - len(SEPARATOR))
    if left := _without_cut_separator(buffer):
        yield base, _sized(left, too_long=too_long, limit=limit)
    if why is not None:
        yield base + len(buffer), why


def _sized(raw: bytes, *, too_long: bool, limit: int) -> bytes | Unreadable:
    if too_long or len(raw) > limit:
        return Unreadable("record too long", f"more than {limit >> 20} MiB")
    return raw


def _without_cut_separator(buffer: bytes) -> bytes:
    for size in range(len(SEPARATOR) - 1, 0, -1):
        if buffer.endswith(SEPARATOR[:size]) and (size > 1 or buffer.endswith(b"\r\n\r\n\n")):
            return buffer[:-size]
    return buffer


def _rejoined(found: Iterable[_Raw]) -> Iterator[_Raw]:
    """The records, those put together again whose body holds the separator, as Content-Length tells."""
    held: tuple[int, bytes] | None = None
    for offset, raw in found:
        if isinstance(raw, bytes):
            begins = _BEGINS.match(raw.lstrip(b"\n")) is not None
            if held is not None and not begins and _reaches(held[1], raw):
                held = (held[0], held[1] + SEPARATOR + raw)
                continue
        if held is not None:
            yield held
            held = None
        if isinstance(raw, bytes):
            held = (offset, raw)
        else:
            yield offset, raw
    if held is not None:
        yield held


def _reaches(held: bytes, more: bytes) -> bool:
    return len(held) + len(more) < MAX_RECORD_BYTES and missing_bytes(held) >= len(SEPARATOR)


def _piece(raw: bytes | Unreadable, place: Place) -> Iterator[Piece]:
    text = readable(raw).lstrip(b"\n")
    meta = _META.match(text)
    if meta is None:
        if text.strip():
            raise broken("not a record", repr(text[:60])[1:])
        return
    kind, name = meta[1], meta[2].decode("latin-1")
    ns, took_ns = epoch(int(meta[3]), "timestamp"), int(meta[4] or 0)
    if kind == b"3":
        yield place.dropped("replayed answer", name)
        return
    message = parsed(text[meta.end() :])
    if kind == b"1":
        request = _request(message, name, ns=ns, place=place)
        yield Asked(request, waits=True, sent_ns=ns + max(0, took_ns))
    else:
        status = int(message.start[1]) if message.start[1].isdecimal() else message.start[1]
        yield Answered(name, answer(status, message.body, headers=message.headers), ns, place)


def _request(message: Message, name: str, *, ns: int, place: Place) -> CapturedRequest:
    method, target, version = message.start
    if not version.startswith("HTTP/"):
        raise broken("not HTTP", " ".join(message.start)[:80])
    return CapturedRequest(
        seq=0,
        request_id=name,
        ts_ns=ns,
        method=method,
        path=path_of(target),
        headers=message.headers,
        body=message.body,
        truncated=message.truncated,
        source_file=place.file,
        source_offset=place.offset,
    )


def path_of(target: str) -> str:
    """Path and query of a request target or an address; raises `broken` for one that is no address."""
    if target.startswith("/"):
        return target
    try:
        parts = urlsplit(target)
    except ValueError as error:
        raise broken("wrong value", f"address: {error}") from error
    query = f"?{parts.query}" if parts.query else ""
    return (parts.path or "/") + query


GOREPLAY = Format("goreplay", "GoReplay .gor", detects, read)
