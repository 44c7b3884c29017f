"""Binomial bounds: what a count of mismatches says about traffic still to come.

The exact bounds are Clopper and Pearson, "The use of confidence or fiducial limits illustrated in the case of
the binomial", Biometrika 26 (1934), in their beta-quantile form. They assume independent trials of one rate;
for requests that come in clusters, count units instead.
"""

import math

from scipy.special import betaincinv

from harness.stats._checks import check_counts, check_share

#: the normal quantile of two-sided 95 %
_NORMAL = 1.959964


def clopper_pearson_upper(k: int, n: int, *, level: float = 0.95) -> float:
    """The one-sided upper bound for the rate behind `k` events in `n` independent trials.

    The true rate is at or below the bound with probability at least `level`. `k == n` gives 1.0.
    Raises ValueError for `n == 0` (no trial bounds nothing) and for counts or levels out of range.
    To check: 0 of 1,497 gives 0.0020 (.2 %), 0 of 59 gives 0.0495, 10 of 100 gives 0.1637.
    """
    _check_trials(k, n, level=level)
    return 1.0 if k == n else float(betaincinv(k + 1, n - k, level))


def clopper_pearson_lower(k: int, n: int, *, level: float = 0.95) -> float:
    """The one-sided lower bound for the rate behind `k` events in `n` independent trials.

    The true rate is at or above the bound with probability at least `level`. `k == 0` gives 0.0.
    Raises ValueError as `clopper_pearson_upper`. To check: 59 of 59 gives 0.9505.
    """
    _check_trials(k, n, level=level)
    return 0.0 if k == 0 else float(betaincinv(k, n - k + 1, 1.0 - level))


def clopper_pearson_interval(k: int, n: int, *, level: float = 0.95) -> tuple[float, float]:
    """The two-sided interval (low, high) for the rate behind `k` events, (1 - level)/2 in each tail.

    Raises ValueError as `clopper_pearson_upper`. To check: 10 of 100 at 95 % gives (0.0490, 0.1762).
    """
    check_share(level, "level")
    one_sided = (1.0 + level) / 2.0
    return clopper_pearson_lower(k, n, level=one_sided), clopper_pearson_upper(k, n, level=one_sided)


def wilson_lower(hits: int, n: int) -> float:
    """The lower end of the two-sided 95 % score interval for the rate behind `hits` of `n`; 0 of no trials.

    Not exact, but smooth and never below 0: it ranks shares of unequal counts. Wilson, JASA 22 (1927), 209.
    Raises ValueError for counts out of range. To check: 50 of 50 is 0.9287, 8 of 10 0.4902, 10 of 10 0.7225.
    """
    check_counts(hits, n, names=("hits", "n"))
    if not n:
        return 0.0
    share, square = hits / n, _NORMAL**2
    middle = share + square / (2 * n)
    width = _NORMAL * math.sqrt(share * (1 - share) / n + square / (4 * n * n))
    return max(0.0, (middle - width) / (1 + square / n))


def detectable_rate(n: int, *, level: float = 0.95) -> float:
    """The smallest rate that shows at least one event in `n` independent trials with probability `level`.

    It is 1 - (1 - level)^(1/n), and equals `clopper_pearson_upper(0, n, level)`: the "rule of three" exactly.
    Raises ValueError for `n < 1`. To check: 1,497 requests show .2 %, 2,995 show .1 %, 59 show 4.95 %.
    """
    _check_trials(0, n, level=level)
    return -math.expm1(math.log1p(-level) / n)


def _check_trials(k: int, n: int, *, level: float) -> None:
    if n == 0:
        raise ValueError("n: found 0 trials, expected at least 1; without a trial there is no bound")
    check_counts(k, n, names=("k", "n"))
    check_share(level, "level")
