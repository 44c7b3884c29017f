"""Payload logs of KServe and Seldon: CloudEvents as JSON, and KServe's own records (JSON, CSV, Parquet)."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from harness.capture import times
from harness.capture.formats.json_objects import encoded
from harness.capture.formats.pieces import (
    DELIVERED,
    Answered,
    Asked,
    Format,
    Head,
    Labelled,
    Piece,
    Place,
    answer,
    broken,
    guarded,
    name_of,
)
from harness.capture.formats.tables import Row, moment, row_of, rows, texts
from harness.capture.sources import Unreadable
from harness.records import CapturedRequest

_EVENT = frozenset({"specversion", "ce-specversion"})
_RECORD = frozenset({"reqType", "bytes", "id"})
_KINDS = (b".inference.", b".serving.feedback")
_SERVED = {
    "inferenceservicename": "endpoint",
    "inferenceservice": "endpoint",
    "modelid": "build",
    "endpoint": "variant",
    "namespace": "namespace",
    "component": "component",
}


def detects(head: Head) -> bool:
    """Whether these are CloudEvents about inference, or records with KServe's `reqType`, `bytes`, `id`."""
    if head.keys >= _RECORD:
        return True
    return bool(head.keys & _EVENT) and any(kind in head.start for kind in _KINDS)


def read(path: Path) -> Iterator[Piece]:
    """The requests, the answers and the feedback of one file; a request and its answer share their id.

    CSV and Parquet records have no time: theirs is the file's, to the second, tagged `ts_from=file`.
    """
    mtime_ns = path.stat().st_mtime_ns
    for offset, row in rows(path):
        place = Place(path.name, offset)
        yield from guarded(_piece(row, place, mtime_ns=mtime_ns), place)


def _piece(found: Row | bytes | Unreadable, place: Place, *, mtime_ns: int) -> Iterator[Piece]:
    event = {_attribute(name): _unquoted(value) for name, value in row_of(found).items()}
    if "reqtype" in event:
        event |= {"type": event["reqtype"], "time": event.get("occurrencetime")}
        event |= {"data_base64": event.get("bytes"), "datacontenttype": event.get("contenttype")}
    kind = name_of(event.get("type"), "type").rpartition(".")[2]
    name = name_of(event.get("requestid") or event.get("id"), "id")
    if kind == "request":
        yield Asked(_request(event, name, place=place, mtime_ns=mtime_ns), waits=True, sent_ns=_sent(event))
    elif kind == "response":
        at_ns = _sent(event)
        response = answer(DELIVERED, _data(event), headers=_type(event))
        yield Answered(name, response, at_ns, place, delivered=True)
    elif kind == "feedback":
        yield _feedback(event, name, place=place)
    else:
        yield place.dropped("not a single request", f"type {times.clip(event['type'])}")


def _request(event: Row, name: str, *, place: Place, mtime_ns: int) -> CapturedRequest:
    timed = event.get("time") is not None
    ts_ns, resolution_ns = moment(event["time"], "time") if timed else (mtime_ns, times.SECOND_NS)
    body = _data(event)
    served_by = {_SERVED[key]: str(value) for key, value in event.items() if key in _SERVED and value}
    return CapturedRequest(
        seq=0,
        request_id=name,
        ts_ns=ts_ns,
        ts_resolution_ns=resolution_ns,
        path=_path(str(event.get("type")), body, model=served_by.get("endpoint", "")),
        headers=texts(event.get("metadata")) | _type(event),
        body=body,
        served_by=served_by,
        tags={} if timed else {"ts_from": "file"},
        source_file=place.file,
        source_offset=place.offset,
    )


def _sent(event: Row) -> int:
    return 0 if event.get("time") is None else moment(event["time"], "time")[0]


def _path(kind: str, body: bytes, *, model: str) -> str:
    """The path that serves such a body: the log has only the body."""
    if b'"inputs"' in body and b'"datatype"' in body:
        return f"/v2/models/{model}/infer"
    return "/api/v1.0/predictions" if kind.startswith("io.seldon.") else f"/v1/models/{model}:predict"


def _attribute(name: str) -> str:
    return name.lower().removeprefix("ce-").removeprefix("ce_")


def _unquoted(value: Any) -> Any:  # noqa: ANN401  -- any cell
    """An attribute without the second pair of quotes that early KServe wrote around it."""
    if isinstance(value, str) and len(value) > 1 and value[0] == value[-1] == '"':
        return value[1:-1]
    return value


def _type(event: Row) -> dict[str, str]:
    kind = event.get("datacontenttype")
    return {"Content-Type": kind} if isinstance(kind, str) and kind else {}


def _data(event: Row) -> bytes:
    packed = event.get("data_base64")
    if not isinstance(packed, str):
        return encoded(event.get("data"))
    try:
        return base64.b64decode(packed, validate=True)
    except (binascii.Error, ValueError) as error:
        raise broken("wrong value", f"base64: {error}") from error


def _feedback(event: Row, name: str, *, place: Place) -> Piece:
    """The truth of a Seldon feedback as a label, where it is one number."""
    try:
        truth = msgspec.json.decode(_data(event)).get("truth")
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, AttributeError) as error:
        raise broken("not JSON", f"feedback: {error}") from error
    data = truth.get("data") if isinstance(truth, dict) else None
    values = (data.get("ndarray") or data.get("tensor")) if isinstance(data, dict) else None
    if isinstance(values, dict):
        values = values.get("values")
    while isinstance(values, list) and len(values) == 1:
        values = values[0]
    if not isinstance(values, int | float):
        return place.dropped("feedback without a label", times.clip(values, 60))
    return Labelled(name, float(values), *moment(event.get("time"), "time"), offset=place.offset)


CLOUDEVENTS = Format("cloudevents", "CloudEvents of KServe and Seldon, KServe records", detects, read)
