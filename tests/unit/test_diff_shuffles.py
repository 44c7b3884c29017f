"""Mismatches dealt anew, whole units at a time."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.diff.shuffles import ENOUGH, WIDER, Shuffles


def dealt(unit: np.ndarray, marks: np.ndarray, times: int = 200) -> np.ndarray:
    """The marked rows of many deals."""
    return Shuffles.of(unit, marks).deal(np.random.default_rng(1), times)


def test_marks_of_one_unit_stay_together() -> None:
    """Three marks of a user land on three requests of another user."""
    unit = np.repeat(np.arange(50), 6)
    rows = dealt(unit, np.array([0, 1, 2]))
    owners = unit[rows]
    assert np.all(owners == owners[:, :1])
    assert len(np.unique(owners)) > 40
    assert all(len(set(deal)) == 3 for deal in rows.tolist())


def test_marks_of_two_units_go_to_two_units() -> None:
    """Units are exchanged, not thrown together."""
    owners = np.repeat(np.arange(4), 5)[dealt(np.repeat(np.arange(4), 5), np.array([0, 5]))]
    assert np.all(owners[:, 0] != owners[:, 1])


def test_a_pattern_is_turned_within_its_unit() -> None:
    """One at a stretch stays at a stretch, anywhere round the unit."""
    rows = np.sort(dealt(np.zeros(10, np.int64), np.array([7, 8, 9])), axis=1)
    assert {tuple(deal) for deal in rows.tolist()} == {
        tuple(sorted((k + step) % 10 for step in range(3))) for k in range(10)
    }


@pytest.mark.parametrize("unit", [np.arange(400), np.repeat(np.arange(20), 20)])
def test_every_request_is_as_likely_as_any_other(unit: np.ndarray) -> None:
    """The weights say how many marks a row gets on average; they add up to all marks."""
    marks = np.arange(0, 40, 2)
    shuffles = Shuffles.of(unit, marks)
    weights = shuffles.weights(unit)
    assert weights.sum() == pytest.approx(len(marks))
    seen = np.bincount(dealt(unit, marks, 4_000).ravel(), minlength=400) / 4_000
    assert np.allclose(seen, weights, atol=0.015)


def test_units_are_exchanged_with_those_of_about_their_size() -> None:
    """A batch client's mismatches do not land on someone with two requests."""
    size = np.concatenate([np.full(40, 2), np.full(40, 100), [5_000]])
    unit = np.repeat(np.arange(81), size)
    shuffles = Shuffles.of(unit, np.flatnonzero(np.isin(unit, [0, 40, 80])))
    sizes = size[unit[shuffles.deal(np.random.default_rng(2), 50)]]
    assert np.array_equal(sizes, np.broadcast_to(sizes[0], sizes.shape))


def test_rare_sizes_are_taken_together_within_limits() -> None:
    """Ten units or so to exchange with, none more than 1.6 times as large."""
    size = np.unique(np.geomspace(5, 500, 60).astype(int))
    unit = np.repeat(np.arange(len(size)), size)
    strata = Shuffles.of(unit, np.array([0])).strata
    assert sorted(np.concatenate([one.units for one in strata]).tolist()) == list(range(len(size)))
    for one in strata:
        assert size[one.units].max() <= WIDER * size[one.units].min()
    assert np.median([len(one.units) for one in strata]) >= ENOUGH / 2


@given(st.data())
def test_a_deal_has_every_mark_on_a_request(data: st.DataObject) -> None:
    """Whatever the units and marks are."""
    n = data.draw(st.integers(1, 40))
    unit = np.unique(
        np.array(data.draw(st.lists(st.integers(0, 8), min_size=n, max_size=n))), return_inverse=True
    )[1]
    marks = np.array(data.draw(st.lists(st.integers(0, n - 1), min_size=1, unique=True)))
    rows = dealt(unit, marks, 5)
    assert rows.shape == (5, len(marks))
    assert rows.min() >= 0
    assert rows.max() < n
