"""When a sequential count test will have ruled: exact, by dynamic programming, without simulation.

A beta-binomial test at n trials crosses at a count, so the chance of having crossed is a walk with an
absorbing border: P(S, n) = (1 - p) P(S, n-1) + p P(S-1, n-1), where paths at the border are taken out. With p
at the null this is the exact error rate; with p at an effect worth finding it is the power, and the mean
number of trials that a plan needs. Jennison, Turnbull, "Group Sequential Methods" (2000), chapter 12 (exact
calculations for binary data).
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from harness.stats._checks import Floats, check_at_least, check_share
from harness.stats.beta_binomial import BetaBinomial

Counts = npt.NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Borders:
    """By number of trials 0..N: continue while `low` < successes < `high` (int64, (N + 1,))."""

    low: Counts
    high: Counts


def borders(test: BetaBinomial, horizon: int) -> Borders:
    """The counts at which `test` crosses, at each n from 0 to `horizon`; -1 and n + 1 where no count does.

    Raises ValueError unless horizon >= 1.
    To check (p0 = .05, n_opt = 1,000, alpha .05): at n = 1,000 "greater" has high 71, "less" has low 32.
    """
    check_at_least(horizon, "horizon", least=1)
    n = np.arange(horizon + 1, dtype=np.int64)
    low, high = np.full_like(n, -1), n + 1
    centre = np.floor(n * test.p0).astype(np.int64)
    if test.side != "less":
        high = _first_crossing(test, n, start=centre, stop=n + 1)
    if test.side != "greater":
        low = _first_crossing(test, n, start=np.minimum(centre + 1, n), stop=np.full_like(n, -1))
    return Borders(low=low, high=high)


def _first_crossing(test: BetaBinomial, n: Counts, *, start: Counts, stop: Counts) -> Counts:
    """The count nearest to `start` on the way to `stop` that crosses, by bisection for all n at once.

    `start` does not cross (the evidence at the null mean is below 1), and evidence grows on the way.
    """
    threshold = -np.log(test.alpha)
    quiet, crossed = start.copy(), stop.copy()
    while (open_ := np.abs(crossed - quiet) > 1).any():
        middle = np.where(open_, (quiet + crossed) // 2, quiet)
        hit = test.log_e_of(middle, n) >= threshold
        crossed = np.where(open_ & hit, middle, crossed)
        quiet = np.where(open_ & ~hit, middle, quiet)
    return crossed


def crossing_probabilities(test: BetaBinomial, rate: float, *, horizon: int) -> Floats:
    """The exact probability that the test has crossed by n = 0, 1, ..., `horizon` when the rate is `rate`.

    Independent trials, a look at each. Raises ValueError unless 0 < rate < 1 and horizon >= 1.
    To check (p0 = .5, "greater", n_opt = 200, alpha = .05, rate .5): .017821 by 200, .039462 by 5,000.
    """
    check_share(rate, "rate")
    border = borders(test, horizon)
    paths, crossed = np.zeros(horizon + 2), np.zeros(horizon + 1)
    paths[0] = 1.0
    for n in range(1, horizon + 1):
        bottom, top = max(0, int(border.low[n - 1])), min(n, int(border.high[n]) + 1)
        step = paths[bottom:top] * rate
        paths[bottom:top] -= step
        paths[bottom + 1 : top + 1] += step
        low, high = int(border.low[n]), int(border.high[n])
        out = paths[bottom : low + 1].sum() + paths[high : top + 1].sum()
        paths[bottom : low + 1] = 0.0
        paths[high : top + 1] = 0.0
        crossed[n] = crossed[n - 1] + out
    return crossed


def mean_trials(crossed: Floats) -> float:
    """The mean number of trials until a test rules, if it stops at the last n at the latest.

    `crossed` is the probability of having ruled by n = 0, 1, ..., N. To check: crossed 0, .5, 1 gives 1.5.
    """
    return float((1.0 - crossed[:-1]).sum())


def trials_for(crossed: Floats, power: float) -> int | None:
    """The least number of trials by which a test has ruled with probability `power`; None within the horizon.

    To check: crossed 0, .5, 1 needs 2 trials for a power of .9.
    """
    check_share(power, "power")
    enough = np.flatnonzero(crossed >= power)
    return int(enough[0]) if enough.size else None
