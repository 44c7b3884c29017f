"""The writer's thread: lines reach the disk, trouble is waited out, and nobody waits for it at the end."""

from __future__ import annotations

import errno
import json
import logging
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.capture.live.files import BLOCK, Disk, Limits, Lines, Sink, Tally
from harness.capture.live.record import Record
from harness.capture.live.waiting import CLOSED, FULL, Call, Counts, Waiting
from harness.capture.live.writer import LeftOutError, Writer
from tests.kit.disks import Small, Stuck


def record(name: str) -> Record:
    """A small record of this name."""
    return Record(request_id=name, ts_ns=1)


def line(call: Call) -> bytes | None:
    """The id of a call; none for `not this`, and an error for `broken`."""
    name = call.record().request_id
    if name == "broken":
        raise KeyError(name)
    return None if name == "not this" else name.encode() + b"\n"


def lines_in(folder: Path, opened: Callable[[Path], Sink] = Disk) -> Lines:
    """Lines that do not rotate."""
    return Lines(folder, Limits(), clock=lambda: 0, opened=opened)


def writer_in(
    folder: Path, waiting: Waiting, opened: Callable[[Path], Sink] = Disk, *, sync_s: float = 0.0
) -> Writer:
    """A writer of the lines above, with its counts beside them."""
    tally = Tally(folder, clock=lambda: 0)
    return Writer(waiting, lines_in(folder, opened), tally=tally, line=line, sync_s=sync_s)


def written(folder: Path) -> bytes:
    """What is in the captures of the folder."""
    return b"".join(path.read_bytes() for path in sorted(folder.glob("capture-*")))


def test_each_call_becomes_its_line_in_order(tmp_path: Path) -> None:
    """More calls than one slice are all there, in order, and the counts stand beside them."""
    waiting = Waiting(1 << 20)
    names = [f"r{k}" for k in range(500)]
    for name in [*names, "not this", "broken"]:
        waiting.put(record(name))
    writer = writer_in(tmp_path, waiting, sync_s=1.0)
    writer.start()
    assert writer.end(10)
    assert written(tmp_path) == "".join(f"{name}\n" for name in names).encode()
    counts = json.loads(next(tmp_path.glob("_counts-*")).read_bytes())
    n = len(names)
    assert counts == {
        "offered": n + 2,
        "written": n,
        "waiting": 0,
        "not_sampled": 1,
        "dropped": {"no line: KeyError": 1},
        "not_attached": {},
        "ended": True,
    }


@pytest.mark.parametrize(
    ("code", "reason"),
    [(errno.ENOSPC, "disk full"), (errno.EDQUOT, "disk full"), (errno.EIO, "disk error EIO")],
)
def test_lines_wait_for_a_disk_in_trouble(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, *, code: int, reason: str
) -> None:
    """What the disk refuses is written once it has room; the log says so once at each turn."""
    disk, waiting = Small(4, code=code), Waiting(1 << 20)
    writer = writer_in(tmp_path, waiting, disk.open)
    waiting.put(record("abcdef"))
    with caplog.at_level(logging.WARNING, logger="replaygate.capture"):
        for _ in range(3):
            writer.turn(last=False)
        assert (waiting.full_because, waiting.counts.waiting, written(tmp_path)) == (reason, 1, b"")
        disk.room = 1_000
        writer.turn(last=True)
    assert (waiting.full_because, waiting.counts.written, written(tmp_path)) == (FULL, 1, b"abcdef\n")
    assert [one.levelname for one in caplog.records] == ["WARNING", "WARNING"]


def test_a_folder_that_cannot_be_made_is_trouble_of_the_disk(tmp_path: Path) -> None:
    """A file stands where the folder should be: calls wait, nothing is raised."""
    (tmp_path / "file").write_bytes(b"")
    waiting = Waiting(1 << 20)
    waiting.put(record("a"))
    writer = writer_in(tmp_path / "file" / "folder", waiting)
    writer.turn(last=False)
    assert waiting.full_because == "disk error ENOTDIR"


def test_the_end_does_not_wait_for_a_stuck_disk(tmp_path: Path) -> None:
    """After its time the writer is left alone, and what it still writes is not counted."""
    disk, waiting = Stuck.anew(), Waiting(1 << 20)
    writer = writer_in(tmp_path, waiting, disk, sync_s=1.0)
    writer.start()
    waiting.put(record("a"))
    writer.wake.set()
    assert disk.reached.wait(10)
    assert not writer.end(0.01)
    assert waiting.give_up() == 1
    disk.released.set()
    assert writer.end(10)
    assert (waiting.counts.written, waiting.counts.waiting) == (0, 0)


def test_the_counts_are_there_before_the_first_line(tmp_path: Path) -> None:
    """Their block is taken while there is room: a disk that fills up later cannot refuse them."""
    seen: list[int] = []

    def opened(path: Path) -> Sink:
        seen.extend(one.stat().st_size for one in tmp_path.glob("_counts-*"))
        return Disk(path)

    waiting = Waiting(1 << 20)
    waiting.put(record("a"))
    writer_in(tmp_path, waiting, opened, sync_s=60.0).turn(last=False)
    assert seen == [BLOCK]


def test_a_writer_that_was_given_up_leaves_the_rest_to_another(tmp_path: Path) -> None:
    """Its disk was stuck as the recorder closed; once it goes on, later calls are not its own."""
    disk = Stuck.anew()
    waiting = Waiting(1 << 20)
    waiting.put(record("old"))
    writer = writer_in(tmp_path, waiting, disk)
    writer.start()
    assert disk.reached.wait(10)
    assert not writer.end(0)
    assert waiting.give_up() == 1
    for name in ("new", "not this", "broken"):
        waiting.put(record(name))
    disk.released.set()
    writer._thread.join(10)  # noqa: SLF001  -- `end` would have it as if it had not been given up
    assert written(tmp_path) == b"old\n"
    assert waiting.counts == Counts(offered=4, waiting=3, dropped={CLOSED: 1})


def test_a_call_that_was_given_up_while_its_line_was_made_is_counted_once(tmp_path: Path) -> None:
    """A large body takes longer than there is time at the end, and then has no line."""
    begun, go = threading.Event(), threading.Event()

    def slow(_: Call) -> bytes | None:
        begun.set()
        go.wait()
        raise LeftOutError

    waiting = Waiting(1 << 20)
    waiting.put(record("old"))
    tally = Tally(tmp_path, clock=lambda: 0)
    writer = Writer(waiting, lines_in(tmp_path), tally=tally, line=slow, sync_s=0.0)
    writer.start()
    assert begun.wait(10)
    assert not writer.end(0)
    assert waiting.give_up() == 1
    go.set()
    writer._thread.join(10)  # noqa: SLF001  -- `end` would have it as if it had not been given up
    assert waiting.counts == Counts(offered=1, dropped={CLOSED: 1})
