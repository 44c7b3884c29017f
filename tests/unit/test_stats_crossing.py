"""When a rate test crosses: exact probabilities against printed ones and against plain enumeration."""

import itertools
import math

import numpy as np
import pytest

from harness.stats import (
    BetaBinomial,
    borders,
    crossing_probabilities,
    mean_trials,
    sequential_mcnemar,
    trials_for,
)
from harness.stats.confseq import Side


@pytest.mark.parametrize(("n", "probability"), [(50, 0.003762), (200, 0.017821), (1000, 0.031732)])
def test_crossing_probability_is_the_printed_one(n: int, probability: float) -> None:
    """McNemar at its null, n_opt 200, printed to six decimals by another program."""
    crossed = crossing_probabilities(sequential_mcnemar(n_opt=200, alpha=0.05), 0.5, horizon=n)
    assert crossed[n] == pytest.approx(probability, abs=1e-6)


@pytest.mark.parametrize("side", ["greater", "less", "two-sided"])
def test_crossing_probability_is_the_sum_over_all_paths(side: Side) -> None:
    """For ten trials, every sequence of outcomes is walked and weighed."""
    test, rate = BetaBinomial.tuned(0.4, side, n_opt=10, alpha=0.4), 0.3
    total = 0.0
    for path in itertools.product((0, 1), repeat=10):
        walked = itertools.accumulate(path)
        if any(test.add(s, n).rejects for n, s in enumerate(walked, start=1)):
            total += math.prod(rate if outcome else 1.0 - rate for outcome in path)
    crossed = crossing_probabilities(test, rate, horizon=10)
    assert 0.0 < total < 1.0
    assert crossed[-1] == pytest.approx(total, abs=1e-12)


@pytest.mark.parametrize("side", ["greater", "less", "two-sided"])
@pytest.mark.parametrize("p0", [0.05, 0.5, 0.9])
def test_borders_are_the_first_counts_that_cross(side: Side, p0: float) -> None:
    """At and beyond a border the test rejects; between the borders it does not."""
    test = BetaBinomial.tuned(p0, side, n_opt=40, alpha=0.05)
    border = borders(test, 60)
    for n in range(1, 61):
        rejects = test.log_e_of(np.arange(n + 1), n) >= math.log(20.0)
        quiet = np.flatnonzero(~rejects)
        assert (border.low[n], border.high[n]) == (quiet[0] - 1, quiet[-1] + 1)


def test_the_error_rate_never_passes_alpha() -> None:
    """At the null the probability of ever crossing grows towards alpha and stays below it."""
    crossed = crossing_probabilities(sequential_mcnemar(n_opt=50, alpha=0.1), 0.5, horizon=2000)
    assert (np.diff(crossed) >= 0.0).all()
    assert 0.05 < crossed[-1] <= 0.1


def test_mean_and_needed_trials_are_read_off_the_probabilities() -> None:
    """Half by trial 1 and all by trial 2 is 1.5 on average, 2 for a power of .9."""
    crossed = np.array([0.0, 0.5, 1.0])
    assert mean_trials(crossed) == pytest.approx(1.5)
    assert trials_for(crossed, 0.9) == 2
    assert trials_for(crossed[:2], 0.9) is None


@pytest.mark.parametrize(("rate", "horizon", "text"), [(0.0, 5, "rate"), (0.5, 0, "horizon")])
def test_impossible_plans_are_refused(rate: float, horizon: int, text: str) -> None:
    """A rate of 0 or no look at all is no plan."""
    with pytest.raises(ValueError, match=text):
        crossing_probabilities(sequential_mcnemar(n_opt=50, alpha=0.1), rate, horizon=horizon)
