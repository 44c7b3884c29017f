"""Places by hand: mean label, what to expect there, and the difference with what the model has wrong."""

import numpy as np
import pytest

from harness.diagnosis.concept_places import places


def side(value: float, rows: int, *, positives: int, expected: float, start: int) -> tuple[np.ndarray, ...]:
    """So many rows of one value, each a unit."""
    label = (np.arange(rows) < positives).astype(float)
    return np.full(rows, value), label, np.full(rows, expected), np.arange(rows) + start


def both(*parts: tuple[np.ndarray, ...]) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Rows of several values."""
    value, label, expected, unit = (np.concatenate(each) for each in zip(*parts, strict=True))
    return value, label, expected, unit


THERE = both(
    side(1.0, 100, positives=30, expected=0.2, start=0), side(2.0, 100, positives=40, expected=0.4, start=100)
)
HERE = both(
    side(1.0, 100, positives=30, expected=0.2, start=200),
    side(2.0, 50, positives=40, expected=0.4, start=300),
    side(9.0, 40, positives=10, expected=0.5, start=400),
    side(np.nan, 10, positives=5, expected=0.5, start=500),
)


def test_by_hand() -> None:
    """The model is .1 too low at 1 and right at 2; at 9 the holdout has no row, and 10 rows are no place."""
    found = {one.value: one for one in places(THERE, HERE)}
    assert set(found) == {"1 to 2", "2 to 2", "2 or more"}
    first, second, third = found["1 to 2"], found["2 to 2"], found["2 or more"]
    assert [one.rows for one in (first, second, third)] == [(100, 100), (100, 50), (0, 40)]
    assert [one.label for one in (first, second, third)] == [0.3, 0.8, 0.25]
    assert [one.expected for one in (first, second, third)] == pytest.approx([0.3, 0.4, 0.5])
    assert first.difference.value == pytest.approx(0.0)
    assert second.difference.value == pytest.approx(0.4)
    assert (second.low, third.high) == (2.0, np.inf)


def test_the_error_is_that_of_two_shares() -> None:
    """Of 40 in 50 and of 40 in 100, each row a unit: sqrt(.16 / 50 + .24 / 100), nearly."""
    second = next(one for one in places(THERE, HERE) if one.value == "2 to 2")
    assert second.difference.se == pytest.approx(np.sqrt(0.16 / 50 + 0.24 / 100), rel=0.01)
    assert second.difference.lower_all < second.difference.lower


def test_the_surest_comes_first() -> None:
    """.4 in 50 rows before .25 in 40, before nothing."""
    assert [one.value for one in places(THERE, HERE)] == ["2 to 2", "2 or more", "1 to 2"]


def test_rows_of_one_unit_are_one() -> None:
    """With four rows a unit the interval is wider."""
    wide = (HERE[0], HERE[1], HERE[2], HERE[3] // 4)
    one, other = (next(p for p in places(THERE, here) if p.value == "2 to 2") for here in (HERE, wide))
    assert other.difference.se > 1.5 * one.difference.se


def test_levels_are_named_and_others_are_missing() -> None:
    """Codes beyond the levels, and no number, are missing cells."""
    found = {one.value: one.rows for one in places(THERE, HERE, levels=["a", "b", "c"])}
    assert found == {"b": (100, 100), "c": (100, 50), "missing": (0, 50)}


def test_too_few_rows_are_no_place() -> None:
    """None at all where production has fewer than 30."""
    few = side(1.0, 29, positives=3, expected=0.2, start=0)
    assert places(THERE, both(few)) == ()
