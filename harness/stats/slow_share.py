"""The p95 gate of one replayed pass: is the share of slow requests below its limit, above it, or open?

"p95 <= 120 ms" is the statement "at most 5 % of the requests take longer than 120 ms", so the gate is a test
of a share, and ties, timeouts and errors (slow by definition) need no special care. A pass is judged once, at
its end; the claim is about these arrivals on this host. Requests under load depend on each other, so slow
requests come in runs and the count of them varies more than a binomial. The gate divides both the count and
the number of requests by a variance inflation `v` that is declared before the pass (default 4.5) and then
tests exactly; the binomial tails are continued to fractions by the regularised incomplete beta function.

Measured on AR(1) latencies, phi = .8, a true share exactly at 5 %, 630 requests: false "within" .018, false
"over" .034 at alpha .05. Not controlled: phi = .9 (.084-.101), and rare long stalls, which inflate the
variance 13-60 times.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from dataclasses import dataclass
from typing import Literal

from scipy.special import betainc, betaincinv

from harness.stats._checks import check_at_least, check_counts, check_share

Ruling = Literal["within", "over", "undecided"]

DEFAULT_LIMIT = 0.05
DEFAULT_ALPHA = 0.05
DEFAULT_INFLATION = 4.5


@dataclass(frozen=True, kw_only=True)
class SlowShareTest:
    """The rule of the gate, fixed before the pass; a caller with several passes gives each alpha / passes.

    `limit` is the allowed share of slow requests (.05 for a p95 budget), `alpha` the probability of each kind
    of false ruling, `inflation` the variance inflation v (1 for independent requests).
    Raises ValueError unless 0 < limit < 1, 0 < alpha < .5 and inflation >= 1.
    """

    limit: float = DEFAULT_LIMIT
    alpha: float = DEFAULT_ALPHA
    inflation: float = DEFAULT_INFLATION

    def __post_init__(self) -> None:
        check_share(self.limit, "limit")
        check_share(self.alpha, "alpha", below=0.5)
        check_at_least(self.inflation, "inflation", least=1.0)

    def p_within(self, slow: int, n: int) -> float:
        """The probability of `slow` or fewer slow requests of `n` if the true share were the limit.

        To check: 11 of 632 gives 0.0438, 12 of 632 gives 0.0550 (defaults).
        """
        check_counts(slow, n, names=("slow", "n"))
        if slow == n:
            return 1.0
        return float(betainc((n - slow) / self.inflation, slow / self.inflation + 1.0, 1.0 - self.limit))

    def p_over(self, slow: int, n: int) -> float:
        """The probability of `slow` or more slow requests of `n` if the true share were the limit.

        To check: 54 of 632 gives 0.0497, 53 of 632 gives 0.0578 (defaults).
        """
        check_counts(slow, n, names=("slow", "n"))
        if slow == 0:
            return 1.0
        return float(betainc(slow / self.inflation, (n - slow) / self.inflation + 1.0, self.limit))

    def largest_within(self, n: int) -> int | None:
        """The most slow requests of `n` that still prove "within", or None when even 0 of `n` do not.

        To check: 11 of 632, 0 of 263, None of 262 (defaults).
        """
        first_open = bisect_left(range(n + 1), x=True, key=lambda slow: self.p_within(slow, n) > self.alpha)
        return first_open - 1 if first_open > 0 else None

    def smallest_over(self, n: int) -> int | None:
        """The fewest slow requests of `n` that prove "over", or None when even `n` of `n` do not.

        To check: 54 of 632 (defaults).
        """
        first_over = bisect_left(range(n + 1), x=True, key=lambda slow: self.p_over(slow, n) <= self.alpha)
        return first_over if first_over <= n else None

    def share_seen(self, n: int, *, chance: float = 0.95) -> float | None:
        """The smallest true share of slow requests that a pass of `n` rules "over" with this chance, or None.

        The upper Clopper-Pearson bound at one slow request less than prove "over".
        To check: 0.1263 for 632 requests (defaults), where the count that decides is 54, a share of 0.0854.
        """
        fewest = self.smallest_over(n)
        if fewest is None:
            return None
        return float(betaincinv(fewest / self.inflation, (n - fewest) / self.inflation + 1.0, chance))

    def judge(self, slow: int, n: int) -> SlowShareRuling:
        """Rule on a finished pass in which `slow` of `n` requests were slow, failed or timed out.

        "within" when p_within <= alpha, "over" when p_over <= alpha, else "undecided"; `n == 0` is undecided.
        Raises ValueError unless 0 <= slow <= n.
        """
        p_within, p_over = self.p_within(slow, n), self.p_over(slow, n)
        ruling: Ruling = "undecided"
        if p_within <= self.alpha:
            ruling = "within"
        elif p_over <= self.alpha:
            ruling = "over"
        return SlowShareRuling(
            ruling=ruling,
            slow=slow,
            n=n,
            p_within=p_within,
            p_over=p_over,
            largest_within=self.largest_within(n),
            smallest_over=self.smallest_over(n),
        )


@dataclass(frozen=True, kw_only=True)
class SlowShareRuling:
    """One ruling with the numbers that decide: counts, both tail probabilities, both limits at this `n`."""

    ruling: Ruling
    slow: int
    n: int
    p_within: float
    p_over: float
    largest_within: int | None
    smallest_over: int | None


def judge_slow_share(
    slow: int,
    n: int,
    *,
    alpha: float = DEFAULT_ALPHA,
    inflation: float = DEFAULT_INFLATION,
    limit: float = DEFAULT_LIMIT,
) -> SlowShareRuling:
    """Rule on one finished pass; `SlowShareTest.judge` with the rule given in place.

    To check: of 632 requests 11 slow are "within", 12 and 53 "undecided", 54 "over".
    """
    return SlowShareTest(limit=limit, alpha=alpha, inflation=inflation).judge(slow, n)


def min_requests_within(
    *, alpha: float = DEFAULT_ALPHA, inflation: float = DEFAULT_INFLATION, limit: float = DEFAULT_LIMIT
) -> int:
    """The smallest number of requests at which 0 slow ones prove "within".

    0 slow of n has probability (1 - limit)^(n / v), so n = v log(alpha) / log(1 - limit), rounded up.
    To check: 263 with the defaults, 59 for independent requests (inflation 1).
    """
    rule = SlowShareTest(limit=limit, alpha=alpha, inflation=inflation)
    guess = max(1, math.floor(inflation * math.log(alpha) / math.log1p(-limit)) - 1)
    while rule.p_within(0, guess) > alpha:
        guess += 1
    return guess


def detectable_slow_share(
    n: int,
    *,
    alpha: float = DEFAULT_ALPHA,
    inflation: float = DEFAULT_INFLATION,
    limit: float = DEFAULT_LIMIT,
) -> float | None:
    """The smallest observed share of slow requests that is ruled "over" in a pass of `n`, or None.

    To check: 54 / 632 = 0.0854 with the defaults.
    """
    fewest = SlowShareTest(limit=limit, alpha=alpha, inflation=inflation).smallest_over(n)
    return None if fewest is None else fewest / n
