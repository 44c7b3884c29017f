"""Tests that must fail: nulls under which a wrong use crosses far more often than alpha; runs that did."""

import math

import numpy as np
import numpy.typing as npt

from harness.stats import (
    AsymptoticCS,
    BetaBinomial,
    Betting,
    Spending,
    sequential_mcnemar,
    spending_bounds,
)
from harness.stats.normal_mixture import best_rho, mixture_bound
from tests.simulations import sequential
from tests.simulations.figures import chunks
from tests.simulations.nulls import ALPHA, Null, crossed
from tests.simulations.processes import betting_stops, rate_stops
from tests.simulations.slow_share import rulings, slow_counts, slow_requests


def naive_z_at_every_look(rng: np.random.Generator, runs: int) -> int:
    """The fixed-n z test of heavy-tailed differences, looked at from 100 to 2,000 units."""
    draws = (sequential.heavy_tailed_differences(rng, runs=part, units=2000) for part in chunks(runs, 500))
    return sum(sequential.naive_z_rejections(x, first_look=100) for x in draws)


def requests_that_queue(rng: np.random.Generator, runs: int) -> int:
    """The p95 rate test by request on AR(1) latencies, phi = .8, exactly 5 % slow."""
    test = BetaBinomial.tuned(0.05, "greater", n_opt=1000, alpha=ALPHA)
    draws = (slow_requests(rng, runs=part, n=5000, share=0.05, phi=0.8) for part in chunks(runs, 500))
    return sum(crossed(rate_stops(x, test)) for x in draws)


def requests_in_sessions(rng: np.random.Generator, runs: int) -> int:
    """The McNemar test by request when the 5 requests of a session mostly fall to the same arm."""
    test = sequential_mcnemar(n_opt=428, alpha=ALPHA)
    draws = (sequential.session_rows(rng, runs=part, sessions=1000, size=5) for part in chunks(runs, 500))
    return sum(crossed(rate_stops((x > 0.0).reshape(len(x), -1), test)) for x in draws)


def normal_sequence_on_rare_events(rng: np.random.Generator, runs: int) -> int:
    """The asymptotic sequence claiming "errors are below .5 %" when they are exactly that, from 200 on."""
    rho = best_rho(1000, ALPHA, sides=1)
    looks = range(200, 5001)
    bounds = np.array([mixture_bound(n, ALPHA, rho=rho, sides=1) for n in looks])
    found = 0
    for part in chunks(runs, 500):
        sums = sequential.studentised_sums(0.005 - (rng.random((part, 5000)) < 0.005).astype(np.float64))
        found += int((sums[:, 199:] >= bounds).any(axis=1).sum())
    return found


def labels_so_far(rng: np.random.Generator, runs: int) -> int:
    """Positives known within the week, negatives only at its end: of two equal models one wins.

    400 requests a day for 10 days, looks at the end of days 3 to 9 with the labels that have arrived.
    """

    def crosses() -> bool:
        day = rng.uniform(0.0, 10.0, size=4000)
        positive = rng.random(4000) < 0.3
        known = day + np.where(positive, rng.uniform(0.0, 7.0, size=4000), 7.0)
        # Champion says .25, challenger the score above .3 that has the same expected log loss.
        champion, challenger = 0.25, _equally_good(0.25, base=0.3)
        gain = np.where(
            positive, math.log(challenger / champion), math.log((1.0 - challenger) / (1.0 - champion))
        )
        return any(
            AsymptoticCS(1000, ALPHA).update(gain[known <= end]).lower_bound() > 0.0 for end in range(3, 10)
        )

    return sum(crosses() for _ in range(runs))


def _equally_good(score: float, *, base: float) -> float:
    """The other constant score with the same expected log loss when the positive share is `base`."""

    def loss(p: float) -> float:
        return -(base * math.log(p) + (1.0 - base) * math.log(1.0 - p))

    low, high = base, 0.999
    for _ in range(60):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if loss(middle) < loss(score) else (low, middle)
    return low


def blocks_from_what_was_seen(rng: np.random.Generator, runs: int) -> int:
    """Blocks as long as the observed slow requests seem to depend on each other, then bets on block means.

    The block length is the integrated autocorrelation time of the run's own slow requests; AR(1), phi = .8,
    n = 1,500, exactly 5 % slow.
    """
    n = 1500
    slow = slow_requests(rng, runs=runs, n=n, share=0.05, phi=0.8).astype(np.float64)
    over = Betting(m0=0.05, side="greater", alpha=ALPHA, bets=(0.01, 0.02, 0.05, 0.1, 0.2, 0.5))
    found = 0
    for run in slow:
        size = _observed_memory(run)
        blocks = run[: n - n % size].reshape(-1, size).mean(axis=1)
        found += crossed(betting_stops(blocks[None, :], over))
    return found


def _observed_memory(series: npt.NDArray[np.float64]) -> int:
    """1 + 2 times the sum of the autocorrelations up to the first that is within its noise, rounded up."""
    centred = series - series.mean()
    variance, total = float(centred @ centred), 1.0
    for lag in range(1, 100 if variance > 0.0 else 1):
        correlation = float(centred[lag:] @ centred[:-lag]) / variance
        if correlation <= 2.0 / math.sqrt(series.size):
            break
        total += 2.0 * correlation
    return math.ceil(total)


def skewed_losses(rng: np.random.Generator, runs: int, *, first_look: int) -> int:
    """The asymptotic sequence claims a gain while the rare large losses (lognormal) are yet to come."""
    found = 0
    for part in chunks(runs, 500):
        values = math.exp(0.5) - np.exp(rng.normal(size=(part, 5000)))
        found += sequential.confidence_sequence_rejections(values, first_look=first_look, n_opt=500)
    return found


def skewed_from_100(rng: np.random.Generator, runs: int) -> int:
    """Gains of mean 0 with a long tail of losses (lognormal, sigma 1), the sequence from 100 units on."""
    return skewed_losses(rng, runs, first_look=100)


def skewed_from_400(rng: np.random.Generator, runs: int) -> int:
    """Gains of mean 0 with a long tail of losses (lognormal, sigma 1), the sequence from 400 units on."""
    return skewed_losses(rng, runs, first_look=400)


def pass_with_long_memory(rng: np.random.Generator, runs: int) -> int:
    """One pass of 630, exactly 5 % slow, AR(1) phi = .9: the worse of false within and false over."""
    counts = slow_counts(rng, runs=runs, n=630, share=0.05, phi=0.9)
    found = rulings(counts, 630)
    return max(found["within"], found["over"])


def past_the_planned_end(rng: np.random.Generator, runs: int) -> int:
    """Five O'Brien-Fleming looks, then five more past the end at the last bound (the class refuses them)."""
    spending = Spending(kind="obrien-fleming")
    bounds = spending_bounds(np.arange(1, 6) / 5, alpha=ALPHA, spending=spending)
    z = np.cumsum(rng.normal(size=(runs, 10)), axis=1) / np.sqrt(np.arange(1, 11))
    return int((z >= np.concatenate([bounds, np.full(5, bounds[-1])])).any(axis=1).sum())


# Where a promise ends: it is measured, and the page says so.
LIMITS: dict[str, Null] = {
    limit.__name__: limit
    for limit in (skewed_from_100, skewed_from_400, pass_with_long_memory, past_the_planned_end)
}

CONTROLS: dict[str, Null] = {
    control.__name__: control
    for control in (
        naive_z_at_every_look,
        requests_that_queue,
        requests_in_sessions,
        normal_sequence_on_rare_events,
        labels_so_far,
        blocks_from_what_was_seen,
    )
}
