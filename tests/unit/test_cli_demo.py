"""The demonstration: every act must come to its expected verdict, or the command fails."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from harness.cli import demo
from harness.cli.output import screen
from harness.errors import UsageError
from harness.records import EXIT_CODES, Decision, Word


@pytest.mark.parametrize(
    ("word", "quick", "right"),
    [
        ("GO", False, True),
        ("WAIT", True, True),
        ("WAIT", False, False),
        ("GO", True, False),
        ("NO-GO", False, False),
    ],
)
def test_the_healthy_build_must_go_or_wait_for_latency(word: Word, *, quick: bool, right: bool) -> None:
    """What it came to is said with the code of the run and the paths of its report."""
    out = io.StringIO()
    decision = Decision(word=word, exit_code=EXIT_CODES[word], headline="")
    act = demo.ACTS[0]
    assert demo._conclude(act, Path("r"), decision, quick=quick, console=screen(out)) is right  # noqa: SLF001  -- the rule of the demonstration
    line, *paths = out.getvalue().splitlines()
    assert ("NOT as expected" in line) is not right
    assert line.endswith(f"exits with {EXIT_CODES[word]}")
    assert [path.strip() for path in paths] == ["r/report.html", "r/report.md", "r/report.json"]


def test_an_unknown_demonstration_is_told_with_those_that_exist(tmp_path: Path) -> None:
    """Nothing is started and no folder is made."""
    with pytest.raises(UsageError) as caught:
        demo.demonstrate("nothing", quick=True, results=tmp_path / "results", console=screen(io.StringIO()))
    assert "duo_acceptance" in caught.value.sentence()
    assert not (tmp_path / "results").exists()


def test_scenarios_of_ones_own_do_not_hide_the_demonstration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder `scenarios` without it is passed over; one that has it is used."""
    monkeypatch.chdir(tmp_path)
    mine = tmp_path / "scenarios" / "duo_acceptance"
    mine.mkdir(parents=True)
    assert demo.place("duo_acceptance") == demo.CHECKOUT / "scenarios" / "duo_acceptance"
    for act in demo.ACTS:
        (mine / act.file).touch()
    assert demo.place("duo_acceptance") == Path("scenarios") / "duo_acceptance"
    assert demo.place("nothing") is None


def test_both_acts_are_scenarios_of_the_checkout() -> None:
    """The demonstration names files that are there."""
    folder = demo.CHECKOUT / "scenarios" / "duo_acceptance"
    assert [act.file for act in demo.ACTS if not (folder / act.file).is_file()] == []
