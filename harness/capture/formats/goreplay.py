"""GoReplay `.gor` files: a line of meta, a raw HTTP message, a separator of three monkeys."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

from harness.capture.formats.http_message import Message, missing_bytes, parsed, plain_head
from harness.capture.formats.pieces import (
    Answered,
    Asked,
    Dropped,
    Format,
    Head,
    Piece,
    Place,
    answer,
    broken,
    epoch,
    readable,
)
from harness.capture.formats.streams import MAX_RECORD_BYTES, chunks
from harness.capture.sources import Unreadable
from harness.capture.times import MAX_NS
from harness.errors import CaptureError
from harness.records import CapturedRequest, RecordedResponse

SEPARATOR = "\n🐵🙈🙉\n".encode()
#: type, id, ns since the epoch, and how long the message took, where it is known
_META = re.compile(rb"([123]) (\S{1,256}) (\d{1,19})(?: (-?\d{1,19}))?\r?\n")
#: the same, then the first line of a message: so begins a record, and hardly anything else
_BEGINS = re.compile(_META.pattern + rb"(?:HTTP/\d|[^\s/]{1,32} \S+ HTTP/\d)")

#: the codes that are one, as they are written
_STATUS = {str(code): code for code in range(100, 1000)}

_Raw = tuple[int, bytes | Unreadable]


def detects(head: Head) -> bool:
    """Whether the file begins with a line of meta."""
    return not head.parquet and _META.match(head.start.lstrip(b"\n")) is not None


def read(path: Path) -> Iterator[Piece]:
    """The requests and answers of one file, in file order; each pair shares its id."""
    file = path.name
    found = records(chunks(path))
    ahead = next(found, None)
    while ahead is not None:
        offset, raw = ahead
        if (piece := _plain(raw, file, offset=offset)) is not None:
            yield piece
            ahead = next(found, None)
            continue
        piece, missing = _understood(raw, file=file, offset=offset)
        if missing < len(SEPARATOR) or isinstance(raw, Unreadable):
            ahead = next(found, None)
        else:
            whole, ahead = _whole(raw, found, missing=missing)
            piece, _ = _understood(whole, file=file, offset=offset)
        if piece is not None:
            yield piece


def _whole(raw: bytes, more: Iterator[_Raw], *, missing: int) -> tuple[bytes, _Raw | None]:
    """The record with all of its body that holds the separator, as Content-Length tells; and what follows."""
    parts, size = [raw], len(raw)
    for following in more:
        text = following[1]
        size += len(SEPARATOR) + len(text)
        if isinstance(text, Unreadable) or size > MAX_RECORD_BYTES or _BEGINS.match(text.lstrip(b"\n")):
            return SEPARATOR.join(parts), following
        parts.append(text)
        if size - len(raw) + len(SEPARATOR) > missing:
            break
    else:
        return SEPARATOR.join(parts), None
    return SEPARATOR.join(parts), next(more, None)


def records(
    stream: Iterable[bytes | Unreadable], *, limit: int = MAX_RECORD_BYTES
) -> Iterator[tuple[int, bytes | Unreadable]]:
    """What stands between separators, with its offset in bytes; the last one needs none.

    A record above `limit` comes as one Unreadable, and memory stays near `limit`.
    """
    rest, base, too_long, gap = b"", 0, False, len(SEPARATOR)
    why: Unreadable | None = None
    for chunk in stream:
        if isinstance(chunk, Unreadable):
            why = chunk
            break
        *ended, rest = _split(rest, chunk)
        for raw in ended:
            yield base, raw if len(raw) <= limit and not too_long else _too_long(limit)
            base += len(raw) + gap
            too_long = False
        if len(rest) > limit:
            cut = len(rest) - len(SEPARATOR)
            too_long, base, rest = True, base + cut, rest[cut:]
    if left := _without_cut_separator(rest):
        yield base, left if len(left) <= limit and not too_long else _too_long(limit)
    if why is not None:
        yield base + len(rest), why


def _split(rest: bytes, chunk: bytes) -> list[bytes]:
    """All of it between separators; of a long `rest` only the end is searched, where one may have begun."""
    kept = max(0, len(rest) - len(SEPARATOR))
    first, *others = (rest[kept:] + chunk).split(SEPARATOR)
    return [rest[:kept] + first, *others]


def _too_long(limit: int) -> Unreadable:
    return Unreadable("record too long", f"more than {limit >> 20} MiB")


def _without_cut_separator(buffer: bytes) -> bytes:
    for size in range(len(SEPARATOR) - 1, 0, -1):
        if buffer.endswith(SEPARATOR[:size]) and (size > 1 or buffer.endswith(b"\r\n\r\n\n")):
            return buffer[:-size]
    return buffer


def _plain(raw: bytes | Unreadable, file: str, *, offset: int) -> Piece | None:
    """What a whole record says whose head is plain, as nearly all are; None: `_understood` tells.

    The same as that, in a third of the time.
    """
    meta = _META.match(raw) if isinstance(raw, bytes) else None
    if meta is None:
        return None
    text, begin = meta.string, meta.end()
    end = text.find(b"\r\n\r\n", begin)
    head = plain_head(text[begin:end]) if end >= 0 else None
    if head is None:
        return None
    kind, name, stamp, took = meta.groups()
    ns, body, length = int(stamp), text[end + 4 :], head.length
    if ns > MAX_NS or (length is not None and length != len(body)):
        return None
    first, target, version = head.start
    if kind == b"1" and target[0] == "/" and version[:5] == "HTTP/":
        request = CapturedRequest(
            seq=0,
            request_id=name.decode("latin-1"),
            ts_ns=ns,
            method=first,
            path=target,
            headers=head.headers,
            body=body,
            source_file=file,
            source_offset=offset,
        )
        return Asked(request, waits=True, sent_ns=ns if took is None else ns + max(0, int(took)))
    status = _STATUS.get(target) if kind == b"2" else None
    if status is None:
        return None
    response = RecordedResponse(status=status, headers=head.headers, body=body)
    return Answered(name.decode("latin-1"), response, ns, Place(file, offset))


def _understood(raw: bytes | Unreadable, *, file: str, offset: int) -> tuple[Piece | None, int]:
    """What a record says, and how many bytes its body lacks."""
    meta = _META.match(raw) if isinstance(raw, bytes) else None
    try:
        if meta is None:
            text = readable(raw)
            if text.startswith(b"\n"):
                return _understood(text.lstrip(b"\n"), file=file, offset=offset)
            if text.strip():
                raise broken("not a record", repr(text[:60])[1:])
            return None, 0
        text, begin = meta.string, meta.end()
        if meta[1] == b"3":
            passed_over = Place(file, offset).dropped("replayed answer", meta[2].decode("latin-1"))
            return passed_over, missing_bytes(text, begin)
        message = parsed(text, begin)
        said = _asked if meta[1] == b"1" else _answered
        piece = said(message, meta, file=file, offset=offset)
    except CaptureError as error:
        dropped = Dropped(file=file, offset=offset, reason=error.what, detail=str(error.found)[:200])
        return dropped, missing_bytes(raw, raw.find(b"\n") + 1) if isinstance(raw, bytes) else 0
    return piece, missing_bytes(text, begin) if message.truncated else 0


def _asked(message: Message, meta: re.Match[bytes], *, file: str, offset: int) -> Asked:
    method, target, version = message.start
    if not version.startswith("HTTP/"):
        raise broken("not HTTP", " ".join(message.start)[:80])
    _, name, stamp, took = meta.groups(b"0")
    ns = _time(stamp)
    request = CapturedRequest(
        seq=0,
        request_id=name.decode("latin-1"),
        ts_ns=ns,
        method=method,
        path=target if target.startswith("/") else path_of(target),
        headers=message.headers,
        body=message.body,
        truncated=message.truncated,
        source_file=file,
        source_offset=offset,
    )
    return Asked(request, waits=True, sent_ns=ns + max(0, int(took)))


def _answered(message: Message, meta: re.Match[bytes], *, file: str, offset: int) -> Answered:
    code = message.start[1]
    status = int(code) if code.isdecimal() and len(code) < 9 else code
    response = answer(status, message.body, headers=message.headers)
    ns = _time(meta[3])
    return Answered(meta[2].decode("latin-1"), response, ns, Place(file, offset), message.truncated)


def _time(stamp: bytes) -> int:
    ns = int(stamp)
    return ns if ns <= MAX_NS else epoch(ns, "timestamp")


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
