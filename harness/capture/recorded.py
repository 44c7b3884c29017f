"""What a live recorder says of itself beside its files: the calls that it had to drop."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import msgspec

from harness.capture.sources import translated
from harness.errors import CaptureError

#: `harness.capture.live` writes a file of this name in each process
PATTERN = "_counts-*.json"
#: how the reasons begin
RECORDER = "recorder: "
UNREADABLE = f"{RECORDER}counts that cannot be read"
UNWRITTEN = f"{RECORDER}counts that could not be written"


class _Said(msgspec.Struct):
    dropped: dict[str, int] = {}


def not_recorded(paths: Iterable[Path]) -> dict[str, int]:
    """Calls by the reason for which no recorder of these folders, or of folders in them, could write them.

    A file of counts that holds none (the disk had no room for them) counts as one call, and so does one that
    cannot be understood. Raises CaptureError for a file that cannot be opened.
    """
    found: Counter[str] = Counter()
    for folder in paths:
        for file in sorted(folder.rglob(PATTERN)) if folder.is_dir() else ():
            found.update(_dropped(file))
    return dict(sorted(found.items()))


def _dropped(file: Path) -> dict[str, int]:
    with translated(file, CaptureError):
        text = file.read_bytes().strip()
    if not text:
        return {UNWRITTEN: 1}
    try:
        said = msgspec.json.decode(text, type=_Said)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return {UNREADABLE: 1}
    return {f"{RECORDER}{reason}": count for reason, count in said.dropped.items() if count > 0}
