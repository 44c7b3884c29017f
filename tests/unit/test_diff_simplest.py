"""Of sure places the simplest, with round bounds."""

import numpy as np
import pytest
from numpy.random import default_rng

from harness.diff.conditions import Condition, Field, coded
from harness.diff.simplest import Edges, Finalist, Ground, simplest

N = 4_000
HOST = np.array([f"h{k}" for k in default_rng(5).integers(4, size=N)], object)
AMOUNT = np.round(default_rng(602).lognormal(4.0, 1.0, N), 2)
FIELDS: dict[str, Field] = {"host": coded(HOST), "amount": AMOUNT}
H3, DEAR = Condition("host", level="h3"), Condition("amount", at_least=97.0)


def ground(mismatch: np.ndarray) -> Ground:
    """Every request is as likely to mismatch as any other."""
    return Ground(mismatch, np.full(N, np.count_nonzero(mismatch) / N), FIELDS)


def finalists(*places: tuple[Condition, ...]) -> list[Finalist]:
    """Places that are all sure."""
    return [
        Finalist(number, place, 50.0, {one.field: 1.0 for one in place})
        for number, place in enumerate(places)
    ]


@pytest.mark.parametrize(
    ("mismatch", "words"),
    [
        (HOST == "h3", ["host = h3"]),
        (AMOUNT >= 100.0, ["amount >= 100"]),
        ((HOST == "h3") & (AMOUNT >= 100.0), ["host = h3", "amount >= 100"]),
        ((HOST == "h3") & (default_rng(603).random(N) < 0.2), ["host = h3"]),
    ],
)
def test_a_second_condition_is_named_where_it_adds_enough(mismatch: np.ndarray, words: list[str]) -> None:
    """And its bound is sharpened to the round number in the gap."""
    best = simplest(finalists((H3,), (DEAR,), (H3, DEAR)), ground(mismatch))
    assert [str(one) for one in best.conditions] == words


def test_another_field_that_says_the_same_is_simpler() -> None:
    """One condition that has all mismatches but one stands before two that have all."""
    mismatch = (HOST == "h3") & (AMOUNT >= 97.0)
    zone = np.where(mismatch, "z1", "z2").astype(object)
    zone[np.flatnonzero(mismatch)[0]] = "z2"
    fields: dict[str, Field] = {**FIELDS, "zone": coded(zone)}
    weighed = Ground(mismatch, np.full(N, np.count_nonzero(mismatch) / N), fields)
    z1 = Condition("zone", level="z1")
    assert weighed.ratio((z1,)) < weighed.ratio((H3, DEAR))
    assert simplest(finalists((H3, DEAR), (z1,)), weighed).conditions == (z1,)


def test_a_conjunction_stands_where_it_alone_is_sure() -> None:
    """Nothing else to choose from."""
    best = simplest(finalists((H3, DEAR)), ground(HOST == "h3"))
    assert best.conditions[0] == H3


def test_a_range_is_sharpened_on_both_sides() -> None:
    """From a rough place to the round one that fits."""
    rough = Condition("amount", at_least=18.0, below=33.0)
    best = simplest(finalists((rough,)), ground((AMOUNT >= 20.0) & (AMOUNT < 30.0)))
    assert str(best.conditions[0]) == "20 <= amount < 30"


def test_few_distinct_values_keep_their_exact_bound() -> None:
    """Hours are not rounded to 20; what lies hardly worse is not taken for rounder."""
    hour = np.tile(np.arange(24.0), 20)
    late = hour >= 22.0
    edges = Edges.of(hour, late, weights=np.full(480, late.mean()), above=True)
    assert edges.best(float(late.sum()), spread=1.0) == 22.0
    below = Edges.of(hour, hour < 3.0, weights=np.full(480, 0.125), above=False)
    assert below.best(60.0, spread=1.0) == 3.0


def test_no_bound_where_none_is_a_place() -> None:
    """Mismatches all over the range, or one value only."""
    even = Edges.of(np.arange(100.0), np.ones(100, bool), weights=np.ones(100), above=True)
    assert even.best(100.0, spread=1.0) is None
    one = Edges.of(np.ones(5), np.ones(5, bool), weights=np.ones(5), above=True)
    assert one.best(5.0, spread=1.0) is None
