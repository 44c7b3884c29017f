"""A table of labels whose ids are hashed with the key of a capture, so that the two still join."""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from harness import columns
from harness.capture.live.redaction import Redactor
from harness.capture.live.texts import DroppedError, is_token
from harness.capture.sources import existing, extension, opened, target_of, translated
from harness.errors import HarnessError, LabelsError, UsageError

_ENDINGS = (".csv", ".csv.gz", ".jsonl", ".jsonl.gz", ".parquet")


@dataclass
class Ids:
    """Makes the ids of a column those of a redacted capture; `plain` and `hashed` ones are counted."""

    redactor: Redactor
    field: str
    plain: int = 0
    hashed: int = 0

    def __call__(self, value: object) -> object:
        """The id that stands for this one; None stays. Raises LabelsError where there is no key."""
        if value is None:
            return None
        try:
            name = self.redactor.name(str(value), self.field)
        except DroppedError as error:
            raise LabelsError("a label cannot be hashed", found=error) from error
        if is_token(name):
            self.hashed += 1
        else:
            self.plain += 1
        return name


def hash_file(source: Path, target: Path, *, redactor: Redactor, names: Sequence[str]) -> int:
    """The rows of `source` are in `target`, of the same kind, the columns `names` hashed; returns how many.

    A column `unit` is treated as the unit of a request, any other as a request id: as the rules say, or where
    its text is of a class. Raises LabelsError for a file that cannot be read and where the rules leave
    every id of a column as it is; UsageError for a column that is not there, and for a target that is the
    source or of another kind.
    """
    existing(source, LabelsError)
    if target.exists() and target.samefile(source):
        raise UsageError("the labels would be written over", where=str(target), fix="Give another --to.")
    kind = extension(source, _ENDINGS, error=LabelsError).removesuffix(".gz")
    if target_of(target, _ENDINGS).removesuffix(".gz") != kind:
        raise UsageError("another kind of file", where=str(target), found=target.suffix, expected=kind)
    hashed = {name: Ids(redactor, "unit" if name == "unit" else "request_id") for name in names}
    with translated(source, LabelsError):
        if kind == ".parquet":
            table = _table(pq.read_table(source), hashed, where=str(source))
            _refuse_plain(hashed, where=str(source))
            columns.write(table, target)
            return int(table.num_rows)
        lines = list({".csv": _csv, ".jsonl": _jsonl}[kind](source, hashed))
    _refuse_plain(hashed, where=str(source))
    data = "".join(lines).encode()
    columns.write_bytes(gzip.compress(data, mtime=0) if target.suffix == ".gz" else data, target)
    return len(lines) - (kind == ".csv")


def _refuse_plain(hashed: Mapping[str, Ids], *, where: str) -> None:
    for name, ids in hashed.items():
        if ids.plain and not ids.hashed:
            raise LabelsError(
                f"these rules leave the column {name!r} as it is",
                where=where,
                found=f"{ids.plain:,} ids, none of which is hashed",
                fix=f"Say what the capture said of {ids.field} (hash), or use these labels as they are.",
            )


def _csv(path: Path, hashed: dict[str, Ids]) -> Iterator[str]:
    with (
        opened(path) as raw,
        io.TextIOWrapper(cast("io.BufferedReader", raw), "utf-8-sig", newline="") as file,
    ):
        rows = csv.reader(file)
        names = next(rows, [])
        _check(names, hashed, where=str(path))
        yield _line(names)
        for row in rows:
            if not row:
                continue
            if len(row) != len(names):
                found = f"{len(row)} cells below {len(names)} names"
                raise LabelsError("a row of another length", where=f"{path}:{rows.line_num}", found=found)
            pairs = zip(names, row, strict=True)
            yield _line([str(hashed[n](cell)) if n in hashed else cell for n, cell in pairs])


def _line(cells: Iterable[str]) -> str:
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator="\n").writerow(cells)
    return out.getvalue()


def _jsonl(path: Path, hashed: dict[str, Ids]) -> Iterator[str]:
    with opened(path) as file:
        for number, line in enumerate(file, 1):
            if line.isspace():
                continue
            try:
                row = msgspec.json.decode(line, type=dict[str, msgspec.Raw])
            except (msgspec.DecodeError, UnicodeDecodeError) as error:
                raise LabelsError("not a JSON object", where=f"{path}:{number}", found=error) from error
            _check(row, hashed, where=f"{path}:{number}", error=UsageError if number == 1 else LabelsError)
            new = {name: hashed[name](msgspec.json.decode(row[name])) for name in hashed}
            yield msgspec.json.encode({**row, **new}).decode() + "\n"


def _table(table: pa.Table, hashed: dict[str, Ids], *, where: str) -> pa.Table:
    _check(table.column_names, hashed, where=where)
    for name, one in hashed.items():
        cells = pa.array([one(value) for value in table.column(name).to_pylist()], pa.string())
        table = table.set_column(table.schema.get_field_index(name), name, cells)
    return table


def _check(
    names: Iterable[str], hashed: Iterable[str], *, where: str, error: type[HarnessError] = UsageError
) -> None:
    there = list(names)
    if lacking := [name for name in hashed if name not in there]:
        fix = "--column NAME says which one holds the ids."
        raise error(f"no column {lacking[0]!r}", where=where, found=", ".join(there), fix=fix)
