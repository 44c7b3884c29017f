"""A run as its page sees it from look to look: at work, cut, ended, or somewhere else."""

from __future__ import annotations

import shutil
from pathlib import Path

import msgspec
import pytest

from harness.errors import RunError
from harness.records import Attempt, State
from harness.replay.options import Progress
from harness.run.folder import LIVE
from harness.run.live import Beat, Live, encoded
from harness.ui.watching import Watching
from tests.kit import sample_report
from tests.kit.prepared import ready
from tests.kit.website import shown
from tests.unit.test_run_live import Heard


def test_a_run_at_work_shows_its_phase_with_its_lines(tmp_path: Path) -> None:
    """Of the phase under way the plan is known; what ended before stands apart; the limits are the gates'."""
    made = ready(tmp_path)
    root = made.folder.root
    journal = made.folder.outcomes("challenger") / "journal-0000.jsonl"
    journal.parent.mkdir(parents=True)
    attempts = [
        Attempt(seq=seq, phase=phase, target="challenger", attempt=1, state=state)
        for phase, state in (("parity", State.OK), ("latency", State.TIMEOUT))
        for seq in range(5)
    ]
    journal.write_bytes(msgspec.json.Encoder().encode_lines(attempts))
    with Beat(made.folder, Heard(), every_s=0.005) as beat:
        beat.progress(Progress(phase="latency", done=5, total=240, in_flight=0, failed=5, lag_ns=0))
        watching = Watching()
        while (seen := watching.look(root, "run")).live is None or not seen.share:
            pass
        ((course, (line,)),) = seen.under_way
        assert (seen.state, course.phase, course.n, line.planned) == ("working", "latency", 5, 240)
        assert (line.limit, line.standing) == (0.01, "over the line, whatever comes")
        assert [one.phase for one, _ in seen.over] == ["parity"]
        assert seen.budget_ms == made.loaded.budget_ms
    assert watching.look(root, "run").state == "cut"


def test_a_run_that_says_so_without_a_process_is_elsewhere(tmp_path: Path) -> None:
    """Its scenario may be of another version: it is seen all the same."""
    root = shown(tmp_path, "duo/1", sample_report.go())
    live = Live(pid=2**22 + 1, process="another machine 1", begun_at="", at="")
    (root / LIVE).write_bytes(encoded(live))
    assert Watching().look(root, "duo/1").state == "elsewhere"
    (root / LIVE).unlink()
    assert Watching().look(root, "duo/1").state == "ended"


def test_a_folder_that_is_gone_is_said(tmp_path: Path) -> None:
    """A run that failed before anything was sent clears its folder away."""
    with pytest.raises(RunError, match="no run here any more"):
        Watching().look(tmp_path / "gone", "gone")


def test_the_run_that_is_watched_is_not_read_again(tmp_path: Path) -> None:
    """However many others are looked at in between."""
    root = ready(tmp_path).folder.root
    (root / "outcomes" / "challenger").mkdir(parents=True)
    one = Attempt(seq=0, phase="parity", target="challenger", attempt=1, state=State.OK)
    (root / "outcomes" / "challenger" / "journal-0000.jsonl").write_bytes(msgspec.json.encode(one) + b"\n")
    watching = Watching()
    first = watching.look(root, "run").courses[0][0]
    for i in range(8):
        other = tmp_path / f"copy-{i}"
        other.mkdir()
        shutil.copy(root / "run.json", other)
        watching.look(other, other.name)
        assert watching.look(root, "run").courses[0][0] is first
