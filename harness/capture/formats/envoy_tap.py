"""Envoy tap traces as JSON: one object a file, or one after another as the admin endpoint streams them."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from harness.capture import times
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
    """Whether an object has one of Envoy's traces."""
    return not head.parquet and bool(head.keys & _ALL)


def read(path: Path) -> Iterator[Piece]:
    """The buffered HTTP traces of one file; `truncated` as Envoy says, whose limit is 1 KiB unless raised.

    A trace without `headers_received_time` has the time of its file, to the second, tagged `ts_from=file`.
    """
    mtime_ns = path.stat().st_mtime_ns
    for number, (offset, raw) in enumerate(objects(chunks(path))):
        place = Place(path.name, offset, number)
        yield from guarded(_piece(raw, place, mtime_ns=mtime_ns), place)


def _piece(raw: bytes | Unreadable, place: Place, *, mtime_ns: int) -> Iterator[Piece]:
    wrapper = decoded(raw)
    name = next((key for key in wrapper if key in _TRACES), None)
    if name is None:
        other = next((key for key in wrapper if key in _ALL), "no trace")
        yield place.dropped("not a single request", f"{other}: only buffered HTTP traces hold whole requests")
        return
    trace = object_of(wrapper[name], name)
    asked = object_of(trace.get("request"), "request")
    pseudo, headers = _headers(asked)
    ts_ns, resolution_ns, timed = _time(asked, mtime_ns)
    body, truncated = _body(asked)
    if not truncated:
        body, headers = unpacked(body, headers)
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
            recorded_response=_answered(trace.get("response"), ts_ns if timed else None),
            served_by={"endpoint": pseudo[":authority"]} if pseudo.get(":authority") else {},
            tags={} if timed else {"ts_from": "file"},
            source_file=place.file,
            source_offset=place.offset,
        )
    )


def _answered(said: object, asked_ns: int | None) -> RecordedResponse | None:
    if not isinstance(said, dict) or not said:
        return None
    pseudo, headers = _headers(said)
    status = pseudo.get(":status", "")
    body, truncated = _body(said)
    if not truncated:
        body, headers = unpacked(body, headers)
    latency_ns = None
    if asked_ns is not None and _received(said) is not None:
        latency_ns = instant(_received(said), "headers_received_time")[0] - asked_ns
    return answer(int(status) if status.isdecimal() else status, body, headers=headers, latency_ns=latency_ns)


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


def _body(side: dict[str, Any]) -> tuple[bytes, bool]:
    body = side.get("body")
    if not isinstance(body, dict):
        return b"", False
    truncated = body.get("truncated") is True
    packed = body.get("as_bytes", body.get("asBytes"))
    if packed is None:
        text = body.get("as_string", body.get("asString", ""))
        return str(text).encode(), truncated
    try:
        return base64.b64decode(str(packed), validate=True), truncated
    except (binascii.Error, ValueError) as error:
        raise broken("wrong value", f"as_bytes: {error}") from error


ENVOY_TAP = Format("envoy-tap", "Envoy tap, buffered HTTP traces as JSON", detects, read)
