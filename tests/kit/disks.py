"""Disks that misbehave, as the files of a recorder: full, failing, slow."""

from __future__ import annotations

import errno
import threading
from typing import TYPE_CHECKING

from harness.capture.live.files import Disk

if TYPE_CHECKING:
    from pathlib import Path


class Small:
    """Room for so many bytes over all files; a write that does not fit is written in part, then refused."""

    def __init__(self, room: int, *, code: int = errno.ENOSPC) -> None:
        self.room = room
        self.code = code
        self.cuts = True
        self.opened: list[Path] = []

    def open(self, path: Path) -> _Part:
        """A new file of this disk."""
        self.opened.append(path)
        return _Part(self, path)


class _Part:
    def __init__(self, disk: Small, path: Path) -> None:
        self._disk, self._file, self._size = disk, Disk(path), 0

    def write(self, data: memoryview) -> int:
        fits = min(len(data), self._disk.room)
        if not fits:
            raise OSError(self._disk.code, "no room")
        done = self._file.write(data[:fits])
        self._disk.room -= done
        self._size += done
        return done

    def cut(self, size: int) -> None:
        if not self._disk.cuts:
            raise OSError(errno.EIO, "not even that")
        self._file.cut(size)
        self._disk.room += self._size - size
        self._size = size

    def sync(self) -> None:
        self._file.sync()

    def close(self) -> None:
        self._file.close()


class Stuck:
    """A disk that takes nothing until it is released; `reached` once somebody waits for it."""

    def __init__(self, path: Path) -> None:
        self._file = Disk(path)

    reached = threading.Event()
    released = threading.Event()

    @classmethod
    def anew(cls) -> type[Stuck]:
        """A disk of its own, for one test."""
        return type("Stuck", (cls,), {"reached": threading.Event(), "released": threading.Event()})

    def write(self, data: memoryview) -> int:
        """Waits, then writes."""
        self.reached.set()
        self.released.wait()
        return self._file.write(data)

    def cut(self, size: int) -> None:
        """As the disk does."""
        self._file.cut(size)

    def sync(self) -> None:
        """As the disk does."""
        self._file.sync()

    def close(self) -> None:
        """As the disk does."""
        self._file.close()
