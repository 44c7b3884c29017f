"""The files of a recorder: rotated, whole after a full disk, never one on top of another."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.capture.live.files import BLOCK, Disk, Limits, Lines, Sink, Tally, stamp
from tests.kit.disks import Small

SECOND = 1_000_000_000


def lines_in(
    folder: Path,
    *,
    limits: Limits = Limits(),  # noqa: B008  -- frozen
    clock: Callable[[], int] = lambda: 5 * SECOND,
    opened: Callable[[Path], Sink] = Disk,
) -> Lines:
    """Lines that rotate late, unless said otherwise."""
    return Lines(folder, limits, clock=clock, opened=opened)


def contents(folder: Path) -> list[bytes]:
    """The content of each file, in the order of names."""
    return [path.read_bytes() for path in sorted(folder.iterdir())]


def test_the_name_says_when_and_which_process() -> None:
    """A name has the moment in UTC and the process, so that processes never share a file."""
    assert stamp(1_767_323_045 * SECOND) == f"20260102T030405Z-{os.getpid()}"


def test_a_full_file_is_followed_by_the_next(tmp_path: Path) -> None:
    """No file grows above its size, and a line is never split between two."""
    lines = lines_in(tmp_path / "new", limits=Limits(rotate_bytes=10))
    for one in (b"aaaa\n", b"bbbb\n", b"cccc\n", b"much longer than a file\n", b"d\n"):
        lines.append(one)
    lines.close()
    assert contents(tmp_path / "new") == [b"aaaa\nbbbb\n", b"cccc\n", b"much longer than a file\n", b"d\n"]


def test_an_old_file_is_followed_by_the_next(tmp_path: Path) -> None:
    """A file takes lines for its time only."""
    now = [5 * SECOND]
    lines = lines_in(tmp_path, limits=Limits(rotate_s=60.0), clock=lambda: now[0])
    for seconds in (0, 59, 1, 30):
        now[0] += seconds * SECOND
        lines.append(b"%d\n" % seconds)
    lines.close()
    assert contents(tmp_path) == [b"0\n59\n", b"1\n30\n"]


def test_a_name_that_is_taken_is_left_alone(tmp_path: Path) -> None:
    """Two containers with one folder may have the same process id: neither writes into the other's file."""
    for content in (b"one\n", b"two\n", b"three\n"):
        lines = lines_in(tmp_path)
        lines.append(content)
        lines.close()
        Tally(tmp_path, clock=lambda: 5 * SECOND).write(content)
    assert sorted(one.strip() for one in contents(tmp_path)) == sorted([b"one", b"two", b"three"] * 2)


def test_a_file_is_not_for_everybody(tmp_path: Path) -> None:
    """What users sent is readable for the owner and the group, at most."""
    lines = lines_in(tmp_path)
    lines.append(b"x\n")
    lines.close()
    assert next(tmp_path.iterdir()).stat().st_mode & 0o777 & ~0o640 == 0


def test_no_empty_file_stays_on_a_full_disk(tmp_path: Path) -> None:
    """A file without a line would be no capture, and stop the import of its folder."""
    disk = Small(0)
    lines = lines_in(tmp_path, opened=disk.open)
    with pytest.raises(OSError, match="no room"):
        lines.append(b"123456\n")
    assert contents(tmp_path) == []
    disk.room = 100
    lines.append(b"123456\n")
    lines.close()
    assert contents(tmp_path) == [b"123456\n"]


def test_no_half_line_stays_on_a_full_disk(tmp_path: Path) -> None:
    """Lines that fit in part are taken back; once there is room they come, and nothing twice."""
    disk = Small(10)
    lines = lines_in(tmp_path, opened=disk.open)
    lines.append(b"123456\n")
    for _ in range(3):
        with pytest.raises(OSError, match="no room"):
            lines.append(b"abcdef\n")
    assert contents(tmp_path) == [b"123456\n"]
    disk.room = 100
    lines.append(b"abcdef\n")
    lines.sync()
    lines.close()
    assert contents(tmp_path) == [b"123456\nabcdef\n"]


@pytest.mark.parametrize("why", ["cannot be cut", "too large"])
def test_a_file_that_cannot_go_on_is_left_for_another(tmp_path: Path, why: str) -> None:
    """Where the torn line stays, or the file is as large as the system lets it be, another begins."""
    disk = Small(10, code=errno.EFBIG if why == "too large" else errno.EIO)
    disk.cuts = why == "too large"
    lines = lines_in(tmp_path, opened=disk.open)
    lines.append(b"123456\n")
    with pytest.raises(OSError, match="no room"):
        lines.append(b"abcdef\n")
    disk.room = 100
    lines.append(b"abcdef\n")
    lines.close()
    assert contents(tmp_path) == [b"123456\n" if disk.cuts else b"123456\nabc", b"abcdef\n"]


def test_counts_are_written_over_in_place(tmp_path: Path) -> None:
    """The file keeps its block, which a full disk does not refuse, and holds the newest counts only."""
    tally = Tally(tmp_path, clock=lambda: 5 * SECOND)
    tally.write(b"a longer one")
    (path,) = tmp_path.iterdir()
    before = path.stat()
    tally.write(b"short")
    assert path.name == f"_counts-{stamp(5 * SECOND)}.json"
    assert path.read_bytes() == b"short".ljust(BLOCK)
    assert (path.stat().st_ino, path.stat().st_size) == (before.st_ino, before.st_size)


def test_counts_of_a_folder_that_went_begin_another_file(tmp_path: Path) -> None:
    """Somebody moves the folder away: the next counts are there again, even if they are the same."""
    tally = Tally(tmp_path / "calls", clock=lambda: 5 * SECOND)
    tally.write(b"a")
    (tmp_path / "calls").rename(tmp_path / "moved")
    with pytest.raises(FileNotFoundError):
        tally.write(b"b")
    tally.write(b"a")
    assert [one.strip() for one in contents(tmp_path / "calls")] == [b"a"]
