"""Rows of a table by column name, out of Parquet, CSV, or JSON objects, in constant memory."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from harness.capture import times
from harness.capture.formats.json_objects import records
from harness.capture.formats.pieces import broken, epoch, instant, readable
from harness.capture.formats.streams import MAX_RECORD_BYTES, chunks, lines
from harness.capture.parquet import TICKS_NS
from harness.capture.parquet_caps import rows_at_once
from harness.capture.sources import Unreadable
from harness.errors import CaptureError

Row = dict[str, Any]
_OBJECT = msgspec.json.Decoder(dict[str, msgspec.Raw])
_STAMP = pa.timestamp("ns", tz="UTC")


def delimiter_of(path: Path) -> str:
    """The one of the usual delimiters that stands most often in the first line of a text; else a comma."""
    first = next((chunk for chunk in chunks(path) if isinstance(chunk, bytes)), b"")[:10_000]
    line = first.partition(b"\n")[0]
    if line.startswith(b"PAR1") or line.lstrip()[:1] in (b"{", b"["):
        return ","
    return max(",;\t|", key=lambda one: line.count(one.encode()))


def is_csv(path: Path) -> bool:
    """Whether the file is neither Parquet nor JSON, by its first bytes."""
    head = next((chunk for chunk in chunks(path) if isinstance(chunk, bytes)), b"")
    return not head.startswith(b"PAR1") and head.lstrip()[:1] not in (b"{", b"[")


def rows(
    path: Path, *, delimiter: str = ",", only: str = ""
) -> Iterator[tuple[int, Row | bytes | Unreadable]]:
    """Each row with its place: a dict from Parquet and CSV, the text of an object, or what was unreadable.

    The place is an offset in bytes, in Parquet the row from 0. Times of Parquet are (ns, resolution in ns),
    UTC where the column names no zone, as Spark writes them. Nothing of CSV is more than text. Of Parquet
    `only` one column is read, where it is named.
    """
    with path.open("rb") as file:
        start = file.read(4)
    if start == b"PAR1":
        yield from _parquet(path, [only] if only else None)
        return
    yield from _csv(path, delimiter) if is_csv(path) else records(path)


def row_of(found: Row | bytes | Unreadable) -> Row:
    """The row; objects and lists in a JSON one stay the very text, as Raw. Raises `broken` for no JSON."""
    if isinstance(found, dict):
        return found
    try:
        return {name: _cell(raw) for name, raw in _OBJECT.decode(readable(found)).items()}
    except RecursionError as error:
        raise broken("not JSON", "nested too deeply") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise broken("not JSON", str(error)) from error


def _cell(raw: msgspec.Raw) -> Any:  # noqa: ANN401  -- any JSON
    return raw if bytes(raw)[:1] in (b"{", b"[") else msgspec.json.decode(raw)


def moment(value: object, name: str) -> tuple[int, int]:
    """A time of a row in ns with its resolution: of Parquet, or RFC 3339; raises `broken("bad time")`."""
    if isinstance(value, tuple):
        return epoch(value[0], name), value[1]
    return instant(value, name)


def number(value: object, name: str) -> float | None:
    """A number of a row, spelled or not; None where there is none. Raises `broken` for anything else."""
    if value is None or value == "":
        return None
    try:
        return float(value)  # type: ignore[arg-type]  # whatever is no number raises
    except (TypeError, ValueError, OverflowError) as error:
        raise broken("wrong value", f"{name} is {times.clip(value)}, not a number") from error


def texts(value: object) -> dict[str, str]:
    """A map column, an object or JSON text of one, as names and texts; whatever is none of these is empty."""
    if isinstance(value, list):
        value = dict(value) if all(isinstance(one, tuple) for one in value) else None
    if isinstance(value, msgspec.Raw | str) and bytes(value if isinstance(value, msgspec.Raw) else b"{")[:1]:
        try:
            value = msgspec.json.decode(value)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            value = None
    if not isinstance(value, dict):
        return {}
    return {str(key): _flat(one) for key, one in value.items() if one is not None}


def _flat(value: object) -> str:
    if isinstance(value, list):
        return ",".join(map(str, value))
    return value if isinstance(value, str) else str(value)


def _parquet(path: Path, names: list[str] | None) -> Iterator[tuple[int, Row]]:
    with pq.ParquetFile(path) as file:
        at_once = rows_at_once(file, path, error=CaptureError)
        place = 0
        for batch in file.iter_batches(batch_size=at_once, columns=names):
            batch.validate(full=True)
            cells = [_cells(column) for column in batch.columns]
            for values in zip(*cells, strict=True):
                yield place, dict(zip(batch.schema.names, values, strict=True))
                place += 1


def _cells(column: pa.Array) -> list[Any]:
    if not pa.types.is_timestamp(column.type):
        return list(column.to_pylist())
    tick = TICKS_NS[column.type.unit]
    ns = column.cast(_STAMP).cast(pa.int64()).to_pylist()
    return [None if one is None else (one, tick) for one in ns]


def _csv(path: Path, delimiter: str) -> Iterator[tuple[int, Row | Unreadable]]:
    """A quoted cell may hold line breaks; a cell above 32 MiB, or a quote that never ends, is unreadable."""
    csv.field_size_limit(MAX_RECORD_BYTES)
    place = [0]
    reader = csv.reader(_csv_lines(path, place), strict=True, delimiter=delimiter)
    names: list[str] | None = None
    begun = 0
    try:
        for cells in reader:
            if not cells:
                pass  # a blank line between rows
            elif names is None:
                names = cells
                if len(set(names)) < len(names):
                    twice = next(name for name in names if names.count(name) > 1)
                    yield begun, Unreadable("wrong field", f"two columns are called {times.clip(twice)}")
                    return
            elif len(cells) != len(names):
                found = f"{times.counted(len(cells), 'cell')} below {times.counted(len(names), 'name')}"
                yield begun, Unreadable("wrong field", found)
            else:
                yield begun, dict(zip(names, cells, strict=True))
            begun = place[0]
    except _NotTextError as error:
        yield begun, Unreadable("not UTF-8", str(error))
    except _CutError as error:
        yield begun, Unreadable(error.why.reason, error.why.detail)
    except csv.Error as error:
        yield begun, Unreadable("cut short", f"CSV: {error}")


class _CutError(Exception):
    """The stream of lines ended before its file did."""

    def __init__(self, why: Unreadable) -> None:
        """For this reason."""
        super().__init__(why.reason)
        self.why = why


class _NotTextError(Exception):
    """A line is in another encoding."""


def _csv_lines(path: Path, place: list[int]) -> Iterator[str]:
    """The lines as text; `place` holds the offset behind the last one given."""
    found: Iterable[tuple[int, bytes | Unreadable]] = lines(chunks(path), blank=True)
    for offset, raw in found:
        if isinstance(raw, Unreadable):
            raise _CutError(raw)
        place[0] = offset + len(raw) + 1
        yield _text(raw, offset) + "\n"


def _text(raw: bytes, offset: int) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        found = f"byte 0x{raw[error.start]:02x} at offset {offset + error.start:,}"
        raise _NotTextError(f"{found}: write the file as UTF-8 (iconv -f LATIN1 -t UTF-8)") from error
