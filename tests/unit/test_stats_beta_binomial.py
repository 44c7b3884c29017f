"""The rate e-process: printed decision limits, its definition by quadrature, bounds, and refusals."""

import json
import math

import numpy as np
import pytest
from scipy.integrate import quad

from harness.stats import (
    BetaBinomial,
    beta_binomial_log_e,
    borders,
    discordant,
    rate_bounds,
    sequential_mcnemar,
    tuned_prior,
)
from harness.stats.confseq import Side

OVER = BetaBinomial.tuned(0.05, "greater", n_opt=1000, alpha=0.05)
WITHIN = BetaBinomial.tuned(0.05, "less", n_opt=1000, alpha=0.05)


def test_tuning_has_the_known_value() -> None:
    """The prior of the p95 rate test, printed to nine decimals."""
    found = tuned_prior(0.05, n_opt=1000, alpha=0.05, side="greater")
    assert found == pytest.approx((7.850317453, 149.156031615), abs=5e-10)


@pytest.mark.parametrize(
    ("n", "over", "within"),
    [
        (100, 14, -1),
        (200, 21, 1),
        (500, 40, 12),
        (1000, 71, 32),
        (2000, 129, 74),
        (5000, 296, 206),
        (10_000, 567, 436),
    ],
)
def test_decision_limits_are_the_printed_ones(n: int, over: int, within: int) -> None:
    """Fewest slow requests that are "over", most that are "within" a limit of 5 % (-1: none are)."""
    assert OVER.add(over, n).rejects
    assert not OVER.add(over - 1, n).rejects
    assert not WITHIN.add(within + 1, n).rejects
    assert within < 0 or WITHIN.add(within, n).rejects


@pytest.mark.parametrize(
    ("pairs", "wins"), [(20, 18), (50, 36), (100, 64), (200, 120), (500, 282), (1000, 546)]
)
def test_mcnemar_needs_the_printed_wins(pairs: int, wins: int) -> None:
    """Fewest wins among discordant pairs that prove the challenger better (n_opt 200)."""
    test = sequential_mcnemar(n_opt=200, alpha=0.05)
    assert test.add(wins, pairs).rejects
    assert not test.add(wins - 1, pairs).rejects


@pytest.mark.parametrize(
    ("budget", "bad", "n"),
    [
        (0.001, 0, 3239),
        (0.002, 0, 1726),
        (0.005, 0, 795),
        (0.005, 3, 2117),
        (0.01, 1, 678),
        (0.01, 3, 1048),
        (0.05, 0, 154),
        (0.05, 3, 241),
    ],
)
def test_requests_that_prove_a_budget(budget: float, bad: int, n: int) -> None:
    """The first number of requests at which this many bad ones prove the rate below its budget."""
    test = BetaBinomial.tuned(budget, "less", n_opt=1000, alpha=0.05)
    assert test.add(bad, n).rejects
    assert not test.add(bad, n - 1).rejects


@pytest.mark.parametrize("side", ["greater", "less", "two-sided"])
@pytest.mark.parametrize(("successes", "n"), [(0, 1), (3, 10), (9, 10), (30, 100)])
def test_evidence_is_the_likelihood_ratio_averaged_over_the_prior(side: Side, successes: int, n: int) -> None:
    """The closed form equals its definition, by quadrature over the truncated beta prior."""
    p0, (a, b) = 0.3, tuned_prior(0.3, n_opt=50, alpha=0.05, side=side)
    low, high = {"greater": (p0, 1.0), "less": (0.0, p0), "two-sided": (0.0, 1.0)}[side]

    def prior(p: float) -> float:
        return float(p ** (a - 1.0) * (1.0 - p) ** (b - 1.0))

    def ratio(p: float) -> float:
        return prior(p) * (p / p0) ** successes * ((1.0 - p) / (1.0 - p0)) ** (n - successes)

    expected = quad(ratio, low, high, epsabs=1e-14)[0] / quad(prior, low, high, epsabs=1e-14)[0]
    found = beta_binomial_log_e(successes, n, p0=p0, side=side, prior=(a, b))
    assert float(found) == pytest.approx(math.log(expected), abs=1e-7)


@pytest.mark.parametrize("n", [1, 10, 200])
@pytest.mark.parametrize("side", ["greater", "less", "two-sided"])
def test_evidence_has_mean_one_under_the_null(side: Side, n: int) -> None:
    """Summed exactly over the binomial at p0, E is 1: it is fair, so Ville's inequality applies."""
    p0, k = 0.3, np.arange(n + 1)
    log_chance = np.array(
        [math.lgamma(n + 1) - math.lgamma(i + 1) - math.lgamma(n - i + 1) for i in range(n + 1)]
    )
    log_chance += k * math.log(p0) + (n - k) * math.log1p(-p0)
    test = BetaBinomial.tuned(p0, side, n_opt=50, alpha=0.05)
    assert math.fsum(np.exp(log_chance + test.log_e_of(k, n))) == pytest.approx(1.0, abs=1e-9)


@pytest.mark.parametrize("n", [10, 500, 50_000, 10**7, 10**12])
@pytest.mark.parametrize(("side", "wrong"), [("greater", 0.0), ("less", 1.0)])
def test_the_wrong_side_is_never_evidence(side: Side, wrong: float, n: int) -> None:
    """However far the data are on the wrong side, log E is negative or -inf, never large."""
    test = BetaBinomial.tuned(0.5, side, n_opt=200, alpha=0.05).add(int(wrong * n), n)
    assert test.log_e() < 0.0
    assert test.p_value() == 1.0
    assert not test.rejects


def test_underflow_is_minus_infinity() -> None:
    """Where the truncated mass underflows, the log evidence is -inf (it was once +13,642)."""
    assert BetaBinomial.tuned(0.5, "greater", n_opt=200, alpha=0.05).add(0, 50_000).log_e() == -math.inf


