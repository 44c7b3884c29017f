"""How far a run came before it was cut, and whether it may be taken up again."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from harness.errors import RunError, ScenarioError
from harness.records import Attempt, PhaseNote, State
from harness.run.deciding import PHASES
from harness.run.folder import CHOSEN, Chosen, RunFolder
from harness.run.resuming import (
    SO_FAR,
    begin,
    check_begun,
    check_may_resend,
    is_finished,
    journalled,
    journalled_passes,
    notes_so_far,
)
from harness.scenario import load
from harness.scenario.document import EXAMPLE

SAFE = "\n[safety]\nidempotent = true\n"
NOTE = PhaseNote(phase="parity", pace="saturate", requests=9, targets=("a",), ran=True)


@pytest.mark.parametrize("name", [SO_FAR, PHASES, "outcomes/champion/journal-0000.jsonl"])
def test_a_run_that_began_to_send_may_be_taken_up(name: str, tmp_path: Path) -> None:
    """Once all was there to be sent; a run of an earlier version once a journal was begun."""
    folder = RunFolder(tmp_path)
    folder.save(CHOSEN, Chosen(build="b1"))  # what was asked for is written before anything is prepared
    with pytest.raises(RunError, match=r"cut before anything was sent.*replaygate run"):
        check_begun(tmp_path)
    folder.write(b"[]", tmp_path / name)
    check_begun(tmp_path)


def test_a_run_begins_with_no_phase_ended(tmp_path: Path) -> None:
    """It may be taken up, and has all to send."""
    folder = RunFolder(tmp_path)
    begin(folder)
    check_begun(tmp_path)
    assert notes_so_far(folder) == {}


def test_a_run_is_finished_once_its_phases_are_written(tmp_path: Path) -> None:
    """And not by those that have ended so far."""
    folder = RunFolder(tmp_path)
    folder.save(SO_FAR, (NOTE,))
    assert not is_finished(folder)
    folder.save(PHASES, (NOTE,))
    assert is_finished(folder)


def test_phases_that_had_ended_are_known_by_name(tmp_path: Path) -> None:
    """None before the first has."""
    folder = RunFolder(tmp_path)
    assert notes_so_far(folder) == {}
    folder.save(SO_FAR, (NOTE,))
    assert notes_so_far(folder) == {"parity": NOTE}


def test_the_word_counts_that_the_run_knew_or_that_its_file_says_by_now(tmp_path: Path) -> None:
    """A run made without it is refused until it is written into the same file; with it, none is needed."""
    file = tmp_path / "scenario.toml"
    file.write_text(EXAMPLE, encoding="utf-8")
    without = load(tmp_path)
    with pytest.raises(ScenarioError, match=r"idempotent = true under \[safety\]"):
        check_may_resend(without, public=())
    file.write_text(EXAMPLE + SAFE, encoding="utf-8")
    check_may_resend(without, public=())
    known = load(tmp_path)
    file.unlink()
    check_may_resend(known, public=())
    with pytest.raises(ScenarioError, match="does not allow"):
        check_may_resend(without, public=())


def test_journals_are_read_as_one(tmp_path: Path) -> None:
    """Those that are there, each pass once."""
    lines = [
        Attempt(seq=k, phase=phase, target="a", attempt=1, state=State.OK)
        for k, phase in enumerate(["parity", "latency", "parity", "latency~2"])
    ]
    journal = tmp_path / "j"
    journal.write_bytes(b"".join(msgspec.json.encode(line) + b"\n" for line in lines))
    paths = [tmp_path / "none", journal]
    assert [one.seq for one in journalled(paths)] == [0, 1, 2, 3]
    assert journalled_passes(paths) == ["parity", "latency", "latency~2"]
