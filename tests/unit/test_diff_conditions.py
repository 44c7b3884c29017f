"""Conditions on one field, and all of them for a field."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.diff.conditions import (
    LEVELS,
    PAIRED_LEVELS,
    Condition,
    axis,
    coded,
    cuts,
    holds,
    ranges,
    roundest,
)
from harness.diff.sentences import LONGEST
from harness.diff.texts import NO_LEVEL, Texts

TEXT = np.array(["DE", "US", None, "DE"], object)
NUMBER = np.array([1.0, 5.0, np.nan, 10.0])


@pytest.mark.parametrize(
    ("condition", "values", "where", "words"),
    [
        (Condition("country", level="DE"), TEXT, [1, 0, 0, 1], "country = DE"),
        (Condition("country", level=NO_LEVEL), TEXT, [0, 0, 1, 0], "country = (none)"),
        (Condition("country", level="FR"), TEXT, [0, 0, 0, 0], "country = FR"),
        (Condition("amount", at_least=5.0), NUMBER, [0, 1, 0, 1], "amount >= 5"),
        (Condition("amount", below=5.0), NUMBER, [1, 0, 0, 0], "amount < 5"),
        (Condition("amount", at_least=1.0, below=10.0), NUMBER, [1, 1, 0, 0], "1 <= amount < 10"),
        (Condition("amount", level=NO_LEVEL), NUMBER, [0, 0, 1, 0], "amount = (none)"),
        (Condition("amount", at_least=120.5), NUMBER, [0, 0, 0, 0], "amount >= 120.5"),
    ],
)
def test_a_condition_holds_and_reads(
    condition: Condition, values: np.ndarray, where: list[int], words: str
) -> None:
    """A bound belongs to the range above it; no value is in no range; texts may be coded."""
    assert condition.holds(values).astype(int).tolist() == where
    assert condition.holds(coded(values)).astype(int).tolist() == where
    assert str(condition) == words


def test_a_long_level_is_cut() -> None:
    """A sentence is not a page."""
    assert str(Condition("user", level="x" * 10_000)) == f"user = {'x' * LONGEST}…"


def test_a_conjunction_holds_where_all_of_it_does() -> None:
    """Both at once."""
    both = (Condition("country", level="DE"), Condition("amount", at_least=5.0))
    fields = {"country": TEXT, "amount": NUMBER}
    assert holds(both, fields).tolist() == [False, False, False, True]


def test_what_is_coded_stays_as_it_is() -> None:
    """So that texts are read once; numbers are no texts."""
    texts = Texts.of(TEXT)
    assert coded(texts) is texts
    assert coded(NUMBER) is NUMBER


@pytest.mark.parametrize(
    ("values", "paired"),
    [(TEXT, False), (TEXT, True), (NUMBER, False), (NUMBER, True), (np.arange(500.0), False)],
)
def test_the_cells_of_an_axis_say_what_its_conditions_say(values: np.ndarray, *, paired: bool) -> None:
    """A request is in a condition where its cell is a member of it."""
    made = axis("field", values, paired=paired)
    for condition, members in zip(made.conditions, made.members, strict=True):
        assert members[made.cells].astype(bool).tolist() == condition.holds(values).tolist()


def test_levels_beyond_the_most_frequent_are_not_tried() -> None:
    """They have one cell together, which no condition has."""
    levels = np.array([f"c{k}" for k in range(LEVELS + 50)] + ["c7"], object)
    assert axis("client", levels).conditions[0] == Condition("client", level="c7")
    assert len(axis("client", levels).conditions) == LEVELS
    assert len(axis("client", levels, paired=True).conditions) == PAIRED_LEVELS


@pytest.mark.parametrize("values", [np.full(9, 3.0), np.full(9, np.nan), np.array([], float)])
def test_a_number_without_two_values_has_no_range(values: np.ndarray) -> None:
    """There is nothing to cut."""
    assert cuts(values, (0.5,)).tolist() == []
    assert [one for one in axis("x", values).conditions if one.level is None] == []


def test_few_values_are_taken_one_by_one_and_many_by_quantiles() -> None:
    """An hour of the day is exact; an amount is cut where its quantiles are."""
    assert cuts(np.array([3.0, 1.0, 2.0, np.nan]), (0.5,)).tolist() == [2.0, 3.0]
    assert cuts(np.arange(101.0), (0.0, 0.5, 0.9)).tolist() == [50.0, 90.0]


def test_all_ranges_or_those_with_one_bound() -> None:
    """Three bins have five ranges beside the whole, four of them with one bound."""
    values = np.array([1.0, 2.0, 3.0])
    words = [str(one) for one in ranges("x", values, edges=values[1:], one_sided=False).conditions]
    assert words == ["x < 2", "x < 3", "2 <= x < 3", "x >= 2", "x >= 3"]
    few = ranges("x", values, edges=values[1:], one_sided=True).conditions
    assert [str(one) for one in few] == ["x < 2", "x < 3", "x >= 2", "x >= 3"]


@pytest.mark.parametrize(
    ("low", "high", "near", "expected"),
    [
        (98.6, 101.3, 101.3, 100.0),
        (21.0, 22.0, 22.0, 22.0),
        (0.031, 0.0349, 0.034, 0.034),
        (-3.2, -2.9, -2.9, -3.0),
        (-1.0, 1.0, 0.5, 0.0),
        (13.0, 58.0, 36.0, 40.0),
        (120.45, 120.5, 120.5, 120.5),
        (5.0, 5.0, 5.0, 5.0),
        (float("-inf"), 3.5, 3.5, 3.5),
        (1e300, 1.0001e300, 1.0001e300, 1.0001e300),
        (0.0, 5e-324, 5e-324, 5e-324),
    ],
)
def test_the_roundest_number_of_a_gap(low: float, high: float, near: float, expected: float) -> None:
    """Few digits, near what the data say."""
    assert roundest(low, high, near=near) == expected


@given(
    low=st.floats(-1e6, 1e6, allow_nan=False),
    width=st.floats(1e-6, 1e3),
    part=st.floats(0.0, 1.0),
)
def test_a_round_bound_stays_in_its_gap(low: float, width: float, part: float) -> None:
    """Else it would move requests in or out."""
    high = low + width
    found = roundest(low, high, near=low + part * width)
    assert low < found <= high or found == high
