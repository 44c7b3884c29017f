"""Frozen bins: every row falls into one, whatever the current column holds."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.diagnosis.bins import Category, column, encoded, freeze
from harness.errors import HarnessError

FLOATS = st.lists(st.floats(allow_nan=True, allow_infinity=True), min_size=0, max_size=60)


@given(then=FLOATS, now=FLOATS)
def test_every_row_falls_into_one_bin(then: list[float], now: list[float]) -> None:
    """Counts add up to the rows, are what `places` says, and missing cells are the last bin."""
    values = np.array(now, np.float64)
    bins = freeze(np.array(then, np.float64))
    counts = bins.counts(values)
    assert counts.sum() == values.size
    assert counts.size == bins.many
    assert counts[-1] == np.isnan(values).sum()
    assert (np.bincount(bins.places(values), minlength=bins.many) == counts).all()


def test_deciles_hold_a_tenth_each() -> None:
    """1..1000 in ten bins of 100, no missing."""
    values = np.arange(1.0, 1001.0)
    assert freeze(values).counts(values).tolist() == [100] * 10 + [0]


def test_few_values_have_a_bin_each_and_the_outside_one_on_either_side() -> None:
    """A constant that becomes another constant is seen."""
    bins = freeze(np.full(50, 5.0))
    assert bins.counts(np.array([5.0, 5.0, 7.0, 4.0, np.nan])).tolist() == [1, 2, 1, 1]


def test_levels_that_the_reference_lacks_share_a_bin() -> None:
    """Then missing; levels are matched by name, not by code."""
    bins = freeze(Category(np.array([0, 0, 1]), ("a", "b")))
    now = Category(np.array([0, 1, 1, 2, -1]), ("c", "b", "d"))
    assert bins.counts(now).tolist() == [0, 2, 2, 1]


def test_rare_levels_share_a_bin() -> None:
    """Of 300 levels the 100 most frequent have their own; levels without a reference row are unseen."""
    levels = tuple(f"level {k}" for k in range(301))
    codes = np.concatenate([np.repeat(np.arange(100), 3), np.arange(100, 300)])
    bins = freeze(Category(codes, levels))
    assert bins.many == 100 + 3
    assert bins.counts(Category(codes, levels)).tolist() == [3] * 100 + [200, 0, 0]
    assert bins.counts(Category(np.array([300, -1]), levels)).tolist() == [0] * 101 + [1, 1]


def test_texts_are_encoded() -> None:
    """None and NaN are missing; others are levels in order of first sight, whatever they are."""
    found = encoded(np.array(["x", None, "y", float("nan"), "x", ["a"]], object))
    assert (found.codes.tolist(), found.levels) == ([0, -1, 1, -1, 0, 2], ("x", "y", "['a']"))
    assert isinstance(column(np.array(["x", "y"]), "c"), Category)


@pytest.mark.parametrize("values", [np.zeros((2, 2)), np.array([1j])], ids=["two dimensions", "complex"])
def test_what_is_no_column_is_refused(values: np.ndarray) -> None:
    """One dimension of numbers or texts."""
    with pytest.raises(HarnessError, match="is no column"):
        column(values, "c")


def test_an_empty_or_missing_reference_has_one_bin() -> None:
    """All known values fall into it."""
    for reference in (np.empty(0), np.full(3, np.nan)):
        assert freeze(reference).counts(np.array([1.0, 2.0, np.nan])).tolist() == [2, 1]
