"""A rate against a known value, looked at as often as one likes: exact, and two integers of state.

The e-process is a likelihood ratio averaged over a beta prior that is cut off at the null (truncated), so
that it speaks only for one side: Howard, Ramdas, McAuliffe, Sekhon, "Time-uniform, nonparametric,
nonasymptotic confidence sequences", Annals of Statistics 49 (2021), section 3.2 (beta-binomial mixture), with
p0 in place of g, 1 - p0 of h. With prior Beta(a, b), S successes in n trials and I the regularised incomplete
beta function,

    log E = log B(a+S, b+n-S) - log B(a, b) - S log p0 - (n-S) log(1-p0)
            + log(1 - I_p0(a+S, b+n-S)) - log(1 - I_p0(a, b))           ("greater"; "less" with I for 1 - I),

and the two-sided test has no second line. It needs only that each trial's success probability, given the
past, is at or below p0 ("greater") or at or above it ("less"), so drifting rates are covered. It is wrong for
requests that come in sessions or queue behind each other: there the trials must be units (see
`harness.stats.units`).
"""

import math
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import numpy.typing as npt
from scipy.optimize import brentq
from scipy.special import betainc, betaln

from harness.stats._checks import (
    Floats,
    check_at_least,
    check_counts,
    check_same_tuning,
    check_share,
)
from harness.stats._evidence import Evidence
from harness.stats.confseq import Side
from harness.stats.normal_mixture import best_rho

_LEAST_PRECISION = 1e-3
_NO_RATE = 1e-300
_EVEN = 0.5


def tuned_prior(p0: float, *, n_opt: float, alpha: float, side: Side) -> tuple[float, float]:
    """The prior (a, b) of mean p0 that makes the test of level `alpha` quickest near `n_opt` trials.

    Howard et al. (2021), section 3.5: r = max(rho - p0 q0, q0 p0 / 1000), a = r / q0, b = r / p0, q0 = 1 -
    p0, where rho is the normal mixture's tuning at variance n_opt p0 q0. It is flat: n_opt off by 4 costs
    little. Raises ValueError unless 0 < p0 < 1, n_opt > 0, 0 < alpha < 1 (.5 one-sided). To check: p0 = .05,
    n_opt = 1,000, alpha = .05, one-sided: a = 7.850317453, b = 149.156031615.
    """
    check_share(p0, "p0")
    check_at_least(n_opt, "n_opt", least=math.ulp(0.0))
    variance = p0 * (1.0 - p0)
    rho = best_rho(n_opt * variance, alpha, sides=2 if side == "two-sided" else 1)
    r = max(rho - variance, _LEAST_PRECISION * variance)
    return r / (1.0 - p0), r / p0


def beta_binomial_log_e(
    successes: npt.ArrayLike, trials: npt.ArrayLike, *, p0: float, side: Side, prior: tuple[float, float]
) -> Floats:
    """The log evidence of `successes` in `trials` (arrays that broadcast) against the rate p0 to `side`.

    Far on the wrong side the truncated mass underflows; the result is then -inf, "no evidence", never a large
    number. Counts may be fractions. To check (p0 = .5, prior of n_opt 200, alpha .05): 64 of 100 is the first
    to reach log 20.
    """
    S, n = np.asarray(successes, np.float64), np.asarray(trials, np.float64)
    a, b = prior
    ratio = betaln(a + S, b + n - S) - betaln(a, b) - S * math.log(p0) - (n - S) * math.log1p(-p0)
    if side == "two-sided":
        mass, total = np.ones_like(ratio), 1.0
    elif side == "greater":
        mass, total = betainc(b + n - S, a + S, 1.0 - p0), betainc(b, a, 1.0 - p0)
    else:
        mass, total = betainc(a + S, b + n - S, p0), betainc(a, b, p0)
    with np.errstate(divide="ignore"):
        evidence: Floats = ratio + np.log(mass) - math.log(total)
    return evidence


