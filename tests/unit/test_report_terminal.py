"""The terminal: plain where there is no terminal, within its width, harmless whatever a capture holds."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from msgspec.structs import replace
from rich.console import Console

from harness import report as faces
from harness.records import Report
from tests.kit.sample_report import ALL, GOLDEN, fifty, go, hostile, no_go, screen, wait


def _printed(report: Report, *, width: int = 100, folder: Path | None = None, colour: bool = False) -> str:
    out = io.StringIO()
    console = Console(
        file=out, width=width, force_terminal=colour, color_system="truecolor" if colour else None
    )
    faces.terminal(report, console, folder=folder)
    return out.getvalue()


@pytest.mark.parametrize("name", ALL)
def test_the_screen_is_the_golden_one(name: str) -> None:
    """At 100 columns without colour the screen is the one that was read and kept."""
    golden = (GOLDEN / f"{name}.txt").read_text(encoding="utf-8")
    assert screen(ALL[name]()) == golden


@pytest.mark.parametrize("width", [80, 100, 160])
@pytest.mark.parametrize("name", ALL)
def test_no_line_is_wider_than_the_screen(name: str, width: int) -> None:
    """Every line fits; no escape code is written where there is no terminal."""
    text = _printed(ALL[name](), width=width)
    assert max(map(len, text.splitlines())) <= width
    assert "\x1b" not in text
    assert "\u202e" not in text


def test_the_verdict_comes_first() -> None:
    """The word and the headline stand in the first lines, with the exit code in the frame."""
    lines = _printed(no_go()).splitlines()
    assert "■ NO-GO" in lines[2]
    assert any("exit code 10" in line for line in lines[:14])


def test_colour_is_for_terminals() -> None:
    """On a terminal the verdict is coloured, and the words are the same."""
    text = _printed(no_go(), colour=True)
    assert "\x1b[" in text
    assert "NO-GO" in text


def test_a_capture_cannot_write_markup_or_escapes() -> None:
    """Markup of rich and escape codes in names are shown, not obeyed, even on a terminal."""
    text = _printed(hostile(), colour=True, width=400)
    assert r"\x1b[31m" in text
    assert "\x1b[31m" not in text
    assert "[@octocat]" in text


def test_five_findings_are_shown_and_the_rest_counted() -> None:
    """The sixth finding is left to the Markdown page."""
    text = _printed(fifty())
    assert "5. challenger" in text
    assert "6. challenger" not in text
    assert "and 35 more in report.md" in text


@pytest.mark.parametrize(("name", "most"), [("go", 43), ("no_go", 47)])
@pytest.mark.parametrize("width", [80, 100])
def test_the_screen_is_short(name: str, most: int, width: int) -> None:
    """A page of a CI log: growth by a section shows here."""
    assert len(_printed(ALL[name](), width=width).splitlines()) <= most


@pytest.mark.parametrize("width", [80, 100])
def test_names_and_figures_of_gates_stay_whole(width: int) -> None:
    """Rulings, values and words of arms are broken at neither width; the arm under test is not named."""
    text = _printed(no_go(), width=width)
    for whole in ("feature parity  ", "vs offline  ", "recorded vs", "85.9 %", "≤ 120 ms", "▲ UNDECIDED"):
        assert whole in text
    assert ("future ≤ 86.4 %" in text) == (width == 100)


def test_passing_advisory_gates_are_counted() -> None:
    """An open advisory gate has its row, a passing one is only counted."""
    text = _printed(no_go())
    assert "(advisory)" in text
    assert "1 advisory gate PASS (in report.html)" in text
    assert "champion vs offline" not in text


def test_reasons_are_given_once() -> None:
    """A failing gate's reason stands in the box or under the table, a passing one's nowhere."""
    text = _printed(no_go(), width=160)
    assert text.count("6,120 of 7,122 requests (85.93 %) have a feature") == 1
    assert "All 7,122 answers name model" not in text
    assert "▲ UNDECIDED latency p95, challenger, rush: " in _printed(wait(), width=160)


def test_what_was_not_measured_is_said() -> None:
    """Without a judged phase there is no latency, however fast the closed loop was."""
    timed = tuple(item for item in no_go().latency if not item.judged)
    assert timed
    text = _printed(replace(no_go(), latency=timed))
    assert "Latency: not measured" in text
    assert "p95" not in text.split("Latency: not measured")[1]


def test_identical_arms_need_no_metrics() -> None:
    """Identity is one line in place of the metrics and the looks."""
    text = _printed(go())
    assert "Scores and decisions are identical: label guardrails pass by identity." in text
    assert "log loss" not in text


@pytest.mark.parametrize("width", range(80, 120))
def test_per_cent_stays_with_its_number(width: int) -> None:
    """No line of a sentence begins with the sign of the number before it."""
    lines = _printed(no_go(), width=width).splitlines()
    assert not [line for line in lines if line.lstrip("│ ").startswith("%")]


@pytest.mark.parametrize(
    ("budget", "head"), [(120.0, "over 120 ms"), (2000.0, "over 2,000 ms"), (1500.5, "over 1,500 ms")]
)
def test_a_budget_of_thousands_is_one_heading(budget: float, head: str) -> None:
    """The comma of thousands parts no columns: every row has a cell to each head."""
    report = replace(fifty(), budget_ms=budget)
    lines = [line.split() for line in _printed(report, width=160).splitlines()]
    heads = next(line for line in lines if "p99" in line and "lag" in line)
    assert " ".join(heads).endswith(f"{head} failed")
    assert [line[-2:] for line in lines if line[:2] == ["rush", "challenger"]] == [["231", "0"]]


def test_paths_are_named_when_the_folder_is() -> None:
    """The reports' paths are printed when the run's folder is given, and only then."""
    assert "runs/7/report.html" in _printed(no_go(), folder=Path("runs/7"))
    assert "report.json" not in _printed(no_go())
