"""Nulls under which a valid test may cross with probability alpha at most; each returns the runs that did.

One look at every observation unless said otherwise, one-sided at .05.
"""

import math
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from harness.stats import (
    AsymptoticCS,
    BetaBinomial,
    Betting,
    Cuped,
    GroupSequential,
    QuantileTest,
    SampleRatio,
    auc_difference,
    canary_errors,
    live_slow_share,
    margin_null,
    sequential_mcnemar,
    to_unit_interval,
    z_log_e,
)
from harness.stats.betting import OneSide
from tests.simulations import sequential
from tests.simulations.figures import chunks
from tests.simulations.processes import betting_stops, rate_stops
from tests.simulations.slow_share import slow_requests

ALPHA = 0.05
LOG_BAR = math.log(1.0 / ALPHA)
N = 5000

Null = Callable[[np.random.Generator, int], int]
Floats = npt.NDArray[np.float64]


def crossed(stops: npt.NDArray[np.int64]) -> int:
    """How many runs crossed."""
    return int(np.count_nonzero(stops))


def mcnemar_iid(rng: np.random.Generator, runs: int) -> int:
    """Two equally good models: each discordant pair is a fair coin."""
    test = sequential_mcnemar(n_opt=428, alpha=ALPHA)
    return sum(crossed(rate_stops(rng.random((part, N)) < 0.5, test)) for part in chunks(runs, 500))


def rare_errors_over(rng: np.random.Generator, runs: int) -> int:
    """Errors at exactly their budget of .2 %, tested for being above it."""
    return _budget(rng, runs, rate=0.002, side="greater")


def rare_errors_within(rng: np.random.Generator, runs: int) -> int:
    """Errors at exactly their budget of .2 %, tested for being below it."""
    return _budget(rng, runs, rate=0.002, side="less")


def slow_share_over(rng: np.random.Generator, runs: int) -> int:
    """Independent requests of which exactly 5 % are slow, tested for being over."""
    return _budget(rng, runs, rate=0.05, side="greater")


def slow_share_within(rng: np.random.Generator, runs: int) -> int:
    """Independent requests of which exactly 5 % are slow, tested for being within."""
    return _budget(rng, runs, rate=0.05, side="less")


def _budget(rng: np.random.Generator, runs: int, *, rate: float, side: OneSide) -> int:
    test = BetaBinomial.tuned(rate, side, n_opt=1000, alpha=ALPHA)
    return sum(crossed(rate_stops(rng.random((part, N)) < rate, test)) for part in chunks(runs, 500))


def drifting_error_rate(rng: np.random.Generator, runs: int) -> int:
    """A canary as good as its champion while the error rate of both swings from .5 % to 9.5 %."""
    requests = 40_000
    rate = 0.05 * (1.0 + 0.9 * np.sin(np.arange(requests) / 2000.0))
    test = canary_errors(0.05, "greater", n_opt=1000, alpha=ALPHA)
    found = 0
    for _ in range(runs):
        from_canary = rng.random(int((rng.random(requests) < rate).sum())) < 0.05
        found += crossed(rate_stops(from_canary[None, :], test))
    return found


def drifting_slow_share(rng: np.random.Generator, runs: int) -> int:
    """A share of slow requests that drifts between 1 % and its limit of 5 %, tested for being over."""
    rate = 0.03 + 0.02 * np.sin(np.arange(N) / 300.0)
    test = BetaBinomial.tuned(0.05, "greater", n_opt=1000, alpha=ALPHA)
    return sum(crossed(rate_stops(rng.random((part, N)) < rate, test)) for part in chunks(runs, 500))


def live_blocks_over(rng: np.random.Generator, runs: int) -> int:
    """AR(1) latencies, phi = .8, exactly 5 % slow, in declared blocks of 20, tested for being over."""
    return _live_blocks(rng, runs, side="greater")


