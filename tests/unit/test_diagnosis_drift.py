"""Univariate drift: known numbers, symmetry, missing and unseen cells, units, columns beyond comparison."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.diagnosis.bins import Category
from harness.diagnosis.drift import (
    ColumnDrift,
    chi_squared,
    column_drift,
    drifts,
    drifts_by_segment,
    jensen_shannon,
    kolmogorov_p,
    kullback_leibler,
    psi,
    smoothed,
)
from harness.errors import HarnessError

COUNTS = st.lists(st.integers(1, 1000), min_size=2, max_size=8)
HALF, LEAN = np.array([0.5, 0.5]), np.array([0.8, 0.2])


def normal(n: int, *, seed: int, loc: float = 0.0) -> np.ndarray:
    """N standard normal numbers, shifted."""
    return np.random.default_rng(seed).normal(loc, 1.0, n)


def test_the_worked_examples() -> None:
    """Shares .5 .5 and .8 .2: PSI .415888, KL .192745, Jensen-Shannon .225104; counts 30 70, 45 55: 4.8."""
    assert float(psi(HALF, LEAN)) == pytest.approx(0.415888, abs=1e-6)
    assert kullback_leibler(HALF, LEAN) == pytest.approx(0.192745, abs=1e-6)
    assert jensen_shannon(HALF, LEAN) == pytest.approx(0.225104, abs=1e-6)
    assert chi_squared(np.array([30, 70]), np.array([45, 55])) == pytest.approx((4.8, 0.028460), abs=1e-6)


@given(one=COUNTS, seed=st.integers(0, 2**16))
def test_psi_is_symmetric_and_blind_to_the_order_of_bins(one: list[int], seed: int) -> None:
    """Swapping the samples or permuting the bins changes nothing; equal shares have none."""
    rng = np.random.default_rng(seed)
    p, q = smoothed(np.array(one)), smoothed(rng.integers(0, 1000, len(one)))
    order = rng.permutation(len(one))
    assert float(psi(p, q)) == pytest.approx(float(psi(q, p)))
    assert float(psi(p[order], q[order])) == pytest.approx(float(psi(p, q)))
    assert float(psi(p, p)) == 0.0


@given(one=COUNTS, seed=st.integers(0, 2**16))
def test_merging_bins_never_adds_distance(one: list[int], seed: int) -> None:
    """PSI, KL and Jensen-Shannon are divergences: what is merged cannot be told apart any more."""
    p = np.array(one) / sum(one)
    other = np.random.default_rng(seed).integers(1, 1000, len(one))
    q = other / other.sum()
    merged = [np.append(shares[2:], shares[:2].sum()) for shares in (p, q)]
    assert float(psi(*merged)) <= float(psi(p, q)) + 1e-12
    assert kullback_leibler(*merged) <= kullback_leibler(p, q) + 1e-12
    assert jensen_shannon(*merged) <= jensen_shannon(p, q) + 1e-7


def test_the_order_of_rows_does_not_matter() -> None:
    """Permuted rows of either sample give the same numbers."""
    one, other = normal(3000, seed=1), normal(2000, seed=2, loc=0.1)
    shuffled = np.random.default_rng(3).permutation(other)
    assert column_drift(one, other, name="x") == column_drift(one, shuffled, name="x")


def test_a_column_that_turns_40_percent_missing_is_flagged() -> None:
    """Numbers and texts; Evidently drops missing cells first and reports none of the two."""
    reference = {"x": normal(1200, seed=1), "c": np.array(["a", "b", "c"] * 400, object)}
    current = {"x": normal(1000, seed=2), "c": np.array(["a", "b", "c", "a"] * 250, object)}
    current["c"] = np.array(["a", "b", "c"] * 333 + ["a"], object)
    assert not any(one.flagged for one in drifts(reference, current))
    current["x"][:400], current["c"][:400] = np.nan, None
    for one in drifts(reference, current):
        assert one.flagged
        assert one.turned_missing
        assert one.drifted
        assert one.missing == (0.0, 0.4)


def test_no_drift_is_seldom_flagged() -> None:
    """Of 60 tables of 10 columns without drift at most 5 have a flag (expected 5 %: 3)."""
    flagged = 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        then = {f"x{k}": rng.normal(size=400) for k in range(10)}
        now = {f"x{k}": rng.normal(size=300) for k in range(10)}
        flagged += any(one.flagged for one in drifts(then, now))
    assert flagged <= 7


def test_a_quarter_is_shown_and_not_worshipped() -> None:
    """Large PSI on few rows is no finding; small PSI on many is one."""
    few = drifts({"x": normal(20, seed=1)}, {"x": normal(15, seed=2)})[0]
    many = drifts({"x": normal(200_000, seed=1)}, {"x": normal(200_000, seed=2, loc=0.03)})[0]
    assert few.rule_of_thumb == "0.25 or more"
    assert not few.drifted
    assert many.rule_of_thumb == "below 0.1"
    assert many.drifted


def test_rows_of_few_units_are_no_drift() -> None:
    """50 users with 40 rows each and a value of their own: apart as rows, not as users."""
    rng = np.random.default_rng(7)
    codes = np.repeat(np.arange(50), 40)
    then, now = ({"x": rng.normal(size=50)[codes] + 0.01 * rng.normal(size=2000)} for _ in range(2))
    by_row, by_unit = drifts(then, now)[0], drifts(then, now, units=(codes, codes))[0]
    assert by_row.drifted
    assert not by_unit.drifted
    assert by_unit.inflation > 10
    assert by_unit.ks_p > by_row.ks_p
    assert by_unit.chi2_p > by_row.chi2_p


def test_few_units_are_seldom_flagged() -> None:
    """50 users of 20 rows, no drift: at 5 % at most 10 of 100 columns, where PSI's own null finds 20."""
    rng = np.random.default_rng(5)
    users = np.repeat(np.arange(50), 20)
    nulls = []
    for _ in range(100):
        then, now = (rng.normal(size=50)[users] + 0.01 * rng.normal(size=1000) for _ in range(2))
        nulls.append(column_drift(then, now, name="x", units=(users, users)).null)
    assert {null.method for null in nulls if null is not None} == {"Pearson"}
    assert sum(null.p < 0.05 for null in nulls if null is not None) <= 10


