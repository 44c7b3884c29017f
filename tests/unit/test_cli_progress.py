"""What a person sees of a run: lines on standard error, a bar on a terminal, nothing when quiet."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from harness.cli.progress import LINE_EVERY_S, Watch
from harness.replay.engine import Progress


def done(n: int, *, phase: str = "parity") -> Progress:
    """How far a phase of 200 is."""
    return Progress(phase=phase, done=n, total=200, in_flight=4, failed=3, lag_ns=1_500_000)


def test_lines_go_to_standard_error_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    """No markup is obeyed and no long line is wrapped."""
    with Watch(quiet=False) as watch:
        watch.say("[bold]target[/bold] " + "x" * 300)
    out, err = capsys.readouterr()
    assert (out, err) == ("", "[bold]target[/bold] " + "x" * 300 + "\n")


def test_quiet_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    """Neither stages nor progress."""
    with Watch(quiet=True) as watch:
        watch.say("stage")
        watch.progress(done(1))
    assert capsys.readouterr() == ("", "")


def test_without_a_terminal_a_line_comes_now_and_then(capsys: pytest.CaptureFixture[str]) -> None:
    """Many calls in a moment are one line, with share, failures and lag."""
    assert LINE_EVERY_S > 1
    with Watch(quiet=False) as watch:
        for n in range(100):
            watch.progress(done(n + 1))
    assert capsys.readouterr().err == "  parity: 1 of 200 (0%), 3 failed, lag 1.5 ms\n"


def test_on_a_terminal_a_bar_is_drawn_and_taken_away() -> None:
    """One bar a phase; a line between takes it away first, and so does the end."""
    drawn = io.StringIO()
    with Watch(quiet=False, console=Console(file=drawn, force_terminal=True)) as watch:
        watch.progress(done(50))
        watch.progress(done(60, phase="latency"))
        watch.say("comparing")
    assert "parity" in drawn.getvalue()
    assert "latency" in drawn.getvalue()
    assert drawn.getvalue().rstrip().endswith("comparing")
