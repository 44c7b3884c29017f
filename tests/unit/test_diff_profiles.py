"""Counts for pictures: nothing is lost in bins, and cells are where the scores are."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.diff.profiles import BINS, CELLS, score_grid, time_bins
from harness.records import ScoreCell

SECOND = 10**9
NONE = np.zeros(0)


def test_seconds_fall_into_bins_of_whole_seconds() -> None:
    """Seconds 0, 1 and 79 fill the first and the last of 40 bins of 2 s."""
    bins, place = time_bins(np.array([0, 1, 79]) * SECOND)
    assert bins is not None
    assert (bins.start, bins.step_s) == ("1970-01-01T00:00:00Z", 2.0)
    assert bins.compared == (2, *[0] * 38, 1)
    assert place.tolist() == [0, 0, 39]


@given(st.lists(st.integers(0, 10**9), min_size=1, max_size=50))
def test_every_request_is_in_one_bin(seconds: list[int]) -> None:
    """At most `BINS` bins, whose counts sum to the requests."""
    bins, place = time_bins(np.array(seconds, np.int64) * SECOND)
    if bins is None:
        assert len(set(seconds)) == 1
        return
    assert len(bins.compared) <= BINS
    assert sum(bins.compared) == len(seconds)
    assert np.bincount(place, minlength=len(bins.compared)).tolist() == list(bins.compared)


def test_no_time_has_no_bins() -> None:
    """Nothing to show over time where no time passes."""
    assert time_bins(np.zeros(0, np.int64))[0] is None
    assert time_bins(np.full(3, SECOND))[0] is None


def test_cells_are_counted_with_their_flips() -> None:
    """Probabilities lie on a grid from 0 to 1; a score of 1 is in the last cell."""
    grid = score_grid(
        np.array([0.1, 0.9, 1.0, np.nan]),
        np.array([0.1, 0.1, 1.0, 0.5]),
        flips=np.array([False, True, False, True]),
        threshold=0.5,
    )
    assert grid is not None
    assert (grid.low, grid.high, grid.size) == (0.0, 1.0, CELLS)
    assert grid.cells == (
        ScoreCell(left=3, right=3, requests=1, flips=0),
        ScoreCell(left=28, right=3, requests=1, flips=1),
        ScoreCell(left=31, right=31, requests=1, flips=0),
    )


@pytest.mark.parametrize("scores", [NONE, np.array([np.nan]), np.array([np.inf])])
def test_no_finite_scores_have_no_grid(scores: np.ndarray) -> None:
    """An arm that answers nothing has nothing to draw."""
    assert score_grid(scores, scores, flips=np.zeros(len(scores), bool), threshold=None) is None


def test_scores_that_are_no_probabilities_have_their_own_range() -> None:
    """Equal scores beyond 1 are one cell; huge ones do not break the grid."""
    same = score_grid(np.array([7.0]), np.array([7.0]), flips=np.zeros(1, bool), threshold=None)
    assert same is not None
    assert (same.low, same.high, len(same.cells)) == (7.0, 7.0, 1)
    huge = np.array([1.7e308, -1.7e308])
    assert score_grid(huge, huge, flips=np.zeros(2, bool), threshold=None) is None
