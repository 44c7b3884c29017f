"""The files of a recorder: whole lines in files that are rotated, and the counts beside them."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from io import FileIO
from itertools import count, islice
from pathlib import Path
from typing import Protocol, TypeVar

import msgspec

#: the counts are written over in place, in a block that is already there: this works on a full disk too
BLOCK = 4_096
_TRIES = 10_000

T = TypeVar("T")


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """How much memory and how large files.

    `queue_bytes` of calls wait at most; a file has at most `rotate_bytes` and takes lines for `rotate_s`;
    each `sync_s` the newest one is synced and the counts are written.
    """

    rotate_bytes: int = 64 << 20
    rotate_s: float = 3_600.0
    queue_bytes: int = 32 << 20
    sync_s: float = 1.0


class Sink(Protocol):
    """An open file to whose end bytes are written; each method may raise OSError."""

    def write(self, data: memoryview) -> int:
        """Some of the bytes are written; returns how many."""

    def cut(self, size: int) -> None:
        """The file has this size again."""

    def sync(self) -> None:
        """What was written is on the disk."""

    def close(self) -> None:
        """The file is let go."""


class Disk:
    """A new file on the disk, for its owner and group; raises FileExistsError where one is."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._fd = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC, 0o640)

    def write(self, data: memoryview) -> int:
        """Some of the bytes are written; returns how many."""
        return os.write(self._fd, data)

    def cut(self, size: int) -> None:
        """The file has this size again."""
        os.ftruncate(self._fd, size)

    def sync(self) -> None:
        """What was written is on the disk."""
        os.fsync(self._fd)

    def close(self) -> None:
        """The file is let go."""
        os.close(self._fd)


class Lines:
    """Whole lines at the end of the newest of `capture-<utc>-<pid>-<n>.jsonl` in a folder.

    A file is followed by the next when it has the size or the age of `limits`.
    """

    def __init__(
        self, folder: Path, limits: Limits, *, clock: Callable[[], int], opened: Callable[[Path], Sink]
    ) -> None:
        self._folder = folder
        self._rotate_bytes = limits.rotate_bytes
        self._rotate_ns = round(limits.rotate_s * 1e9)
        self._clock = clock
        self._opened = opened
        self._sink: Sink | None = None
        self._path = folder
        self._numbers = count()
        self._size = 0
        self._since_ns = 0
        self._dirty = False

    def append(self, lines: bytes) -> None:
        """The lines are written, or on OSError none of them, as far as they can be taken back."""
        sink = self._current(len(lines))
        left = memoryview(lines)
        try:
            while left:
                left = left[sink.write(left) :]
        except OSError as error:
            self._take_back(sink, leave=error.errno == errno.EFBIG and self._size > 0)
            raise
        self._size += len(lines)
        self._dirty = True

    def sync(self) -> None:
        """What was appended is on the disk; raises OSError."""
        if self._sink is not None and self._dirty:
            self._sink.sync()
            self._dirty = False

    def close(self) -> None:
        """The newest file is let go; the next line begins another. Raises OSError."""
        sink, self._sink, self._size = self._sink, None, 0
        if sink is not None:
            sink.close()

    def _current(self, more: int) -> Sink:
        now = self._clock()
        old = now - self._since_ns >= self._rotate_ns or self._size + more > self._rotate_bytes
        if self._sink is not None and self._size and old:
            self.sync()
            self.close()
        if self._sink is None:
            names = (f"capture-{stamp(now)}-{n:04d}.jsonl" for n in self._numbers)
            self._sink, self._since_ns = first_free(self._folder, names, opened=self._noted), now
        return self._sink

    def _noted(self, path: Path) -> Sink:
        self._path = path
        return self._opened(path)

    def _take_back(self, sink: Sink, *, leave: bool) -> None:
        """No half line stays: the file is cut to its last whole line, or else left for another.

        An empty file would be no capture, so it goes.
        """
        try:
            sink.cut(self._size)
            if not self._size:
                self._path.unlink(missing_ok=True)
        except OSError:
            leave = True
        if leave or not self._size:
            with suppress(OSError):
                self.close()


class Tally:
    """The counts of one process in `_counts-<utc>-<pid>.json`, a block that is written over in place.

    The file comes with the first write and takes its block as soon as there is room for it. One that cannot
    be filled stays empty: it says that there are counts which nobody could write.
    """

    def __init__(self, folder: Path, *, clock: Callable[[], int]) -> None:
        self._folder = folder
        self._clock = clock
        self._path: Path | None = None
        self._told = b""

    def write(self, content: bytes) -> None:
        """The file holds this; raises OSError where it has no room, and what it held stays."""
        if content == self._told:
            return
        if self._path is None:
            self._path = self._new()
        try:
            with self._path.open("r+b", buffering=0) as file:
                file.write(content.ljust(_taken(file, len(content))))
        except FileNotFoundError:
            self._path, self._told = None, b""
            raise
        self._told = content

    def _new(self) -> Path:
        begin = f"_counts-{stamp(self._clock())}"
        names = (f"{begin}.json" if not n else f"{begin}-{n}.json" for n in count())
        return first_free(self._folder, names, opened=_empty)


def _taken(file: FileIO, needed: int) -> int:
    """How many bytes the file has, after it took its block if it could; raises OSError below `needed`."""
    size = file.seek(0, os.SEEK_END)
    try:
        while size < max(BLOCK, needed):
            size += file.write(b" " * (max(BLOCK, needed) - size))
    except OSError:
        if size < needed:
            raise
    file.seek(0)
    return size


def stamp(now_ns: int) -> str:
    """The moment in UTC and this process: `20260102T030405Z-4711`."""
    return f"{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime(now_ns // 1_000_000_000))}-{os.getpid()}"


def first_free(folder: Path, names: Iterator[str], *, opened: Callable[[Path], T]) -> T:
    """What `opened` gives for the first name that no file has yet; other OSErrors are raised.

    Processes of several containers may have the same id and write to one folder.
    """
    taken = FileExistsError(f"no free name in {folder}")
    for name in islice(names, _TRIES):
        try:
            return opened(folder / name)
        except FileExistsError as error:
            taken = error
    raise taken


def _empty(path: Path) -> Path:
    Disk(path).close()
    return path
