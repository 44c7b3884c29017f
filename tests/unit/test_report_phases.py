"""What a report says of the harness itself: bias, stops, torn passes, and the noise of the champion."""

from __future__ import annotations

import io

import pytest
from msgspec.structs import replace
from rich.console import Console

from harness import report as faces
from harness.records import Calibrated, NoiseRow, NoiseSummary, PhaseNote, Report
from harness.report import story
from tests.kit.sample_report import go

BIAS = Calibrated(
    rate=48,
    requests=288,
    bias_p50_ms=0.4,
    bias_p95_ms=1.72,
    send_lag_p99_ms=4.41,
    shed_share=0.0,
    rate_held=48,
    trusted=True,
    why="fine",
)
NOTE = PhaseNote(
    phase="rush",
    pace="recorded, speed 1",
    requests=723,
    targets=("champion", "challenger"),
    ran=True,
    open_loop=True,
    arms="apart: sharing this host makes them wait",
    stopped="circuit breaker: 200 errors of challenger in a row",
    blamed="challenger",
    torn=("rush", "rush~2"),
    calibration=BIAS,
)


def noisy(*rows: NoiseRow, compared: int = 712) -> Report:
    """A report whose champion was asked 712 requests twice."""
    found = NoiseSummary(target="champion", phase="parity", asked=712, compared=compared, rows=rows)
    return replace(go(), noise=found)


def test_a_phase_says_what_became_of_it() -> None:
    """Stopped, torn, apart and the harness's own part, a sentence each, under the phase's name."""
    stopped, torn, apart, bias = story.phase_lines(replace(go(), phases=(NOTE,)))
    assert stopped == "rush: STOPPED: circuit breaker: 200 errors of challenger in a row"
    assert torn.startswith("rush: rush and rush~2 cut by the end of an earlier process")
    assert apart == "rush: targets apart: sharing this host makes them wait"
    assert "bias p50 0.4 ms, p95 1.72 ms, send lag p99 4.41 ms" in bias
    assert "288 requests at 48/s and subtracted from nothing" in bias


def test_a_plain_phase_says_nothing() -> None:
    """A closed loop that ran through."""
    assert story.phase_lines(replace(go(), phases=(PLAIN,))) == []


PLAIN = PhaseNote(phase="parity", pace="saturate", requests=9, targets=("a",), ran=True)


def test_what_was_not_measured_is_a_dash_and_why_latency_is_not_judged() -> None:
    """None is no number, and distrust has its reason."""
    found = replace(BIAS, bias_p50_ms=None, bias_p95_ms=None, trusted=False, why="the stub did not start")
    line = story.calibration_line(found)
    assert "bias p50 –, p95 –" in line
    assert line.endswith("latency is not judged: the stub did not start")


@pytest.mark.parametrize(
    ("report", "line"),
    [
        (
            noisy(NoiseRow(field="age", differ=14, n=712, rate=0.0197, lower=0.0108, upper=0.0328)),
            (
                "champion, asked 712 requests twice: age is not deterministic, 14 of 712 differ "
                "(1.97 %, 1.08 % to 3.28 % at 95 %)."
            ),
        ),
        (
            noisy(NoiseRow(field="age", differ=0, n=712, rate=0.0, lower=0.0, upper=0.00517)),
            "champion, asked 712 requests twice: the same answer each time (noise at most 0.517 % at 95 %).",
        ),
        (
            noisy(compared=0),
            "champion, asked 712 requests twice: answered none of them twice, so its noise is not known.",
        ),
    ],
    ids=["moves", "stands still", "never answered"],
)
def test_noise_is_told_with_its_numbers(report: Report, line: str) -> None:
    """A field that moves by name; else the most that its noise can be; nothing known is said to be so."""
    assert story.noise_lines(report) == [line]
    assert story.noise_lines(go()) == []


def test_every_rendering_says_it() -> None:
    """Terminal, Markdown and HTML."""
    row = NoiseRow(field="age", differ=14, n=712, rate=0.0197, lower=0.0108, upper=0.0328)
    report = replace(noisy(row), phases=(NOTE,))
    drawn = io.StringIO()
    faces.terminal(report, Console(file=drawn, width=400))
    for text in (drawn.getvalue(), faces.markdown(report), faces.html(report)):
        assert "not deterministic" in text
        assert "subtracted from nothing" in text
        assert "STOPPED: circuit breaker" in text
