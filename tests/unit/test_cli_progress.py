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
    """Ten calls a second make a line every five, with share, rate, failures, lag and the time left."""
    assert LINE_EVERY_S == 5
    times = iter(range(200))
    with Watch(quiet=False, clock=lambda: 100 + next(times) / 10) as watch:
        for n in range(100):
            watch.progress(done(n + 1))
    assert capsys.readouterr().err.splitlines() == [
        "  parity: 1 of 200 (0%), 3 failed, lag 1.5 ms",
        "  parity: 51 of 200 (26%), 10/s, 3 failed, lag 1.5 ms, 15 s left",
    ]


def test_each_phase_has_its_own_rate(capsys: pytest.CaptureFixture[str]) -> None:
    """Measured from when it began, so a resumed phase that starts at 50 is not fast."""
    times = iter([0.0, 1.0, 10.0])
    with Watch(quiet=False, clock=lambda: next(times)) as watch:
        watch.progress(done(200))
        watch.progress(done(50, phase="latency"))
        watch.progress(done(95, phase="latency"))
    assert capsys.readouterr().err.splitlines()[-1].startswith("  latency: 95 of 200 (48%), 5/s")


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
