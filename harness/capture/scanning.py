"""A search of files for what rules take out: which file, where, of which class, and never the value."""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from harness import columns
from harness.capture import redacting, times
from harness.capture.live.bodies import UnreadableError
from harness.capture.live.bodies import opened as unpacked
from harness.capture.live.patterns import CLASSES
from harness.capture.live.redaction import Redactor
from harness.capture.live.rules import Rules
from harness.capture.sources import existing, opened, translated
from harness.capture.table import requests
from harness.errors import CaptureError

#: of a text file, so much is searched at a time, and as much again on both sides of a cut
_PIECE = 1 << 20
_OVERLAP = 1 << 12
#: of a capture that is only looked at, so many requests and bytes are searched, so many places told
GLANCE_ROWS, GLANCE_BYTES, GLANCE_PLACES = 1_000, 16 << 20, 10
#: places of one file that are told apart
_MOST = 100

_ESCAPE = re.compile(r"\\+(?:u00([0-9a-fA-F]{2})|([\"/nrt]))")
#: clocks of ours: some hours of each day their nanoseconds look like the number of a card
_CLOCK = re.compile(r'"\w+_ns":\s*-?[0-9]+')


@dataclass
class Glance:
    """The first requests of a capture, searched for all classes as redaction would; never their values."""

    redactor: Redactor = field(default_factory=lambda: redacting.searcher(Rules()))
    searched: int = 0
    _bytes: int = 0

    def look(self, table: pa.Table) -> None:
        """The requests in the table (CAPTURE) are searched, unless enough were."""
        for request in requests(table.slice(0, GLANCE_ROWS - self.searched)):
            if self._bytes > GLANCE_BYTES:
                return
            redacting.redacted(request, self.redactor)
            self.searched += 1
            self._bytes += len(request.body)
            self._bytes += len(request.recorded_response.body) if request.recorded_response else 0

    def sentences(self, requests: int) -> list[str]:
        """What was found and where, which classes were looked for, and in how many of so many requests."""
        if not self.searched:
            return []
        lines = [
            f"{place} of {times.counted(count, 'request')} ({name})"
            for (name, place), count in self.redactor.changed.most_common(GLANCE_PLACES)
        ]
        more = len(self.redactor.changed) - len(lines)
        lines += [f"and {times.counted(more, 'more place')}"] if more > 0 else []
        some = "all" if self.searched >= requests else f"the first {self.searched:,} of"
        told = f"{', '.join(sorted(CLASSES))}: searched for in {some} {times.counted(requests, 'request')}"
        lines += [
            told if lines else f"nothing found of {told}",
            "names, street addresses and the like are not looked for",
        ]
        return [
            f"{name:<18} {text}"
            for name, text in zip(["of classes:"] + [""] * len(lines), lines, strict=False)
        ]

    def counts(self) -> dict[str, int]:
        """In how many requests something stands, by place and class."""
        return {f"{place} ({name})": count for (name, place), count in self.redactor.changed.items()}


class Leak(msgspec.Struct, frozen=True, kw_only=True):
    """Something that should not be there: its file, its place (a line, a column and row), its class."""

    file: str
    place: str
    name: str


def scan(paths: Sequence[Path], redactor: Redactor) -> list[Leak]:
    """What the files, and all files in the folders, still hold, the first hundred places of each file.

    Parquet is read by column, captures of ours by the rules for places too, `.gz` unpacked, the rest as text,
    through escapes, percent and base64. Raises CaptureError for what is missing or cannot be read.
    """
    leaks: list[Leak] = []
    for path in _files(paths):
        with translated(path, CaptureError), _whole(path):
            places = _parquet(path, redactor) if path.suffix == ".parquet" else _text(path, redactor)
            seen = dict.fromkeys(_first(places))
            leaks += [Leak(file=str(path), place=place, name=name) for place, name in seen]
    return leaks


def refuse(leaks: Sequence[Leak], *, fix: str = "") -> None:
    """Raises CaptureError naming the first of the leaks, where there is any."""
    if leaks:
        first = leaks[0]
        raise CaptureError(
            f"what should have been redacted is still there, in {len(leaks):,} places",
            where=f"{first.file}, {first.place}",
            found=first.name,
            fix=fix,
        )


def _files(paths: Sequence[Path]) -> Iterator[Path]:
    for path in paths:
        existing(path, CaptureError)
        if path.is_dir():
            yield from sorted(one for one in path.rglob("*") if one.is_file())
        else:
            yield path


