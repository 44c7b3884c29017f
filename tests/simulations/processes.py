"""Fast counts of runs that ever cross, one look at every observation, tied to the state objects by tests."""

from itertools import pairwise

import numpy as np
import numpy.typing as npt

from harness.stats import BetaBinomial, Betting, borders
from tests.simulations.figures import chunks

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_LARGEST_LOG = 700.0


def rate_stops(outcomes: npt.NDArray[np.bool_], test: BetaBinomial) -> Ints:
    """The trial at which each run (runs, trials) first crosses, 0 for never."""
    successes = np.cumsum(outcomes, axis=1)
    border = borders(test, outcomes.shape[1])
    return _first((successes <= border.low[1:]) | (successes >= border.high[1:]))


def betting_stops(values: Floats, test: Betting) -> Ints:
    """The value at which each run (runs, values) in [0, 1] first crosses, 0 for never."""
    scale = test.m0 if test.side == "greater" else test.m0 - 1.0
    stops = [_betting_stops((part - test.m0) / scale, test) for part in _parts(values)]
    return np.concatenate(stops)


def _betting_stops(returns: Floats, test: Betting) -> Ints:
    wealth = np.zeros_like(returns)
    for bet, weight in zip(test.bets, test.weights, strict=True):
        log_wealth = np.cumsum(np.log1p(bet * returns), axis=1)
        wealth += weight * np.exp(np.minimum(log_wealth, _LARGEST_LOG))
    return _first(wealth >= 1.0 / test.alpha)


def _parts(values: Floats, size: int = 200) -> list[Floats]:
    ends = np.cumsum([0, *chunks(len(values), size)])
    return [values[a:b] for a, b in pairwise(ends)]


def _first(crossed: npt.NDArray[np.bool_]) -> Ints:
    return np.where(crossed.any(axis=1), crossed.argmax(axis=1) + 1, 0)
