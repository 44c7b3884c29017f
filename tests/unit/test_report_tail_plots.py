"""The tail of response times: its sentence, its arms, its budget."""

from __future__ import annotations

from msgspec.structs import replace

from harness.report import tail_plots
from tests.kit.sample_report import invalid, no_go


def test_the_tail_names_each_arm_and_the_budget() -> None:
    """One picture for the judged phase; the closed loop is not drawn."""
    (picture,) = tail_plots.pictures(no_go())
    assert picture.title == "rush: champion p95 3.77 ms and challenger p95 4.03 ms, budget 120 ms"
    assert "n = 723 requests an arm" in picture.caption
    for svg in (picture.wide, picture.narrow):
        assert "budget 120 ms" in svg
        assert {"#0072B2", "#D55E00"} <= {part[:7] for part in svg.split('stroke="')}


def test_nothing_measured_is_nothing_drawn() -> None:
    """No latency, or a report of a version without distributions."""
    assert tail_plots.pictures(invalid()) == []
    bare = tuple(replace(item, curve=()) for item in no_go().latency)
    assert tail_plots.pictures(replace(no_go(), latency=bare)) == []


def test_without_a_budget_there_is_no_line() -> None:
    """The curves stand alone."""
    (picture,) = tail_plots.pictures(replace(no_go(), budget_ms=None))
    assert "budget" not in picture.title + picture.wide
