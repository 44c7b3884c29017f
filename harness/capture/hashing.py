"""A table of labels whose ids are hashed with the key of a capture, so that the two still join."""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import cast

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from harness import columns
from harness.capture.live.redaction import Redactor
from harness.capture.live.texts import DroppedError
from harness.capture.sources import existing, extension, opened, translated
from harness.errors import LabelsError

_ENDINGS = (".csv", ".csv.gz", ".jsonl", ".jsonl.gz", ".parquet")

Hashed = Callable[[object], object]


def hash_file(source: Path, target: Path, *, redactor: Redactor, names: Sequence[str]) -> int:
    """The rows of `source` are in `target`, of the same kind, the columns `names` hashed; returns how many.

    A column `unit` is treated as the unit of a request, any other as a request id: as the rules say, or where
    its text is of a class. Raises LabelsError for a file that cannot be read or lacks a column.
    """
    existing(source, LabelsError)
    kind = extension(source, _ENDINGS, error=LabelsError).removesuffix(".gz")
    if extension(target, _ENDINGS, error=LabelsError).removesuffix(".gz") != kind:
        raise LabelsError("another kind of file", where=str(target), expected=kind)
    hashed = {name: _hashed(redactor, name) for name in names}
    with translated(source, LabelsError):
        if kind == ".parquet":
            table = _table(pq.read_table(source), hashed, where=str(source))
            columns.write(table, target)
            return int(table.num_rows)
        lines = list({".csv": _csv, ".jsonl": _jsonl}[kind](source, hashed))
    data = "".join(lines).encode()
    columns.write_bytes(gzip.compress(data, mtime=0) if target.suffix == ".gz" else data, target)
    return len(lines) - (kind == ".csv")


def _hashed(redactor: Redactor, name: str) -> Hashed:
    field = "unit" if name == "unit" else "request_id"

    def hashed(value: object) -> object:
        if value is None:
            return None
        try:
            return redactor.name(str(value), field)
        except DroppedError as error:
            raise LabelsError("a label cannot be hashed", found=str(error)) from error

    return hashed


def _csv(path: Path, hashed: dict[str, Hashed]) -> Iterator[str]:
    with (
        opened(path) as raw,
        io.TextIOWrapper(cast("io.BufferedReader", raw), "utf-8-sig", newline="") as file,
    ):
        rows = csv.reader(file)
        names = next(rows, [])
        _check(names, hashed, where=str(path))
        yield _line(names)
        for row in rows:
            yield _line(
                [str(hashed[n](cell)) if n in hashed else cell for n, cell in zip(names, row, strict=False)]
            )


def _line(cells: Iterable[str]) -> str:
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator="\n").writerow(cells)
    return out.getvalue()


def _jsonl(path: Path, hashed: dict[str, Hashed]) -> Iterator[str]:
    with opened(path) as file:
        for number, line in enumerate(file, 1):
            if line.isspace():
                continue
            try:
                row = msgspec.json.decode(line, type=dict[str, msgspec.Raw])
            except (msgspec.DecodeError, UnicodeDecodeError) as error:
                raise LabelsError("not a JSON object", where=f"{path}:{number}", found=str(error)) from error
            _check(row, hashed, where=f"{path}:{number}")
            new = {name: hashed[name](msgspec.json.decode(row[name])) for name in hashed}
            yield msgspec.json.encode({**row, **new}).decode() + "\n"


def _table(table: pa.Table, hashed: dict[str, Hashed], *, where: str) -> pa.Table:
    _check(table.column_names, hashed, where=where)
    for name, one in hashed.items():
        cells = pa.array([one(value) for value in table.column(name).to_pylist()], pa.string())
        table = table.set_column(table.schema.get_field_index(name), name, cells)
    return table


def _check(names: Iterable[str], hashed: Iterable[str], *, where: str) -> None:
    there = list(names)
    if lacking := [name for name in hashed if name not in there]:
        raise LabelsError(f"no column {lacking[0]!r}", where=where, found=", ".join(there))
