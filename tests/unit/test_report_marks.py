"""Drawings by hand: what they draw stands where the numbers say, and texts in them are escaped."""

from __future__ import annotations

import re

import pytest

from harness.records import Estimate, ScoreCell, ScoreGrid, TimeBins
from harness.report import marks
from tests.kit.sample_parts import differing

HOSTILE = '"><script>alert(1)</script>'


def _estimate(value: float, low: float, high: float) -> Estimate:
    return Estimate(name="x", value=value, lower=low, upper=high)


def test_bars_are_as_high_as_their_share_of_the_top() -> None:
    """Half of the top is half of the box; what is nothing or unknown has no bar, what is above is cut."""
    svg = marks.spark([0.1, None, 0.0, 0.4], top=0.2, described="over time")
    assert re.findall(r"M([\d.]+),100v-([\d.]+)h([\d.]+)", svg) == [
        ("0.0", "50.0", "25.0"),
        ("75.0", "100.0", "25.0"),
    ]
    assert 'aria-label="over time"' in svg


def test_nothing_is_a_line() -> None:
    """No value, or no top, leaves the base line alone."""
    assert 'class="bars"' not in marks.spark([], top=0.0, described="")
    assert 'class="bars"' not in marks.spark([0.0, 0.0], top=1.0, described="")


def test_shares_are_of_the_requests_of_each_bin() -> None:
    """A bin in which nothing was compared has no share."""
    field = differing("hour", 50)
    time = TimeBins(start="2025-01-01T00:00:00Z", step_s=60.0, compared=(10, 0, 5))
    assert marks.shares(field, time) == [0.5, None, 1.0]


def test_a_forest_stands_in_order_of_its_numbers() -> None:
    """Lower, value and upper from left to right in each row, the goal between those it parts."""
    rows = [("a", _estimate(-1.0, -2.0, -0.5)), ("b", _estimate(1.0, 0.5, 2.0))]
    svg = marks.forest(rows, goals=[(0.0, "0")])
    ranges = [tuple(map(float, r)) for r in re.findall(r'class="range" x1="([\d.]+)%" x2="([\d.]+)%"', svg)]
    dots = [float(x) for x in re.findall(r'class="dot" cx="([\d.]+)%"', svg)]
    (goal,) = (float(x) for x in re.findall(r'class="goal" x1="([\d.]+)%"', svg))
    for (low, high), dot in zip(ranges, dots, strict=True):
        assert low < dot < high
    assert ranges[0][1] < goal < ranges[1][0]
    assert goal == pytest.approx((marks.LEFT + marks.RIGHT) / 2, abs=0.01)


def test_a_heat_map_has_its_cells_where_the_scores_are() -> None:
    """Low scores are in the lower left corner; a flip is ringed in its cell."""
    cells = (
        ScoreCell(left=0, right=0, requests=9, flips=0),
        ScoreCell(left=1, right=0, requests=1, flips=1),
    )
    grid = ScoreGrid(low=0.0, high=1.0, size=2, cells=cells, threshold=0.5)
    svg = marks.heat(grid, names=("offline", "challenger"), described="scores")
    drawn = re.findall(r'class="cell" x="([\d.]+)" y="([\d.]+)" .*? fill-opacity="([\d.]+)"', svg)
    assert drawn[0] == ("0.0", "150.0", "1.0")
    assert drawn[1][:2] == ("150.0", "150.0")
    assert re.findall(r'class="flip" cx="([\d.]+)" cy="([\d.]+)"', svg) == [("225.0", "225.0")]
    assert 'class="threshold" d="M150.0,0V300.0M0,150.0H300.0"' in svg


def test_a_threshold_outside_is_not_drawn() -> None:
    """Scores of one value, or a threshold beyond them, have no line."""
    cells = (ScoreCell(left=0, right=0, requests=1, flips=0),)
    for grid in (
        ScoreGrid(low=7.0, high=7.0, size=2, cells=cells, threshold=0.5),
        ScoreGrid(low=0.0, high=1.0, size=2, cells=cells),
    ):
        assert 'class="threshold"' not in marks.heat(grid, names=("a", "b"), described="")


def test_texts_are_escaped() -> None:
    """Names of segments and arms stay text."""
    grid = ScoreGrid(low=0.0, high=1.0, size=1, cells=())
    for svg in (
        marks.forest([(HOSTILE, _estimate(0.0, -1.0, 1.0))], goals=[(0.0, HOSTILE)]),
        marks.heat(grid, names=(HOSTILE, HOSTILE), described=HOSTILE),
        marks.spark([1.0], top=1.0, described=HOSTILE),
    ):
        assert "<script" not in svg
