"""Databricks inference tables, three generations told apart by columns; a row of a batch is a request."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from harness.capture.formats.json_objects import encoded
from harness.capture.formats.pieces import (
    Asked,
    Format,
    Head,
    Piece,
    Place,
    answer,
    broken,
    epoch,
    guarded,
    name_of,
)
from harness.capture.formats.tables import Row, moment, number, row_of, rows, texts
from harness.capture.sources import Unreadable
from harness.records import CapturedRequest

_MS = 10**6
_OBJECT = msgspec.json.Decoder(dict[str, msgspec.Raw])
_LIST = msgspec.json.Decoder(list[msgspec.Raw])
#: a body that would become more than this is kept whole
_MOST_ROWS, _MOST_BYTES = 10_000, 32 << 20
_LISTS = ("dataframe_records", "instances", "inputs")
_NOT_JSON = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


class _Generation(NamedTuple):
    """The names of one generation of tables: the request's id, its time, how long the model took."""

    name: str
    time: str
    took_ms: str


#: legacy tables, those of AI Gateway, those of Unity AI Gateway
GENERATIONS = (
    _Generation("databricks_request_id", "timestamp_ms", "execution_time_ms"),
    _Generation("databricks_request_id", "request_time", "execution_duration_ms"),
    _Generation("invocation_id", "event_time", "latency_ms"),
)


def detects(head: Head) -> bool:
    """Whether the columns are those of one generation."""
    return any(head.keys >= {*one, "request", "response", "status_code"} for one in GENERATIONS)


def read(path: Path) -> Iterator[Piece]:
    """The requests of a table in Parquet, JSON or CSV; a request of several rows becomes one a row.

    `sampling_fraction` becomes the weight, its inverse. A row of a batch has its number, the request's id as
    `parent_id`, and its own prediction where there are as many; how long the batch took is not its latency.
    """
    for offset, row in rows(path):
        place = Place(path.name, offset)
        yield from guarded(_pieces(row, place), place)


def _pieces(found: Row | bytes | Unreadable, place: Place) -> Iterator[Piece]:
    row = row_of(found)
    names = next((one for one in GENERATIONS if one.name in row and one.time in row), None)
    if names is None:
        raise broken("wrong field", "no id and time of an inference table")
    if row.get("request") in (None, ""):
        raise broken("no body", f"request was not logged: {row.get('logging_error_codes') or 'no reason'}")
    request = _captured(row, names, place=place)
    for one in _rows(request):
        yield Asked(one)


def _captured(row: Row, names: _Generation, *, place: Place) -> CapturedRequest:
    ts_ns, resolution_ns = _time(row[names.time], names.time)
    took_ms = number(row.get(names.took_ms), names.took_ms)
    fraction = number(row.get("sampling_fraction"), "sampling_fraction")
    if fraction is not None and not 0 < fraction <= 1:
        raise broken("wrong value", f"sampling_fraction {fraction}")
    status = number(row.get("status_code"), "status_code")
    served = {"build": row.get("served_entity_id"), **texts(row.get("request_metadata"))}
    client = row.get("client_request_id")
    return CapturedRequest(
        seq=0,
        request_id=name_of(row[names.name], names.name),
        ts_ns=ts_ns,
        ts_resolution_ns=resolution_ns,
        path="/invocations",
        headers={"Content-Type": "application/json"},
        body=encoded(row["request"]),
        recorded_response=answer(
            int(status) if status is not None and status == status else status,  # noqa: PLR0124  -- NaN is not
            encoded(row.get("response")),
            latency_ns=round(took_ms * _MS) if took_ms and 0 < took_ms < _MS * _MS else None,
        ),
        served_by={name: value for name, value in served.items() if isinstance(value, str) and value},
        sampling_weight=1.0 if fraction is None else 1 / fraction,
        tags={"client_request_id": client} if isinstance(client, str) and client else {},
        source_file=place.file,
        source_offset=place.offset,
    )


def _time(value: object, name: str) -> tuple[int, int]:
    """A time in ms since the epoch, or as text, or of Parquet."""
    if name != "timestamp_ms":
        return moment(value, name)
    ms = number(value, name)
    if ms is None or ms != ms or abs(ms) > 2**53:  # noqa: PLR0124  -- NaN is not itself
        raise broken("bad time", f"{name} is {value!r}")
    return epoch(int(ms) * _MS, name), _MS


def _rows(request: CapturedRequest) -> Iterator[CapturedRequest]:
    """The request itself, or one for each row of its batch."""
    bodies = _taken_apart(request.body)
    if len(bodies) < 2:
        yield request
        return
    response = request.recorded_response
    answers = [] if response is None else _predictions(response.body)
    for index, body in enumerate(bodies):
        own = None
        if response is not None and len(answers) == len(bodies):
            own = msgspec.structs.replace(response, body=answers[index], latency_ns=None, latency_kind=None)
        yield msgspec.structs.replace(
            request, body=body, row_index=index, parent_id=request.request_id, recorded_response=own
        )


def _taken_apart(body: bytes) -> list[bytes]:
    """A body for each row, whose numbers keep their digits; none for a body of no known batch shape."""
    try:
        words = _OBJECT.decode(body)
        key = next((one for one in _LISTS if one in words), None)
        if key is not None:
            return [_with(words, key, [one]) for one in _listed(words[key], beside=len(body))]
        if "dataframe_split" in words:
            table = _OBJECT.decode(words["dataframe_split"])
            plain = {name: raw for name, raw in table.items() if name != "index"}
            found = _listed(table["data"], beside=len(body))
            return [_with(words, "dataframe_split", {**plain, "data": [one]}) for one in found]
    except (*_NOT_JSON, KeyError):
        pass
    return []


def _listed(raw: msgspec.Raw, *, beside: int) -> list[msgspec.Raw]:
    """The rows of a list; none where they, each with what stands beside the list, would be too much."""
    size = len(bytes(raw))
    if size > _MOST_BYTES // 16:
        return []
    rows = _LIST.decode(raw)
    return rows if len(rows) <= _MOST_ROWS and len(rows) * (beside - size) <= _MOST_BYTES else []


def _with(words: dict[str, msgspec.Raw], key: str, value: Any) -> bytes:  # noqa: ANN401, PLR0917  -- any JSON
    return msgspec.json.encode({**words, key: value})


def _predictions(body: bytes) -> list[bytes]:
    try:
        words = _OBJECT.decode(body)
        return [_with(words, "predictions", [one]) for one in _listed(words["predictions"], beside=len(body))]
    except (*_NOT_JSON, KeyError):
        return []


DATABRICKS = Format("databricks", "Databricks inference table", detects, read)
