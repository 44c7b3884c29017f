"""What is to come, in words and tables."""

from __future__ import annotations

from typing import Literal

import pytest
from msgspec.structs import replace

from harness.records import Ahead, Estimate, MetricRow
from harness.report import outlook
from tests.kit.sample_quality import quality

OPEN = quality(identical=False)


def test_a_decision_ahead_is_told_in_requests_and_days() -> None:
    """What is still needed, not what is needed in all."""
    assert outlook.ahead_line(OPEN) == (
        "At this rate a decision (PASS) in about 3,572 more requests of 879 more units, about 7.5 days, "
        "were the estimate to stay."
    )
    without = replace(OPEN, ahead=Ahead(toward="FAIL", units=702, requests=2849, days=None))
    assert "in about 1 more request of 1 more unit, were" in outlook.ahead_line(without)


def test_nothing_ahead_is_no_line() -> None:
    """A test that is over, or has not begun, says nothing."""
    assert outlook.ahead_line(replace(OPEN, ahead=None)) == ""
    assert outlook.ahead_line(replace(OPEN, looks=())) == ""


def test_labels_are_followed_to_the_comparison() -> None:
    """From captured to compared, with those that wait and the watermark."""
    assert outlook.maturity_line(OPEN) == (
        "7,122 captured → 3,102 in scope → 2,848 matured → 2,848 compared · 254 not matured yet · "
        "mature up to 2026-11-15 06:10 UTC"
    )


@pytest.mark.parametrize(
    ("direction", "low", "high", "says"),
    [
        ("lower", -0.2, -0.1, "better"),
        ("lower", 0.1, 0.2, "worse"),
        ("higher", 0.1, 0.2, "better"),
        ("higher", -0.2, -0.1, "worse"),
        ("neither", 0.1, 0.2, "higher"),
        ("neither", -0.2, -0.1, "lower"),
        ("higher", -0.1, 0.2, "not told apart"),
        ("higher", 0.0, 0.0, "same"),
    ],
)
def test_a_difference_says_what_its_interval_shows(
    direction: Literal["higher", "lower", "neither"], low: float, high: float, says: str
) -> None:
    """By the direction of the metric, and nothing where 0 is within."""
    row = MetricRow(
        metric="m",
        direction=direction,
        arms={"champion": 1.0, "challenger": 1.0 + low},
        difference=Estimate(name="m", value=(low + high) / 2, lower=low, upper=high),
    )
    (cells,) = outlook.differences(replace(OPEN, metrics=(row,))).rows
    assert cells[-1] == says


def test_segments_are_a_forest() -> None:
    """One row a level, with the margin where there is one; nothing without segments."""
    svg = outlook.segments(OPEN)
    assert svg.count('class="range"') == 2
    assert ">margin<" in svg
    assert outlook.segments(replace(OPEN, segments=())) == ""
    assert ">margin<" not in outlook.segments(replace(OPEN, superiority=True))