@pytest.mark.parametrize(
    ("successes", "n", "n_opt", "low", "high"),
    [
        (700, 1000, 100, 0.651629, 0.745949),
        (15, 50, 50, 0.129556, 0.511896),
        (5, 50, 50, 0.013021, 0.269264),
        (1, 50, 50, 0.0, 0.13489),
        (100, 200, 1, 0.328923, 0.671076),
    ],
)
def test_two_sided_bounds_are_the_printed_ones(
    successes: int, n: int, n_opt: float, low: float, high: float
) -> None:
    """The intervals of confseq, printed (cut) to six digits."""
    found = rate_bounds(successes, n, side="two-sided", n_opt=n_opt, alpha=0.05)
    assert found == pytest.approx((low, high), abs=2e-6)


@pytest.mark.parametrize(("successes", "n"), [(5, 100), (50, 1000), (999, 1000), (30, 40)])
def test_a_bound_is_where_its_test_begins_to_reject(successes: int, n: int) -> None:
    """Just outside the one-sided bound the test of that rate rejects, just inside it does not."""
    low, _ = rate_bounds(successes, n, side="greater", n_opt=500, alpha=0.05)
    inside = BetaBinomial.tuned(low * (1.0 + 1e-6), "greater", n_opt=500, alpha=0.05)
    outside = BetaBinomial.tuned(low * (1.0 - 1e-6), "greater", n_opt=500, alpha=0.05)
    assert not inside.add(successes, n).rejects
    assert outside.add(successes, n).rejects


def test_bounds_of_the_other_side_mirror() -> None:
    """The upper bound of successes is one minus the lower bound of failures; the open side is 0 or 1."""
    low, one = rate_bounds(30, 100, side="greater", n_opt=100, alpha=0.05)
    zero, high = rate_bounds(70, 100, side="less", n_opt=100, alpha=0.05)
    assert (one, zero) == (1.0, 0.0)
    assert low == pytest.approx(1.0 - high, abs=1e-12)


@pytest.mark.parametrize("side", ["greater", "less", "two-sided"])
def test_no_trial_bounds_nothing_and_says_nothing(side: Side) -> None:
    """Before the first trial the bounds are (0, 1), the evidence 0 and p 1."""
    test = BetaBinomial.tuned(0.2, side, n_opt=100, alpha=0.05)
    assert rate_bounds(0, 0, side=side, n_opt=100, alpha=0.05) == (0.0, 1.0)
    assert (test.log_e(), test.p_value(), test.rejects) == (0.0, 1.0, False)


def test_anytime_p_is_the_inverse_evidence() -> None:
    """P = 1/E once E is above 1."""
    test = sequential_mcnemar(n_opt=200, alpha=0.05).add(64, 100)
    assert test.p_value() == pytest.approx(math.exp(-test.log_e()))
    assert test.p_value() <= 0.05


def test_agreeing_arms_never_prove_anything_by_mcnemar() -> None:
    """Without a discordant pair there is no trial, so it is no test of non-inferiority."""
    right = np.array([True, False, True, True])
    assert discordant(right, right) == (0, 0)
    assert (
        sequential_mcnemar(n_opt=200, alpha=0.05, side="less").add(*discordant(right, right)).log_e() == 0.0
    )


def test_discordant_pairs_are_counted() -> None:
    """Wins of the challenger, and pairs of which one arm is right."""
    champion, challenger = np.array([True, False, False]), np.array([False, True, False])
    assert discordant(champion, challenger) == (1, 2)


def test_state_survives_json_exactly() -> None:
    """A process resumed from its JSON state is the same process."""
    test = OVER.add(3, 77)
    assert BetaBinomial.from_state(json.loads(json.dumps(test.state()))) == test


def test_other_tuning_does_not_merge() -> None:
    """Processes of another null, side, level or prior are other tests."""
    with pytest.raises(ValueError, match="other tuning is another test"):
        OVER.merge(WITHIN)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"p0": 0.0}, "p0: found 0.0"),
        ({"alpha": 1.0}, "alpha: found 1.0"),
        ({"a": 0.0}, "a: found 0.0"),
        ({"b": math.inf}, "b: found inf"),
        ({"successes": 4, "n": 3}, "successes: found 4 of 3"),
        ({"side": "both"}, "side: found 'both'"),
        ({"seed": 1}, "state: found the names"),
    ],
)
def test_a_damaged_state_is_refused_by_name(change: dict[str, float | str], text: str) -> None:
    """A value that no run can produce raises ValueError that names it."""
    with pytest.raises(ValueError, match=text):
        BetaBinomial.from_state({**OVER.state(), **change})


@pytest.mark.parametrize("outcomes", [[0, 2], [[0, 1]], [math.nan], ["1"]])
def test_outcomes_other_than_0_and_1_are_refused(outcomes: object) -> None:
    """Counts, matrices, NaN and text are no trials."""
    with pytest.raises(ValueError, match="expected a vector of 0 and 1"):
        OVER.update(outcomes)  # type: ignore[arg-type]


def test_arms_of_other_shapes_or_types_are_refused() -> None:
    """Right or wrong is a boolean, one a pair."""
    with pytest.raises(ValueError, match="expected booleans of one shape"):
        discordant(np.array([True]), np.array([1]))


def test_evidence_grows_with_the_count_on_its_side() -> None:
    """More successes are never less evidence for "greater", so a single count decides."""
    evidence = OVER.log_e_of(np.arange(301), 300)
    assert (np.diff(evidence) > 0.0).all()
    assert int(np.flatnonzero(evidence >= math.log(20.0))[0]) == borders(OVER, 300).high[300]
