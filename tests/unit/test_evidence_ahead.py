"""How far an open test is from its end, at the rate of its looks."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from harness.evidence.ahead import ahead
from harness.records import Ahead, Look, Ruling
from tests.kit.some_evidence import look

MARGIN: dict[Ruling, float] = {"PASS": 0.01, "FAIL": 0.0}
BETTER: dict[Ruling, float] = {"PASS": 0.0, "FAIL": 0.0}


def _looks(**changes: float) -> list[Look]:
    """Two looks ten days apart, 100 and 200 units of two requests each, open."""
    last = look("2026-03-11T00:00:00Z", units=200, n=400, ruling="UNDECIDED", **changes)
    return [replace(last, as_of="2026-03-01T00:00:00Z", units=100, n=200), last]


@pytest.mark.parametrize(
    ("estimate", "goals", "expected"),
    [
        # a bound .02 away, a goal .01 away: four times the units, 600 more at 10 a day
        (0.0, MARGIN, Ahead(toward="PASS", units=800, requests=1600, days=60.0)),
        (-0.01, MARGIN, Ahead(toward="PASS", units=200, requests=400, days=0.0)),
        (0.01, MARGIN, Ahead(toward="FAIL", units=800, requests=1600, days=60.0)),
        (-0.01, BETTER, Ahead(toward="PASS", units=800, requests=1600, days=60.0)),
        (0.01, BETTER, Ahead(toward="FAIL", units=800, requests=1600, days=60.0)),
    ],
)
def test_units_grow_with_the_square_of_the_distance(
    estimate: float, goals: dict[Ruling, float], expected: Ahead
) -> None:
    """The nearest goal on the right side of the estimate is the one that is waited for."""
    found = ahead(_looks(estimate=estimate, lower=estimate - 0.02, upper=estimate + 0.02), goals=goals)
    assert found is not None
    assert found.toward == expected.toward
    assert found.days == pytest.approx(expected.days, abs=0.2)
    assert found.units == pytest.approx(expected.units, abs=1)
    assert found.requests == pytest.approx(expected.requests, abs=2)


@pytest.mark.parametrize(
    "change",
    [{"ruling": "PASS"}, {"final": True}, {"refused": "too few units"}, {"estimate": None}, {"units": 0}],
)
def test_a_test_that_is_not_open_has_nothing_ahead(change: dict[str, object]) -> None:
    """Ended, refused or without an estimate: no number is made up."""
    first, last = _looks(estimate=0.0, lower=-0.02, upper=0.02)
    assert ahead([first, replace(last, **change)], goals=MARGIN) is None


def test_no_end_in_sight_is_not_a_number() -> None:
    """An estimate at the goal, or so near that a million units would not do, gives nothing."""
    assert ahead(_looks(estimate=0.0, lower=-0.02, upper=0.02), goals=BETTER) is None
    assert ahead(_looks(estimate=-1e-9, lower=-0.02, upper=0.02), goals=BETTER) is None
    assert ahead([], goals=MARGIN) is None


def test_days_need_two_looks() -> None:
    """One look says how many units are needed, and nothing of when they come."""
    found = ahead(_looks(estimate=0.0, lower=-0.02, upper=0.02)[1:], goals=MARGIN)
    assert found is not None
    assert found.days is None
