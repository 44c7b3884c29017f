"""Requests written as JSON lines that `read` gives back unchanged."""

from __future__ import annotations

import gzip
from collections.abc import Iterable
from math import isfinite
from pathlib import Path
from typing import Any, BinaryIO, cast

import msgspec
from msgspec import Raw

from harness import columns
from harness.capture.line import Answer, Line
from harness.capture.sources import target_of
from harness.errors import CaptureError
from harness.records import CapturedRequest, RecordedResponse

_ENCODER = msgspec.json.Encoder()


def write_jsonl(requests: Iterable[CapturedRequest], path: Path) -> int:
    """The requests are in `path`, one JSON object a line, whole or not at all; returns how many.

    Gzip where the name ends in .gz; the same requests give the same bytes. A body travels as `body` where its
    bytes are JSON on one line, as `body_text` where they are UTF-8 (a literal NaN), else as `body_base64`.
    `seq` and `source_*` are not written. Raises UsageError for another extension, CaptureError for a
    propensity or weight that JSON cannot spell.
    """
    packed = target_of(path, (".jsonl.gz", ".jsonl")) == ".jsonl.gz"
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(path.name + ".tmp")
    with temporary.open("wb") as file:
        if not packed:
            count = _write(requests, file)
        else:
            with gzip.GzipFile(filename="", mode="wb", fileobj=file, mtime=0) as stream:
                count = _write(requests, cast("BinaryIO", stream))
    columns.publish(temporary, path)
    return count


def line_of(request: CapturedRequest) -> Line:
    """The canonical line of a request; raises CaptureError where a number of it is NaN or infinite."""
    for name in ("propensity", "sampling_weight"):
        value = getattr(request, name)
        if value is not None and not isfinite(value):
            raise CaptureError(f"{name} is not a finite number", where=request.request_id, found=value)
    shared = {name: getattr(request, name) for name in _SHARED}
    return Line(
        **shared,
        **_content(request.body),
        recorded_response=_answer(request.recorded_response),
        online_features=_raw(request.online_features),
        feature_timestamps=_raw(request.feature_timestamps),
    )


_SHARED = tuple(
    name
    for name in Line.__struct_fields__
    if name in CapturedRequest.__struct_fields__
    and name not in {"body", "recorded_response", "online_features", "feature_timestamps"}
)


def _write(requests: Iterable[CapturedRequest], file: BinaryIO) -> int:
    count = 0
    for request in requests:
        file.write(_ENCODER.encode(line_of(request)))
        file.write(b"\n")
        count += 1
    return count


def _answer(response: RecordedResponse | None) -> Answer | None:
    if response is None:
        return None
    return Answer(
        status=response.status,
        headers=response.headers,
        latency_ns=response.latency_ns,
        latency_kind=response.latency_kind,
        **(_content(response.body) if response.body else {}),
    )


def _content(body: bytes) -> dict[str, Any]:
    if _is_one_json_line(body):
        return {"body": Raw(body)}
    try:
        return {"body_text": body.decode()}
    except UnicodeDecodeError:
        return {"body_base64": body}


def _is_one_json_line(body: bytes) -> bool:
    if b"\n" in body or body != body.strip():
        return False
    try:
        msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    return True


def _raw(text: bytes | None) -> Raw | msgspec.UnsetType:
    if text is None:
        return msgspec.UNSET
    return Raw(msgspec.json.format(text, indent=-1) if b"\n" in text else text)