def live_blocks_within(rng: np.random.Generator, runs: int) -> int:
    """AR(1) latencies, phi = .8, exactly 5 % slow, in declared blocks of 20, tested for being within."""
    return _live_blocks(rng, runs, side="less")


def _live_blocks(rng: np.random.Generator, runs: int, *, side: OneSide) -> int:
    draws = (slow_requests(rng, runs=part, n=N, share=0.05, phi=0.8) for part in chunks(runs, 200))
    test = live_slow_share(side, alpha=ALPHA)
    return sum(crossed(betting_stops(x.reshape(len(x), -1, 20).mean(axis=2), test)) for x in draws)


def clipped_score_differences(rng: np.random.Generator, runs: int) -> int:
    """Heavy-tailed score differences of mean 0 (Student, 3 degrees of freedom), clipped, bet upon."""
    test = Betting(m0=0.5, side="greater", alpha=ALPHA)
    draws = (rng.standard_t(3, size=(part, N)) for part in chunks(runs, 200))
    return sum(crossed(betting_stops(_unit(0.016 * x, 0.1), test)) for x in draws)


def ties_at_the_margin(rng: np.random.Generator, runs: int) -> int:
    """Paired decisions that agree on 95 % and are worse by exactly the margin of one point."""
    test = Betting(m0=margin_null(0.01), side="greater", alpha=ALPHA)
    draws = (rng.random((part, N)) for part in chunks(runs, 200))
    decided = (np.where(u < 0.02, 1.0, np.where(u < 0.05, -1.0, 0.0)) for u in draws)
    return sum(crossed(betting_stops(_unit(x, 1.0), test)) for x in decided)


def drifting_spread(rng: np.random.Generator, runs: int) -> int:
    """Bounded differences of mean 0 whose spread swings by a factor of 9."""
    spread = 0.02 * np.exp(1.1 * np.sin(np.arange(N) / 250.0))
    test = Betting(m0=0.5, side="less", alpha=ALPHA)
    draws = (spread * rng.normal(size=(part, N)) for part in chunks(runs, 200))
    return sum(crossed(betting_stops(_unit(x, 0.1), test)) for x in draws)


def heavy_tails(rng: np.random.Generator, runs: int) -> int:
    """Paired log-loss differences of kurtosis about 30, looked at from 100 units on."""
    draws = (sequential.heavy_tailed_differences(rng, runs=part, units=N) for part in chunks(runs, 500))
    return sum(sequential.confidence_sequence_rejections(x, first_look=100, n_opt=500) for x in draws)


def drifting_mean_zero(rng: np.random.Generator, runs: int) -> int:
    """Unbounded differences of mean 0 whose spread swings by a factor of 9, from 100 units on."""
    spread = np.exp(1.1 * np.sin(np.arange(N) / 250.0))
    draws = (spread * rng.normal(size=(part, N)) for part in chunks(runs, 500))
    return sum(sequential.confidence_sequence_rejections(x, first_look=100, n_opt=500) for x in draws)


def sessions_by_unit(rng: np.random.Generator, runs: int) -> int:
    """Sessions of 5 requests that share half of their variance, summed by session."""
    draws = (sequential.session_rows(rng, runs=part, sessions=1000, size=5) for part in chunks(runs, 500))
    return sum(
        sequential.confidence_sequence_rejections(x.sum(axis=2), first_look=100, n_opt=200) for x in draws
    )


def returning_units(rng: np.random.Generator, runs: int) -> int:
    """200 units that come back on 14 days, their influence values recomputed each day."""
    return sequential.returning_unit_rejections(rng, runs=runs, units=200, days=14, n_opt=200)


def cuped_sequence(rng: np.random.Generator, runs: int) -> int:
    """20 batches of 100 units, adjusted by a covariate (correlation .7) with theta from earlier batches."""

    def crosses() -> bool:
        cuped, sequence = Cuped(covariate_mean=0.0), AsymptoticCS(1000, ALPHA)
        for _ in range(20):
            covariate = rng.normal(size=100)
            values = 0.7 * covariate + math.sqrt(1.0 - 0.49) * rng.normal(size=100)
            sequence = sequence.update(cuped.adjust(values, covariate))
            cuped = cuped.learn(values, covariate)
            if sequence.lower_bound() >= 0.0:
                return True
        return False

    return sum(crosses() for _ in range(runs))


