"""Envoy tap traces: JSON objects, one a file or one after another, and length-delimited protocol buffers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from harness.capture import times
from harness.capture.formats.envoy_protobuf import is_delimited, wrappers
from harness.capture.formats.envoy_streams import Streams, body_of
from harness.capture.formats.http_message import FRAMING, unpacked
from harness.capture.formats.json_objects import decoded, objects
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
    header,
    headers_of,
    instant,
    object_of,
)
from harness.capture.formats.streams import chunks
from harness.capture.sources import Unreadable
from harness.records import CapturedRequest, RecordedResponse

_TRACES = frozenset({"http_buffered_trace", "httpBufferedTrace"})
_PIECES = frozenset({"http_streamed_trace_segment", "httpStreamedTraceSegment"})
_SOCKETS = frozenset({"socket_buffered_trace", "socketBufferedTrace"})
_ALL = _TRACES | _PIECES | _SOCKETS | {"socket_streamed_trace_segment", "socketStreamedTraceSegment"}


def detects(head: Head) -> bool:
    """Whether an object has one of Envoy's traces, or they come as protocol buffers, each with its length."""
    return not head.parquet and (bool(head.keys & _ALL) or is_delimited(head.start))


def read(path: Path, name: str = "") -> Iterator[Piece]:
    """The HTTP traces of one file; `truncated` as Envoy says, whose limit is 1 KiB unless raised.

    The pieces of a streamed trace are put together by `trace_id`. A trace without `headers_received_time`
    (no streamed one has it) has the time of its file, to the second, tagged `ts_from=file`.
    `name` is that of the file unless given: a trace without an id has it, and its number.
    """
    mtime_ns = path.stat().st_mtime_ns
    streams = Streams()
    for number, (offset, raw) in enumerate(_wrappers(path)):
        place = Place(name or path.name, offset, number)
        yield from guarded(_piece(raw, place, mtime_ns=mtime_ns, streams=streams), place)
    for place, trace in streams.rest():
        yield from guarded(_asked(trace, place, mtime_ns=mtime_ns), place)


def _wrappers(path: Path) -> Iterator[tuple[int, dict[str, Any] | bytes | Unreadable]]:
    with path.open("rb") as file:
        first = file.read(16)
    return wrappers(path) if is_delimited(first) else objects(chunks(path))


def _piece(
    raw: dict[str, Any] | bytes | Unreadable, place: Place, *, mtime_ns: int, streams: Streams
) -> Iterator[Piece]:
    wrapper = raw if isinstance(raw, dict) else decoded(raw)
    name = next((key for key in wrapper if key in _TRACES | _PIECES), None)
    if name is None:
        other = next((key for key in wrapper if key in _ALL), "no trace")
        yield place.dropped("not a single request", f"{other}: only HTTP traces hold requests")
    elif name in _TRACES:
        yield from _asked(object_of(wrapper[name], name), place, mtime_ns=mtime_ns)
    else:
        for begun, trace in streams.put(object_of(wrapper[name], name), place):
            yield from guarded(_asked(trace, begun, mtime_ns=mtime_ns), begun)


def _asked(trace: dict[str, Any], place: Place, *, mtime_ns: int) -> Iterator[Piece]:
    if not trace.get("request"):
        raise broken("cut short", "an answer whose request is not in the file")
    asked = object_of(trace["request"], "request")
    pseudo, headers = _headers(asked)
    ts_ns, resolution_ns, timed = _time(asked, mtime_ns)
    body, truncated = body_of(asked.get("body"))
    if not truncated:
        body, headers = unpacked(body, headers)
    said = trace.get("response")
    yield Asked(
        CapturedRequest(
            seq=0,
            request_id=header(headers, "x-request-id") or f"{place.file}:{place.number}",
            ts_ns=ts_ns,
            ts_resolution_ns=resolution_ns,
            method=pseudo.get(":method") or "GET",
            path=pseudo.get(":path") or "/",
            headers=headers,
            body=body,
            truncated=truncated,
            recorded_response=_answered(said, ts_ns if timed else None),
            served_by={"endpoint": pseudo[":authority"]} if pseudo.get(":authority") else {},
            tags=({} if timed else {"ts_from": "file"}) | cut(_is_cut(said)),
            source_file=place.file,
            source_offset=place.offset,
        )
    )


def _answered(said: object, asked_ns: int | None) -> RecordedResponse | None:
    if not isinstance(said, dict) or not said:
        return None
    pseudo, headers = _headers(said)
    status = pseudo.get(":status", "")
    body, truncated = body_of(said.get("body"))
    if not truncated:
        body, headers = unpacked(body, headers)
    latency_ns = None
    if asked_ns is not None and _received(said) is not None:
        latency_ns = instant(_received(said), "headers_received_time")[0] - asked_ns
    return answer(int(status) if status.isdecimal() else status, body, headers=headers, latency_ns=latency_ns)


def _is_cut(said: object) -> bool:
    return isinstance(said, dict) and body_of(said.get("body"))[1]


def _time(asked: dict[str, Any], mtime_ns: int) -> tuple[int, int, bool]:
    if _received(asked) is None:
        return mtime_ns, times.SECOND_NS, False
    return *instant(_received(asked), "headers_received_time"), True


def _received(side: dict[str, Any]) -> object:
    return side.get("headers_received_time", side.get("headersReceivedTime"))


def _headers(side: dict[str, Any]) -> tuple[dict[str, str], dict[str, str]]:
    """The pseudo headers, and the others; proto3 leaves out a value that is empty."""
    listed = side.get("headers")
    pairs = [
        (str(one.get("key", "")), str(one.get("value", "")))
        for one in (listed if isinstance(listed, list) else [])
        if isinstance(one, dict)
    ]
    kept = headers_of((name, value) for name, value in pairs if name.lower() not in FRAMING)
    return {name: value for name, value in pairs if name.startswith(":")}, kept


ENVOY_TAP = Format("envoy-tap", "Envoy tap, buffered and streamed HTTP traces", detects, read, read)
