"""The betting e-process: known crossings, its definition, bounds by inversion, weights, and refusals."""

import json
import math

import numpy as np
import pytest

from harness.stats import (
    Betting,
    geometric_bets,
    margin_null,
    mean_bounds,
    paired_decisions,
    to_unit_interval,
    tuned_weights,
)
from harness.stats.betting import OneSide

EMPTY = Betting(m0=0.4, side="greater", alpha=0.05)
VALUES = np.array([0.0, 0.25, 1.0, 0.5, 0.75, 0.9, 1.0, 0.0])


def test_561_identical_pairs_prove_a_margin_of_one_point() -> None:
    """With bets up to .95 of the cap the 561st pair that agrees is the first to cross."""
    test = paired_decisions(0.01, alpha=0.05)
    agree = to_unit_interval(np.zeros(561), 1.0)
    assert not test.update(agree[:560]).rejects
    assert test.update(agree).rejects


def test_a_smaller_cap_needs_1063_pairs() -> None:
    """With bets up to .5 of the cap it is the 1,063rd."""
    test = Betting(m0=margin_null(0.01), side="greater", alpha=0.05, bets=geometric_bets(12, 0.5))
    assert not test.update(np.full(1062, 0.5)).rejects
    assert test.update(np.full(1063, 0.5)).rejects


@pytest.mark.parametrize("side", ["greater", "less"])
def test_evidence_is_the_mean_of_the_products(side: OneSide) -> None:
    """The log of the average over bets of the product of 1 + lambda (y - m0)."""
    test = Betting(m0=0.4, side=side, alpha=0.05).update(VALUES)
    scale = 0.4 if side == "greater" else -0.6
    wealth = [math.prod(1.0 + bet / scale * (y - 0.4) for y in VALUES) for bet in geometric_bets()]
    assert test.log_e() == pytest.approx(math.log(math.fsum(wealth) / 12.0), abs=1e-12)


@pytest.mark.parametrize("n", [1, 199, 200, 201, 5000])
@pytest.mark.parametrize("m0", [0.001, 0.05, 0.5, 0.999])
def test_products_in_blocks_lose_nothing(m0: float, n: int) -> None:
    """Log wealth equals the plain sum of logarithms for any batch size and any null mean."""
    values = np.random.default_rng(7).random(n)
    test = Betting(m0=m0, side="greater", alpha=0.05).update(values)
    plain = [np.log1p(bet * (values / m0 - 1.0)).sum() for bet in test.bets]
    assert test.log_wealth == pytest.approx(plain, rel=1e-10, abs=1e-10)


@pytest.mark.parametrize("weights", [(), (0.7, 0.2, 0.1)])
def test_one_fair_bet_has_mean_wealth_one(weights: tuple[float, ...]) -> None:
    """Over a value of mean m0 the expected E is exactly 1, whatever the weights."""
    test = Betting(m0=0.3, side="greater", alpha=0.05, bets=geometric_bets(3), weights=weights)
    fair = 0.3 * math.exp(test.update([1.0]).log_e()) + 0.7 * math.exp(test.update([0.0]).log_e())
    assert fair == pytest.approx(1.0, abs=1e-12)


def test_bounds_are_where_the_test_begins_to_reject() -> None:
    """At the lower bound E is 1/alpha; just above it is less, just below it more."""
    low, high = mean_bounds(VALUES, alpha=0.05, sides=1)
    for bound, side, outward in ((low, "greater", -1e-7), (high, "less", 1e-7)):
        at = Betting(m0=bound, side=side, alpha=0.05).update(VALUES)  # type: ignore[arg-type]
        beyond = Betting(m0=bound + outward, side=side, alpha=0.05).update(VALUES)  # type: ignore[arg-type]
        assert at.log_e() == pytest.approx(math.log(20.0), abs=1e-8)
        assert beyond.rejects


def test_two_sided_bounds_split_alpha() -> None:
    """Both bounds at alpha are two bounds at alpha / 2 each."""
    assert mean_bounds(VALUES, alpha=0.05) == mean_bounds(VALUES, alpha=0.025, sides=1)


@pytest.mark.parametrize(
    ("values", "low", "high"),
    [([], 0.0, 1.0), ([0.0] * 9, 0.0, None), ([1.0] * 9, None, 1.0)],
)
def test_bounds_at_the_edges(values: list[float], low: float | None, high: float | None) -> None:
    """No value bounds nothing; values at an end leave that end open."""
    found = mean_bounds(values, alpha=0.05)
    assert found[0] == low or low is None
    assert found[1] == high or high is None
    assert 0.0 <= found[0] <= found[1] <= 1.0