@dataclass(frozen=True, kw_only=True)
class BetaBinomial(Evidence):
    """Evidence against "the rate is p0": its tuning and two integers; `update`, `merge` return the next one.

    `side` says what it is evidence for: "greater" (the rate is above p0), "less" or "two-sided". `alpha` is
    the error probability over all looks together, (`a`, `b`) the prior, fixed before the first look; `tuned`
    sets it from a planned number of trials. State: `successes` of `n` trials. Raises ValueError unless 0 < p0
    < 1, 0 < alpha < 1, a > 0, b > 0 and 0 <= successes <= n. To check: p0 = .05, n_opt = 1,000, alpha = .05,
    1,000 trials: 71 or more are "greater", 32 or fewer are "less".
    """

    p0: float
    side: Side
    alpha: float
    a: float
    b: float
    successes: int = 0
    n: int = 0

    def __post_init__(self) -> None:
        check_share(self.p0, "p0")
        check_share(self.alpha, "alpha")
        check_at_least(self.a, "a", least=math.ulp(0.0))
        check_at_least(self.b, "b", least=math.ulp(0.0))
        check_counts(self.successes, self.n, names=("successes", "n"))
        if self.side not in {"greater", "less", "two-sided"}:
            raise ValueError(f"side: found {self.side!r}, expected 'greater', 'less' or 'two-sided'")

    @classmethod
    def tuned(cls, p0: float, side: Side, *, n_opt: float, alpha: float) -> Self:
        """The process before its first trial, quickest near `n_opt` trials; see `tuned_prior`."""
        a, b = tuned_prior(p0, n_opt=n_opt, alpha=alpha, side=side)
        return cls(p0=p0, side=side, alpha=alpha, a=a, b=b)

    def update(self, outcomes: npt.ArrayLike) -> Self:
        """The process after these (trials,) booleans or 0 and 1; raises ValueError for others."""
        trials = np.asarray(outcomes)
        if trials.ndim != 1 or not np.isin(trials, (0, 1)).all():
            raise ValueError(
                f"outcomes: found shape {trials.shape}, dtype {trials.dtype}, expected a vector of 0 and 1"
            )
        return self.add(int(np.count_nonzero(trials)), trials.size)

    def add(self, successes: int, trials: int) -> Self:
        """The process after `trials` more trials of which `successes` were successes."""
        check_counts(successes, trials, names=("successes", "trials"))
        return replace(self, successes=self.successes + successes, n=self.n + trials)

    def merge(self, other: Self) -> Self:
        """The process over the trials of both, different ones; raises ValueError when the tuning differs."""
        check_same_tuning(self._tuning(), other._tuning())
        return self.add(other.successes, other.n)

    def log_e(self) -> float:
        """The log evidence now; it rejects at log(1/alpha). 0.0 before the first trial, -inf on underflow."""
        return float(self.log_e_of(self.successes, self.n))

    def log_e_of(self, successes: npt.ArrayLike, trials: npt.ArrayLike) -> Floats:
        """The log evidence that counts (arrays that broadcast) would give under this tuning."""
        return beta_binomial_log_e(successes, trials, p0=self.p0, side=self.side, prior=(self.a, self.b))

    def _tuning(self) -> tuple[float | str, ...]:
        return self.p0, self.side, self.alpha, self.a, self.b


def rate_bounds(successes: int, n: int, *, side: Side, n_opt: float, alpha: float) -> tuple[float, float]:
    """The confidence sequence (low, high) for the rate: every p0 that the test of p0 does not reject.

    It covers the rate at all looks together with probability 1 - alpha. "greater" gives (low, 1), "less" (0,
    high). Raises ValueError for counts or tuning out of range; no trial gives (0, 1). To check (two-sided,
    alpha .05): 700 of 1,000 with n_opt 100 gives (.651629, .745949), 1 of 50 with 50 (0, .134890).
    """
    check_counts(successes, n, names=("successes", "n"))
    tuned_prior(0.5, n_opt=n_opt, alpha=alpha, side=side)
    low, high = 0.0, 1.0
    if n and side != "less":
        low = _least_rate(successes, n, side=side, n_opt=n_opt, alpha=alpha)
    if n and side != "greater":
        mirrored: Side = "greater" if side == "less" else side
        high = 1.0 - _least_rate(n - successes, n, side=mirrored, n_opt=n_opt, alpha=alpha)
    return low, high


def _least_rate(successes: int, n: int, *, side: Side, n_opt: float, alpha: float) -> float:
    """The smallest rate that is not rejected for being too low; 0.0 when none is rejected."""

    def excess(p0: float) -> float:
        prior = tuned_prior(p0, n_opt=n_opt, alpha=alpha, side=side)
        found = beta_binomial_log_e(successes, n, p0=p0, side=side, prior=prior)
        return float(found) + math.log(alpha)

    observed = successes / n
    if observed == 0.0 or excess(_NO_RATE) < 0.0:
        return 0.0
    top = min(observed, math.nextafter(1.0, 0.0))
    return float(brentq(excess, _NO_RATE, top, xtol=1e-15)) if excess(top) < 0.0 else top


def sequential_mcnemar(*, n_opt: float, alpha: float, side: Side = "greater") -> BetaBinomial:
    """The paired test of two arms' decisions; its trials are the pairs of which exactly one is right.

    Feed it `add(*discordant(champion_right, challenger_right))`. "greater" is evidence that the challenger is
    right more often, "less" that it is right less often. It never proves non-inferiority: arms that agree
    give no trial (use `harness.stats.betting.paired_decisions`). McNemar, Psychometrika 12 (1947), in its
    sequential form. To check (n_opt = 200, alpha .05): 20 discordant pairs need 18 wins, 100 need 64, 1,000
    need 546.
    """
    return BetaBinomial.tuned(_EVEN, side, n_opt=n_opt, alpha=alpha)


def discordant(champion_right: npt.ArrayLike, challenger_right: npt.ArrayLike) -> tuple[int, int]:
    """(pairs that the challenger alone has right, pairs of which exactly one arm is right).

    Both are (pairs,) booleans in the same order; raises ValueError otherwise.
    To check: [1, 0, 0] and [0, 1, 0] as booleans give (1, 2).
    """
    champion, challenger = np.asarray(champion_right), np.asarray(challenger_right)
    if champion.shape != challenger.shape or champion.dtype != bool or challenger.dtype != bool:
        raise ValueError(
            f"champion_right, challenger_right: found {champion.dtype} {champion.shape} and "
            f"{challenger.dtype} {challenger.shape}, expected booleans of one shape"
        )
    return int((challenger & ~champion).sum()), int((challenger ^ champion).sum())
