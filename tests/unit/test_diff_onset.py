"""Since and until when requests mismatch."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.random import default_rng

from harness.diff.onset import Onset, Timeline, find_onset, split_likelihood
from harness.diff.whereabouts import Search

N, UNITS = 10_000, 800
SECOND = 10**9
USER = default_rng(21).integers(UNITS, size=N)
TIMES = np.arange(N) * SECOND + 1_750_000_000 * SECOND
ROW = np.arange(N)
HIT = (default_rng(402).random(UNITS) < 0.3)[USER]
SEARCH = Search(alpha=0.01, shuffles=199)


def found(mismatch: np.ndarray, unit: np.ndarray = USER, times: np.ndarray = TIMES) -> Onset | None:
    """The change of these mismatches."""
    return find_onset(mismatch, unit, event_time_ns=times, search=SEARCH)


def row_of(ns: int) -> int:
    """The request at a time."""
    return (ns - int(TIMES[0])) // SECOND


@pytest.mark.parametrize("unit", [USER, ROW, ROW // 10], ids=["users", "no units", "sessions"])
@pytest.mark.parametrize("first", [300, 4_000, 9_500])
def test_a_start_is_told_with_its_interval(unit: np.ndarray, first: int) -> None:
    """Within 1 % of the capture, and the interval holds it."""
    mismatch = (default_rng(first).random(unit.max() + 1) < 0.5)[unit] & (first <= ROW)
    onset = found(mismatch, unit)
    assert onset is not None
    assert onset.start is not None
    assert onset.end is None
    assert abs(row_of(onset.start.at_ns) - first) <= 0.01 * N
    assert onset.start.lower_ns <= TIMES[first] <= onset.start.upper_ns
    assert onset.start.lower_ns <= onset.start.at_ns <= onset.start.upper_ns
    assert onset.during == pytest.approx(0.5, abs=0.1)
    assert onset.otherwise == pytest.approx(0.0, abs=1e-3)
    assert onset.p == 1 / 200


@pytest.mark.parametrize("length", [1, 10], ids=["no units", "sessions"])
def test_the_interval_holds_the_start_in_95_of_100_captures(length: int) -> None:
    """Forty captures of 2,000 requests, each with a start of its own, half of the units mismatching since."""
    row, held, quick = np.arange(2_000), 0, Search(alpha=0.05, shuffles=19)
    for seed in range(40):
        rng = default_rng(seed)
        first = rng.integers(200, 1_800)
        mismatch = (rng.random(2_000) < 0.5)[row // length] & (first <= row)
        onset = find_onset(mismatch, row // length, event_time_ns=TIMES[:2_000], search=quick)
        assert onset is not None
        assert onset.start is not None
        held += bool(onset.start.lower_ns <= TIMES[first] <= onset.start.upper_ns)
    assert held >= 38


def test_an_end_is_a_start_backwards() -> None:
    """Mismatches that stop."""
    onset = found(HIT & (ROW < 6_000))
    assert onset is not None
    assert onset.start is None
    assert onset.end is not None
    assert abs(row_of(onset.end.at_ns) - 6_000) <= 0.01 * N
    assert onset.end.lower_ns <= TIMES[6_000]
    assert TIMES[5_999] <= onset.end.upper_ns
    assert onset.end.lower_ns <= onset.end.at_ns <= onset.end.upper_ns


def test_an_episode_has_both() -> None:
    """Mismatches that begin and stop."""
    onset = found(HIT & (ROW >= 3_000) & (ROW < 5_000))
    assert onset is not None
    assert onset.start is not None
    assert onset.end is not None
    assert abs(row_of(onset.start.at_ns) - 3_000) <= 0.01 * N
    assert abs(row_of(onset.end.at_ns) - 5_000) <= 0.01 * N


def test_a_rate_that_rises_is_a_start_too() -> None:
    """From 1 % to 10 %."""
    onset = found(default_rng(404).random(N) < np.where(ROW < 5_000, 0.01, 0.1))
    assert onset is not None
    assert onset.start is not None
    assert onset.start.lower_ns <= TIMES[5_000] <= onset.start.upper_ns
    assert onset.during == pytest.approx(0.1, abs=0.02)
    assert onset.otherwise == pytest.approx(0.01, abs=0.005)


@pytest.mark.parametrize(
    "mismatch",
    [
        np.zeros(N, bool),
        np.ones(N, bool),
        ROW > N - 5,
        HIT,
        default_rng(405).random(N) < 0.02,
        USER == 3,
        np.isin(USER, [3, 4, 5, 6]),
    ],
    ids=["none", "all", "four", "users", "requests", "one user", "four users"],
)
def test_a_constant_rate_has_no_onset(mismatch: np.ndarray) -> None:
    """Nor has one user alone, however late he comes."""
    assert found(mismatch) is None


def test_two_users_do_not_date_a_change() -> None:
    """They mismatch from the middle on for reasons of their own, at any alpha; five users date it."""
    busy, lax = USER % 50, Search(alpha=0.9, shuffles=99)
    late = ROW >= 5_000
    assert find_onset((busy < 2) & late, busy, event_time_ns=TIMES, search=lax) is None
    assert find_onset((busy < 3) & late, busy, event_time_ns=TIMES, search=lax) is not None
    assert found((busy < 5) & late, busy) is not None


def test_busy_sessions_are_no_change() -> None:
    """Six sessions of 40 requests each mismatch wholly: clustered, but the service did not change."""
    rng, named, session = default_rng(22), 0, ROW // 40
    for _ in range(40):
        named += found(np.isin(session, rng.integers(N // 40, size=6)), session) is not None
    assert named <= 2


def test_clusters_widen_the_interval() -> None:
    """Half of the sessions mismatch: the start is as unsure as a session is long, not a request."""
    session = ROW // 50
    clustered = (default_rng(23).random(N // 50) < 0.5)[session] & (ROW >= 5_000)
    alone = default_rng(23).random(N) < np.where(ROW >= 5_000, 0.5, 0.0)
    widths = []
    for mismatch, unit in ((clustered, session), (alone, ROW)):
        onset = found(mismatch, unit)
        assert onset is not None
        assert onset.start is not None
        widths.append(row_of(onset.start.upper_ns) - row_of(onset.start.lower_ns))
    assert widths[0] > 5 * widths[1]


def test_the_likelihood_of_a_split_by_hand() -> None:
    """Independent requests, rates (k + 1/2)/(n + 1) of each side: 1/6 and 5/6 here."""
    line = Timeline(np.array([0, 0, 1, 1], bool), np.arange(4), np.arange(4) * SECOND)
    likelihood = split_likelihood(line, 2)
    step = np.log((1 - 1 / 6) / (1 - 5 / 6))
    assert np.allclose(likelihood, [0.0, step, 2 * step, step, 0.0])


def test_requests_of_one_time_are_not_split() -> None:
    """No time lies between them."""
    line = Timeline(np.array([0, 0, 1, 1], bool), np.arange(4), np.array([0, 1, 1, 2]) * SECOND)
    assert np.isinf(split_likelihood(line, 2)).tolist() == [False, False, True, False, False]


@settings(max_examples=5, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 10**6))
def test_the_order_of_requests_and_the_names_of_units_do_not_matter(seed: int, factor: int) -> None:
    """Time orders them, and units are codes."""
    order = default_rng(seed).permutation(N)
    mismatch = HIT & (ROW >= 4_000)
    one, other = found(mismatch), found(mismatch[order], (factor * USER)[order], TIMES[order])
    assert one == other
