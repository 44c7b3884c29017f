"""The Arrow schema of every artefact, and the way each file is written: whole, synced, then renamed."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from enum import IntEnum
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from harness.errors import RunError

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

#: rows of a group: one request is read without reading a million
ROW_GROUP = 1 << 16
_STAMP = pa.timestamp("ns", tz="UTC")
_TEXTS = pa.map_(pa.string(), pa.string())

CAPTURE = pa.schema(
    [
        ("seq", pa.int64()),
        ("request_id", pa.string()),
        ("parent_id", pa.string()),
        ("row_index", pa.int32()),
        ("ts_ns", pa.int64()),
        ("ts_resolution_ns", pa.int64()),
        ("event_time", _STAMP),
        ("unit", pa.string()),
        ("segments", _TEXTS),
        ("exposed", pa.bool_()),
        ("propensity", pa.float64()),
        ("method", pa.string()),
        ("path", pa.string()),
        ("headers", _TEXTS),
        ("body", pa.binary()),
        ("truncated", pa.bool_()),
        ("recorded_status", pa.int32()),
        ("recorded_headers", _TEXTS),
        ("recorded_body", pa.binary()),
        ("recorded_latency_ns", pa.int64()),
        ("recorded_latency_kind", pa.string()),
        ("served_by", _TEXTS),
        ("online_features", pa.binary()),
        ("feature_timestamps", pa.binary()),
        ("sampling_weight", pa.float64()),
        ("tags", _TEXTS),
        ("source_file", pa.string()),
        ("source_offset", pa.int64()),
    ]
)

OUTCOMES = pa.schema(
    [
        ("seq", pa.int64()),
        ("phase", pa.string()),
        ("target", pa.string()),
        ("state", pa.string()),
        ("attempts", pa.int32()),
        ("status", pa.int32()),
        ("due_ns", pa.int64()),
        ("submit_ns", pa.int64()),
        ("written_ns", pa.int64()),
        ("first_ns", pa.int64()),
        ("done_ns", pa.int64()),
        ("server_ns", pa.int64()),
        ("score", pa.float64()),
        ("features", pa.binary()),
        ("model", pa.string()),
        ("echoed_id", pa.string()),
        ("detail", pa.string()),
        ("body", pa.binary()),
    ]
)

#: mismatching cells only; `left` and `right` are JSON texts with NaN spelled out
DIFFERENCES = pa.schema(
    [
        ("seq", pa.int64()),
        ("left_arm", pa.string()),
        ("right_arm", pa.string()),
        ("phase", pa.string()),
        ("field", pa.string()),
        ("kind", pa.string()),
        ("left", pa.string()),
        ("right", pa.string()),
        ("magnitude", pa.float64()),
    ]
)

LABELS = pa.schema(
    [
        ("seq", pa.int64()),
        ("request_id", pa.string()),
        ("outcome", pa.string()),
        ("label", pa.float64()),
        ("label_at", _STAMP),
    ]
)


_PRIVATE = re.compile(
    r"(^|[-_])(auth|authorization|cookie2?|credentials?|passw(or)?d|secret|session|sid|token)($|[-_])"
    r"|(api|access|private)[-_]?key"
)


def is_private(header: str) -> bool:
    """Whether a header by this name may hold a credential: it is neither written to a run nor passed on."""
    return _PRIVATE.search(header.lower()) is not None


class Kind(IntEnum):
    """What a cell holds: NaN, null and missing stay three different things."""

    VALUE = 0
    NAN = 1
    NULL = 2
    MISSING = 3
    WRONG_TYPE = 4


@dataclass(frozen=True)
class Column:
    """One feature of one arm over n requests.

    `values` is float64 (n,) for numbers (NaN where `kind` is not VALUE) and object (n,) of str or None for
    categories; `kind` is uint8 (n,) of `Kind`; `text` keeps the raw JSON of wrong-typed cells by row.
    """

    dtype: Literal["number", "category"]
    values: NDArray[Any]
    kind: NDArray[np.uint8]
    text: dict[int, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Side:
    """One arm over n requests: float64 scores (n,), and its features, or None where it shows none."""

    arm: str
    scores: NDArray[np.float64]
    features: dict[str, Column] | None


@dataclass(frozen=True)
class Pair:
    """Two arms aligned request by request (n distinct requests, ascending `seq`).

    `event_time_ns` and `ts_ns` are int64 ns UTC (event time falls back to `ts_ns`), `request_id` and `unit`
    object arrays of str (unit may be None), `segments` object arrays of str by segment name.
    `unstable` marks requests that the right arm answered more than once with unequal scores.
    """

    left: Side
    right: Side
    seq: NDArray[np.int64]
    request_id: NDArray[np.object_]
    ts_ns: NDArray[np.int64]
    event_time_ns: NDArray[np.int64]
    unit: NDArray[np.object_]
    segments: dict[str, NDArray[np.object_]]
    unstable: NDArray[np.bool_]


def write(table: pa.Table, path: Path) -> None:
    """The table is on disk under `path` whole or not at all, even after a power cut."""
    publish(stage(table, path), path)


def write_bytes(data: bytes, path: Path) -> None:
    """The bytes are on disk under `path` whole or not at all."""
    publish(stage(data, path), path)


def stage(data: bytes | pa.Table, path: Path) -> Path:
    """All of it in a temporary file beside `path`, to be published; no reader looks at a `.tmp`.

    A table is Parquet, zstd level 1.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(path.name + ".tmp")
    if isinstance(data, bytes):
        temporary.write_bytes(data)
    else:
        pq.write_table(data, temporary, compression="zstd", compression_level=1, row_group_size=ROW_GROUP)
    return temporary


