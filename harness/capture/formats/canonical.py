"""Our own captures, JSON Lines or Parquet, so that they are looked at and turned into others like any."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from harness.capture.config import CaptureConfig
from harness.capture.formats.pieces import Asked, Dropped, Format, Head, Piece
from harness.capture.line import BadLine
from harness.capture.read import read as requests

_BODIES = frozenset({"body", "body_text", "body_base64"})


def detects(head: Head) -> bool:
    """Whether a line, or the columns, have `request_id`, `ts` or `ts_ns`, and a body."""
    if not head.parquet and head.start.lstrip()[:1] not in b"{":
        return False  # a CSV with these names is read by a map
    return "request_id" in head.keys and bool(head.keys & {"ts", "ts_ns"}) and bool(head.keys & _BODIES)


def read(path: Path) -> Iterator[Piece]:
    """The requests of one file, its bad lines in their place."""
    refused: list[BadLine] = []
    for request in requests(path, CaptureConfig(path=str(path)), on_bad=refused.append):
        yield from _told(refused)
        yield Asked(request)
    yield from _told(refused)


def _told(refused: list[BadLine]) -> Iterator[Dropped]:
    yield from map(dropped, refused)
    refused.clear()


def dropped(line: BadLine) -> Dropped:
    """A bad line as a record that gave nothing."""
    return Dropped(file=line.file, offset=line.line, reason=line.reason, detail=line.detail)


CANONICAL = Format("replaygate", "replaygate's own JSON Lines or Parquet", detects, read)
