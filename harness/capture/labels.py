"""Label files, read strictly: each label with the time it became known and the line it stands on."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from harness import columns
from harness.capture import times
from harness.capture.label_sources import foreign, foreign_rows, label_files
from harness.capture.parquet import TICKS_NS
from harness.capture.parquet_caps import rows_at_once
from harness.capture.sources import (
    Unreadable,
    did_you_mean,
    extension,
    opened,
    text_lines,
    translated,
)
from harness.errors import LabelsError
from harness.records import LabelEvent

EXTENSIONS = (".jsonl", ".jsonl.gz", ".csv", ".csv.gz", ".parquet")

_KEYS = ("request_id", "label_at")
_OPTIONAL = ("row_index", "revision")
_WORDS = {"0": 0.0, "1": 1.0, "0.0": 0.0, "1.0": 1.0, "false": 0.0, "true": 1.0}
_STAMP = columns.LABELS.field("label_at").type

Row = tuple[int, dict[str, Any]]


@dataclass(frozen=True)
class LabelColumn:
    """Where the labels of one outcome stand; `binary` ones are 0 or 1, others any finite number."""

    outcome: str = "label"
    column: str = "label"
    binary: bool = True


class PlacedLabel(LabelEvent, frozen=True, kw_only=True):
    """A label and where it was read: `line` counts from 1 in text files, from 0 in Parquet.

    `resolution_ns` is how coarsely `label_at` was written; `row_index` names a row of a batch request. Of
    labels at one time the highest `revision` is the one to use.
    """

    row_index: int | None = None
    revision: int = 0
    resolution_ns: int = 1
    file: str = ""
    line: int = 0


def read_labels(path: Path, asked: Sequence[LabelColumn] = (LabelColumn(),)) -> Iterator[PlacedLabel]:
    """Every label of a .parquet, .csv or .jsonl file (text also as .gz), in file order, in constant memory.

    Columns: `request_id`; `label_at`, RFC 3339 with its zone or a timestamp with one; one for each outcome
    asked for: 0 or 1 or true or false, or a number, and nothing where that outcome is not known by this row;
    optionally `row_index`, and `revision`, by which the last of several at one `label_at` is known. Other
    columns are passed over. SageMaker ground truth and Seldon feedback are read too, where the later file by
    name and the later place in it is the later revision; a folder is its files.
    Raises LabelsError, naming file and line, for the first thing that is not so: no column is guessed and no
    label is skipped.
    """
    for number, file in enumerate(label_files(path)):
        with translated(file, LabelsError):
            for line, row in _found(file, asked, number=number):
                yield from _labels(row, asked, file=file.name, line=line)


def _found(path: Path, asked: Sequence[LabelColumn], *, number: int) -> Iterator[Row]:
    form = foreign(path)
    if form is not None:
        return foreign_rows(path, form, names=[one.column for one in asked], file=number)
    return _rows(path, extension(path, EXTENSIONS, error=LabelsError), asked=asked)


def _rows(path: Path, kind: str, *, asked: Sequence[LabelColumn]) -> Iterator[Row]:
    if kind == ".parquet":
        return _parquet_rows(path, asked)
    return _csv_rows(path, asked) if kind.startswith(".csv") else _json_rows(path, asked)


def _json_rows(path: Path, asked: Sequence[LabelColumn]) -> Iterator[Row]:
    decoder = msgspec.json.Decoder(dict[str, Any])
    for number, raw in text_lines(path):
        if isinstance(raw, Unreadable):
            raise LabelsError(raw.reason, where=f"{path}:{number}", found=raw.detail)
        try:
            row = decoder.decode(raw)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise LabelsError("not a JSON object", where=f"{path}:{number}", found=error) from error
        _check_columns(tuple(row), asked, where=f"{path}:{number}", each=True)
        yield number, row


def _csv_rows(path: Path, asked: Sequence[LabelColumn]) -> Iterator[Row]:
    number = 1
    try:
        with io.TextIOWrapper(opened(path), encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, strict=True)
            _check_columns(tuple(reader.fieldnames or ()), asked, where=str(path))
            for cells in reader:
                number = reader.line_num
                yield number, _typed(cells, asked)
    except (csv.Error, UnicodeDecodeError, EOFError) as error:
        raise LabelsError("not CSV in UTF-8, or cut short", where=f"{path}:{number}", found=error) from error


def _typed(cells: dict[str, Any], asked: Sequence[LabelColumn]) -> dict[str, Any]:
    values = {one.column: _spelled(cells[one.column] or "", binary=one.binary) for one in asked}
    return cells | values | {name: _whole(cells.get(name) or None) for name in _OPTIONAL}


def _whole(cell: str | None) -> int | str | None:
    """The integer that a cell spells, else its text."""
    return int(cell) if cell is not None and cell.isdecimal() and len(cell) < 19 else cell


def _spelled(text: str, *, binary: bool) -> float | str | None:
    """The label that a CSV cell spells; the text itself where it spells none, nothing where it is empty."""
    if not text.strip():
        return None
    if binary:
        return _WORDS.get(text.strip().lower(), text)
    try:
        return float(text)
    except ValueError:
        return text


def _parquet_rows(path: Path, asked: Sequence[LabelColumn]) -> Iterator[Row]:
    with pq.ParquetFile(path) as file:
        schema = file.schema_arrow
        _check_columns(schema.names, asked, where=str(path))
        columns_asked = dict.fromkeys((*_KEYS, *(one.column for one in asked), *_OPTIONAL))
        wanted = [name for name in columns_asked if name in schema.names]
        stamp = schema.field("label_at").type
        is_stamp = pa.types.is_timestamp(stamp)
        if is_stamp and stamp.tz is None:
            raise LabelsError("column 'label_at' holds times without a zone", where=str(path), found=stamp)
        number = 0
        at_once = rows_at_once(file, path, error=LabelsError)
        for batch in file.iter_batches(batch_size=at_once, columns=wanted):
            cells = {name: batch.column(name) for name in wanted}
            if is_stamp:
                cells["label_at"] = cells["label_at"].cast(_STAMP).cast(pa.int64())
            for row in pa.table(cells).to_pylist():
                if is_stamp and row["label_at"] is not None:
                    row["label_at"] = (row["label_at"], TICKS_NS[stamp.unit])
                yield number, row
                number += 1


def _check_columns(
    names: Sequence[str], asked: Sequence[LabelColumn], *, where: str, each: bool = False
) -> None:
    """Every column is there; in a line of JSON (`each`) one of several outcomes may be left out."""
    outcomes = [one.column for one in asked]
    several = each and len(outcomes) > 1 and any(name in names for name in outcomes)
    for name in _KEYS if several else (*_KEYS, *outcomes):
        if name not in names:
            known = {*_KEYS, *outcomes}
            hint = did_you_mean(name, [one for one in names if one not in known])
            raise LabelsError(
                f"no column {name!r}",
                where=where,
                found=", ".join(names) or "no columns",
                expected=", ".join((_KEYS[0], *outcomes, _KEYS[1])),
                fix=hint[:1].upper() + hint[1:] if hint else _EMPTY,
            )


def _labels(
    row: dict[str, Any], asked: Sequence[LabelColumn], *, file: str, line: int
) -> Iterator[PlacedLabel]:
    """The label of each outcome that the row knows."""
    where = f"{file}:{line}"
    request_id = row["request_id"]
    if not isinstance(request_id, str) or not request_id:
        raise LabelsError("request_id is no text", where=where, found=repr(request_id))
    for name in _OPTIONAL:
        found = row.get(name)
        if found is not None and (not isinstance(found, int) or isinstance(found, bool)):
            raise LabelsError(
                f"{name} of request {request_id!r} is no integer", where=where, found=repr(found)
            )
    known = [one for one in asked if row.get(one.column) is not None]
    values = [
        _value(row.get(one.column), one, request_id=request_id, where=where) for one in known or asked[:1]
    ]
    label_at_ns, resolution_ns = _instant(row["label_at"], request_id=request_id, where=where)
    for one, value in zip(known, values, strict=True):
        yield PlacedLabel(
            request_id=request_id,
            outcome=one.outcome,
            label=value,
            label_at_ns=label_at_ns,
            row_index=row.get("row_index"),
            revision=row.get("revision") or 0,
            resolution_ns=resolution_ns,
            file=file,
            line=line,
        )


_EMPTY = "A column may be empty where its outcome is not known yet."
#: beyond it no sum of squares is a number any more; nothing that is counted or paid is so large
LARGEST = 1e100


def _value(found: object, asked: LabelColumn, *, request_id: str, where: str) -> float:
    """A label of 0 or 1, or a finite number; LabelsError for anything else."""
    number = isinstance(found, int | float) and math.isfinite(found) and abs(found) <= LARGEST
    if number and (not asked.binary or found in {0, 1}):
        return float(found)  # type: ignore[arg-type]  # a number, by the line above
    raise LabelsError(
        f"the {asked.column} of request {request_id!r} is "
        + ("neither 0 nor 1" if asked.binary else "no number of a usual size"),
        where=where,
        found=repr("" if found is None and where.partition(":")[0].endswith(".csv") else found),
        expected="0, 1, true or false" if asked.binary else "a number",
        fix="" if found else "Leave out requests whose label is not known yet.",
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
