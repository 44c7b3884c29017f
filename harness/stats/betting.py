"""The mean of bounded values against a known one, looked at as often as one likes: exact, distribution-free.

Bet on each value y in [0, 1] that it exceeds the null mean m0: wealth multiplies by 1 + lambda (y - m0),
which no fair game can grow. Waudby-Smith, Ramdas, "Estimating means of bounded random variables by betting",
JRSS-B 86 (2024), section 4 (capital process, cap on the bet), with a finite mixture of constant bets (what
they call diversified Kelly betting). A mixture over fixed bets needs no order: batches and shards merge by
adding log wealth. It needs only that each value's mean, given the past, is at or below m0 ("greater") or at
or above it ("less"); clipped values bound the mean of the clipped value.
"""

import math
from dataclasses import dataclass, replace
from typing import Literal, Self

import numpy as np
import numpy.typing as npt
from scipy.optimize import brentq

from harness.stats._checks import (
    Floats,
    check_at_least,
    check_same_tuning,
    check_share,
    finite_vector,
)
from harness.stats._evidence import Evidence

OneSide = Literal["greater", "less"]

DEFAULT_BETS = 12
DEFAULT_CAP = 0.95
# Factors are multiplied while their product is between exp(-600) and exp(600); then one logarithm is taken.
_LARGEST_LOG = 600.0
_TINY = 1e-12


def geometric_bets(count: int = DEFAULT_BETS, cap: float = DEFAULT_CAP) -> tuple[float, ...]:
    """`count` bets cap, cap/2, cap/4, ... as fractions of the largest bet that cannot lose everything.

    Raises ValueError unless count >= 1 and 0 < cap < 1. To check: (2, .95) gives .95, .475.
    """
    check_at_least(count, "count", least=1)
    check_share(cap, "cap")
    return tuple(math.ldexp(cap, -k) for k in range(count))


def tuned_weights(
    bets: tuple[float, ...], m0: float, *, side: OneSide, n_opt: float, sd: float, alpha: float
) -> tuple[float, ...]:
    """Weights for these bets that make the test quickest near `n_opt` values of standard deviation `sd`.

    A test of level alpha is decided near n_opt by the bet lambda = sqrt(2 log(1/alpha) / n_opt) / sd (the bet
    that grows fastest at the smallest mean detectable there); each bet weighs (lambda_k / lambda)^2 exp(1 -
    (lambda_k / lambda)^2), at most 1 at lambda, and .1 of all weight is spread evenly so that no bet is given
    up. Any weights keep the level; `sd` is a guess from earlier data, never from the values under test.
    Raises ValueError unless n_opt >= 1 and sd > 0. To check: the weights sum to 1.
    """
    check_at_least(n_opt, "n_opt", least=1)
    check_at_least(sd, "sd", least=math.ulp(0.0))
    check_share(alpha, "alpha")
    largest = 1.0 / (m0 if side == "greater" else 1.0 - m0)
    target = math.sqrt(-2.0 * math.log(alpha) / n_opt) / sd
    ratio = np.square(np.array(bets) * largest / target)
    bump = ratio * np.exp(1.0 - ratio) + _TINY
    weights = 0.9 * bump / bump.sum() + 0.1 / len(bets)
    return tuple(float(w) for w in weights / weights.sum())


def to_unit_interval(values: npt.ArrayLike, bound: float) -> Floats:
    """Differences clipped to [-bound, bound] and moved to [0, 1]: (clip(x) + bound) / (2 bound).

    `bound` is declared before the data; 3-5 standard deviations of earlier data is good. A claim on the
    result is about the mean of the clipped difference. Raises ValueError unless bound > 0. To check: -1, 0, 3
    by 1 is 0, .5, 1.
    """
    check_at_least(bound, "bound", least=math.ulp(0.0))
    return (np.clip(finite_vector(values, "values"), -bound, bound) + bound) / (2.0 * bound)


def margin_null(margin: float, bound: float = 1.0) -> float:
    """The null mean, after `to_unit_interval`, of "worse by `margin` or more": (bound - margin) / (2 bound).

    Crossing "greater" proves non-inferiority of differences "challenger minus champion, more is better".
    Raises ValueError unless 0 <= margin < bound. To check: a margin of .01 at bound 1 gives .495.
    """
    check_at_least(margin, "margin", least=0.0)
    check_at_least(bound, "bound", least=math.ulp(0.0))
    check_share((bound - margin) / (2.0 * bound), "null mean")
    return (bound - margin) / (2.0 * bound)