def test_561_equal_values_bound_the_mean() -> None:
    """The same 561 pairs as an interval: the mean is above .4950."""
    assert mean_bounds(np.full(561, 0.5), alpha=0.05, sides=1)[0] == pytest.approx(0.495006, abs=1e-6)


def test_swapping_the_arms_swaps_the_sides() -> None:
    """Mirrored values give the evidence of the other side and mirrored bounds."""
    one = Betting(m0=0.4, side="greater", alpha=0.05).update(VALUES)
    other = Betting(m0=0.6, side="less", alpha=0.05).update(1.0 - VALUES)
    assert one.log_e() == pytest.approx(other.log_e(), abs=1e-12)
    low, high = mean_bounds(VALUES, alpha=0.05)
    assert mean_bounds(1.0 - VALUES, alpha=0.05) == pytest.approx((1.0 - high, 1.0 - low), abs=1e-9)


def test_differences_are_clipped_and_moved() -> None:
    """-1, 0 and 3 by a bound of 1 are 0, one half and 1."""
    assert to_unit_interval([-1.0, 0.0, 3.0], 1.0).tolist() == [0.0, 0.5, 1.0]


def test_tuned_weights_favour_the_bet_that_decides_at_the_planned_number() -> None:
    """They sum to 1, keep some on every bet, and peak where lambda = sqrt(2 log 20 / n) / sd."""
    bets = geometric_bets()
    weights = tuned_weights(bets, 0.5, side="greater", n_opt=2000, sd=0.14, alpha=0.05)
    target = math.sqrt(2.0 * math.log(20.0) / 2000.0) / 0.14
    nearest = int(np.argmin([abs(math.log(2.0 * bet / target)) for bet in bets]))
    assert math.fsum(weights) == pytest.approx(1.0)
    assert min(weights) > 0.008
    assert int(np.argmax(weights)) == nearest


def test_before_the_first_value_there_is_no_evidence() -> None:
    """E is 1 and p is 1; an empty batch changes nothing."""
    assert (EMPTY.log_e(), EMPTY.p_value(), EMPTY.rejects) == (0.0, 1.0, False)
    assert EMPTY.update([]) == EMPTY


def test_far_on_the_wrong_side_there_is_no_evidence() -> None:
    """Ten million zeros against "greater" are a large negative number."""
    test = EMPTY
    for _ in range(10):
        test = test.update(np.zeros(1_000_000))
    assert test.log_e() < -1000.0
    assert test.p_value() == 1.0


def test_booleans_are_values() -> None:
    """True and False are 1 and 0."""
    assert EMPTY.update(np.array([True, False])).log_e() == EMPTY.update([1.0, 0.0]).log_e()


def test_state_survives_json_exactly() -> None:
    """A process resumed from its JSON state is the same process."""
    test = EMPTY.update(VALUES)
    assert Betting.from_state(json.loads(json.dumps(test.state()))) == test


def test_other_tuning_does_not_merge() -> None:
    """Processes of another null mean are other tests."""
    with pytest.raises(ValueError, match="other tuning is another test"):
        EMPTY.merge(paired_decisions(0.01, alpha=0.05))


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"m0": 1.0}, "m0: found 1.0"),
        ({"alpha": 0.0}, "alpha: found 0.0"),
        ({"n": -1}, "n: found -1"),
        ({"side": "two-sided"}, "side: found 'two-sided'"),
        ({"bets": ()}, "bets: found nan"),
        ({"bets": (0.5, 1.0)}, "bets: found 1.0"),
        ({"weights": (0.5,) * 12}, "expected numbers >= 0 that sum to 1"),
        ({"weights": (0.5, 0.5)}, "expected 12"),
        ({"log_wealth": (0.0,)}, "expected 12"),
        ({"seed": 1}, "state: found the names"),
    ],
)
def test_a_damaged_state_is_refused_by_name(change: dict[str, object], text: str) -> None:
    """A value that no run can produce raises ValueError that names it."""
    with pytest.raises(ValueError, match=text):
        Betting.from_state({**EMPTY.state(), **change})


@pytest.mark.parametrize("values", [[-0.1], [1.1], [math.nan]])
def test_values_out_of_range_are_refused(values: list[float]) -> None:
    """Only numbers from 0 to 1 can be bet upon."""
    with pytest.raises(ValueError, match="batch: found"):
        EMPTY.update(values)


@pytest.mark.parametrize(
    ("margin", "bound", "text"),
    [(-0.1, 1.0, "margin"), (1.0, 1.0, "null mean"), (0.0, 0.0, "bound: found 0.0")],
)
def test_impossible_margins_are_refused(margin: float, bound: float, text: str) -> None:
    """A margin is at least 0 and smaller than the bound."""
    with pytest.raises(ValueError, match=text):
        margin_null(margin, bound)
