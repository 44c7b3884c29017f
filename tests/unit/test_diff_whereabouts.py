"""Which place goes with a mismatch, and that none is named where no field matters."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.random import default_rng

from harness.diff.conditions import Condition, Field
from harness.diff.whereabouts import UNIT, Place, Search, find_places
from tests.benchmarks.whereabouts import fisher_names

N, UNITS = 12_000, 1_500
USER = default_rng(11).integers(UNITS, size=N)
COUNTRY = np.array(["US", "GB", "FR", "DE"], object)[
    default_rng(302).choice(4, size=UNITS, p=[0.4, 0.25, 0.2, 0.15])
][USER]
HOST = np.array([f"h{k}" for k in default_rng(303).integers(12, size=N)], object)
HOUR = (np.arange(N) * 72 // N % 24).astype(float)
BUILD = np.where(np.arange(N) < 0.6 * N, "b1", "b2").astype(object)
AMOUNT = np.round(default_rng(304).lognormal(4.0, 1.0, N), 2)
SERVICE = default_rng(305).gamma(2.0, 15.0, N)
FIELDS: dict[str, Field] = {
    "country": COUNTRY,
    "host": HOST,
    "hour": HOUR,
    "build": BUILD,
    "amount": AMOUNT,
    "service_ms": SERVICE,
}
SEARCH = Search(alpha=0.01, shuffles=199)


def some(inside: np.ndarray, *, users: float = 0.4, rate: float = 0.3) -> np.ndarray:
    """Mismatches in a place, of some users, on some of their requests."""
    rng = default_rng(12)
    return inside & (rng.random(UNITS) < users)[USER] & (rng.random(N) < rate)


def found(mismatch: np.ndarray, unit: np.ndarray = USER, search: Search = SEARCH) -> tuple[Place, ...]:
    """The places of these mismatches."""
    return find_places(mismatch, unit, fields=FIELDS, search=search)


PLACES = {
    "host = h3": HOST == "h3",
    "build = b2": BUILD == "b2",
    "amount >= 100": AMOUNT >= 100.0,
    "amount < 20": AMOUNT < 20.0,
    "20 <= amount < 30": (AMOUNT >= 20.0) & (AMOUNT < 30.0),
    "service_ms >= 80": SERVICE >= 80.0,
    "country = DE": COUNTRY == "DE",
    "country = DE and hour >= 20": (COUNTRY == "DE") & (HOUR >= 20.0),
    "host = h3 and amount >= 100": (HOST == "h3") & (AMOUNT >= 100.0),
}


@pytest.mark.parametrize("words", PLACES)
@pytest.mark.parametrize("unit", [USER, np.arange(N)], ids=["users", "no units"])
def test_the_place_is_named(words: str, unit: np.ndarray) -> None:
    """The simplest conditions that hold where requests mismatch, with round bounds, and nothing else."""
    mismatch = some(PLACES[words])
    places = found(mismatch, unit)
    assert [str(place) for place in places] == [words]
    assert places[0].mismatching == np.count_nonzero(mismatch)
    assert places[0].p == 1 / 200


def test_a_place_is_counted_on_all_requests() -> None:
    """Requests there, mismatches there, rates within and elsewhere, and its share of all mismatches."""
    mismatch = some(HOST == "h3") | (np.arange(N) % 1_500 == 0)
    inside = HOST == "h3"
    (place,) = found(mismatch)
    bad, total = np.count_nonzero(mismatch & inside), np.count_nonzero(mismatch)
    assert place.requests == np.count_nonzero(inside)
    assert place.mismatching == bad
    assert place.rate == bad / np.count_nonzero(inside)
    assert place.elsewhere == (total - bad) / np.count_nonzero(~inside)
    assert place.share == bad / total < 1.0
    assert np.array_equal(place.holds(FIELDS), inside)


def test_two_places_are_named_the_stronger_first() -> None:
    """The second is searched outside of the first."""
    mismatch = some(HOST == "h3", rate=0.9) | some(HOST == "h7", rate=0.4)
    assert [str(place) for place in found(mismatch)] == ["host = h3", "host = h7"]
    assert len(found(mismatch, search=Search(alpha=0.01, shuffles=199, most=1))) == 1


def test_what_is_missing_is_a_place_too() -> None:
    """Requests without a country, or without an amount."""
    country, amount = COUNTRY.copy(), AMOUNT.copy()
    country[::9], amount[::7] = None, np.nan
    fields: dict[str, Field] = {"country": country, "amount": amount}
    for rows, words in (
        (slice(None, None, 9), "country = (none)"),
        (slice(None, None, 7), "amount = (none)"),
    ):
        inside = np.zeros(N, bool)
        inside[rows] = True
        places = find_places(some(inside), USER, fields=fields, search=SEARCH)
        assert [str(place) for place in places] == [words]


def test_one_unit_with_all_mismatches_is_the_place() -> None:
    """Its fields cannot be told from itself, and nothing is tested."""
    mismatch = USER == 77
    (place,) = found(mismatch)
    assert place.conditions == (Condition(UNIT, level="77"),)
    assert (place.share, place.p) == (1.0, None)


@pytest.mark.parametrize(
    "mismatch",
    [
        np.zeros(N, bool),
        np.ones(N, bool),
        np.arange(N) < 4,
        some(np.ones(N, bool)),
        some(np.ones(N, bool), users=1.0, rate=0.9),
        some(np.ones(N, bool), users=0.01, rate=1.0),
    ],
    ids=["none", "all", "four", "spread", "nearly all", "few users"],
)
def test_no_place_is_named_where_there_is_none(mismatch: np.ndarray) -> None:
    """Nothing, everything, too few, or no field that matters."""
    assert found(mismatch) == ()


@pytest.mark.parametrize("fields", [{}, {"host": np.full(N, "h1", object)}, {"x": np.full(N, np.nan)}])
def test_fields_that_say_nothing_name_nothing(fields: dict[str, Field]) -> None:
    """None at all, or the same for every request."""
    assert find_places(some(HOST == "h3"), USER, fields=fields, search=SEARCH) == ()


def test_a_bound_that_chance_suggests_is_not_named() -> None:
    """Of forty mismatches from 100 on none may be among the dearest requests: that is no upper bound."""
    rng, unit = default_rng(14), np.arange(N)
    dear = np.flatnonzero(AMOUNT >= 100.0)
    named = []
    for _ in range(12):
        mismatch = np.isin(unit, rng.choice(dear, 40, replace=False))
        places = find_places(mismatch, unit, fields={"amount": AMOUNT}, search=SEARCH)
        named += [one.below for place in places for one in place.conditions]
    assert named == [None] * 12


def test_one_unit_for_all_requests_names_no_unit() -> None:
    """It is every request, not a place."""
    assert found(some(HOST == "h3"), np.zeros(N, np.int64))[0].conditions[0].field != UNIT


def test_clustered_mismatches_name_no_place_where_fisher_names_one() -> None:
    """Whole users mismatch at random: Fisher's test, which counts requests, finds a country or a client."""
    rng, naive, ours = default_rng(13), 0, 0
    client = np.array([f"c{k}" for k in rng.integers(40, size=300)], object)
    few = rng.integers(300, size=N)
    fields: dict[str, Field] = {"client": client[few], "country": COUNTRY, "host": HOST, "amount": AMOUNT}
    for _ in range(30):
        mismatch = (rng.random(300) < 0.05)[few] & (rng.random(N) < 0.8)
        naive += fisher_names(mismatch, fields)
        ours += bool(find_places(mismatch, few, fields=fields, search=SEARCH))
    assert naive >= 28
    assert ours <= 2


