"""Two whole columns: values, codes, lattice."""

import numpy as np
import pytest

from harness.diff.causes.whole import Whole, distinct, mode
from tests.kit.struck import column


@pytest.mark.parametrize(
    ("values", "decimals"),
    [
        ([1.0, 2.0], 0),
        ([1.5, 2.25], 2),
        ([1 / 3], None),
        ([2.0**60], None),
        ([np.nan, 3.0], 0),
        ([np.nan], None),
    ],
)
def test_the_lattice_of_a_column(values: list[float], decimals: int | None) -> None:
    """The decimals that all its finite values have at most."""
    sides = column(np.array(values)), column(np.array(values))
    assert Whole(*sides).decimals == decimals


def test_numbers_are_coded_by_the_left_column() -> None:
    """What it does not hold has no code."""
    left = column(np.array([5.0, 1.0, np.nan, 5.0, np.inf]))
    whole = Whole(left, left)
    assert whole.left_ids.tolist() == [1, 0, -1, 1, -1]
    assert whole.ids(np.array([1.0, 2.0, 9.0])).tolist() == [0, -1, -1]


def test_levels_are_coded_by_both_columns() -> None:
    """A level that only the right column holds has a code too."""
    whole = Whole(column(np.array(["a", None, "b"], object)), column(np.array(["b", "c", "b"], object)))
    assert (whole.left_ids.tolist(), whole.right_ids.tolist()) == ([0, -1, 1], [1, 2, 1])
    assert (whole.levels, whole.level_counts.tolist()) == (["a", "b", "c"], [1, 1, 0])


@pytest.mark.parametrize(("values", "count"), [([1.0, 1.0, 2.0], 2), ([np.nan, np.nan], 1), ([], 0)])
def test_distinct_counts_nan_once(values: list[float], count: int) -> None:
    """NaN is one value however often it comes."""
    assert distinct(np.array(values)) == count


@pytest.mark.parametrize(
    ("values", "most"), [(np.array([3.0, 1.0, 3.0, 1.0]), 1.0), (np.array(["b", "a", "b"], object), "b")]
)
def test_the_mode_is_the_smallest_of_those_that_tie(values: np.ndarray, most: object) -> None:
    """So that it does not depend on the order of rows."""
    assert mode(values) == most
