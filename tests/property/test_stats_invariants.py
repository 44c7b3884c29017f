"""What holds for any data: batches merge to the whole, and bounds move the way the counts do."""

import json
import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.stats import (
    AsymptoticCS,
    SlowShareTest,
    clopper_pearson_lower,
    clopper_pearson_upper,
    kish_effective,
    mean_influence,
    unit_sums,
)

VALUES = st.lists(st.floats(-1e3, 1e3), min_size=2, max_size=60)
LEVELS = st.floats(0.51, 0.999)
SUBNORMAL = 1e-300  # below about this, doubles lose digits, and so does any relative promise


def assert_same(one: AsymptoticCS, other: AsymptoticCS) -> None:
    """Assert that two sequences agree to 1e-12 of the size of their data, and to 1e-300 near zero."""
    scale = abs(one.mean) + math.sqrt(one.m2)
    assert (one.n, one.nonzero) == (other.n, other.nonzero)
    assert other.mean == pytest.approx(one.mean, rel=1e-12, abs=1e-12 * scale + SUBNORMAL)
    assert other.m2 == pytest.approx(one.m2, rel=1e-12, abs=1e-12 * scale * scale + SUBNORMAL)


@given(values=VALUES, cut=st.integers(0, 60))
def test_merged_and_resumed_sequences_equal_the_whole(values: list[float], cut: int) -> None:
    """One batch, two merged shards, one value at a time, and a resumed state all agree to 1e-12."""
    empty = AsymptoticCS(100, 0.05)
    whole = empty.update(values)
    one_by_one = empty
    for value in values:
        one_by_one = one_by_one.update([value])
    resumed = AsymptoticCS.from_state(json.loads(json.dumps(empty.update(values[:cut]).state())))
    assert_same(whole, one_by_one)
    assert_same(whole, empty.update(values[:cut]).merge(empty.update(values[cut:])))
    assert_same(whole, resumed.update(values[cut:]))


@given(values=VALUES, order=st.randoms(use_true_random=False))
def test_order_of_the_shards_does_not_matter(values: list[float], order: object) -> None:
    """Merging is symmetric, and a shuffled batch gives the same sequence."""
    empty = AsymptoticCS(100, 0.05)
    one, other = empty.update(values[::2]), empty.update(values[1::2])
    shuffled = list(values)
    order.shuffle(shuffled)  # type: ignore[attr-defined]
    assert_same(one.merge(other), other.merge(one))
    assert_same(empty.update(values), empty.update(shuffled))


@given(values=VALUES)
def test_one_sided_bounds_lie_within_the_interval_and_around_the_mean(values: list[float]) -> None:
    """A one-sided bound is the tighter statement, so it lies between the interval's end and the mean."""
    sequence = AsymptoticCS(len(values), 0.05).update(values)
    low, high = sequence.interval()
    assert low <= sequence.lower_bound() <= sequence.mean <= sequence.upper_bound() <= high


@given(k=st.integers(0, 200), extra=st.integers(0, 2000), level=LEVELS)
def test_binomial_bounds_enclose_the_rate_and_move_with_the_count(k: int, extra: int, level: float) -> None:
    """Lower <= k/n <= upper; one more event raises both bounds, one more miss lowers them."""
    n = k + extra + 1
    upper, lower = clopper_pearson_upper(k, n, level=level), clopper_pearson_lower(k, n, level=level)
    assert lower <= k / n <= upper
    assert clopper_pearson_upper(k + 1, n, level=level) > upper
    assert clopper_pearson_lower(k + 1, n, level=level) > lower
    assert clopper_pearson_upper(k, n + 1, level=level) < upper
    assert clopper_pearson_lower(k, n + 1, level=level) <= lower


@given(n=st.integers(1, 400), inflation=st.floats(1.0, 20.0), limit=st.floats(0.01, 0.5))
def test_tails_of_the_p95_gate_are_monotone_and_never_both_small(
    n: int, inflation: float, limit: float
) -> None:
    """More slow requests speak less for "within" and more for "over"; both at once is impossible."""
    rule = SlowShareTest(inflation=inflation, limit=limit)
    within = [rule.p_within(slow, n) for slow in range(n + 1)]
    over = [rule.p_over(slow, n) for slow in range(n + 1)]
    assert all(a <= b + 1e-12 for a, b in pairwise(within))
    assert all(a >= b - 1e-12 for a, b in pairwise(over))
    assert all(a + b >= 1.0 - 1e-9 for a, b in zip(within, over, strict=True))


@given(
    rows=st.lists(st.tuples(st.floats(-10, 10), st.integers(0, 9)), min_size=1, max_size=80),
    shift=st.floats(-5, 5),
)
def test_influence_values_move_with_the_rows(rows: list[tuple[float, int]], shift: float) -> None:
    """Adding a constant to each row adds it to the mean of the influence values and to nothing else."""
    values, codes = np.array([row[0] for row in rows]), np.array([row[1] for row in rows])
    before, after = unit_sums(values, codes), unit_sums(values + shift, codes)
    moved = mean_influence(after.sums, after.counts) - mean_influence(before.sums, before.counts)
    assert moved == pytest.approx(np.full(moved.size, shift), abs=1e-9)


@given(weights=st.lists(st.floats(0, 1e6), min_size=1, max_size=50).filter(lambda w: sum(w) > 0))
def test_effective_number_lies_between_one_and_the_units(weights: list[float]) -> None:
    """Kish's number is at least 1 and at most the number of units with weight."""
    assert 1.0 - 1e-9 <= kish_effective(weights) <= sum(w > 0 for w in weights) + 1e-9
