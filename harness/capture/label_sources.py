"""Where labels come from beside our own files: folders, SageMaker ground truth, Seldon feedback."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from gzip import GzipFile
from io import BufferedReader
from pathlib import Path
from typing import Any

from harness.capture.formats import CLOUDEVENTS, PASSED_OVER, SAGEMAKER, Dropped, Format, Labelled, head_of
from harness.capture.sources import existing, opened
from harness.errors import CaptureError, LabelsError

#: files of other tools are JSON, one a line or not
_JSON = (".jsonl", ".jsonl.gz", ".json", ".json.gz")
#: no file is longer than this many bits can count
_FILE_BITS = 48
_CHUNK = 1 << 20
_NUMBER = re.compile(r"(\d+)")


def label_files(path: Path) -> list[Path]:
    """The file itself, or all files below a folder by name (2 before 10), not those in `.` or `_`."""
    existing(path, LabelsError)
    if not path.is_dir():
        return [path]
    found = [one for one in path.rglob("*") if one.is_file() and not one.name.startswith((".", "_"))]
    if not found:
        raise LabelsError("empty folder", where=str(path), expected="label files")
    return sorted(found, key=_natural)


def _natural(path: Path) -> list[tuple[int, str]]:
    return [(int(word), "") if word.isdecimal() else (-1, word) for word in _NUMBER.split(str(path))]


def foreign(path: Path) -> Format | None:
    """The format of another tool that the file shows itself to be in; None for files of ours."""
    if not path.name.lower().endswith(_JSON):
        return None
    try:
        head = head_of(path)
    except CaptureError as error:
        raise LabelsError(error.what, where=error.where, found=error.found, fix=error.fix) from error
    return next((one for one in (SAGEMAKER, CLOUDEVENTS) if one.detects(head)), None)


def foreign_rows(
    path: Path, form: Format, *, names: Sequence[str], file: int = 0
) -> Iterator[tuple[int, dict[str, Any]]]:
    """Each label as a row of ours, with its line; requests beside them are passed over.

    The one label is that of the column `label`, or of the only one of the `names` asked for. Its revision is
    its place, in the `file` of that number: of labels of one time the last that was written counts. Raises
    LabelsError for the first record that is lost, and where it cannot be known which outcome is meant.
    """
    line, at = 1, 0
    with opened(path) as text:
        for piece in form.read(path):
            if isinstance(piece, Labelled):
                offset = piece.offset or 0
                line, at = line + _newlines(text, offset - at), max(at, offset)
                row = {"request_id": piece.request_id, "label_at": (piece.label_at_ns, piece.resolution_ns)}
                place = {"row_index": piece.row_index, "revision": (file << _FILE_BITS) + offset}
                yield line, {**row, _column(path, names): piece.label, **place}
            elif isinstance(piece, Dropped) and piece.reason not in PASSED_OVER:
                raise LabelsError(
                    piece.reason, where=f"{path.name}, offset {piece.offset}", found=piece.detail or None
                )


def _newlines(text: GzipFile | BufferedReader, size: int) -> int:
    """How many lines end in the next bytes."""
    found = 0
    while size > 0 and (chunk := text.read(min(size, _CHUNK))):
        found, size = found + chunk.count(b"\n"), size - len(chunk)
    return found


def _column(path: Path, names: Sequence[str]) -> str:
    if "label" in names or len(names) != 1:
        if "label" in names:
            return "label"
        raise LabelsError(
            "one label a request, and several outcomes",
            where=str(path),
            found=f"outcomes {', '.join(names)}",
            fix='Say which one it is: column = "label" of that outcome.',
        )
    return names[0]