@dataclass(frozen=True, kw_only=True)
class Betting(Evidence):
    """Evidence against "the mean is m0": tuning and one log wealth a bet; `update`, `merge` give the next.

    `side` is what it is evidence for. `bets` are fractions of the largest possible bet (see
    `geometric_bets`), `weights` their shares of the starting capital (equal when left out); both fixed before
    the first look, like `alpha`, the error probability over all looks together. State: `log_wealth` by bet,
    `n` values. Raises ValueError unless 0 < m0 < 1, 0 < alpha < 1, 0 < bets < 1, weights >= 0 that sum to 1.
    To check: m0 = .495, "greater", alpha = .05: the 561st value of exactly .5 is the first to cross.
    """

    m0: float
    side: OneSide
    alpha: float
    bets: tuple[float, ...] = geometric_bets()
    weights: tuple[float, ...] = ()
    log_wealth: tuple[float, ...] = ()
    n: int = 0

    def __post_init__(self) -> None:
        check_share(self.m0, "m0")
        check_share(self.alpha, "alpha")
        check_at_least(self.n, "n", least=0)
        if self.side not in {"greater", "less"}:
            raise ValueError(f"side: found {self.side!r}, expected 'greater' or 'less'")
        for bet in self.bets or (math.nan,):
            check_share(bet, "bets")
        count = len(self.bets)
        # Tuples also from JSON lists, so that a resumed state is equal to the one that was kept.
        object.__setattr__(self, "bets", tuple(self.bets))
        object.__setattr__(self, "weights", tuple(self.weights) or (1.0 / count,) * count)
        object.__setattr__(self, "log_wealth", tuple(self.log_wealth) or (0.0,) * count)
        if min(self.weights) < 0.0 or abs(math.fsum(self.weights) - 1.0) > 1e-9:  # noqa: PLR2004  -- rounding
            raise ValueError(f"weights: found {self.weights}, expected numbers >= 0 that sum to 1")
        if not len(self.weights) == len(self.log_wealth) == count:
            raise ValueError(
                f"weights, log_wealth: found {len(self.weights)}, {len(self.log_wealth)}, expected {count}"
            )

    def update(self, batch: npt.ArrayLike) -> Self:
        """The process after the values of `batch`, (values,) each in [0, 1], in any order."""
        values = unit_vector(batch, "batch")
        scale = self.m0 if self.side == "greater" else self.m0 - 1.0
        gain = _log_growth(values / scale - self.m0 / scale, np.array(self.bets))
        wealth = tuple(float(w) for w in np.array(self.log_wealth) + gain)
        return replace(self, log_wealth=wealth, n=self.n + values.size)

    def merge(self, other: Self) -> Self:
        """The process over the values of both, different ones; raises ValueError when the tuning differs."""
        check_same_tuning(self._tuning(), other._tuning())
        wealth = tuple(mine + theirs for mine, theirs in zip(self.log_wealth, other.log_wealth, strict=True))
        return replace(self, log_wealth=wealth, n=self.n + other.n)

    def log_e(self) -> float:
        """The log evidence now, the log of the mean wealth; rejects at log(1/alpha). 0.0 before any value."""
        return _log_mean_exp(self.log_wealth, self.weights) if self.n else 0.0

    def _tuning(self) -> tuple[object, ...]:
        return self.m0, self.side, self.alpha, self.bets, self.weights


def paired_decisions(margin: float, *, alpha: float) -> Betting:
    """The non-inferiority test of paired decisions: "correct less often by `margin` or more" is the null.

    Feed it `to_unit_interval(challenger_right - champion_right, 1)`. Unlike a McNemar test it can prove
    non-inferiority, since pairs that agree count. To check: 561 identical pairs prove a margin of 1 point at
    .05.
    """
    return Betting(m0=margin_null(margin), side="greater", alpha=alpha)


def mean_bounds(
    values: npt.ArrayLike, *, alpha: float, sides: Literal[1, 2] = 2, bets: tuple[float, ...] | None = None
) -> tuple[float, float]:
    """The confidence sequence (low, high) for the mean of `values` in [0, 1]: every m0 that is not rejected.

    Inversion by root: the wealth falls strictly in m0 on either side. `sides=2` splits alpha over both bounds
    and covers with 1 - alpha at all looks; `sides=1` gives two bounds of which each alone holds with 1 -
    alpha. Nothing gives (0, 1). To check: 561 values of .5, alpha .05, sides 1 give a lower bound of .4950.
    """
    check_share(alpha, "alpha")
    vector = unit_vector(values, "values")
    fractions = np.array(bets or geometric_bets())
    target = -math.log(alpha / sides)
    low = _least_mean(vector, fractions, target=target)
    return low, 1.0 - _least_mean(1.0 - vector, fractions, target=target)


def unit_vector(values: npt.ArrayLike, name: str) -> Floats:
    """`values` as a float64 vector of numbers in [0, 1], or ValueError."""
    array = np.asarray(values)
    vector = finite_vector(array.astype(np.float64) if array.dtype == bool else array, name)
    if vector.size and not 0.0 <= vector.min() <= vector.max() <= 1.0:
        raise ValueError(f"{name}: found values from {vector.min():g} to {vector.max():g}, expected 0 to 1")
    return vector


def _least_mean(values: Floats, bets: Floats, *, target: float) -> float:
    """The smallest null mean that is not rejected for being too low; 0.0 when none is."""

    def excess(m0: float) -> float:
        return _log_mean_exp(_log_growth(values / m0 - 1.0, bets), equal) - target

    equal = np.full(bets.size, 1.0 / bets.size)

    mean = float(values.mean()) if values.size else 0.0
    if mean < _TINY or excess(_TINY) < 0.0:
        return 0.0
    top = min(mean, 1.0 - _TINY)
    return float(brentq(excess, _TINY, top, xtol=1e-13)) if excess(top) < 0.0 else top


def _log_growth(returns: Floats, bets: Floats) -> Floats:
    """By bet, the sum of log(1 + bet * return): products of short blocks, then one logarithm a block."""
    if not returns.size:
        return np.zeros(bets.size)
    largest = np.abs(np.log1p(bets.max() * np.array([returns.min(), returns.max()]))).max()
    size = int(min(returns.size, max(1.0, _LARGEST_LOG / max(largest, _TINY))))
    whole = returns.size - returns.size % size
    factors = 1.0 + bets[:, None] * returns
    growth: Floats = np.log(factors[:, :whole].reshape(bets.size, -1, size).prod(axis=2)).sum(axis=1)
    if whole < returns.size:
        growth += np.log(factors[:, whole:].prod(axis=1))
    return growth


def _log_mean_exp(logs: npt.ArrayLike, weights: npt.ArrayLike) -> float:
    """log(sum(weights * exp(logs))) without overflow."""
    vector = np.asarray(logs, np.float64)
    top = float(vector.max())
    return top + math.log(float(np.dot(weights, np.exp(vector - top))))
