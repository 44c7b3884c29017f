"""Do the arms receive the traffic they were given, and does the canary err more often than its share says?

A sample-ratio mismatch means that the split itself is broken, so nothing that compares the arms can be
believed. `SampleRatio` is the Dirichlet-multinomial e-process of Lindon, Malek, "Anytime-valid inference for
multinomial count data", NeurIPS 2022, section 3: E = B(k theta + c) / B(k theta) / prod theta_i^c_i, exact
when each request is assigned on its own. With two arms it is the two-sided beta-binomial with prior Beta(k
pi, k (1 - pi)).

Errors of a canary and a champion are compared by conditioning on "an error happened": given that, it came
from the canary with a probability that holds whatever the base rate of errors does over the day
(`canary_error_share`).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from scipy.optimize import brentq
from scipy.special import gammaln

from harness.stats._checks import check_at_least, check_same_tuning, check_share
from harness.stats._evidence import Evidence
from harness.stats.beta_binomial import BetaBinomial
from harness.stats.confseq import Side

DEFAULT_CONCENTRATION = 100.0
DEFAULT_ALPHA = 0.001
_SHARES_SUM_TOLERANCE = 1e-9
_TINY = 1e-12


@dataclass(frozen=True, kw_only=True)
class SampleRatio(Evidence):
    """Evidence against "requests fall on the arms in these shares" as its tuning and one integer an arm.

    `shares` are the planned traffic shares, `concentration` the k of the prior (larger looks for smaller
    mismatches), `alpha` the error probability over all looks. State: `counts` by arm. Raises ValueError
    unless there are at least 2 shares above 0 that sum to 1, concentration > 0 and 0 < alpha < 1. To check:
    shares .5, .5, concentration 100, counts 60, 25 give E = 20.9135938638733.
    """

    shares: tuple[float, ...]
    concentration: float = DEFAULT_CONCENTRATION
    alpha: float = DEFAULT_ALPHA
    counts: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "shares", tuple(self.shares))
        object.__setattr__(self, "counts", tuple(self.counts) or (0,) * len(self.shares))
        check_share(self.alpha, "alpha")
        check_at_least(self.concentration, "concentration", least=math.ulp(0.0))
        total = math.fsum(self.shares)
        if len(self.shares) < 2 or min(self.shares) <= 0.0 or abs(total - 1.0) > _SHARES_SUM_TOLERANCE:
            raise ValueError(
                f"shares: found {self.shares}, expected at least 2 numbers above 0 that sum to 1"
            )
        if len(self.counts) != len(self.shares) or min(self.counts) < 0:
            raise ValueError(f"counts: found {self.counts}, expected {len(self.shares)} counts of at least 0")

    def add(self, counts: Sequence[int]) -> Self:
        """The process after `counts` more requests, one number an arm in the order of the shares."""
        if len(counts) != len(self.shares) or min(counts) < 0:
            raise ValueError(
                f"counts: found {tuple(counts)}, expected {len(self.shares)} counts of at least 0"
            )
        return replace(self, counts=tuple(a + int(b) for a, b in zip(self.counts, counts, strict=True)))

    def merge(self, other: Self) -> Self:
        """The process over the requests of both, different ones; raises ValueError if the tuning differs."""
        check_same_tuning(replace(self, counts=()), replace(other, counts=()))
        return self.add(other.counts)

    def log_e(self) -> float:
        """The log evidence of a mismatch now; it rejects at log(1/alpha)."""
        theta, c = np.array(self.shares), np.array(self.counts, np.float64)
        prior, n = self.concentration * theta, c.sum()
        gained = gammaln(prior + c) - gammaln(prior) - c * np.log(theta)
        return float(gained.sum() + gammaln(self.concentration) - gammaln(self.concentration + n))


def share_bounds(
    counts: tuple[int, int], *, concentration: float = DEFAULT_CONCENTRATION, alpha: float = DEFAULT_ALPHA
) -> tuple[float, float]:
    """The confidence sequence (low, high) for the first of two arms' share: all that are not rejected.

    It covers the share at all looks together with probability 1 - alpha; inversion of `SampleRatio`. Nothing
    gives (0, 1). Raises ValueError as `SampleRatio` does. To check: 60, 25, alpha .05: (.501424, .860880).
    """
    low = _least_share(counts, concentration=concentration, alpha=alpha)
    high = 1.0 - _least_share((counts[1], counts[0]), concentration=concentration, alpha=alpha)
    return low, high


def _least_share(counts: tuple[int, int], *, concentration: float, alpha: float) -> float:
    """The smallest share of the first arm that is not rejected for being too low; 0.0 when none is."""

    def excess(share: float) -> float:
        test = SampleRatio(shares=(share, 1.0 - share), concentration=concentration, alpha=alpha)
        return test.add(counts).log_e() + math.log(alpha)

    top = counts[0] / sum(counts) if sum(counts) else 0.0
    top = min(top, 1.0 - _TINY)
    if top <= _TINY or excess(_TINY) < 0.0:
        return 0.0
    return float(brentq(excess, _TINY, top, xtol=1e-13)) if excess(top) < 0.0 else top


def canary_error_share(traffic_share: float, ratio: float = 1.0) -> float:
    """The share of all errors that the canary has if its error rate is `ratio` times the champion's.

    pi m / (pi m + 1 - pi), pi the canary's share of traffic. Raises ValueError unless 0 < pi < 1 and ratio >
    0. To check: 5 % of traffic at equal rates gives .05, at 1.25 times the rate .061728.
    """
    check_share(traffic_share, "traffic_share")
    check_at_least(ratio, "ratio", least=math.ulp(0.0))
    weighted = traffic_share * ratio
    return weighted / (weighted + 1.0 - traffic_share)


def canary_errors(
    traffic_share: float, side: Side, *, ratio: float = 1.0, n_opt: float, alpha: float
) -> BetaBinomial:
    """The test of a canary's errors against the champion's on split traffic; its trials are all errors.

    Feed it `add(errors of the canary, errors of both)`. "greater" at ratio 1 is a deterioration; "less" at
    ratio 1 + margin proves that the canary errs less than (1 + margin) times as often. Exact while each
    request is assigned on its own, also when the base rate drifts; not under sticky routing of users (then
    units, `AsymptoticCS`). To check: 5 % of traffic, "less", ratio 1.25 tests the rate 0.061728.
    """
    return BetaBinomial.tuned(canary_error_share(traffic_share, ratio), side, n_opt=n_opt, alpha=alpha)
