"""Files handed in by a user: found, or explained; text files come line by line in constant memory."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from difflib import get_close_matches
from pathlib import Path
from typing import IO, NamedTuple

import pyarrow as pa

from harness.errors import DataError

#: content of one line; a longer one is a bad line and is skipped without being held
MAX_LINE_BYTES = 64 << 20

_BOM = b"\xef\xbb\xbf"


class Unreadable(NamedTuple):
    """What stands in a line's place when its bytes cannot be had; after a broken gzip nothing follows."""

    reason: str
    detail: str


def existing(path: Path, error: type[DataError]) -> Path:
    """The path, once something is there; otherwise `error` says what exists nearby."""
    if path.exists():
        return path
    raise error("no such file", where=str(path), fix=_nearby(path))


def extension(path: Path, known: Collection[str], *, error: type[DataError]) -> str:
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


def did_you_mean(word: str, known: Collection[str]) -> str:
    """A question naming the closest known word, or nothing when none is close."""
    close = get_close_matches(word, known, n=1)
    return f"did you mean {close[0]!r}?" if close else ""


def text_lines(path: Path) -> Iterator[tuple[int, bytes | Unreadable]]:
    """Each line that is not empty, without a leading byte-order mark, with its number from 1.

    Plain or gzip by the name. A line above `MAX_LINE_BYTES`, and the rest of a gzip file that was cut or
    damaged, come as one `Unreadable` each. Raises OSError.
    """
    number = 0
    with opened(path) as file:
        try:
            while line := file.readline(MAX_LINE_BYTES + 1):
                number += 1
                if len(line) > MAX_LINE_BYTES and not line.endswith(b"\n"):
                    _skip_line(file)
                    yield number, Unreadable("line too long", f"more than {MAX_LINE_BYTES >> 20} MiB")
                    continue
                content = line.removeprefix(_BOM) if number == 1 else line
                if not content.isspace() and content:
                    yield number, content
        except EOFError:
            yield number + 1, Unreadable("truncated gzip", "the file ends before its gzip stream does")
        except (gzip.BadGzipFile, zlib.error) as error:
            yield number + 1, Unreadable("damaged gzip", str(error))


def opened(path: Path) -> IO[bytes] | gzip.GzipFile:
    """The file's bytes, unpacked where the name ends in .gz; raises OSError."""
    if path.name.lower().endswith(".gz"):
        return gzip.open(path, "rb")
    return path.open("rb", buffering=1 << 20)


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


def _skip_line(file: IO[bytes] | gzip.GzipFile) -> None:
    while (rest := file.readline(1 << 20)) and not rest.endswith(b"\n"):
        pass


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
