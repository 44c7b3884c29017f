"""SageMaker Data Capture: JSON Lines with input and output in one record, ground truth as labels."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from harness.capture import times
from harness.capture.formats.json_objects import decoded, encoded, records
from harness.capture.formats.pieces import (
    DELIVERED,
    Asked,
    Format,
    Head,
    Labelled,
    Piece,
    Place,
    answer,
    broken,
    guarded,
    instant,
    name_of,
    object_of,
    unstated,
)
from harness.capture.sources import Unreadable
from harness.records import CapturedRequest

_DATED = re.compile(
    r"(?:^|/)(?P<endpoint>[^/]+)/(?P<variant>[^/]+)/(\d{4})/(\d\d)/(\d\d)/(\d\d)/(?:(\d\d)(\d\d))?[^/]*$"
)
_HOUR_NS = 3_600 * times.SECOND_NS


class _Source(NamedTuple):
    """What the place of a file says: endpoint and variant, and when its labels were known."""

    served_by: dict[str, str]
    label_at_ns: int
    resolution_ns: int


def detects(head: Head) -> bool:
    """Whether the records have `captureData` or `groundTruthData` beside `eventMetadata`."""
    return "eventMetadata" in head.keys and bool(head.keys & {"captureData", "groundTruthData"})


def read(path: Path) -> Iterator[Piece]:
    """The requests of one file with their answers, and the labels of ground truth and merged records.

    The endpoint, the variant and the time of a label are those of the path `ENDPOINT/VARIANT/YYYY/MM/DD/HH/`
    (a label is known by the end of its hour, or at `MMSS`); without one a label has the time of its file,
    which a copy changes: it is taken for an hour of it.
    """
    source = _source(path)
    for offset, raw in records(path):
        place = Place(path.name, offset)
        yield from guarded(_pieces(raw, source, place=place), place)


def _pieces(raw: bytes | Unreadable, source: _Source, *, place: Place) -> Iterator[Piece]:
    record = decoded(raw)
    event = object_of(record.get("eventMetadata"), "eventMetadata")
    name = name_of(event.get("inferenceId") or event.get("eventId"), "eventMetadata.eventId")
    if "captureData" in record:
        yield Asked(_captured(record, event, name=name, place=place, served_by=source.served_by))
    if "groundTruthData" in record:
        label = _label(object_of(record["groundTruthData"], "groundTruthData"))
        yield Labelled(name, label, source.label_at_ns, source.resolution_ns, offset=place.offset)
    elif "captureData" not in record:
        raise broken("wrong field", "neither captureData nor groundTruthData")


def _captured(
    record: dict[str, Any], event: dict[str, Any], *, name: str, place: Place, served_by: dict[str, str]
) -> CapturedRequest:
    data = object_of(record["captureData"], "captureData")
    asked = data.get("endpointInput") or data.get("batchTransformInput")
    answered = data.get("endpointOutput") or data.get("batchTransformOutput")
    if asked is None:
        raise broken("no body", "captureData has no endpointInput")
    ts_ns, resolution_ns = instant(event.get("inferenceTime"), "eventMetadata.inferenceTime")
    body, headers = _content(object_of(asked, "endpointInput"))
    response = None
    if answered is not None:
        said, said_headers = _content(object_of(answered, "endpointOutput"))
        response = answer(DELIVERED, said, headers=said_headers)
    custom = event.get("customAttributes")
    if isinstance(custom, list):
        headers["X-Amzn-SageMaker-Custom-Attributes"] = ",".join(map(str, custom))
    return CapturedRequest(
        seq=0,
        request_id=name,
        ts_ns=ts_ns,
        ts_resolution_ns=resolution_ns,
        path="/invocations",
        headers=headers,
        body=body,
        recorded_response=response,
        served_by=served_by,
        tags=unstated(response is not None),
        source_file=place.file,
        source_offset=place.offset,
    )


def _content(side: dict[str, Any]) -> tuple[bytes, dict[str, str]]:
    """The body that one side spells, and its content type as a header."""
    kind = side.get("observedContentType")
    headers = {"Content-Type": kind} if isinstance(kind, str) and kind else {}
    data = side.get("data")
    if side.get("encoding") != "BASE64" or not isinstance(data, str):
        return encoded(data), headers
    try:
        return base64.b64decode(data, validate=True), headers
    except (binascii.Error, ValueError) as error:
        raise broken("wrong value", f"data: {error}") from error


def _label(truth: dict[str, Any]) -> float:
    """The one number of a ground truth, as CSV or JSON."""
    text = encoded(truth.get("data")).strip()
    try:
        found = msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        found = None
    if not isinstance(found, int | float):
        raise broken("wrong value", f"the ground truth {times.clip(text)} is not one number")
    return float(found)


def _source(path: Path) -> _Source:
    dated = _DATED.search(path.absolute().as_posix())
    if dated is None:
        return _Source({}, path.stat().st_mtime_ns, _HOUR_NS)
    served_by = {"endpoint": dated["endpoint"], "variant": dated["variant"]}
    year, month, day, hour, minute, second = (int(one) if one else None for one in dated.groups()[2:])
    try:
        start = datetime(year or 0, month or 0, day or 0, hour or 0, tzinfo=UTC)
    except ValueError:
        return _Source({}, path.stat().st_mtime_ns, _HOUR_NS)
    begun_ns = int(start.timestamp()) * times.SECOND_NS
    if minute is None or second is None:
        return _Source(served_by, begun_ns + _HOUR_NS - times.SECOND_NS, times.SECOND_NS)
    return _Source(served_by, begun_ns + (60 * minute + second) * times.SECOND_NS, times.SECOND_NS)


SAGEMAKER = Format("sagemaker", "SageMaker Data Capture and ground truth", detects, read)
