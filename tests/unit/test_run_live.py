"""`live.json`: there while a run is at work, true about its process, and gone afterwards."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from harness.errors import RunError
from harness.replay.options import Progress
from harness.run import live
from harness.run.folder import LIVE, RunFolder


class Heard:
    """A watcher that remembers."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.done: list[Progress] = []

    def say(self, text: str) -> None:
        """One line about a stage."""
        self.said.append(text)

    def progress(self, done: Progress) -> None:
        """How far a phase is."""
        self.done.append(done)


def test_a_run_at_work_says_so_and_hands_on_what_it_is_told(tmp_path: Path) -> None:
    """The first word is there at once; this process holds the folder; nothing stays."""
    heard = Heard()
    with live.Beat(RunFolder(tmp_path), heard, every_s=0.01) as beat:
        first = live.read(tmp_path)
        assert first is not None
        assert (first.pid, first.phase, live.at_work(tmp_path, first)) == (os.getpid(), "", True)
        assert not live.gone(first)
        beat.say("comparing")
        beat.progress(Progress(phase="parity", done=5, total=9, in_flight=2, failed=1, lag_ns=2_500_000))
        while (now := live.read(tmp_path)) is None or now.total == 0:
            pass
        assert (now.said, now.phase, now.done, now.total, now.failed) == (("comparing",), "parity", 5, 9, 1)
        assert (now.in_flight, now.lag_ms) == (2, 2.5)
    assert (heard.said, [one.done for one in heard.done]) == (["comparing"], [5])
    assert list(tmp_path.iterdir()) == []
    assert not live.at_work(tmp_path, first)


def test_the_file_is_gone_however_the_run_ends(tmp_path: Path) -> None:
    """An error is as good as an end."""
    with pytest.raises(KeyboardInterrupt), live.beating(RunFolder(tmp_path), Heard()):
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_cannot_be_taken_away_hides_no_error_and_holds_nothing(tmp_path: Path) -> None:
    """The run's own error is told, and its folder is not held open any more."""
    (tmp_path / LIVE).mkdir()
    me = live.Live(pid=os.getpid(), process=live.identity(os.getpid()), begun_at="", at="")
    with pytest.raises(KeyboardInterrupt), live.beating(RunFolder(tmp_path), Heard()):  # noqa: PT012  -- held inside
        assert live.at_work(tmp_path, me)
        raise KeyboardInterrupt
    assert not live.at_work(tmp_path, me)


def test_a_folder_that_is_taken_away_stops_nobody(tmp_path: Path) -> None:
    """The run goes on without telling."""
    folder = tmp_path / "run"
    folder.mkdir()
    with live.Beat(RunFolder(folder), Heard(), every_s=0.001) as beat:
        shutil.rmtree(folder, ignore_errors=True)
        beat.say("still here")
    assert not (folder / LIVE).exists()


@pytest.mark.parametrize("text", [b"", b"{", b"[]", b'{"pid": "1"}', b"\xff"])
def test_what_cannot_be_read_says_nothing(tmp_path: Path, text: bytes) -> None:
    """Half a file, another file, no file."""
    (tmp_path / LIVE).write_bytes(text)
    assert live.read(tmp_path) is None
    assert live.read(tmp_path / "none") is None


@pytest.mark.parametrize("pid", [-1, 0, 1, 2**22 + 1])
def test_nobody_is_stopped_who_cannot_be_a_run(tmp_path: Path, pid: int) -> None:
    """Not a group of processes, not the first one, not one that is not there."""
    forged = live.Live(pid=pid, process="", begun_at="", at="")
    (tmp_path / LIVE).write_bytes(live.encoded(forged))
    assert not live.at_work(tmp_path, forged)
    with pytest.raises(RunError, match="no process of yours"):
        live.stop(tmp_path)


def test_a_run_of_this_machine_that_was_killed_is_told_from_one_elsewhere(tmp_path: Path) -> None:
    """By this start of the machine and this number space."""
    here = live.identity(os.getpid())
    dead = live.Live(pid=2**22 + 1, process=here.rpartition(" ")[0] + " 1", begun_at="", at="")
    elsewhere = live.Live(pid=os.getpid(), process="another machine 1", begun_at="", at="")
    assert (live.gone(dead), live.gone(elsewhere)) == (True, False)
    assert live.identity(2**22 + 1) == ""
    assert not live.at_work(tmp_path, elsewhere)


def test_live_json_is_no_artefact(tmp_path: Path) -> None:
    """A run that was killed leaves one behind and is whole all the same."""
    folder = RunFolder(tmp_path)
    folder.save("run.json", {})
    (tmp_path / LIVE).write_bytes(b"{}")
    folder.verify()
