"""The null of PSI: its published numbers, that it is held, and what units do to it."""

import numpy as np
import pytest

from harness.diagnosis.drift import psi, smoothed
from harness.diagnosis.drift_null import dealt_again, is_thin, psi_null, unit_inflation


def test_the_published_null() -> None:
    """10 bins, 1,200 and 1,000 rows: mean .0165, 95 % quantile .031018125608 (chi-squared, 9 degrees)."""
    null = psi_null(0.031018125608470823, rows=(1200, 1000), bins=10)
    assert null.mean == pytest.approx(0.0165)
    assert null.q95 == pytest.approx(0.031018125608470823, rel=1e-12)
    assert null.p == pytest.approx(0.05)


@pytest.mark.parametrize(("n", "q999"), [(1_000, 0.0558), (10_000, 0.0056), (100_000, 0.00056)])
def test_a_quarter_is_a_landslide_for_many_rows(n: int, q999: float) -> None:
    """The 99.9 % quantile at equal sizes falls with the rows, .25 does not."""
    assert psi_null(0.25, rows=(n, n), bins=10).q999 == pytest.approx(q999, rel=0.01)


def test_one_bin_cannot_drift() -> None:
    """A single bin holds everything of both."""
    null = psi_null(0.0, rows=(10, 10), bins=1)
    assert (null.p, null.method) == (1.0, "one bin")


def test_the_null_is_held() -> None:
    """Of 2,000 pairs without drift 5 % are above the 95 % quantile, within 4 standard errors."""
    rng = np.random.default_rng(3)
    shares = np.full(10, 0.1)
    counts = rng.multinomial(1000, shares, 2000), rng.multinomial(800, shares, 2000)
    found = psi(smoothed(counts[0]), smoothed(counts[1]))
    above = np.mean(found > psi_null(0.0, rows=(1000, 800), bins=10).q95)
    assert above == pytest.approx(0.05, abs=0.02)


def test_dealt_again_agrees_where_both_hold() -> None:
    """Well filled bins: the permutation null is the chi-squared one, up to its draws."""
    counts = np.array([100, 120, 90, 110]), np.array([90, 80, 100, 95])
    exact = dealt_again(
        counts, lambda a, b: psi(smoothed(a), smoothed(b)), rng=np.random.default_rng(1), draws=4000
    )
    value = float(psi(smoothed(counts[0]), smoothed(counts[1])))
    theory = psi_null(value, rows=(420, 365), bins=4)
    assert exact.p == pytest.approx(theory.p, abs=0.04)
    assert exact.q95 == pytest.approx(theory.q95, rel=0.1)


def test_dealt_again_is_never_certain() -> None:
    """The sample itself is counted, so p is at least 1 / (draws + 1)."""
    counts = np.array([50, 0]), np.array([0, 50])
    null = dealt_again(
        counts, lambda a, b: psi(smoothed(a), smoothed(b)), rng=np.random.default_rng(1), draws=99
    )
    assert null.p == 0.01


def test_thin_bins_are_seen() -> None:
    """Fewer than 5 rows expected in a bin of either sample."""
    assert is_thin(np.array([500, 3]), np.array([500, 4]))
    assert not is_thin(np.array([500, 10]), np.array([500, 10]))


def test_rows_that_come_twice_widen_the_null_twice() -> None:
    """Every row twice under its own unit: design effect 2; each row its own unit: 1."""
    rng = np.random.default_rng(5)
    bins = rng.integers(0, 5, 4000)
    assert unit_inflation(np.repeat(bins, 2), np.repeat(np.arange(4000), 2)) == pytest.approx(2.0, abs=0.01)
    assert unit_inflation(bins, np.arange(4000)) == pytest.approx(1.0, abs=0.01)


@pytest.mark.parametrize(
    ("bins", "units"),
    [([], []), ([0, 0, 0], [0, 1, 2]), ([0, 1, 2], [0, 0, 0])],
    ids=["no rows", "one bin", "one unit"],
)
def test_an_unknown_inflation_is_one(bins: list[int], units: list[int]) -> None:
    """Nothing to compare with."""
    assert unit_inflation(np.array(bins, np.int64), np.array(units, np.int64)) == 1.0
