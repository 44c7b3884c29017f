"""Which phases run, and when a NO-GO is certain enough to send no more."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from harness.errors import ScenarioError
from harness.records import PairSummary, SinglesCheck
from harness.run.comparing import Compared
from harness.run.deciding import DISAGREEMENTS
from harness.run.replaying import Plan
from harness.run.stopping import certain_no_go
from harness.scenario import Loaded, load
from harness.scenario.document import EXAMPLE
from tests.kit import small
from tests.kit.prepared import ready

SUMMARY = PairSummary(
    left="offline:m",
    right="challenger",
    compared=100,
    feature_mismatches=5,
    score_mismatches=3,
    flips=2,
    nondeterministic=0,
    units=10,
    units_mismatching=4,
)
MINE = Compared(summary=SUMMARY, against="offline", under_test=True)
REPLACE = msgspec.structs.replace


@pytest.fixture
def loaded(tmp_path: Path) -> Loaded:
    """A challenger and a champion, the second phase to one of them only."""
    champion = '\n[targets.champion]\nkind = "http"\nurl = "http://127.0.0.1:1/"\n'
    phases = '\n[[phases]]\nname = "a"\n[[phases]]\nname = "b"\ntargets = ["challenger"]\n'
    (tmp_path / "scenario.toml").write_text(EXAMPLE + champion + phases, encoding="utf-8")
    return load(tmp_path)


def test_all_phases_run_unless_some_are_named(loaded: Loaded) -> None:
    """And only targets of chosen phases are probed and started."""
    a, b = loaded.scenario.phases
    assert [Plan(loaded).chosen(p) for p in (a, b)] == [True, True]
    assert Plan(loaded).targets() == ["challenger", "champion"]
    only = Plan(loaded, ("b",))
    assert [only.chosen(p) for p in (a, b)] == [False, True]
    assert only.targets() == ["challenger"]


def test_a_phase_that_is_not_there_is_refused(loaded: Loaded) -> None:
    """Before anything is loaded."""
    with pytest.raises(ScenarioError, match=r"no phase 'c'.*one of a, b"):
        Plan(loaded, ("a", "c"))


def test_a_certain_no_go_needs_a_reference_and_writes_nothing(tmp_path: Path) -> None:
    """A void offline reference proves nothing; asking leaves no file behind."""
    run = ready(tmp_path)
    answers = small.answers()
    for i in range(40):
        answers[small.request_id(i)]["score"] += 0.01
    run.answer("challenger", answers)
    before = {p: p.stat().st_mtime_ns for p in run.folder.root.rglob("*")}
    assert "40 requests" in certain_no_go(run.loaded, run.folder, captured=small.REQUESTS)
    assert {p: p.stat().st_mtime_ns for p in run.folder.root.rglob("*")} == before
    run.folder.save(DISAGREEMENTS, {"model": SinglesCheck(checked=10, found=("request seq 0",))})
    assert certain_no_go(run.loaded, run.folder, captured=small.REQUESTS) == ""
