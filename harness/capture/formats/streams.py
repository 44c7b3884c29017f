"""Bytes of a file in bounded pieces: gzip by its first bytes, cut streams told, bombs stopped."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from harness.capture.sources import GZIP, Unreadable, unpacked

#: one record; a longer one is dropped and skipped. Decoded JSON may take thirty times its bytes
MAX_RECORD_BYTES = 32 << 20
CHUNK_BYTES = 1 << 18

_BOM = b"\xef\xbb\xbf"


def chunks(path: Path) -> Iterator[bytes | Unreadable]:
    """The file's bytes, unpacked where they begin as gzip does, without a byte-order mark, by 256 KiB.

    A gzip stream that is cut, damaged or a bomb gives what can be unpacked, then one Unreadable.
    Raises OSError.
    """
    with path.open("rb") as file:
        start = file.read(2)
        file.seek(0)
        stream = unpacked(file) if start == GZIP else iter(lambda: file.read(CHUNK_BYTES), b"")
        yield from _without_mark(stream)


def _without_mark(stream: Iterator[bytes | Unreadable]) -> Iterator[bytes | Unreadable]:
    for first in stream:
        yield first.removeprefix(_BOM) if isinstance(first, bytes) else first
        break
    yield from stream


def lines(
    stream: Iterable[bytes | Unreadable],
    *,
    limit: int = MAX_RECORD_BYTES,
    blank: Callable[[], bool] | None = None,
) -> Iterator[tuple[int, bytes | Unreadable]]:
    """Each line with its offset in bytes; one above `limit` is Unreadable.

    Blank lines come where `blank` is given; whole chunks of nothing else only while it says that they matter.
    """
    base, buffer, size = 0, b"", 0  # `size` of a line whose beginning is in `buffer`, unless it is too long
    for chunk in stream:
        if isinstance(chunk, Unreadable):
            yield from _line(base, buffer, size=size, limit=limit, blank=blank is not None)
            yield base + size, chunk
            return
        if not size and chunk.isspace() and not (blank and blank()):  # millions of empty lines at once
            base += chunk.rfind(b"\n") + 1
            buffer = chunk[chunk.rfind(b"\n") + 1 :]
            size = len(buffer)
            continue
        *ended, rest = chunk.split(b"\n")
        for end in ended:
            yield from _line(base, buffer + end, size=size + len(end), limit=limit, blank=blank is not None)
            base += size + len(end) + 1
            buffer, size = b"", 0
        size += len(rest)
        buffer = buffer + rest if size <= limit else b""
    yield from _line(base, buffer, size=size, limit=limit, blank=blank is not None)


def _line(
    base: int, text: bytes, *, size: int, limit: int, blank: bool
) -> Iterator[tuple[int, bytes | Unreadable]]:
    if size > limit:
        yield base, Unreadable("record too long", f"more than {limit >> 20} MiB")
    elif blank or (text and not text.isspace()):
        yield base, text
