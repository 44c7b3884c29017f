"""Label files, read strictly: each label with the time it became known and the line it stands on."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from harness import columns
from harness.capture import times
from harness.capture.parquet import TICKS_NS
from harness.capture.sources import (
    Unreadable,
    did_you_mean,
    existing,
    extension,
    opened,
    text_lines,
    translated,
)
from harness.errors import LabelsError
from harness.records import LabelEvent

EXTENSIONS = (".jsonl", ".jsonl.gz", ".csv", ".csv.gz", ".parquet")

_REQUIRED = ("request_id", "label", "label_at")
_OPTIONAL = ("row_index",)
_WORDS = {"0": 0.0, "1": 1.0, "0.0": 0.0, "1.0": 1.0, "false": 0.0, "true": 1.0}
_STAMP = columns.LABELS.field("label_at").type
_BATCH_ROWS = 8_192

Row = tuple[int, dict[str, Any]]


class PlacedLabel(LabelEvent, frozen=True, kw_only=True):
    """A label and where it was read: `line` counts from 1 in text files, from 0 in Parquet.

    `resolution_ns` is how coarsely `label_at` was written; `row_index` names a row of a batch request.
    """

    row_index: int | None = None
    resolution_ns: int = 1
    file: str = ""
    line: int = 0


def read_labels(path: Path) -> Iterator[PlacedLabel]:
    """Every label of a .parquet, .csv or .jsonl file (text also as .gz), in file order, in constant memory.

    Columns: `request_id`; `label`, 0 or 1 or true or false; `label_at`, RFC 3339 with its zone or a timestamp
    with one; optionally `row_index`. Other columns are passed over.
    Raises LabelsError, naming file and line, for the first thing that is not so: no column is guessed and no
    label is skipped.
    """
    existing(path, LabelsError)
    kind = extension(path, EXTENSIONS, error=LabelsError)
    with translated(path, LabelsError):
        for line, row in _rows(path, kind):
            yield _label(row, file=path.name, line=line)


def _rows(path: Path, kind: str) -> Iterator[Row]:
    if kind == ".parquet":
        return _parquet_rows(path)
    return _csv_rows(path) if kind.startswith(".csv") else _json_rows(path)


def _json_rows(path: Path) -> Iterator[Row]:
    decoder = msgspec.json.Decoder(dict[str, Any])
    for number, raw in text_lines(path):
        if isinstance(raw, Unreadable):
            raise LabelsError(raw.reason, where=f"{path}:{number}", found=raw.detail)
        try:
            row = decoder.decode(raw)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise LabelsError("not a JSON object", where=f"{path}:{number}", found=error) from error
        _check_columns(tuple(row), f"{path}:{number}")
        yield number, row


def _csv_rows(path: Path) -> Iterator[Row]:
    number = 1
    try:
        with io.TextIOWrapper(opened(path), encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, strict=True)
            _check_columns(tuple(reader.fieldnames or ()), str(path))
            for cells in reader:
                number = reader.line_num
                yield number, _typed(cells)
    except (csv.Error, UnicodeDecodeError, EOFError) as error:
        raise LabelsError("not CSV in UTF-8, or cut short", where=f"{path}:{number}", found=error) from error


def _typed(cells: dict[str, Any]) -> dict[str, Any]:
    label = cells["label"] or ""
    index = cells.get("row_index") or None
    return cells | {
        "label": _WORDS.get(label.strip().lower(), label),
        "row_index": int(index) if index is not None and index.isdecimal() else index,
    }


def _parquet_rows(path: Path) -> Iterator[Row]:
    with pq.ParquetFile(path) as file:
        schema = file.schema_arrow
        _check_columns(schema.names, str(path))
        wanted = [name for name in (*_REQUIRED, *_OPTIONAL) if name in schema.names]
        stamp = schema.field("label_at").type
        is_stamp = pa.types.is_timestamp(stamp)
        if is_stamp and stamp.tz is None:
            raise LabelsError("column 'label_at' holds times without a zone", where=str(path), found=stamp)
        number = 0
        for batch in file.iter_batches(batch_size=_BATCH_ROWS, columns=wanted):
            cells = {name: batch.column(name) for name in wanted}
            if is_stamp:
                cells["label_at"] = cells["label_at"].cast(_STAMP).cast(pa.int64())
            for row in pa.table(cells).to_pylist():
                if is_stamp and row["label_at"] is not None:
                    row["label_at"] = (row["label_at"], TICKS_NS[stamp.unit])
                yield number, row
                number += 1


def _check_columns(names: Sequence[str], where: str) -> None:
    for name in _REQUIRED:
        if name not in names:
            hint = did_you_mean(name, [one for one in names if one not in _REQUIRED])
            raise LabelsError(
                f"no column {name!r}",
                where=where,
                found=", ".join(names) or "no columns",
                expected=", ".join(_REQUIRED),
                fix=hint.capitalize(),
            )


def _label(row: dict[str, Any], *, file: str, line: int) -> PlacedLabel:
    where = f"{file}:{line}"
    request_id, label, index = row["request_id"], row["label"], row.get("row_index")
    if not isinstance(request_id, str) or not request_id:
        raise LabelsError("request_id is no text", where=where, found=repr(request_id))
    if not isinstance(label, int | float) or label not in {0, 1}:
        raise LabelsError(
            f"the label of request {request_id!r} is neither 0 nor 1",
            where=where,
            found=repr(label),
            expected="0, 1, true or false",
            fix="" if label else "Leave out requests whose label is not known yet.",
        )
    if index is not None and (not isinstance(index, int) or isinstance(index, bool)):
        raise LabelsError(
            f"row_index of request {request_id!r} is no integer", where=where, found=repr(index)
        )
    label_at_ns, resolution_ns = _instant(row["label_at"], request_id=request_id, where=where)
    return PlacedLabel(
        request_id=request_id,
        label=float(label),
        label_at_ns=label_at_ns,
        row_index=index,
        resolution_ns=resolution_ns,
        file=file,
        line=line,
    )


def _instant(value: object, *, request_id: str, where: str) -> tuple[int, int]:
    try:
        if isinstance(value, tuple):
            return times.in_range(value[0], str(value[0])), value[1]
        if isinstance(value, str):
            return times.parse(value)
        reason = f"{value!r} is not an RFC 3339 time"
    except ValueError as error:
        reason = str(error)
    raise LabelsError(f"label_at of request {request_id!r} is not a time", where=where, found=reason)
