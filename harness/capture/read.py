"""A capture as a stream of requests: constant memory, `seq` in file order, bad lines told, not raised."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from hashlib import blake2b
from pathlib import Path

from harness.capture import parquet
from harness.capture.config import CaptureConfig
from harness.capture.derive import deriving
from harness.capture.line import BadLine, Line, bad, captured, decoded
from harness.capture.sources import existing, extension, text_lines, translated
from harness.errors import CaptureError
from harness.records import CapturedRequest

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
    seen: set[bytes] = set()
    seq = 0
    for file in source_files(path):
        for number, line in _lines(file):
            try:
                request = captured(line(), seq=seq, source_file=file.name, source_offset=number)
                complete = derive(request)
                _first_time(complete, seen)
            except CaptureError as error:
                on_bad(BadLine(file=file.name, line=number, reason=error.what, detail=str(error.found)))
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


def _first_time(request: CapturedRequest, seen: set[bytes]) -> None:
    name = f"{request.row_index}\0{request.request_id}"
    key = blake2b(name.encode(), digest_size=16).digest()
    if key in seen:
        row = "" if request.row_index is None else f", row {request.row_index}"
        raise bad("duplicate request_id", f"{request.request_id}{row} came before")
    seen.add(key)
