"""Databricks inference tables, three generations told apart by columns; a row of a batch is a request."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from harness.capture.formats.batches import rows_of
from harness.capture.formats.json_objects import encoded
from harness.capture.formats.pieces import (
    Asked,
    Dropped,
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
#: below it a fraction has no finite inverse, and was never sampled at
_LEAST_FRACTION = 1e-12


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
    told: list[Dropped] = []
    for one in rows_of(_captured(row, names, place=place), told.append):
        yield Asked(one)
    yield from told


def _captured(row: Row, names: _Generation, *, place: Place) -> CapturedRequest:
    ts_ns, resolution_ns = _time(row[names.time], names.time)
    took_ms = number(row.get(names.took_ms), names.took_ms)
    fraction = number(row.get("sampling_fraction"), "sampling_fraction")
    if fraction is not None and not _LEAST_FRACTION <= fraction <= 1:
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
            int(status) if status is not None and status.is_integer() else status,
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


DATABRICKS = Format("databricks", "Databricks inference table", detects, read)
