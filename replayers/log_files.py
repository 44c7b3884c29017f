"""What a service has written to its log since it was looked at last: the whole rows of files that grow.

Every file is read on from where it was left, row by row; of one that was rotated away the end is read too.
"""

from __future__ import annotations

import csv
import json
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import BinaryIO, NamedTuple

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from harness.errors import DataError

#: a file that nobody has written to for so long is finished, and its last line needs no end
SETTLED_NS = 60 * 10**9
#: of more bytes is no line of a log
MOST_LINE = 1 << 25
_SUFFIXES = (".jsonl", ".json", ".log", ".csv", ".parquet")
_CSV, _PARQUET = ".csv", ".parquet"
_MARK = 64
_ROWS = 1024


class Row(NamedTuple):
    """A row of a log: its fields, the same as JSON, and whether those are cells of CSV, all of them texts."""

    fields: dict[str, object]
    text: bytes
    cells: bool = False


@dataclass
class _Tail:
    """How far a file has been read: the offset after its last whole row, and the bytes before that."""

    inode: int
    kind: str
    seen: tuple[int, int, bool] = (-1, 0, False)
    at: int = 0
    before: bytes = b""
    names: tuple[str, ...] = ()


@dataclass
class LogFiles:
    """A file, or those of a folder and below; `broken` says of Parquet why it cannot be read (yet)."""

    path: Path
    now_ns: Callable[[], int] = time.time_ns
    broken: dict[Path, str] = field(default_factory=dict)
    _tails: dict[Path, _Tail] = field(default_factory=dict)
    _moved: dict[Path, None] = field(default_factory=dict)

    def rows(self) -> Iterator[Row]:
        """The whole rows that are new, file by file; raises DataError.

        Lines that are no JSON object are passed over, and so are lines of CSV with fewer cells than names.
        """
        for path in dict.fromkeys([*self._moved, *files(self.path)]):
            try:
                yield from self._new(path)
            except FileNotFoundError:  # since it was listed
                continue
            except OSError as error:
                raise DataError(
                    "a feature log cannot be read", where=str(path), found=str(error)[:80]
                ) from None

    def _new(self, path: Path) -> Iterator[Row]:
        stat = path.stat()
        tail = self._tails.setdefault(path, _Tail(stat.st_ino, path.suffix))
        if tail.inode != stat.st_ino:
            yield from self._rotated(path)
            if path not in self._tails:
                return
            tail = self._tails[path] = _Tail(stat.st_ino, path.suffix)
        settled = self.now_ns() - stat.st_mtime_ns > SETTLED_NS
        seen, tail.seen = tail.seen, (stat.st_size, stat.st_mtime_ns, settled)
        if seen != tail.seen:
            yield from self._parquet(path) if tail.kind == _PARQUET else _text(path, tail, settled=settled)

    def _rotated(self, path: Path) -> Iterator[Row]:
        """What is new in the file that stood at this path: it is read on under its name of now, beside it."""
        tail = self._tails[path]
        for one in path.parent.iterdir():
            with suppress(FileNotFoundError):
                if one != path and one.stat().st_ino == tail.inode and _holds(one, tail):
                    self._tails[one] = tail
                    self._moved[one] = None
                    yield from self._new(one)
        if path in self._moved:
            del self._moved[path], self._tails[path]

    def _parquet(self, path: Path) -> Iterator[Row]:
        """All rows: such a file is written at once, and cannot be read before its end is there."""
        self.broken.pop(path, None)
        try:
            with pq.ParquetFile(path) as file:
                for batch in file.iter_batches(batch_size=_ROWS):
                    for row in batch.to_pylist():
                        yield Row(row, json.dumps(row, default=str).encode())
        except pa.ArrowInvalid as error:
            self.broken[path] = str(error)[:80]


def files(path: Path) -> list[Path]:
    """The file, or those in the folder and below that a log may be; none where there is nothing yet."""
    if path.is_dir():
        return sorted(one for one in path.rglob("*") if one.suffix in _SUFFIXES and one.is_file())
    return [path] if path.is_file() else []


def _holds(path: Path, tail: _Tail) -> bool:
    """Whether this is the file that was read, and not another of its number."""
    with path.open("rb") as file:
        return _goes_on(file, tail)


def _goes_on(file: BinaryIO, tail: _Tail) -> bool:
    file.seek(tail.at - len(tail.before))
    return file.read(len(tail.before)) == tail.before


def _text(path: Path, tail: _Tail, *, settled: bool) -> Iterator[Row]:
    with path.open("rb") as file:
        if not _goes_on(file, tail):  # it was written anew
            tail.at, tail.names = 0, ()
        file.seek(tail.at)
        yield from _csv(file, tail, settled=settled) if tail.kind == _CSV else _json(file, tail)
        file.seek(max(0, tail.at - _MARK))
        tail.before = file.read(min(_MARK, tail.at))


def _json(file: BinaryIO, tail: _Tail) -> Iterator[Row]:
    for line in iter(partial(file.readline, MOST_LINE), b""):
        text = line.decode("utf-8", "replace").removeprefix("\ufeff")
        if line.endswith(b"\n") or len(line) == MOST_LINE:
            tail.at += len(line)
        if row := _object(text):
            yield Row(row, text.encode())


def _object(line: str) -> dict[str, object]:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


@dataclass
class _Lines:
    """The whole lines from an offset on; `held` are those that were given since it was emptied."""

    file: BinaryIO
    at: int
    settled: bool
    held: list[bytes] = field(default_factory=list)

    def __iter__(self) -> Iterator[str]:
        start = self.at == 0
        for line in iter(partial(self.file.readline, MOST_LINE), b""):
            if not (line.endswith(b"\n") or len(line) == MOST_LINE or self.settled):
                return  # a number that is cut short is another number
            self.held.append(line)
            text = line.decode("utf-8", "replace")
            yield text.removeprefix("\ufeff") if start else text
            start = False


def _csv(file: BinaryIO, tail: _Tail, *, settled: bool) -> Iterator[Row]:
    """Rows under the names of the first line, as texts; a quoted text may have several lines."""
    more = True
    while more:
        more = False
        file.seek(tail.at)
        lines = _Lines(file, tail.at, settled)
        try:
            for cells in csv.reader(lines):
                if _open_ended(cells, lines.held):
                    more = settled  # then a lone quote, and the lines after it are rows
                    break
                tail.at += sum(map(len, lines.held))
                lines.held.clear()
                yield from _named(cells, tail)
        except csv.Error:  # a quoted text that has no end
            more = True
        tail.at += len(lines.held[0]) if more else 0


def _open_ended(cells: list[str], held: list[bytes]) -> bool:
    """Whether the lines end in the middle of a quoted text."""
    return bool(cells) and cells[-1].endswith("\n") and sum(line.count(b'"') for line in held) % 2 == 1


def _named(cells: list[str], tail: _Tail) -> Iterator[Row]:
    if not tail.names:
        tail.names = tuple(cells)
    elif len(cells) >= len(tail.names):
        row = {name: cell for name, cell in zip(tail.names, cells, strict=False) if name}
        yield Row({**row}, msgspec.json.encode(row), cells=True)
