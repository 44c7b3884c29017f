"""Bytes of a file in bounded pieces: gzip by its first bytes, cut streams told, bombs stopped."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO

from harness.capture.sources import Unreadable

#: one record; a longer one is dropped and skipped. Decoded JSON may take thirty times its bytes
MAX_RECORD_BYTES = 32 << 20
CHUNK_BYTES = 1 << 18

_GZIP = b"\x1f\x8b"
_READ_BYTES = 64 << 10
_BOM = b"\xef\xbb\xbf"
#: text packs 3 to 30 times; what packs better than this, and is large, was made to fill a disk
_BOMB_RATIO = 250
_BOMB_FROM = 1 << 30


def chunks(path: Path) -> Iterator[bytes | Unreadable]:
    """The file's bytes, unpacked where they begin as gzip does, without a byte-order mark, by 1 MiB.

    A gzip stream that is cut or damaged gives all that can be unpacked, then one Unreadable. Raises OSError.
    """
    with path.open("rb") as file:
        start = file.read(2)
        file.seek(0)
        stream = _unpacked(file) if start == _GZIP else iter(lambda: file.read(CHUNK_BYTES), b"")
        yield from _without_mark(stream)


def _without_mark(stream: Iterator[bytes | Unreadable]) -> Iterator[bytes | Unreadable]:
    for first in stream:
        yield first.removeprefix(_BOM) if isinstance(first, bytes) else first
        break
    yield from stream


def _unpacked(file: IO[bytes]) -> Iterator[bytes | Unreadable]:
    unpacker = zlib.decompressobj(wbits=31)
    packed = unpacked = 0
    rest = b""
    try:
        while rest or (rest := file.read(_READ_BYTES)):
            if unpacker.eof:  # another member follows, as after `cat a.gz b.gz`
                unpacker = zlib.decompressobj(wbits=31)
            before = len(rest)
            found = unpacker.decompress(rest, CHUNK_BYTES)
            rest = unpacker.unconsumed_tail or unpacker.unused_data
            packed += before - len(rest)
            unpacked += len(found)
            if unpacked > max(_BOMB_FROM, _BOMB_RATIO * packed):
                yield Unreadable("gzip bomb", f"unpacks to more than {_BOMB_RATIO} times its size")
                return
            if found:
                yield found
        while more := unpacker.decompress(b"", CHUNK_BYTES) if not unpacker.eof else b"":
            yield more
    except zlib.error as error:
        yield Unreadable("damaged gzip", str(error))
        return
    if not unpacker.eof:
        yield Unreadable("truncated gzip", "the file ends before its gzip stream does")


def lines(
    stream: Iterable[bytes | Unreadable], *, limit: int = MAX_RECORD_BYTES, blank: bool = False
) -> Iterator[tuple[int, bytes | Unreadable]]:
    """Each line with its offset in bytes, blank ones only if asked for; one above `limit` is Unreadable."""
    base, buffer, size = 0, b"", 0  # `size` of a line whose beginning is in `buffer`, unless it is too long
    for chunk in stream:
        if isinstance(chunk, Unreadable):
            yield from _line(base, buffer, size=size, limit=limit, blank=blank)
            yield base + size, chunk
            return
        *ended, rest = chunk.split(b"\n")
        for end in ended:
            yield from _line(base, buffer + end, size=size + len(end), limit=limit, blank=blank)
            base += size + len(end) + 1
            buffer, size = b"", 0
        size += len(rest)
        buffer = buffer + rest if size <= limit else b""
    yield from _line(base, buffer, size=size, limit=limit, blank=blank)


def _line(
    base: int, text: bytes, *, size: int, limit: int, blank: bool
) -> Iterator[tuple[int, bytes | Unreadable]]:
    if size > limit:
        yield base, Unreadable("record too long", f"more than {limit >> 20} MiB")
    elif blank or (text and not text.isspace()):
        yield base, text
