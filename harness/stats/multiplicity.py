"""Many tests at once: which findings stand, and when several requirements hold together.

e-values and p-values go in, booleans come out. e-BH is for diagnostics (which feature, which slice), at one
stopping rule for all; Bonferroni for "any of these fails"; intersection-union for "all of these hold", which
needs no correction.
"""

import math

import numpy as np
import numpy.typing as npt

from harness.stats._checks import Floats, check_share

Mask = npt.NDArray[np.bool_]

# e-values come as logarithms; this much is rounding, so that an e-value exactly at its bound counts.
_ROUNDING = 1e-12


def e_bh(log_e: npt.ArrayLike, *, alpha: float) -> Mask:
    """Which hypotheses e-BH rejects at false discovery rate `alpha`, under any dependence; (tests,) booleans.

    Wang, Ramdas, "False discovery rate control with e-values", JRSS-B 84 (2022): the k with the largest
    e-values, k the largest number with k e_(k) / m >= 1/alpha. `log_e` are (tests,) log e-values at one
    stopping rule; -inf is "no evidence". Raises ValueError for NaN or +inf. To check: e-values 1.2, 30, 55,
    3, 100, 400 at .05 reject the 2nd, 3rd, 5th and 6th (4 * 30 / 6 = 20, equality).
    """
    check_share(alpha, "alpha")
    logs = np.asarray(log_e, np.float64)
    if logs.ndim != 1 or np.isnan(logs).any() or (logs == np.inf).any():
        raise ValueError(f"log_e: found {logs}, expected a vector of numbers or -inf")
    order = np.argsort(-logs, kind="stable")
    reached = (
        logs[order] + np.log(np.arange(1, logs.size + 1))
        >= math.log(logs.size or 1) - math.log(alpha) - _ROUNDING
    )
    return _first(order, int(np.flatnonzero(reached)[-1]) + 1 if reached.any() else 0)


def benjamini_hochberg(p: npt.ArrayLike, *, alpha: float) -> Mask:
    """Which hypotheses BH rejects at false discovery rate `alpha`; p-values independent, or rising together.

    Benjamini, Hochberg, JRSS-B 57 (1995): the k smallest, k the largest number with p_(k) <= k alpha / m.
    Raises ValueError for p outside [0, 1]. To check: .01, .04, .03, .5 at .05 reject the first only.
    """
    check_share(alpha, "alpha")
    values = _p_values(p)
    order = np.argsort(values, kind="stable")
    reached = values[order] <= alpha * np.arange(1, values.size + 1) / (values.size or 1)
    return _first(order, int(np.flatnonzero(reached)[-1]) + 1 if reached.any() else 0)


def bonferroni(p: npt.ArrayLike, *, alpha: float) -> Mask:
    """Which hypotheses are rejected at alpha / m each: any false one has probability at most `alpha`.

    Raises ValueError for p outside [0, 1]. To check: .01, .04, .03, .5 at .05 reject the first only.
    """
    check_share(alpha, "alpha")
    values = _p_values(p)
    rejected: Mask = values <= alpha / (values.size or 1)
    return rejected


def intersection_union(p: npt.ArrayLike) -> float:
    """The p-value of "every one of these nulls is false": the largest, without correction; 1.0 for none.

    Berger, Technometrics 24 (1982): if any one null is true, all rejecting at alpha has probability at most
    alpha. So each guardrail's non-inferiority is tested at the full alpha. To check: .01, .04, .03 give .04.
    """
    values = _p_values(p)
    return float(values.max()) if values.size else 1.0


def _first(order: npt.NDArray[np.int64], count: int) -> Mask:
    mask = np.zeros(order.size, dtype=bool)
    mask[order[:count]] = True
    return mask


def _p_values(p: npt.ArrayLike) -> Floats:
    values = np.asarray(p, np.float64)
    if values.ndim != 1 or not ((values >= 0.0) & (values <= 1.0)).all():
        raise ValueError(f"p: found {values}, expected a vector of numbers from 0 to 1")
    return values
