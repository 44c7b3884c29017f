"""What goes to standard output: whole or on one line, wide enough for a file, and safe to walk away from."""

from __future__ import annotations

import io
import os
from pathlib import Path

import pytest

from harness.cli.output import WIDTH, Ending, complain, screen, show
from harness.records import EXIT_CODES, Decision, Report, Word


def report(word: Word) -> Report:
    """A report with nothing but its decision."""
    decision = Decision(word=word, exit_code=EXIT_CODES[word], headline="[red]because[/red]")
    return Report(
        scenario="s", run_id="r", created_at="t", as_of="t", version="0", decision=decision, gates=()
    )


@pytest.mark.parametrize(
    ("word", "wait_as", "code"),
    [("GO", 7, 0), ("NO-GO", 7, 10), ("INVALID", 7, 30), ("WAIT", 7, 7), ("WAIT", 20, 20)],
)
def test_quiet_is_one_line_and_only_wait_is_mapped(
    word: Word, wait_as: int, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """The word, why, and where the report is, as they are: no markup is obeyed, no line is wrapped."""
    root = Path("results") / ("x" * 200)
    ending = Ending(quiet=True, as_of=None, wait_as=wait_as)
    assert show(report(word), root, ending=ending) == code
    assert capsys.readouterr().out == f"{word}: [red]because[/red] ({root}/report.json)\n"


def test_the_whole_verdict_ends_with_its_files(capsys: pytest.CaptureFixture[str]) -> None:
    """The terminal rendering comes first, then a path a line."""
    show(report("WAIT"), Path("results/s/r"), ending=Ending(quiet=False, as_of=None, wait_as=20))
    lines = capsys.readouterr().out.splitlines()
    assert any("WAIT" in line for line in lines)
    assert [line.strip() for line in lines[-3:]] == [
        f"results/s/r/report.{k}" for k in ("html", "md", "json")
    ]


def test_a_file_is_as_wide_as_a_page(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no terminal says how wide it is, tables get room; COLUMNS still decides."""
    monkeypatch.delenv("COLUMNS", raising=False)
    assert screen(io.StringIO()).width == WIDTH
    monkeypatch.setenv("COLUMNS", "60")
    assert screen(io.StringIO()).width == 60


def test_a_console_outlives_its_reader() -> None:
    """Rich would exit with 1 when the pipe is gone; this one goes quiet."""
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as file:
        console = screen(file)
        console.print("x" * 100_000)
        console.print("more")
        assert console.quiet


def test_an_error_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    """Line breaks in a message become blanks."""
    complain("a\n b", hint="Try.")
    assert capsys.readouterr().err == "error: a b Try.\n"
