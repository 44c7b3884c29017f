"""A capture as a stream of requests: constant memory, `seq` in file order, bad lines told, not raised."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from harness.capture import block, parquet
from harness.capture.config import CaptureConfig
from harness.capture.derive import deriving
from harness.capture.line import BadLine, Line, bad, captured, decoded
from harness.capture.seen import Seen, key_of, keys_of
from harness.capture.sources import (
    Unreadable,
    existing,
    extension,
    lines_of,
    text_blocks,
    text_lines,
    translated,
)
from harness.capture.table import numbered, to_table
from harness.errors import CaptureError
from harness.records import CapturedRequest

_BLOCK_BYTES = 2 << 20
_FEW_LINES = 64
_PART_LINES = 2_048

EXTENSIONS = (".jsonl", ".jsonl.gz", ".parquet")


def source_files(path: Path) -> list[Path]:
    """The capture's files in name order: the file itself, or all of a folder but names in `.` or `_`.

    Raises CaptureError for a missing path (with what is nearby), an empty folder and an unknown extension.
    """
    existing(path, CaptureError)
    if not path.is_dir():
        extension(path, EXTENSIONS, error=CaptureError)
        return [path]
    files = sorted(entry for entry in path.iterdir() if not entry.name.startswith((".", "_")))
    if not files:
        raise CaptureError("empty capture", where=str(path), expected="files " + " or ".join(EXTENSIONS))
    for file in files:
        extension(file, EXTENSIONS, error=CaptureError)
    return files


def read(
    path: Path, config: CaptureConfig, *, on_bad: Callable[[BadLine], None]
) -> Iterator[CapturedRequest]:
    """Every good line as a request, with what `config` derives from its body; `config.sample` is not applied.

    `source_offset` is the line number from 1 (JSONL) or the row number from 0 (Parquet). Of two lines with
    one `request_id` and `row_index` the later is the bad one, across files too. Empty lines are skipped.
    Raises CaptureError only for what ends the reading: see `source_files`, and damaged Parquet.
    """
    derive = deriving(config)
    seen = Seen()
    seq = 0
    for file in source_files(path):
        for number, line in _lines(file):
            try:
                request = captured(line(), seq=seq, source_file=file.name, source_offset=number)
                complete = derive(request)
                _first_time(complete, seen)
            except CaptureError as error:
                on_bad(_bad_line(error, file=file.name, line=number))
            else:
                seq += 1
                yield complete


def _lines(file: Path) -> Iterator[tuple[int, Callable[[], Line]]]:
    with translated(file, CaptureError):
        if file.name.lower().endswith(".parquet"):
            for number, row in parquet.rows(file):
                yield number, partial(parquet.line_of, row)
        else:
            for number, raw in text_lines(file):
                yield number, partial(decoded, raw)


def _first_time(request: CapturedRequest, seen: Seen) -> None:
    if not seen.add(key_of(request.request_id, request.row_index)):
        raise _came_before(request.request_id, request.row_index)


def _came_before(request_id: str, row_index: int | None) -> CaptureError:
    row = "" if row_index is None else f", row {row_index}"
    return bad("duplicate request_id", f"{request_id}{row} came before")


def read_tables(files: Iterable[Path], *, on_bad: Callable[[BadLine], None]) -> Iterator[pa.Table]:
    """The same requests as `read` gives without anything to derive, as tables, and ten times as fast.

    JSON Lines are decoded by the block; where one of a block is odd, those around it are read one by one.
    """
    seen = Seen()
    seq = 0
    for file in files:
        for part in _parts(file):
            table, refused = _first_times(part, seen, file=file.name)
            for one in refused:
                on_bad(one)
            yield numbered(table, seq)
            seq += table.num_rows


class _Part(NamedTuple):
    """Requests that stand together in a file, and the bad lines between them."""

    table: pa.Table
    refused: list[BadLine]


def _parts(file: Path) -> Iterator[_Part]:
    if file.name.lower().endswith(".parquet"):
        yield from _exactly(_lines(file), file.name)
        return
    with translated(file, CaptureError):
        for first, text in text_blocks(file, _BLOCK_BYTES):
            if isinstance(text, Unreadable):
                yield from _exactly([(first, partial(decoded, text))], file.name)
            elif parts := list(_block(text, first, file=file.name)):
                yield _joined(parts)


def _block(text: bytes, first: int, *, file: str) -> Iterator[_Part]:
    """The lines together where that can be done, else each half of them, and few of them one by one."""
    if text.isspace():
        return
    try:
        yield _Part(block.table_of(text, file=file, first=first), [])
    except block.ODD:
        half = text.find(b"\n", len(text) // 2) + 1
        if text.count(b"\n") > _FEW_LINES and 0 < half < len(text):
            yield from _block(text[:half], first, file=file)
            yield from _block(text[half:], first + text.count(b"\n", 0, half), file=file)
        else:
            yield from _exactly(
                ((number, partial(decoded, raw)) for number, raw in lines_of(text, first)), file
            )


def _exactly(lines: Iterable[tuple[int, Callable[[], Line]]], file: str) -> Iterator[_Part]:
    """The lines one by one, in parts of some thousands, or of fewer that are large."""
    requests: list[CapturedRequest] = []
    refused: list[BadLine] = []
    size = 0
    for number, line in lines:
        try:
            requests.append(captured(line(), seq=0, source_file=file, source_offset=number))
            size += len(requests[-1].body)
        except CaptureError as error:
            refused.append(_bad_line(error, file=file, line=number))
        if len(requests) + len(refused) >= _PART_LINES or size >= _BLOCK_BYTES:
            yield _Part(to_table(requests), refused)
            requests, refused, size = [], [], 0
    if requests or refused:
        yield _Part(to_table(requests), refused)


def _joined(parts: list[_Part]) -> _Part:
    if len(parts) == 1:
        return parts[0]
    tables = pa.concat_tables([one.table for one in parts])
    return _Part(tables.combine_chunks(), [bad_ for one in parts for bad_ in one.refused])


def _first_times(part: _Part, seen: Seen, *, file: str) -> _Part:
    """The part without requests that came before; these are among the bad lines, in their place."""
    ids, rows = part.table.column("request_id").to_pylist(), part.table.column("row_index")
    if rows.null_count == len(rows):
        new = seen.first(keys_of(ids))
    else:
        new = np.array([seen.add(key_of(*key)) for key in zip(ids, rows.to_pylist(), strict=True)], np.bool_)
    if new.all():
        return part
    again = part.table.filter(~new).select(["request_id", "row_index", "source_offset"]).to_pylist()
    refused = [
        _bad_line(_came_before(one["request_id"], one["row_index"]), file=file, line=one["source_offset"])
        for one in again
    ]
    return _Part(part.table.filter(new), sorted([*part.refused, *refused], key=lambda one: one.line))


def _bad_line(error: CaptureError, *, file: str, line: int) -> BadLine:
    return BadLine(file=file, line=line, reason=error.what, detail=str(error.found))
