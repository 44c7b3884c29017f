"""What a live recorder says of itself beside its files: the calls that it had to drop.

An import keeps that: inside a Parquet file, and beside one of another kind.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from harness import columns
from harness.capture.sources import translated
from harness.errors import CaptureError

#: `harness.capture.live` writes a file of this name in each process
PATTERN = "_counts-*.json"
#: where a Parquet file has the same, in its metadata
KEY = b"replaygate.counts"
#: how the reasons begin
RECORDER = "recorder: "
UNREADABLE = f"{RECORDER}counts that cannot be read"
UNWRITTEN = f"{RECORDER}counts that could not be written"
#: how many calls these stand for nobody knows
UNKNOWN = frozenset({UNREADABLE, UNWRITTEN})

#: what a process calls its counts, unlike those of a file
_OF_A_PROCESS = re.compile(r"_counts-\d{8}T\d{6}Z-[\d-]+\.json")


class _Said(msgspec.Struct):
    dropped: dict[str, int] = {}


def not_recorded(paths: Iterable[Path]) -> dict[str, int]:
    """Calls by the reason for which no recorder of these folders, or of folders in them, could write them.

    Of a file it is what an import kept of it, else what the recorders in its folder say: which of the calls
    would stand in this file nobody knows. A file of counts that holds none (the disk had no room for them)
    counts as one call, and so does one that cannot be understood. Raises CaptureError for a file that cannot
    be opened.
    """
    found: Counter[str] = Counter()
    for path in paths:
        found.update(_in_folder(path) if path.is_dir() else _of_file(path))
    return dict(sorted(found.items()))


def keep(lost: Mapping[str, int], path: Path) -> None:
    """What a capture that was written to `path` lacks stands beside it; nothing where it lacks nothing."""
    if lost:
        columns.write_bytes(encoded(lost), _beside(path))
    else:
        _beside(path).unlink(missing_ok=True)


def encoded(lost: Mapping[str, int]) -> bytes:
    """Counts by reason as a recorder writes them."""
    said = {reason.removeprefix(RECORDER): count for reason, count in lost.items()}
    return msgspec.json.encode({"dropped": said})


def _beside(path: Path) -> Path:
    return path.with_name(f"_counts-{path.name}.json")


def _in_folder(folder: Path) -> Counter[str]:
    found: Counter[str] = Counter()
    for file in sorted(folder.rglob(PATTERN)):
        found.update(_dropped(_content(file)))
    for file in sorted(folder.rglob("*.parquet")):
        found.update(_inside(file))
    return found


def _of_file(path: Path) -> Mapping[str, int]:
    if path.name.lower().endswith(".parquet") and (found := _inside(path)):
        return found
    if _beside(path).is_file():
        return _dropped(_content(_beside(path)))
    every: Counter[str] = Counter()
    for file in sorted(path.parent.glob(PATTERN)):
        if _OF_A_PROCESS.fullmatch(file.name):
            every.update(_dropped(_content(file)))
    return every


def _inside(file: Path) -> dict[str, int]:
    """What a Parquet file says; one that is damaged is told by who reads its rows."""
    try:
        said = (pq.read_metadata(file).metadata or {}).get(KEY)
    except (pa.ArrowException, OSError, UnicodeDecodeError):
        return {}
    return {} if said is None else _dropped(said)


def _content(file: Path) -> bytes:
    with translated(file, CaptureError):
        return file.read_bytes()


def _dropped(content: bytes) -> dict[str, int]:
    text = content.strip()
    if not text:
        return {UNWRITTEN: 1}
    try:
        said = msgspec.json.decode(text, type=_Said)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return {UNREADABLE: 1}
    return {f"{RECORDER}{reason}": count for reason, count in said.dropped.items() if count > 0}