@contextmanager
def _whole(path: Path) -> Iterator[None]:
    """What was cut was not searched to its end, so it is not clean."""
    try:
        yield
    except (EOFError, zlib.error) as error:
        raise CaptureError("cannot be unpacked to its end", where=str(path), found=error) from error


def _first(places: Iterable[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    for count, place in enumerate(places):
        if count >= _MOST:
            return
        yield place


def _classes(text: str, redactor: Redactor) -> set[str]:
    """The classes that a text holds, read as it is and through what may hide it."""
    names: set[str] = set()
    for reading in _readings(text):
        names.update(hit.name for hit in redactor.means.hits(reading))
    return names


def _readings(text: str) -> Iterator[str]:
    if '_ns":' in text:
        text = _CLOCK.sub("", text)
    yield text
    if "\\" in text:
        yield _ESCAPE.sub(lambda match: chr(int(match[1], 16)) if match[1] else match[2], text)


def _plain(value: bytes) -> str:
    """The text of a body, unpacked; what cannot be unpacked is read as it is."""
    try:
        return unpacked(value).text
    except UnreadableError:
        return value.decode("latin-1")


def _text(path: Path, redactor: Redactor) -> Iterator[tuple[str, str]]:
    """Places by line; a line is searched by the piece, so that no file is held whole."""
    with opened(path) as file:
        number = 0
        tail = b""
        while piece := file.readline(_PIECE):
            if not tail:
                number += 1
            for name in sorted(
                _classes((tail + piece).decode("latin-1" if b"\0" in piece else "utf-8", "replace"), redactor)
            ):
                yield f"line {number}", name
            tail = b"" if piece.endswith(b"\n") else piece[-_OVERLAP:]


def _parquet(path: Path, redactor: Redactor) -> Iterator[tuple[str, str]]:
    with pq.ParquetFile(path) as file:
        capture = redactor.has_places and set(columns.CAPTURE.names) <= set(file.schema_arrow.names)
        row = 0
        for batch in file.iter_batches(batch_size=8_192):
            if capture:
                yield from _by_rules(pa.Table.from_batches([batch]), redactor, first=row)
            for field, column in zip(batch.schema, batch.columns, strict=True):
                yield from _column(column, redactor, place=f"column {field.name}", first=row)
            row += batch.num_rows


def _by_rules(table: pa.Table, redactor: Redactor, *, first: int) -> Iterator[tuple[str, str]]:
    """What redaction would still change in requests of ours."""
    again = Redactor(redactor.means.rules, redactor.means.key)
    for row, request in enumerate(requests(table.select(columns.CAPTURE.names).cast(columns.CAPTURE)), first):
        redacting.redacted(request, again)
        for rule, place in again.changed:
            yield f"row {row}, {place}", rule
        for why in again.dropped:
            yield f"row {row}", why
        again.changed.clear()
        again.dropped.clear()


def _column(column: pa.Array, redactor: Redactor, *, place: str, first: int) -> Iterator[tuple[str, str]]:
    """Places by row; each of the different texts is searched once."""
    kind = column.type
    if pa.types.is_map(kind) or pa.types.is_list(kind) or pa.types.is_large_list(kind):
        for inner in (column.keys, column.items) if pa.types.is_map(kind) else (column.flatten(),):
            yield from _unplaced(_column(inner, redactor, place=place, first=0), place)
    elif pa.types.is_struct(kind):
        for index in range(kind.num_fields):
            yield from _column(column.field(index), redactor, place=place, first=first)
    elif (read := _reader(kind)) is not None:
        coded = column if pa.types.is_dictionary(kind) else column.dictionary_encode()
        for code, value in enumerate(coded.dictionary.to_pylist()):
            names = _classes(read(value), redactor) if value is not None else ()
            for name in sorted(names):
                yield f"{place}, row {first + coded.indices.to_pylist().index(code)}", name


def _unplaced(places: Iterable[tuple[str, str]], place: str) -> Iterator[tuple[str, str]]:
    for _, name in places:
        yield place, name


def _reader(kind: pa.DataType) -> Callable[[Any], str] | None:
    """How a value of this type becomes text, None for what holds none."""
    value = kind.value_type if pa.types.is_dictionary(kind) else kind
    if pa.types.is_string(value) or pa.types.is_large_string(value):
        return str
    if pa.types.is_binary(value) or pa.types.is_large_binary(value):
        return _plain
    return None