def publish(temporary: Path, path: Path) -> None:
    """A finished temporary file takes its final name only once its bytes are synced."""
    with temporary.open("rb") as file:
        os.fsync(file.fileno())
    temporary.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def read(path: Path, columns: list[str] | None = None) -> pa.Table:
    """All parts of an artefact (a file or a folder of `part-*.parquet`) in name order.

    Raises RunError when there is none, when one cannot be read, or when it lacks one of `columns`.
    """
    files = sorted(path.glob("part-*.parquet")) if path.is_dir() else [path]
    if not files:
        raise RunError("an artefact of the run has no parts", where=str(path), expected="part-*.parquet")
    return pa.concat_tables([_read(file, columns) for file in files])


def read_seq(path: Path, seq: int) -> pa.Table:
    """The rows of one request, of all parts of an artefact; row groups without it are not read."""
    from pyarrow import dataset  # here, since most commands do without its 7 MiB

    files = sorted(path.glob("part-*.parquet")) if path.is_dir() else [path]
    found = dataset.dataset([str(file) for file in files], format="parquet")
    return found.to_table(filter=dataset.field("seq") == seq)


def read_row(path: Path, row: int) -> pa.Table:
    """One row of a file by its place, for a file without `seq`; only its row group is read."""
    with pq.ParquetFile(path) as file:
        for group in range(file.num_row_groups):
            rows = file.metadata.row_group(group).num_rows
            if row < rows:
                return file.read_row_group(group).slice(row, 1)
            row -= rows
        return file.schema_arrow.empty_table()


def _read(file: Path, columns: list[str] | None) -> pa.Table:
    try:
        there = pq.read_schema(file).names
        lacking = [name for name in columns or () if name not in there]
        if not lacking:
            return pq.read_table(file, columns=columns)
    except (OSError, pa.ArrowException) as error:
        raise RunError(f"an artefact of the run cannot be read: {error}", where=str(file)) from error
    raise RunError(f"an artefact of the run lacks column {lacking[0]!r}", where=str(file))


def concat(tables: list[pa.Table]) -> pa.Table:
    """The tables one after another."""
    return pa.concat_tables(tables)