def auc_at_ten_looks(rng: np.random.Generator, runs: int) -> int:
    """Two equally good noisy scores of one truth, 6 % positives, DeLong at 10 looks from 1,000 rows on."""

    def crosses() -> bool:
        labels = rng.random(3000) < 0.06
        signal = labels + rng.normal(size=3000)
        one, other = (signal + 0.5 * rng.normal(size=3000) for _ in range(2))
        return any(
            _auc_crosses(labels[:n], one[:n], other[:n]) for n in np.linspace(1000, 3000, 10).astype(int)
        )

    return sum(crosses() for _ in range(runs))


def _auc_crosses(labels: npt.NDArray[np.bool_], champion: Floats, challenger: Floats) -> bool:
    found = auc_difference(labels, champion=champion, challenger=challenger)
    n = labels.size
    return z_log_e(found.difference / found.se, n, side="greater", n_opt=2000, alpha=ALPHA) >= LOG_BAR


def group_sequential(rng: np.random.Generator, runs: int) -> int:
    """Five looks at 20 %, 35 %, 60 %, 80 % and, over-run, 108 % of the plan."""
    shares = np.array([0.2, 0.35, 0.6, 0.8, 1.08])
    test = GroupSequential(planned=1.0, alpha=ALPHA)
    for share in shares:
        test = test.look(float(share), 0.0)
    steps = rng.normal(size=(runs, shares.size)) * np.sqrt(np.diff(shares, prepend=0.0))
    z = np.cumsum(steps, axis=1) / np.sqrt(shares)
    return int((z >= np.array(test.bounds())).any(axis=1).sum())


def p95_at_its_margin(rng: np.random.Generator, runs: int) -> int:
    """A challenger whose p95 is exactly the margin above the champion's, 10 looks, 2,000 requests an arm."""
    test, margin = QuantileTest(q=0.95, n_opt=1000, alpha=ALPHA), 20.0

    def crosses() -> bool:
        champion = rng.lognormal(4.0, 0.4, size=2000)
        challenger = rng.lognormal(4.0, 0.4, size=2000) + margin
        looks = range(200, 2001, 200)
        return any(
            test.log_e_not_worse(champion[:n], challenger[:n], margin=margin) >= LOG_BAR for n in looks
        )

    return sum(crosses() for _ in range(runs))


def traffic_split(rng: np.random.Generator, runs: int) -> int:
    """Three arms at 90, 5 and 5 % that get what they were given, 100 looks of 100 requests, alpha .05."""
    shares = (0.90, 0.05, 0.05)

    def crosses() -> bool:
        test = SampleRatio(shares=shares, alpha=ALPHA)
        for counts in rng.multinomial(100, shares, size=100):
            test = test.add(counts.tolist())
            if test.rejects:
                return True
        return False

    return sum(crosses() for _ in range(runs))


def _unit(x: Floats, bound: float) -> Floats:
    """`to_unit_interval` for a matrix."""
    return to_unit_interval(x.ravel(), bound).reshape(x.shape)


NULLS: dict[str, Null] = {
    null.__name__: null
    for null in (
        mcnemar_iid,
        rare_errors_over,
        rare_errors_within,
        slow_share_over,
        slow_share_within,
        drifting_error_rate,
        drifting_slow_share,
        live_blocks_over,
        live_blocks_within,
        clipped_score_differences,
        ties_at_the_margin,
        drifting_spread,
        heavy_tails,
        drifting_mean_zero,
        sessions_by_unit,
        returning_units,
        cuped_sequence,
        auc_at_ten_looks,
        group_sequential,
        p95_at_its_margin,
        traffic_split,
    )
}
