"""Intervals from unit sums: known numbers, shared units, Student's t, and all steps at once."""

import math

import numpy as np
import pytest
from scipy.stats import norm, t

from harness.diagnosis.influence import grid, table, unit_influence
from harness.diagnosis.intervals import (
    GROUPS,
    contrasts,
    covariance,
    dense,
    grouped_bootstrap,
    grouped_counts,
    simultaneous_error,
    units,
)

NOBODY = np.zeros((2, 0), dtype=np.int64)


@pytest.mark.parametrize(
    ("codes", "distinct", "place"),
    [
        ([7, 7, 4], [4, 7], [1, 1, 0]),
        ([10**15, 3, 10**15], [3, 10**15], [1, 0, 1]),
        ([-5, -3], [-5, -3], [0, 1]),
        ([], [], []),
    ],
)
def test_codes_become_dense(codes: list[int], distinct: list[int], place: list[int]) -> None:
    """Counted where they lie together, sorted where they do not."""
    found = dense(np.array(codes, dtype=np.int64))
    assert (found[0].tolist(), found[1].tolist()) == (distinct, place)


def test_units_of_both_populations_are_matched_by_code() -> None:
    """Of 7 9 and 4 9 the second is in both."""
    found = units(np.array([7, 7, 9]), np.array([9, 4]))
    assert (found.holdout.tolist(), found.production.tolist()) == ([0, 0, 1], [1, 0])
    assert (found.sizes, found.shared.tolist()) == ((2, 2), [[1], [1]])


def test_the_covariance_is_the_sum_of_squares_by_unit() -> None:
    """Two units each: 1 -1 gives 2, 2 -2 gives 8, times 2 for so few; a shared unit adds its product."""
    there, here = np.array([[1.0, -1.0]]), np.array([[2.0, -2.0]])
    apart = covariance(there, here, shared=NOBODY)
    assert (apart[0, 0, 0, 0], apart[1, 1, 0, 0], apart[0, 1, 0, 0]) == (4.0, 16.0, 0.0)
    same = covariance(there, here, shared=np.array([[0], [0]]))
    assert same.sum() == 4.0 + 16.0 + 2 * 2.0


def test_the_interval_of_a_mean_is_students() -> None:
    """Eleven rows: mean, standard error and t with 10 degrees of freedom, as in every textbook."""
    rows = np.random.default_rng(3).standard_normal(11)
    influence = (rows - rows.mean())[None] / rows.size
    parts = covariance(np.zeros((1, 0)), influence, shared=NOBODY)
    found = contrasts(np.array([rows.mean()]), parts, weights=np.ones((1, 1)), sizes=(0, 11))[0]
    se = rows.std(ddof=1) / math.sqrt(11)
    assert found.se == pytest.approx(se)
    assert (found.lower, found.upper) == pytest.approx(
        [rows.mean() - t.ppf(0.975, 10) * se, rows.mean() + t.ppf(0.975, 10) * se]
    )
    assert (found.lower_all, found.upper_all) == (found.lower, found.upper)


def test_two_samples_have_welchs_degrees_of_freedom() -> None:
    """A difference of two means with unequal spread, as scipy's Welch interval."""
    from scipy.stats import ttest_ind

    rng = np.random.default_rng(5)
    there, here = rng.standard_normal(6), 3.0 * rng.standard_normal(9)
    sums = [np.zeros((2, 6)), np.zeros((2, 9))]
    sums[0][0], sums[1][1] = (there - there.mean()) / 6, (here - here.mean()) / 9
    parts = covariance(*sums, shared=NOBODY)
    means = np.array([there.mean(), here.mean()])
    found = contrasts(means, parts, weights=np.array([[1.0, -1.0]]), sizes=(6, 9))[0]
    known = ttest_ind(there, here, equal_var=False).confidence_interval(0.95)
    assert (found.lower, found.upper) == pytest.approx([known.low, known.high])


def test_equal_rungs_have_no_spread_between_them() -> None:
    """What rounding leaves of a difference of equal influences is 0, and its interval a point."""
    rows = np.random.default_rng(3).standard_normal(1000)
    sums = np.stack([rows, rows * (1 + 1e-16)])
    parts = covariance(np.zeros((2, 0)), sums, shared=NOBODY)
    found = contrasts(np.array([0.3, 0.3]), parts, weights=np.array([[1.0, -1.0]]), sizes=(0, 1000))[0]
    assert (found.value, found.se, found.lower, found.upper) == (0.0, 0.0, 0.0, 0.0)


