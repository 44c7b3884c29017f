"""Requests as columns and back: the two directions of the CAPTURE schema, lossless."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from operator import attrgetter
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from harness import columns
from harness.errors import RunError
from harness.records import CapturedRequest, RecordedResponse

_BATCH_ROWS = 4_096
_ANSWER = {
    "recorded_status": "status",
    "recorded_headers": "headers",
    "recorded_body": "body",
    "recorded_latency_ns": "latency_ns",
    "recorded_latency_kind": "latency_kind",
}
#: fields of a request whose column has another name
_FIELDS = {"event_time": "event_time_ns"}


def to_table(requests: Iterable[CapturedRequest]) -> pa.Table:
    """The requests as one table of the CAPTURE schema, a row each, in order; bodies byte for byte."""
    rows = list(requests)
    return pa.table([_column(rows, field) for field in columns.CAPTURE], schema=columns.CAPTURE)


def requests(table: pa.Table) -> Iterator[CapturedRequest]:
    """The requests of a table that `to_table` made, in row order, equal to those it was made of."""
    times = table.schema.get_field_index("event_time")
    plain = table.set_column(times, "event_time", table.column(times).cast(pa.int64()))
    names = [_FIELDS.get(name, name) for name in plain.column_names]
    for batch in plain.to_batches(max_chunksize=_BATCH_ROWS):
        cells = [column.to_pylist() for column in batch.columns]
        for values in zip(*cells, strict=True):
            yield _request(dict(zip(names, values, strict=True)))


def load(folder: Path, names: list[str] | None = None) -> pa.Table:
    """The parts that `ingest` wrote, in order of `seq`; only the columns `names` where given.

    Raises RunError for a folder without parts.
    """
    if not any(folder.glob("part-*.parquet")):
        raise RunError("no capture in this folder", where=str(folder), expected="part-00000.parquet")
    return columns.read(folder, names)


def _request(row: dict[str, Any]) -> CapturedRequest:
    answer = {name: row.pop(column) for column, name in _ANSWER.items()}
    for name in ("segments", "headers", "served_by", "tags"):
        row[name] = dict(row[name])
    if answer["status"] is not None:
        answer["headers"] = dict(answer["headers"])
        row["recorded_response"] = RecordedResponse(**answer)
    return CapturedRequest(**row)


def _column(rows: list[CapturedRequest], field: pa.Field) -> pa.Array:
    if field.name in _ANSWER:
        pick = attrgetter(_ANSWER[field.name])
        cells = [None if r.recorded_response is None else pick(r.recorded_response) for r in rows]
    else:
        cells = list(map(attrgetter(_FIELDS.get(field.name, field.name)), rows))
    return _texts(cells) if pa.types.is_map(field.type) else pa.array(cells, field.type)


def _texts(cells: list[dict[str, str] | None]) -> pa.Array:
    """The dicts as one map column, built of flat keys and values: far faster than a row at a time."""
    lengths = [len(cell) if cell else 0 for cell in cells]
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
    keys = [key for cell in cells if cell for key in cell]
    values = [text for cell in cells if cell for text in cell.values()]
    mask = pa.array([cell is None for cell in cells], pa.bool_())
    return pa.MapArray.from_arrays(
        pa.array(offsets), pa.array(keys, pa.string()), pa.array(values, pa.string()), mask=mask
    )
