"""Files handed in by a user: found, or explained; text files come line by line in constant memory."""

from __future__ import annotations

import gzip
import io
import os
import zlib
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from difflib import get_close_matches
from functools import partial
from pathlib import Path
from typing import IO, NamedTuple

import numpy as np
import pyarrow as pa

from harness.errors import DataError, HarnessError, UsageError

#: content of one line; a longer one is a bad line and is skipped without being held
MAX_LINE_BYTES = 64 << 20

#: how gzip begins
GZIP = b"\x1f\x8b"

_BOM = b"\xef\xbb\xbf"
_MEMBER = 31  # zlib's word for: one gzip member, its checksum checked
_READ_BYTES, _CHUNK_BYTES = 64 << 10, 1 << 18
#: text packs 3 to 30 times; what packs better than this, and is large, was made to fill a disk
_BOMB_RATIO, _BOMB_FROM = 250, 64 << 20


class Unreadable(NamedTuple):
    """What stands in a line's place when its bytes cannot be had; after a broken gzip nothing follows."""

    reason: str
    detail: str


TOO_LONG = Unreadable("line too long", f"more than {MAX_LINE_BYTES >> 20} MiB")


def existing(path: Path, error: type[HarnessError]) -> Path:
    """The path, once something is there; otherwise `error` says what exists nearby."""
    if path.exists():
        return path
    raise error("no such file", where=str(path), fix=_nearby(path))


def extension(path: Path, known: Collection[str], *, error: type[HarnessError]) -> str:
    """The one of the `known` endings that the file name has; `error` names them when it has none."""
    name = path.name.lower()
    for ending in known:
        if name.endswith(ending):
            return ending
    raise error(
        "unknown kind of file",
        where=str(path),
        found=path.suffix or "no extension",
        expected=" or ".join(known),
    )


def target_of(path: Path, known: Collection[str] = ()) -> str:
    """The one of the `known` endings of a file that is to be written; a folder for it is made, no more.

    Raises UsageError for another ending, and where the folder of its folder is missing.
    """
    ending = extension(path, known, error=UsageError) if known else ""
    folder = path.absolute().parent
    if not folder.is_dir():
        outer = folder.parent
        if not outer.is_dir():
            raise UsageError(
                "no such folder", where=str(folder), fix=f"Make {outer} first, or check the name."
            )
        if outer == Path(outer.root):
            raise UsageError("no such folder", where=str(folder), fix="Make it first, or check the name.")
    return ending


def did_you_mean(word: str, known: Collection[str]) -> str:
    """A question naming the closest known word, or nothing when none is close."""
    close = get_close_matches(word, known, n=1)
    return f"did you mean {close[0]!r}?" if close else ""


def text_lines(path: Path) -> Iterator[tuple[int, bytes | Unreadable]]:
    """Each line that is not empty, with its number from 1; what cannot be read as in `text_blocks`."""
    for first, text in text_blocks(path):
        if isinstance(text, Unreadable):
            yield first, text
        else:
            yield from lines_of(text, first)


def lines_of(block: bytes, first: int) -> Iterator[tuple[int, bytes]]:
    """Each line of a block that is not empty, with its number."""
    if block.isspace():  # said at once of megabytes
        return
    for number, line in enumerate(io.BytesIO(block), first):
        if not line.isspace():
            yield number, line


class Block(NamedTuple):
    """Whole lines by the number of the first, from 1; the last of a file may lack its newline."""

    first: int
    text: bytes | Unreadable


def text_blocks(path: Path, size: int = 1 << 20) -> Iterator[Block]:
    """The lines of a file, about `size` bytes of them together, without a leading byte-order mark.

    Plain or gzip by the name or the first bytes. A line above `MAX_LINE_BYTES`, and the rest of a gzip file
    that was cut, damaged or made to fill a disk, come as one `Unreadable` each. Raises OSError.
    """
    number, rest, begun = 1, b"", 0  # `begun` bytes of a line; they are in `rest` unless it is too long
    for piece in _pieces(path, size):
        if isinstance(piece, Unreadable):
            yield Block(number, piece)
            return
        start, end = 0, piece.rfind(b"\n") + 1
        begun += piece.find(b"\n") if end else len(piece)
        if begun > MAX_LINE_BYTES:
            rest = b""
            if not end:
                continue
            yield Block(number, TOO_LONG)
            number, start = number + 1, piece.find(b"\n") + 1
        if end > start:
            text = rest + memoryview(piece)[start:end]
            yield Block(number, text)
            lines = np.count_nonzero(
                np.frombuffer(text, np.uint8) == ord("\n")
            )  # ten times faster than count
            number, rest = number + int(lines), b""
        rest += piece[end:]
        begun = len(rest)
    if begun:
        yield Block(number, rest or TOO_LONG)


