"""Envoy tap traces as length-delimited protocol buffers: the few fields that a replay needs, off the wire.

The numbers are those of `envoy/data/tap/v3` (wrapper, http, common) and `envoy/config/core/v3/base`; the wire
format is that of protocol buffers: a varint of field number and type, then the value.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

from harness.capture import times
from harness.capture.formats.pieces import broken
from harness.capture.formats.streams import MAX_RECORD_BYTES, chunks
from harness.capture.sources import Unreadable
from harness.errors import CaptureError

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


class _Field(NamedTuple):
    """A field of a message: its name in JSON, and how it is read; a message of `inside`, else as its type."""

    name: str
    inside: dict[int, _Field] | None = None
    several: bool = False
    text: bool = False


_HEADER = {1: _Field("key", text=True), 2: _Field("value", text=True), 3: _Field("value", text=True)}
_HEADERS = _Field("headers", _HEADER, several=True)
_BODY = {1: _Field("bytes"), 2: _Field("bytes"), 3: _Field("truncated")}
_TIME = {1: _Field("seconds"), 2: _Field("nanos")}
_MESSAGE = {1: _HEADERS, 2: _Field("body", _BODY), 4: _Field("headers_received_time", _TIME)}
_TRACE = {1: _Field("request", _MESSAGE), 2: _Field("response", _MESSAGE)}
_SEGMENT = {
    1: _Field("trace_id"),
    2: _Field("request_headers", {1: _HEADERS}),
    3: _Field("request_body_chunk", _BODY),
    4: _Field("request_trailers", {}),
    5: _Field("response_headers", {1: _HEADERS}),
    6: _Field("response_body_chunk", _BODY),
    7: _Field("response_trailers", {}),
}
_WRAPPER = {
    1: _Field("http_buffered_trace", _TRACE),
    2: _Field("http_streamed_trace_segment", _SEGMENT),
    3: _Field("socket_buffered_trace", {}),
    4: _Field("socket_streamed_trace_segment", {}),
}
_LONGEST_VARINT = 10
#: of one trace; an empty header is two bytes in the file, a dictionary in memory
_MOST_FIELDS = 100_000


def is_delimited(start: bytes) -> bool:
    """Whether a file begins with a length and a trace of exactly that length, as Envoy writes them."""
    try:
        length, place = _varint(start, 0)
        key, place_inside = _varint(start, place)
        inside, behind = _varint(start, place_inside)
    except CaptureError:
        return False
    return key in {number << 3 | _BYTES for number in _WRAPPER} and inside + (behind - place) == length


def wrappers(path: Path) -> Iterator[tuple[int, dict[str, Any] | Unreadable]]:
    """Each trace with its offset, as its JSON has it but for bytes; what is cut or broken is Unreadable.

    Nothing behind a length that cannot be true is read: where the next message begins is not known.
    """
    buffer, base = b"", 0
    stream = chunks(path)
    for chunk in stream:
        if isinstance(chunk, Unreadable):
            yield base, chunk
            return
        buffer += chunk
        begin = 0
        while (found := _next(buffer, begin)) is not None:
            length, place = found
            if length > MAX_RECORD_BYTES:
                yield base + begin, Unreadable("record too long", f"more than {MAX_RECORD_BYTES >> 20} MiB")
                return
            if place + length > len(buffer):
                break
            yield base + begin, _wrapper(buffer[place : place + length])
            begin = place + length
        buffer, base = buffer[begin:], base + begin
    if buffer:
        yield base, Unreadable("cut short", "the file ends inside of a trace")


def _next(buffer: bytes, begin: int) -> tuple[int, int] | None:
    """The length of the message at `begin` and where it begins; None where more bytes are needed for that."""
    try:
        return _varint(buffer, begin)
    except CaptureError:
        return None if len(buffer) - begin < _LONGEST_VARINT else (MAX_RECORD_BYTES + 1, begin)


def _wrapper(data: bytes) -> dict[str, Any] | Unreadable:
    try:
        return _message(data, _WRAPPER, fields_read=count(1))
    except CaptureError as error:
        return Unreadable("not this format", f"no trace of Envoy: {error.found}")


def _message(data: bytes, fields: dict[int, _Field], *, fields_read: Iterator[int]) -> dict[str, Any]:
    """The known fields of a message by name; unknown ones are passed over. Raises `broken` for too many."""
    found: dict[str, Any] = {}
    place = 0
    while place < len(data):
        if next(fields_read) > _MOST_FIELDS:
            raise broken("not this format", f"more than {_MOST_FIELDS:,} fields")
        key, place = _varint(data, place)
        number, kind = key >> 3, key & 7
        value, place = _value(data, place, kind=kind)
        field = fields.get(number)
        if field is None:
            continue
        made = _made(value, field, fields_read=fields_read)
        if field.several:
            found.setdefault(field.name, []).append(made)
        else:
            found[field.name] = made
    return found


def _made(value: bytes | int, field: _Field, *, fields_read: Iterator[int]) -> Any:  # noqa: ANN401  -- as its type says
    if field.inside is not None:
        if not isinstance(value, bytes):
            raise broken("wrong type", f"{field.name} is no message")
        found = _message(value, field.inside, fields_read=fields_read)
        return _rfc3339(found) if field.inside is _TIME else found
    if field.name == "truncated":
        return bool(value)
    if field.name == "bytes" and not isinstance(value, bytes):
        raise broken("wrong type", "a body is no bytes")
    return value.decode("utf-8", "replace") if field.text and isinstance(value, bytes) else value


def _rfc3339(found: dict[str, Any]) -> str:
    seconds, nanos = found.get("seconds", 0), found.get("nanos", 0)
    if not isinstance(seconds, int) or not isinstance(nanos, int) or not 0 <= nanos < times.SECOND_NS:
        raise broken("bad time", "headers_received_time")
    if not 0 <= seconds < times.MAX_NS // times.SECOND_NS:
        raise broken("bad time", "headers_received_time lies outside the years 1970-2262")
    text = times.rfc3339(seconds * times.SECOND_NS)
    return f"{text[:-1]}.{nanos:09d}Z"


def _value(data: bytes, place: int, *, kind: int) -> tuple[bytes | int, int]:
    if kind == _VARINT:
        return _varint(data, place)
    size = {_FIXED64: 8, _FIXED32: 4}.get(kind)
    if size is None and kind == _BYTES:
        size, place = _varint(data, place)
    if size is None or place + size > len(data):
        raise broken("cut short", f"a field of {size} bytes" if size is not None else f"wire type {kind}")
    return data[place : place + size], place + size


def _varint(data: bytes, place: int) -> tuple[int, int]:
    value = 0
    for shift in range(_LONGEST_VARINT):
        if place + shift >= len(data):
            break
        byte = data[place + shift]
        value |= (byte & 0x7F) << (7 * shift)
        if byte < 0x80:
            return value, place + shift + 1
    raise broken("cut short", "a number that does not end")