@pytest.mark.parametrize(
    ("covariances", "error"),
    [
        (np.eye(1), 0.05),
        (np.eye(2), 1 - math.sqrt(0.95)),
        (np.ones((2, 2)), 0.05),
        (np.eye(8), 1 - 0.95 ** (1 / 8)),
    ],
)
def test_the_error_of_each_interval_leaves_5_percent_for_all(covariances: np.ndarray, error: float) -> None:
    """Independent steps share it as Sidak's, equal ones do not have to."""
    assert simultaneous_error(covariances, np.sqrt(np.diag(covariances))) == pytest.approx(error, rel=0.06)


def test_steps_that_do_not_vary_cost_nothing() -> None:
    """Beside a step of no spread another keeps its own interval."""
    assert simultaneous_error(np.diag([1.0, 0.0]), np.array([1.0, 0.0])) == pytest.approx(0.05)


def test_units_are_dealt_into_groups() -> None:
    """Each row's weight is in its unit's group and its own cell, and nothing is lost."""
    found = grouped_counts(np.array([0, 1, 401]), np.array([0, 0, 1]), cells=2)
    assert found.tolist() == [[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]]
    many = grouped_counts(np.arange(1000), np.zeros(1000, dtype=np.int64), cells=1)
    assert (many.shape, many.sum()) == ((GROUPS, 1), 1000.0)


def test_the_grouped_bootstrap_finds_the_error_of_a_share() -> None:
    """A share over 4,000 units has the binomial standard error, to what 400 groups and 1,000 draws tell."""
    rng = np.random.default_rng(9)
    hit = (rng.random(4000) < 0.3).astype(np.int64)
    counts = grouped_counts(np.arange(4000), hit, cells=2)
    se, lower, upper = grouped_bootstrap(counts, lambda c: c[:, 1] / c.sum(axis=1), rng=rng)
    expected = math.sqrt(hit.mean() * (1 - hit.mean()) / 4000)
    assert se == pytest.approx(expected, rel=0.12)
    assert (upper - lower) / 2 == pytest.approx(norm.ppf(0.975) * expected, rel=0.12)


def test_the_influence_of_average_precision_agrees_with_resampling() -> None:
    """Its standard error by influence is that of 1,000 resamples of 400 groups: 8,000 units, 512 bins."""
    rng = np.random.default_rng(6)
    score = rng.integers(1, 513, 8000) / 513.0
    label = (rng.random(8000) < score**2).astype(float)
    unit, scores, ones = np.arange(8000), grid(score), np.ones(8000)
    found = table(scores, label, weight=ones, threshold=0.5)
    by_row = unit_influence(found, scores, label=label, weight=ones, unit=unit, size=8000)
    cell = (2 * (score * 513.0).round() + label).astype(np.int64)

    def precisions(counts: np.ndarray) -> np.ndarray:
        below = counts.reshape(len(counts), -1, 2)[:, ::-1]
        positives = below[..., 1]
        flagged = np.maximum(np.cumsum(below.sum(axis=2), axis=1), 1e-300)
        average = (positives * np.cumsum(positives, axis=1) / flagged).sum(axis=1) / positives.sum(axis=1)
        return np.asarray(average)

    se, lower, upper = grouped_bootstrap(grouped_counts(unit, cell, cells=1028), precisions, rng=rng)
    assert math.sqrt((by_row[1] ** 2).sum()) == pytest.approx(se, rel=0.12)
    assert lower < found.values[1] < upper


def test_rows_of_one_unit_widen_the_interval() -> None:
    """A negative control: taken as independent, rows that come ten at a time look sqrt(10) times as sure."""
    rng = np.random.default_rng(4)
    by_unit = rng.standard_normal(200)
    rows = np.repeat(by_unit - by_unit.mean(), 10) / 2000
    alone = covariance(np.zeros((1, 0)), rows[None], shared=NOBODY).sum()
    together = covariance(np.zeros((1, 0)), rows.reshape(200, 10).sum(axis=1)[None], shared=NOBODY).sum()
    assert math.sqrt(together / alone) == pytest.approx(math.sqrt(10), rel=0.01)
