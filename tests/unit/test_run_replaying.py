"""Which phases run."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from harness.errors import ScenarioError
from harness.records import PairSummary
from harness.run.comparing import Compared
from harness.run.replaying import Plan
from harness.scenario import Loaded, load
from harness.scenario.document import EXAMPLE

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
