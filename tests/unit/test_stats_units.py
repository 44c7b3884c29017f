"""From rows to units: sums, influence values against a clustered variance, effective numbers, refusals."""

import numpy as np
import pytest

from harness.stats import enough_units, kish_effective, largest_share, mean_influence, unit_sums


def test_rows_are_summed_by_unit() -> None:
    """Sums and counts come in the order of the codes, and absent codes are left out."""
    found = unit_sums([1.0, 2.0, 4.0, -1.0], [7, 0, 7, 3])
    assert found.sums.tolist() == [2.0, -1.0, 5.0]
    assert found.counts.tolist() == [1.0, 1.0, 2.0]


def test_no_rows_are_no_units() -> None:
    """Empty in, empty out, all the way to the effective number."""
    found = unit_sums([], [])
    assert found.sums.size == found.counts.size == 0
    assert mean_influence(found.sums, found.counts).size == 0
    assert kish_effective(found.counts) == 0.0


def test_mean_of_the_influence_values_is_the_mean_of_the_rows() -> None:
    """The estimate is per request, however unequal the units are."""
    rng = np.random.default_rng(1)
    values, codes = rng.normal(size=1000), rng.zipf(1.6, size=1000)
    found = unit_sums(values, codes)
    assert mean_influence(found.sums, found.counts).mean() == pytest.approx(values.mean(), abs=1e-12)


def test_with_one_row_a_unit_the_influence_values_are_the_rows() -> None:
    """Without clusters nothing changes."""
    assert mean_influence([3.0, -1.0, 2.0], [1, 1, 1]) == pytest.approx([3.0, -1.0, 2.0])


def test_spread_of_the_influence_values_is_the_clustered_variance() -> None:
    """var(u) / units equals the delta-method variance of a ratio written out by moments."""
    rng = np.random.default_rng(2)
    counts = rng.poisson(3.0, size=400) + 1.0
    sums = counts * rng.normal(size=400) + rng.normal(size=400)
    ratio, units = sums.mean() / counts.mean(), counts.size
    cov = np.cov(sums, counts)
    by_moments = (cov[0, 0] - 2 * ratio * cov[0, 1] + ratio**2 * cov[1, 1]) / counts.mean() ** 2 / units
    assert mean_influence(sums, counts).var(ddof=1) / units == pytest.approx(by_moments, rel=1e-10)


@pytest.mark.parametrize(
    ("weights", "effective", "largest"),
    [
        ([1, 1, 1, 1], 4.0, 0.25),
        ([97, 1, 1, 1], 10000 / 9412, 0.97),
        ([1e200, 1e200], 2.0, 0.5),
        ([0, 0], 0.0, 0.0),
        ([], 0.0, 0.0),
    ],
)
def test_effective_number_and_largest_share(weights: list[float], effective: float, largest: float) -> None:
    """Kish's number and the largest share have their known values, without overflow."""
    assert kish_effective(weights) == pytest.approx(effective)
    assert largest_share(weights) == pytest.approx(largest)


@pytest.mark.parametrize(
    ("counts", "ok", "text"),
    [
        ([1] * 100, True, "100 units count as 100.0 of equal size, the largest holds 1.00%"),
        ([1] * 99, False, "at least 100 of equal size are needed"),
        ([11] + [1] * 199, False, "the largest holds 5.24%; at most 5% in one unit is allowed"),
        ([10] + [1] * 190, True, "the largest holds 5.00%"),
        ([], False, "0 units count as 0.0 of equal size"),
    ],
)
def test_a_verdict_needs_enough_units(counts: list[int], ok: bool, text: str) -> None:  # noqa: FBT001  -- a table
    """Fewer than 100 effective units, or more than 5 % in one, are refused with the numbers."""
    allowed, reason = enough_units(counts)
    assert allowed is ok
    assert text in reason


@pytest.mark.parametrize(
    ("values", "codes", "text"),
    [
        ([1.0, 2.0], [0], "unit_codes: found shape"),
        ([1.0], [0.5], "unit_codes: found dtype float64"),
        ([1.0], [-1], "expected integers of at least 0"),
        ([np.inf], [0], "values: found 1 NaN or infinite"),
    ],
)
def test_unusable_rows_are_refused(values: list[float], codes: list[float], text: str) -> None:
    """Other lengths, types, negative codes or infinite values raise ValueError."""
    with pytest.raises(ValueError, match=text):
        unit_sums(values, codes)


@pytest.mark.parametrize(
    ("sums", "counts", "text"),
    [([1.0], [1.0, 2.0], "counts: found shape"), ([1.0], [0.0], "found 0"), ([1.0], [-1.0], "found -1")],
)
def test_unusable_unit_sums_are_refused(sums: list[float], counts: list[float], text: str) -> None:
    """Other lengths and units without rows raise ValueError."""
    with pytest.raises(ValueError, match=text):
        mean_influence(sums, counts)
