"""Requests as columns and back: the two directions of the CAPTURE schema, lossless."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from operator import attrgetter
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

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


def rows(tables: Iterable[pa.Table]) -> Iterator[CapturedRequest]:
    """The requests of all tables, in order."""
    for table in tables:
        yield from requests(table)


def numbered(table: pa.Table, first: int) -> pa.Table:
    """The same rows with `seq` counting up from `first`."""
    seq = pa.array(np.arange(first, first + table.num_rows))
    return table.set_column(table.schema.get_field_index("seq"), columns.CAPTURE.field("seq"), seq)


def regrouped(tables: Iterable[pa.Table], rows: int, *, most_bytes: int) -> Iterator[pa.Table]:
    """The same rows in tables of `rows`, or of fewer that come to `most_bytes`; the last is what is left."""
    held: list[pa.Table] = []
    count = size = 0
    for table in tables:
        left = table
        while left.num_rows:
            held.append(left.slice(0, rows - count))
            left = left.slice(rows - count)
            count += held[-1].num_rows
            size += held[-1].nbytes
            if count == rows or size >= most_bytes:
                yield pa.concat_tables(held)
                held, count, size = [], 0, 0
    if held:
        yield pa.concat_tables(held)


def names(column: pa.MapArray) -> list[str]:
    """The different keys of all maps."""
    found: list[str] = column.keys.unique().to_pylist()
    return found


def with_name(column: pa.MapArray, matches: Callable[[str], bool]) -> NDArray[np.bool_]:
    """Which of the maps (n,) have a key that matches."""
    before = _matched_before(column, matches)
    offsets = column.offsets.to_numpy()
    found: NDArray[np.bool_] = before[offsets[1:]] > before[offsets[:-1]]
    return found


def without(column: pa.MapArray, matches: Callable[[str], bool]) -> pa.MapArray:
    """The maps without the keys that match; each of the different keys is asked about once."""
    before = _matched_before(column, matches)
    if not before[-1]:
        return column
    kept = pa.array(np.diff(before) == 0)
    offsets = column.offsets.to_numpy()
    return pa.MapArray.from_arrays(
        pa.array((offsets - before[offsets]).astype(np.int32)),
        column.keys.filter(kept),
        column.items.filter(kept),
        mask=column.is_null(),
    )


def _matched_before(column: pa.MapArray, matches: Callable[[str], bool]) -> NDArray[np.int64]:
    """How many of the column's keys (k,) before each of them, and in all, match: (k + 1,)."""
    keys = column.keys.dictionary_encode()
    matching = np.array([matches(key) for key in keys.dictionary.to_pylist()], np.bool_)
    found = np.zeros(len(keys) + 1, np.int64)
    if matching.any():
        np.cumsum(matching[keys.indices.to_numpy()], out=found[1:])
    return found


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
    return texts(cells) if pa.types.is_map(field.type) else pa.array(cells, field.type)


def texts(cells: Sequence[dict[str, str] | None]) -> pa.Array:
    """The dicts as one map column, built of flat keys and values: far faster than a row at a time."""
    lengths = [len(cell) if cell else 0 for cell in cells]
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
    keys = [key for cell in cells if cell for key in cell]
    values = [text for cell in cells if cell for text in cell.values()]
    mask = pa.array([cell is None for cell in cells], pa.bool_())
    return pa.MapArray.from_arrays(
        pa.array(offsets), pa.array(keys, pa.string()), pa.array(values, pa.string()), mask=mask
    )