@settings(max_examples=5, deadline=None)
@given(st.randoms(use_true_random=False), st.sampled_from(sorted(PLACES)))
def test_the_order_of_requests_does_not_matter(random: object, words: str) -> None:
    """A place is the same whichever request comes first."""
    order = default_rng(random.getrandbits(32)).permutation(N)  # type: ignore[attr-defined]
    shuffled = {name: np.asarray(values)[order] for name, values in FIELDS.items()}
    places = find_places(some(PLACES[words])[order], USER[order], fields=shuffled, search=SEARCH)
    assert [str(place) for place in places] == [words]


@settings(max_examples=5, deadline=None)
@given(st.permutations([f"h{k}" for k in range(12)]))
def test_renamed_levels_are_named_by_their_new_names(names: list[str]) -> None:
    """Levels are names, and units are codes: which ones says nothing."""
    renamed = np.array([names[int(host[1:])] for host in HOST], object)
    fields: dict[str, Field] = {**FIELDS, "host": renamed}
    places = find_places(some(HOST == "h3"), UNITS * 3 - 2 * USER, fields=fields, search=SEARCH)
    assert [str(place) for place in places] == [f"host = {names[3]}"]


def test_more_mismatches_than_are_dealt_are_counted_all() -> None:
    """A random part of them is enough to tell the place."""
    mismatch = (BUILD == "b2") & (np.arange(N) % 50 > 0)
    (place,) = found(mismatch)
    assert str(place) == "build = b2"
    assert place.mismatching == np.count_nonzero(mismatch) > 4_000
