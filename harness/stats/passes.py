"""The p95 gate over several passes of the same arrivals: one by one, or by their own variance from five on.

What is random is the service and the host, pass by pass; the arrivals are the same each time, so more passes
say more about service noise on these arrivals and nothing about others. The number of passes is declared, and
all count. Fewer than five are judged one by one with the declared variance inflation (`slow_share`): "over"
as soon as one is over at alpha / passes (Bonferroni), "within" only if every one is, each at the whole alpha.
That is an intersection-union test (Berger, Technometrics 24 (1982)); it needs no split, for to be wrong it
must be wrong about the very pass that is not within. Five or more are judged together, once, with the
inflation measured between them: the Pearson statistic of the slow counts over its degrees of freedom
(McCullagh, Nelder, "Generalized Linear Models" (1989), section 4.5), at least 1, with Student's quantile in
place of the normal one because it is itself estimated. That also measures what a declared inflation cannot
know, like random stalls.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr, stdtrit

from harness.stats._checks import check_at_least, check_counts
from harness.stats.slow_share import Ruling, SlowShareTest

MIN_PASSES_FOR_VARIANCE = 5


@dataclass(frozen=True, kw_only=True)
class PassesRuling:
    """One ruling over the passes: counts, the inflation used, and the alpha each tail was held against.

    Fewer than 5 planned passes are each held to be within against `alpha_within`, and to be over against
    `alpha_over`; from 5 on all together, and the two are the same.
    """

    ruling: Ruling
    slow: int
    n: int
    passes: int
    planned: int
    inflation: float
    alpha_within: float
    alpha_over: float


def between_pass_inflation(slow: Sequence[int], n: Sequence[int]) -> float:
    """How many times the slow counts vary more between passes than independent requests would; at least 1.

    `slow` and `n` are a number a pass. sum (slow_j - n_j p)^2 / (n_j p (1-p)) / (passes - 1), p the pooled
    share. Raises ValueError for fewer than 2 passes. To check: 10, 20, 30, 40, 50 of 1,000 each give 8.5911.
    """
    _check_passes(slow, n, least=2)
    counts, sizes = np.asarray(slow, np.float64), np.asarray(n, np.float64)
    share = float(counts.sum() / sizes.sum())
    if share in {0.0, 1.0}:
        return 1.0
    chi2 = float((np.square(counts - sizes * share) / (sizes * share * (1.0 - share))).sum())
    return max(1.0, chi2 / (counts.size - 1))


def judge_passes(
    slow: Sequence[int], n: Sequence[int], *, planned: int, rule: SlowShareTest | None = None
) -> PassesRuling:
    """Rule on the passes that finished, of `planned` declared; `rule` is that of one pass at the whole alpha.

    Fewer than 5 planned: "over" as soon as one pass is over at alpha / planned, else "within" once all have
    finished and each is within at the whole alpha. 5 or more: "undecided" until all have finished, then the
    pooled counts with the inflation between passes. Raises ValueError for more passes than planned, an empty
    pass, or counts out of range. To check (630 each): 3, 5, 2, 4, 6 slow are "within", 60, 75, 50, 66, 80
    are "over", and 3, 50, 50 are "undecided".
    """
    rule = rule or SlowShareTest()
    check_at_least(planned, "planned", least=1)
    _check_passes(slow, n, least=0)
    if len(slow) > planned:
        raise ValueError(f"slow: found {len(slow)} passes, expected at most the {planned} declared")
    if planned < MIN_PASSES_FOR_VARIANCE:
        return _one_by_one(slow, n, planned=planned, rule=rule)
    return _together(slow, n, planned=planned, rule=rule)


def _one_by_one(slow: Sequence[int], n: Sequence[int], *, planned: int, rule: SlowShareTest) -> PassesRuling:
    passes, part = list(zip(slow, n, strict=True)), rule.alpha / planned
    ruling: Ruling = "undecided"
    if any(rule.p_over(k, size) <= part for k, size in passes):
        ruling = "over"
    elif len(passes) == planned and all(rule.p_within(k, size) <= rule.alpha for k, size in passes):
        ruling = "within"
    return _ruling(ruling, passes, planned=planned, rule=rule, over=part)


def _together(slow: Sequence[int], n: Sequence[int], *, planned: int, rule: SlowShareTest) -> PassesRuling:
    passes = list(zip(slow, n, strict=True))
    if len(slow) < planned:
        return _ruling("undecided", passes, planned=planned, rule=rule, over=rule.alpha)
    # A t quantile has more tail than a normal one; the binomial is held against the normal tail beyond it.
    alpha = float(ndtr(stdtrit(planned - 1, rule.alpha)))
    measured = SlowShareTest(limit=rule.limit, alpha=alpha, inflation=between_pass_inflation(slow, n))
    ruling = measured.judge(sum(slow), sum(n)).ruling
    return _ruling(ruling, passes, planned=planned, rule=measured, over=alpha)


def _ruling(
    ruling: Ruling, passes: Sequence[tuple[int, int]], *, planned: int, rule: SlowShareTest, over: float
) -> PassesRuling:
    return PassesRuling(
        ruling=ruling,
        slow=sum(slow for slow, _ in passes),
        n=sum(n for _, n in passes),
        passes=len(passes),
        planned=planned,
        inflation=rule.inflation,
        alpha_within=rule.alpha,
        alpha_over=over,
    )


def _check_passes(slow: Sequence[int], n: Sequence[int], *, least: int) -> None:
    if len(slow) != len(n) or len(slow) < least:
        raise ValueError(
            f"slow, n: found {len(slow)} and {len(n)} passes, expected the same number, at least {least}"
        )
    for count, size in zip(slow, n, strict=True):
        check_at_least(size, "n", least=1)
        check_counts(count, size, names=("slow", "n"))
