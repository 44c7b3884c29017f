"""Bounds for the mean of the traffic from rows kept with unequal probabilities."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.stats import mean_bounds, toward_null, weighted_mean, weighted_mean_bounds

LEVELS = (0.05, 0.05)
ROWS = st.lists(st.tuples(st.floats(0, 1), st.integers(1, 5)), min_size=1, max_size=30)


@pytest.mark.parametrize(
    ("values", "weights", "mean"),
    [([0, 1, 1], [3, 1, 4], 5 / 8), ([True, False], [1, 3], 0.25), ([0.5], [2], 0.5)],
)
def test_the_mean_is_hajeks(values: list[float], weights: list[float], mean: float) -> None:
    """The sum of w x over the sum of w."""
    assert weighted_mean(values, weights) == mean


def test_the_mean_of_no_weight_is_none() -> None:
    """Nothing has no mean."""
    assert np.isnan(weighted_mean([], []))
    assert np.isnan(weighted_mean([1.0], [0.0]))


@given(ROWS)
def test_a_row_of_weight_two_is_the_row_twice(rows: list[tuple[float, int]]) -> None:
    """Whole weights are rows written out, for the estimate."""
    values, weights = (np.array(one, np.float64) for one in zip(*rows, strict=True))
    spelled = np.repeat(values, weights.astype(int))
    assert weighted_mean(values, weights) == pytest.approx(spelled.mean(), abs=1e-12)


@given(ROWS)
def test_equal_weights_bound_as_none(rows: list[tuple[float, int]]) -> None:
    """The same bounds as without weights, whatever the weight."""
    values = [value for value, _ in rows]
    found = weighted_mean_bounds(values, np.full(len(rows), 7.0), most=7.0, alpha=LEVELS)
    assert found == pytest.approx(mean_bounds(values, alpha=0.05, sides=1), abs=1e-9)


@given(ROWS)
def test_the_bounds_hold_the_mean_and_no_more_than_all(rows: list[tuple[float, int]]) -> None:
    """Within 0 and 1, below and above the estimate; a larger possible weight makes them wider."""
    values, weights = (np.array(one, np.float64) for one in zip(*rows, strict=True))
    low, high = weighted_mean_bounds(values, weights, most=5.0, alpha=LEVELS)
    assert 0.0 <= low <= weighted_mean(values, weights) + 1e-9
    assert weighted_mean(values, weights) - 1e-9 <= high <= 1.0
    wider = weighted_mean_bounds(values, weights, most=50.0, alpha=LEVELS)
    assert wider[0] <= low + 1e-9
    assert wider[1] >= high - 1e-9


def test_a_few_heavy_rows_leave_the_bound_wide() -> None:
    """1,000 rows without a hit: .56 % if all weigh alike, 2.9 % if one in ten weighs ten times as much."""
    weights = np.where(np.arange(1000) % 10 == 0, 10.0, 1.0)
    assert weighted_mean_bounds(np.zeros(1000), weights, most=10.0, alpha=LEVELS)[1] == pytest.approx(
        0.0290, abs=5e-5
    )
    even = weighted_mean_bounds(np.zeros(1000), np.ones(1000), most=1.0, alpha=LEVELS)
    assert even == pytest.approx((0.0, 0.0056), abs=5e-5)


def test_nothing_bounds_nothing() -> None:
    """No row, no bound."""
    assert weighted_mean_bounds([], [], most=1.0, alpha=LEVELS) == (0.0, 1.0)


def test_values_move_toward_the_null_by_their_weight() -> None:
    """The heaviest row bets whole, one of a quarter of its weight a quarter."""
    assert toward_null([0.0, 1.0], [1.0, 4.0], m0=0.2, most=4.0) == pytest.approx([0.15, 1.0])


@given(ROWS, st.floats(0.05, 0.95))
def test_the_null_stays_where_it_is(rows: list[tuple[float, int]], m0: float) -> None:
    """The plain mean is above the null exactly where the weighted mean is."""
    values, weights = (np.array(one, np.float64) for one in zip(*rows, strict=True))
    moved = toward_null(values, weights, m0=m0, most=5.0)
    assert 0.0 <= moved.min() <= moved.max() <= 1.0
    apart = float(moved.mean()) - m0
    assert apart == pytest.approx((weighted_mean(values, weights) - m0) * weights.mean() / 5.0, abs=1e-12)


@pytest.mark.parametrize(
    ("weights", "most", "told"),
    [([1.0], 1.0, "one of each of 2"), ([1.0, 3.0], 2.0, "at most 2"), ([1.0, -1.0], 2.0, "numbers >= 0")],
)
def test_weights_beyond_what_was_declared_are_refused(weights: list[float], most: float, told: str) -> None:
    """A bound that was exceeded bounds nothing."""
    with pytest.raises(ValueError, match=told):
        weighted_mean_bounds([0.0, 1.0], weights, most=most, alpha=LEVELS)


def test_the_bound_is_seldom_missed() -> None:
    """A stratum kept one in twenty has all of the hits: 400 draws, at most 5 % above the bound."""
    rng = np.random.default_rng(7)
    missed = 0
    for _ in range(400):
        common = rng.random(3_000) < 0.05
        hit = rng.random(3_000) < 0.04
        weight = np.where(common, 20.0, 1.0)
        rare = np.arange(3_000) < 150
        kept = rare | common
        value, weight = np.where(rare, 0.0, hit)[kept], np.where(rare, 1.0, weight)[kept]
        truth = 0.04 * 2_850 / 3_000
        missed += weighted_mean_bounds(value, weight, most=20.0, alpha=LEVELS)[1] < truth
    assert missed <= 20
