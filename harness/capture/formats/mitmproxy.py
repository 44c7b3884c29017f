"""mitmproxy flow files: typed netstrings one after another, read without mitmproxy."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

from harness.capture import times
from harness.capture.formats.http_message import FRAMING, unpacked
from harness.capture.formats.pieces import (
    Asked,
    Format,
    Head,
    Piece,
    Place,
    answer,
    broken,
    cut,
    guarded,
    headers_of,
    name_of,
    object_of,
    readable,
)
from harness.capture.formats.streams import MAX_RECORD_BYTES, chunks
from harness.capture.sources import Unreadable
from harness.records import CapturedRequest, RecordedResponse

_SIZE = re.compile(rb"(\d{1,12}):")
_KEYS = rb"backup|client_conn|comment|error|id|intercepted|is_replay|marked|metadata|mode|request|response"
_FLOW = re.compile(
    rb"\d{1,12}:\d{1,2}:(?:" + _KEYS + rb"|server_conn|timestamp_created|type|version|websocket)[;,]"
)
_DEEPEST = 32
#: values of one flow; an empty list is three bytes in the file and sixty in memory
_MOST_PARTS = 1_000_000
#: flows of mitmproxy 4 (2018) and later; before, the version was a list and headers stood elsewhere
_OLDEST = 7
_US = 1_000


def detects(head: Head) -> bool:
    """Whether the file begins as a flow does: a netstring whose first key is one of a flow."""
    return not head.parquet and _FLOW.match(head.start) is not None


def read(path: Path) -> Iterator[Piece]:
    """The HTTP flows of one file, each a request with its answer; other flows are passed over."""
    for offset, raw in netstrings(chunks(path)):
        place = Place(path.name, offset)
        yield from guarded(_piece(raw, place), place)


def netstrings(
    stream: Iterable[bytes | Unreadable], *, limit: int = MAX_RECORD_BYTES
) -> Iterator[tuple[int, bytes | Unreadable]]:
    """Each outermost netstring with its size, its tag and its offset; what cannot be one ends the reading.

    One above `limit` ends it too: a length is only a claim, and nothing behind a false one can be found.
    """
    buffer, base = b"", 0
    for chunk in stream:
        if isinstance(chunk, Unreadable):
            yield base, chunk
            return
        buffer += chunk
        begun = 0
        while (size := _SIZE.match(buffer, begun)) is not None:
            end = size.end() + int(size[1]) + 1
            if int(size[1]) > limit:
                yield base + begun, Unreadable("record too long", f"more than {limit >> 20} MiB")
                return
            if end > len(buffer):
                break
            yield base + begun, buffer[begun:end]
            begun = end
        buffer, base = buffer[begun:], base + begun
        if buffer and not _SIZE.match(buffer) and not (len(buffer) < 13 and buffer.isdigit()):
            yield base, Unreadable("not a record", repr(buffer[:40])[1:])
            return
    if buffer:
        yield base, Unreadable("cut short", "the file ends inside")


def value_of(text: bytes) -> Any:  # noqa: ANN401  -- any value that a netstring holds
    """The one value of a netstring; raises `broken` for none, and for too many or too deep ones.

    Lists and dictionaries are read where they stand: only texts and numbers are copied.
    """
    value, end = _value(text, (0, len(text)), depth=0, parts=count())
    if end != len(text):
        raise broken("not a record", "bytes behind the netstring")
    return value


def _value(text: bytes, within: tuple[int, int], *, depth: int, parts: Iterator[int]) -> tuple[Any, int]:
    """The value that begins and ends `within` these offsets, and where it ends."""
    start, stop = within
    size = _SIZE.match(text, start, stop)
    end = -1 if size is None else size.end() + int(size[1])
    if size is None or end >= stop or depth > _DEEPEST:
        raise broken("not a record", f"no netstring at byte {start:,}")
    if next(parts) > _MOST_PARTS:
        raise broken("not a record", f"more than {_MOST_PARTS:,} values")
    tag = text[end : end + 1]
    if tag in (b"]", b"}"):
        found = list(_values(text, (size.end(), end), depth=depth + 1, parts=parts))
        return (found if tag == b"]" else _paired(found)), end + 1
    return _scalar(tag, text[size.end() : end]), end + 1


def _values(text: bytes, within: tuple[int, int], *, depth: int, parts: Iterator[int]) -> Iterator[Any]:
    place, stop = within
    while place < stop:
        value, place = _value(text, (place, stop), depth=depth, parts=parts)
        yield value


def _paired(found: list[Any]) -> dict[str, Any]:
    names = found[::2]
    if len(found) % 2 or not all(isinstance(name, str | bytes) for name in names):
        raise broken("not a record", "a dictionary without pairs of name and value")
    return dict(zip(map(_text, names), found[1::2], strict=True))


def _scalar(tag: bytes, content: bytes) -> object:
    try:
        match tag:
            case b",":
                return content
            case b";":
                return content.decode()
            case b"#":
                return int(content)
            case b"^":
                return float(content)
            case b"!":
                return content == b"true"
            case b"~":
                return None
            case _:
                pass
    except ValueError as error:
        raise broken("not a record", str(error)[:80]) from error
    raise broken("not a record", f"tag {tag!r}")


def _piece(raw: bytes | Unreadable, place: Place) -> Iterator[Piece]:
    flow = object_of(value_of(readable(raw)), "flow")
    version = flow.get("version")
    if not isinstance(version, int) or version < _OLDEST:
        raise broken("wrong value", f"flow version {version}: run `mitmdump -nr OLD -w NEW` once")
    if flow.get("type", "http") != "http" or flow.get("websocket"):
        kind = "websocket" if flow.get("websocket") else flow.get("type")
        yield place.dropped("not a single request", f"type {kind}")
        return
    asked = object_of(flow.get("request"), "request")
    body, headers = _message(asked)
    yield Asked(
        CapturedRequest(
            seq=0,
            request_id=name_of(_text(flow.get("id")), "id"),
            ts_ns=_stamp(asked.get("timestamp_start")),
            ts_resolution_ns=_US,
            method=name_of(_text(asked.get("method")), "method"),
            path=name_of(_text(asked.get("path")), "path"),
            headers=headers,
            body=body,
            truncated=asked.get("content") is None,
            recorded_response=_answered(flow.get("response"), asked),
            tags=cut(isinstance(said := flow.get("response"), dict) and said.get("content") is None),
            served_by={"endpoint": host} if (host := _text(asked.get("host"))) else {},
            source_file=place.file,
            source_offset=place.offset,
        )
    )


def _answered(said: object, asked: dict[str, Any]) -> RecordedResponse | None:
    if not isinstance(said, dict):
        return None
    sent, done = asked.get("timestamp_end"), said.get("timestamp_end")
    timed = isinstance(sent, float) and isinstance(done, float)
    body, headers = _message(said)
    return answer(
        said.get("status_code"),
        body,
        headers=headers,
        latency_ns=_stamp(done) - _stamp(sent) if timed else None,
    )


def _message(side: dict[str, Any]) -> tuple[bytes, dict[str, str]]:
    """Body and headers; the body lies in the file as it went over the wire, packed."""
    listed = side.get("headers")
    pairs = [one for one in (listed if isinstance(listed, list) else []) if isinstance(one, list)]
    named = ((_text(one[0]), _text(one[1])) for one in pairs if len(one) == 2)
    headers = headers_of((name, value) for name, value in named if name.lower() not in FRAMING)
    content = side.get("content")
    return unpacked(content if isinstance(content, bytes) else b"", headers)


def _stamp(seconds: object) -> int:
    if not isinstance(seconds, float):
        raise broken("bad time", f"timestamp {seconds!r}")
    try:
        return times.from_epoch_seconds(seconds)
    except ValueError as error:
        raise broken("bad time", str(error)) from error


def _text(value: object) -> str:
    """A name or a header, which newer versions hold as text and all as bytes; anything else as no text."""
    if isinstance(value, bytes):
        try:
            return value.decode()
        except UnicodeDecodeError:
            return value.decode("latin-1")
    return value if isinstance(value, str) else ""


MITMPROXY = Format("mitmproxy", "mitmproxy flows", detects, read)
