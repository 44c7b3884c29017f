"""HAR 1.2 files, as browsers, Insomnia, Charles and mitmproxy write them."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import msgspec

from harness.capture.formats.goreplay import path_of
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
    name_of,
    object_of,
)
from harness.capture.formats.streams import chunks
from harness.capture.line import Line, captured, refused
from harness.capture.sources import Unreadable
from harness.records import CapturedRequest, RecordedResponse

#: the key of an entry under which our own export keeps what HAR has no word for
OURS = "_replaygate"
#: fields of it that are JSON, kept as the very text
JSON_TEXTS = ("online_features", "feature_timestamps")
_GZIP = b"\x1f\x8b"
_LONGEST_MS = 10**12
_LOG = re.compile(rb'\s*\{\s*"log"\s*:\s*\{')
_WORDS = re.compile(rb'"(?:version|creator|entries)"\s*:')


def detects(head: Head) -> bool:
    """Whether the file is an object with a `log` that has a version, a creator or entries."""
    log = _LOG.match(head.start)
    return not head.parquet and log is not None and _WORDS.search(head.start, log.end()) is not None


def read(path: Path, name: str = "") -> Iterator[Piece]:
    """The entries of one file, each a request with its answer; an entry is held at a time.

    `name` is that of the file unless given: an entry without an id has it, and its number.
    """
    for number, (offset, raw) in enumerate(objects(chunks(path), ("log", "entries"))):
        place = Place(name or path.name, offset, number)
        yield from guarded(_piece(raw, place), place)


def _piece(raw: bytes | Unreadable, place: Place) -> Iterator[Piece]:
    entry = decoded(raw)
    request = object_of(entry.get("request"), "request")
    if entry.get("_resourceType") == "websocket":
        yield place.dropped("not a single request", "websocket")
    elif isinstance(entry.get(OURS), dict):
        line = _line_of_ours(entry, request)
        yield Asked(captured(line, seq=0, source_file=place.file, source_offset=place.offset))
    else:
        yield Asked(_captured(entry, request, place=place))


def _captured(entry: dict[str, Any], request: dict[str, Any], *, place: Place) -> CapturedRequest:
    ts_ns, resolution_ns = instant(entry.get("startedDateTime"), "startedDateTime")
    headers = _headers(request)
    body = _posted(request.get("postData"))
    size, answered = request.get("bodySize"), _answered(entry)
    return CapturedRequest(
        seq=0,
        request_id=header(headers, "x-request-id") or f"{place.file}:{place.number}",
        ts_ns=ts_ns,
        ts_resolution_ns=resolution_ns,
        method=name_of(request.get("method"), "request.method"),
        path=path_of(name_of(request.get("url"), "request.url")),
        headers=headers,
        body=body,
        truncated=isinstance(size, int) and size > 0 and not body,
        recorded_response=answered,
        tags=cut(
            answered is not None and (_is_packed(answered) or (not answered.body and _size_of(entry) > 0))
        ),
        source_file=place.file,
        source_offset=place.offset,
    )


def _answered(entry: dict[str, Any]) -> RecordedResponse | None:
    """The answer, unless the request was aborted, which is written as status 0."""
    response = entry.get("response")
    if not isinstance(response, dict) or not response.get("status"):
        return None
    timings = entry.get("timings")
    wait = timings.get("wait") if isinstance(timings, dict) else None
    known = isinstance(wait, int | float) and 0 <= wait < _LONGEST_MS
    body, headers = unpacked(_content(response.get("content")), _headers(response))
    return answer(
        response["status"],
        body,
        headers=headers,
        latency_ns=round(wait * 1e6) if known and wait is not None else None,
        kind="wait",
    )


def _is_packed(answered: RecordedResponse) -> bool:
    """Whether the body is still gzip, so that it is damaged: browsers write texts without it."""
    return answered.body[:2] == _GZIP and "gzip" in header(answered.headers, "content-encoding").lower()


def _size_of(entry: dict[str, Any]) -> int:
    """How long the answer's body is said to be; 0 where it is not said."""
    response = entry.get("response")
    content = response.get("content") if isinstance(response, dict) else None
    size = content.get("size") if isinstance(content, dict) else None
    return size if isinstance(size, int) else 0


def _headers(message: dict[str, Any]) -> dict[str, str]:
    listed = message.get("headers")
    pairs = [
        (one["name"], one["value"])
        for one in (listed if isinstance(listed, list) else [])
        if isinstance(one, dict) and isinstance(one.get("name"), str) and isinstance(one.get("value"), str)
    ]
    return headers_of((name, value) for name, value in pairs if name.lower() not in FRAMING)


def _posted(data: object) -> bytes:
    """The body of a request: its text, or its form's parameters where there is no text."""
    if not isinstance(data, dict):
        return b""
    params = data.get("params")
    if not data.get("text") and isinstance(params, list):
        fields = [(one.get("name", ""), one.get("value", "")) for one in params if isinstance(one, dict)]
        return urlencode([(str(name), str(value)) for name, value in fields]).encode()
    return _content(data)


def _content(data: object) -> bytes:
    """The body that `text` and `encoding` spell; raises `broken` for base64 that is none."""
    text = data.get("text") if isinstance(data, dict) else None
    if not isinstance(text, str):
        return b""
    if isinstance(data, dict) and data.get("encoding") == "base64":
        try:
            return base64.b64decode(text, validate=True)
        except (binascii.Error, ValueError) as error:
            raise broken("wrong value", f"base64: {error}") from error
    return text.encode()


def _line_of_ours(entry: dict[str, Any], request: dict[str, Any]) -> Line:
    """The canonical line of an entry that we exported: nothing of it was lost."""
    line = {**entry[OURS], "method": request.get("method")}
    response = entry.get("response")
    line["body_base64"] = _posted(request.get("postData"))
    if isinstance(line.get("recorded_response"), dict) and isinstance(response, dict):
        body = _content(response.get("content"))
        line["recorded_response"] = {**line["recorded_response"], "body_base64": body}
    for name in JSON_TEXTS:
        if isinstance(line.get(name), str):
            line[name] = msgspec.Raw(line[name])
    try:
        return msgspec.convert(line, Line)
    except msgspec.ValidationError as error:
        raise refused(error) from error


HAR = Format("har", "HAR 1.2", detects, read, read)
