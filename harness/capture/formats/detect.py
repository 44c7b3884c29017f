"""Which format a file is in: said by the file itself, never guessed."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import pyarrow.parquet as pq

from harness.capture.formats.json_objects import decoded, objects
from harness.capture.formats.pieces import Format, Head
from harness.capture.formats.streams import chunks
from harness.capture.sources import Unreadable, translated
from harness.errors import CaptureError

_HEAD_BYTES = 64 << 10
_PARQUET = b"PAR1"
_HEADER = 10_000
_NAME = re.compile(r"[A-Za-z_][\w.: -]{0,99}")
_KEY = re.compile(rb'"((?:[^"\\]|\\.){1,200})"\s*:')


def detect(path: Path, formats: Sequence[Format]) -> Format:
    """The one format that the file shows itself to be in.

    Raises CaptureError naming the candidates where there are several, and all formats where there is none.
    """
    found = head_of(path)
    candidates = [one for one in formats if one.detects(found)]
    if len(candidates) == 1:
        return candidates[0]
    if candidates:
        raise CaptureError(
            "this may be one of several formats",
            where=str(path),
            found=", ".join(one.name for one in candidates),
            fix=f"Say which: --format {candidates[0].name}",
        )
    if found.cut is not None:
        raise CaptureError(
            found.cut.reason,
            where=str(path),
            found=found.cut.detail,
            expected="enough of it to know its format",
            fix="Copy the file again.",
        )
    raise CaptureError(
        "no capture format that is known",
        where=str(path),
        found=_shown(found),
        expected=", ".join(one.name for one in formats),
        fix=_way_on(found),
    )


def _way_on(found: Head) -> str:
    if found.keys >= {"request_id", "label_at"}:
        return "These are labels as a scenario reads them: [labels] path. Another table is read by --map."
    shown = "docs/formats.md shows what each looks like; --format NAME reads it as that one"
    return f"{shown}{', --map MAP as any table' if found.keys or found.parquet else ''}."


def head_of(path: Path) -> Head:
    """What can be seen of a file without reading it; raises CaptureError where it cannot be opened."""
    with translated(path, CaptureError):
        found, cut = _first(path)
        first = b"".join(found)
        if first.startswith(_PARQUET):
            return Head(path.name, first, frozenset(pq.read_schema(path).names), parquet=True)
    return Head(path.name, first, _keys(first), cut=cut)


def _first(path: Path) -> tuple[list[bytes], Unreadable | None]:
    found: list[bytes] = []
    for chunk in chunks(path):
        if isinstance(chunk, Unreadable):
            return found, chunk
        found.append(chunk[:_HEAD_BYTES])
        if sum(map(len, found)) >= _HEAD_BYTES:
            break
    return found, None


def _keys(first: bytes) -> frozenset[str]:
    """The words of the first JSON object, all in it where its end is not seen, or those of a CSV header."""
    if first.lstrip()[:1] in (b"{", b"["):
        whole = next((raw for _, raw in objects([first])), b"")
        with suppress(CaptureError):
            return frozenset(decoded(whole))
        return frozenset(match[1].decode(errors="replace") for match in _KEY.finditer(first))
    line = first.partition(b"\n")[0].decode(errors="replace").strip()
    names: list[str] = []
    with suppress(csv.Error):
        names = next(csv.reader([line]), []) if "," in line and len(line) <= _HEADER else []
    return frozenset(names) if all(map(_NAME.fullmatch, names)) else frozenset()


def _shown(found: Head) -> str:
    if found.keys:
        names = sorted(found.keys)
        more = f" and {len(names) - 8} more" if len(names) > 8 else ""
        return f"{'columns' if found.parquet else 'the words'} {', '.join(names[:8])}{more}"
    return f"a file that begins {repr(found.start[:24])[1:]}" if found.start else "an empty file"
