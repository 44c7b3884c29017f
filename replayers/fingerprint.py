"""The identity of the code and data that features are made of: one digest over files, bounded."""

from __future__ import annotations

import hashlib
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

MAX_FILES = 10_000
#: read of all files together; beyond it a file counts by its name and size
MAX_BYTES = 256 * 2**20
_BLOCK = 2**20


def fingerprint(code: Iterable[Path], data: Path, *, home: Path) -> str:
    """sha256 (hex) over the names, sizes and contents of the code files and of the data folder.

    A `data` that is `home` itself, the scenario's own folder, counts by the files directly in it: below lie
    runs and whatever else. Scenario files and what Python caches never count. Bounded: see MAX_FILES and
    MAX_BYTES.
    """
    whole, left = hashlib.sha256(), MAX_BYTES
    for path in (*sorted(set(code)), *islice(_data(data, deep=data.resolve() != home.resolve()), MAX_FILES)):
        size = path.stat().st_size
        name = path.relative_to(data) if path.is_relative_to(data) else path.name
        whole.update(f"{name}\0{size}\0".encode())
        whole.update(_content(path, most=left))
        left = max(0, left - size)
    return whole.hexdigest()


def _data(folder: Path, *, deep: bool) -> Iterator[Path]:
    found = folder.rglob("*") if deep else folder.glob("*")
    return iter(sorted(path for path in found if path.is_file() and not _apart(path.relative_to(folder))))


def _apart(path: Path) -> bool:
    hidden = any(part.startswith((".", "__pycache__")) for part in path.parts)
    return hidden or path.suffix in {".toml", ".pyc"}


def _content(path: Path, *, most: int) -> bytes:
    """The digest of a file's first `most` bytes."""
    content = hashlib.sha256()
    with path.open("rb") as file:
        while most > 0 and (block := file.read(min(_BLOCK, most))):
            content.update(block)
            most -= len(block)
    return content.digest()
