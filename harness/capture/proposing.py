"""For a table in no known format: a map to start from."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from harness.capture.formats import FORMATS, head_of
from harness.capture.formats.map_proposal import proposed
from harness.capture.sources import existing, translated
from harness.errors import CaptureError


def proposal(files: Sequence[Path]) -> list[str]:
    """Lines of a TOML map for the first file, where that is a table that no format knows; else nothing."""
    path = existing(files[0], CaptureError)
    if path.is_dir():
        return []
    head = head_of(path)
    if any(form.detects(head) for form in FORMATS.values()):
        return []
    with translated(path, CaptureError):
        return proposed(path)