def _pieces(path: Path, size: int) -> Iterator[bytes | Unreadable]:
    """The bytes in pieces of at least `size`, but for the last; what precedes damage is not lost to it."""
    held: list[bytes] = []
    why: Unreadable | None = None
    mark = _BOM
    with io.BufferedReader(io.FileIO(path), 1 << 20) as file:
        packed = path.name.lower().endswith(".gz") or file.peek(2).startswith(GZIP)
        for piece in unpacked(file) if packed else iter(partial(file.read1, size), b""):
            if isinstance(piece, Unreadable):
                why = piece
                break
            held.append(piece.removeprefix(mark))
            mark = b""
            if sum(map(len, held)) >= size:
                yield b"".join(held)
                held.clear()
    if held:
        yield b"".join(held)
    if why is not None:
        yield why


def unpacked(file: IO[bytes]) -> Iterator[bytes | Unreadable]:
    """The content of a gzip file of any number of members, by 256 KiB; zeros between them are padding.

    A stream that is cut or damaged gives all that can be unpacked, then one Unreadable that says where; so
    does one that unpacks to more than 64 MiB and 250 times its size. Raises OSError.
    """
    size = os.fstat(file.fileno()).st_size
    unpacker = zlib.decompressobj(wbits=_MEMBER)
    given = taken = 0
    rest = b""
    while rest or (rest := file.read(_READ_BYTES)):
        if unpacker.eof:  # another member follows, as after `cat a.gz b.gz`
            taken, rest = taken + len(rest), rest.lstrip(b"\0")
            taken -= len(rest)
            if not rest:
                continue
            unpacker = zlib.decompressobj(wbits=_MEMBER)
        spare, before = unpacker.copy(), len(rest)
        try:
            found = unpacker.decompress(rest, _CHUNK_BYTES)
        except zlib.error as error:
            found, at = _until_damage(spare, rest)
            yield found
            yield _damaged(taken + at, size, why=error)
            return
        rest = unpacker.unconsumed_tail or unpacker.unused_data
        taken += before - len(rest)
        given += len(found)
        if given > max(_BOMB_FROM, _BOMB_RATIO * taken):
            yield Unreadable("gzip bomb", f"unpacks to more than {_BOMB_RATIO} times its size")
            return
        if found:
            yield found
    while more := unpacker.decompress(b"", _CHUNK_BYTES) if not unpacker.eof else b"":
        yield more
    if size and not unpacker.eof:
        yield Unreadable("truncated gzip", "the file ends before its gzip stream does")


def _until_damage(unpacker: zlib._Decompress, rest: bytes) -> tuple[bytes, int]:
    """What these bytes unpack to before one that is wrong, and the place of that one."""
    found: list[bytes] = []
    for at in range(len(rest)):
        try:
            found.append(unpacker.decompress(rest[at : at + 1]))
        except zlib.error:
            return b"".join(found), at
    return b"".join(found), len(rest)


def _damaged(at: int, size: int, *, why: zlib.error) -> Unreadable:
    reason = str(why).rpartition(": ")[2]
    return Unreadable(
        "damaged gzip", f"{reason} at byte {at:,}: {size - at:,} of {size:,} bytes were not read"
    )


def opened(path: Path) -> io.BufferedReader | gzip.GzipFile:
    """The file's bytes, unpacked where the name ends in .gz; raises OSError."""
    if path.name.lower().endswith(".gz"):
        return gzip.open(path, "rb")
    return io.BufferedReader(io.FileIO(path), 1 << 20)


@contextmanager
def translated(path: Path, error: type[DataError]) -> Iterator[None]:
    """What the system or Arrow says about an unreadable file becomes one `error` naming it."""
    try:
        yield
    except OSError as cause:
        reason = (cause.strerror or str(cause)).splitlines()[0]
        raise error("cannot be read", where=str(path), found=reason) from cause
    except (pa.ArrowException, UnicodeDecodeError) as cause:
        raise error(
            "not a Parquet file, cut short, or damaged",
            where=str(path),
            found=str(cause).splitlines()[0],
            fix="Write or copy the file again.",
        ) from cause


def _nearby(path: Path) -> str:
    folder = next(parent for parent in path.absolute().parents if parent.is_dir())
    missing = path.absolute().relative_to(folder).parts[0]
    names = sorted(entry.name for entry in folder.iterdir() if not entry.name.startswith("."))
    if close := get_close_matches(missing, names, n=1):
        return f"Did you mean {close[0]!r} in {folder}?"
    if not names:
        return f"The folder {folder} is empty."
    shown = ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
    return f"The folder {folder} holds {shown}."