def test_a_new_level_is_a_bin() -> None:
    """10 % of a level that the reference does not have."""
    found = column_drift(
        Category(np.array([0, 1] * 500), ("a", "b")),
        Category(np.array([0, 1] * 450 + [2] * 100), ("a", "b", "z")),
        name="c",
    )
    assert found.unseen == 0.1
    assert found.null is not None
    assert found.null.p < 1e-9


@pytest.mark.parametrize(
    ("then", "now", "why"),
    [
        ([], [1.0, 2.0], "no reference rows"),
        ([1.0, 2.0], [], "no current rows"),
        ([np.nan] * 40, [1.0] * 40, "no known reference values"),
        ([1.0] * 40, [np.nan] * 40, "no known current values"),
        ([5.0] * 40, [5.0] * 40, "the reference is constant"),
        (["a", "b"], [1.0, 2.0], "went from texts to numbers"),
        ([1.0, 2.0], ["a", "b"], "went from numbers to texts"),
        (
            [1j, 2j],
            [1.0, 2.0],
            "bad: is no column of numbers; found shape (2,), dtype complex128",
        ),
    ],
)
def test_one_bad_column_never_stops_the_table(then: list[object], now: list[object], why: str) -> None:
    """It says why, and the column beside it is judged all the same."""
    bad, good = drifts(
        {"bad": np.array(then), "good": normal(500, seed=1)},
        {"bad": np.array(now), "good": normal(500, seed=2, loc=1.0)},
    )
    assert bad.why_not.startswith(why)
    assert good.drifted


def test_a_constant_that_becomes_another_is_drift() -> None:
    """And one that turns missing altogether is flagged as that."""
    changed = drifts({"x": np.full(100, 5.0)}, {"x": np.full(100, 7.0)})[0]
    gone = drifts({"x": np.full(100, 5.0)}, {"x": np.full(100, np.nan)})[0]
    assert changed.drifted
    assert changed.ks == 1.0
    assert gone.turned_missing


def test_columns_of_one_side_only_are_named() -> None:
    """A column that is not there any more, and a new one."""
    found = {one.name: one.why_not for one in drifts({"a": [1.0]}, {"b": [1.0]})}
    assert found == {"a": "not among the current columns", "b": "not among the reference columns"}


def test_infinities_count_as_values() -> None:
    """They fall into the outer bins; Wasserstein is infinite, nothing stops."""
    found = column_drift(normal(300, seed=1), np.append(normal(299, seed=2), np.inf), name="x")
    assert found.wasserstein == math.inf
    assert found.missing == (0.0, 0.0)
    assert not math.isnan(found.psi)


def test_drift_in_one_segment_is_found_there() -> None:
    """Shifted in "de" only; the ruling is over all segments, a segment without reference says so."""
    rng = np.random.default_rng(4)
    names = np.array(["de", "fr", "it"], object)[rng.integers(0, 3, 3000)]
    now = np.where(names == "de", 1.0, 0.0) + rng.normal(size=3000)
    then_names = np.where(names == "it", "fr", names)
    found = drifts_by_segment({"x": rng.normal(size=3000)}, {"x": now}, segments=(then_names, names))
    assert {one.segment: one.drifted for one in found} == {"de": True, "fr": False, "it": False}
    assert found[-1].why_not == "no reference rows"


def test_kolmogorov_p_is_exact_for_few_and_asymptotic_for_many() -> None:
    """Both agree with scipy's exact p to a tenth where both may be used."""
    one, other = normal(1500, seed=1), normal(1500, seed=2, loc=0.08)
    ks = column_drift(one, other, name="x").ks
    assert kolmogorov_p(one, other, ks=ks) == pytest.approx(
        kolmogorov_p(one, other, ks=ks, inflation=1.0 + 1e-9), rel=0.1
    )


def test_what_is_no_column_is_refused() -> None:
    """Two dimensions."""
    with pytest.raises(HarnessError, match="x: is no column of numbers"):
        column_drift(np.zeros((2, 2)), np.zeros(2), name="x")


def test_an_unknown_psi_has_no_words() -> None:
    """Nothing computed, nothing shown."""
    assert ColumnDrift(name="x", rows=(0, 0), missing=(math.nan, math.nan)).rule_of_thumb == "unknown"


def test_units_of_another_length_are_said() -> None:
    """A unit for each row."""
    found = drifts({"x": [1.0, 2.0]}, {"x": [1.0, 2.0]}, units=([1, 2, 3], [1, 2]))[0]
    assert "different lengths" in found.why_not


def test_a_column_of_ids_is_judged_in_time_and_memory() -> None:
    """50,000 levels, all different then and now: everything is unseen, which is drift."""
    then, now = (np.array([f"{side}{k}" for k in range(50_000)], object) for side in "ab")
    found = drifts({"id": then}, {"id": now})[0]
    assert found.unseen == 1.0
    assert found.drifted
