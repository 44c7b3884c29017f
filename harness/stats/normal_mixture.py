"""The normal mixture: evidence that a sum of centred observations drifts, valid at every look.

`s` is the sum of the observations minus their mean under the null, `v` its variance so far, `rho` the tuning.
Howard, Ramdas, McAuliffe, Sekhon, "Time-uniform, nonparametric, nonasymptotic confidence sequences", Annals
of Statistics 49 (2021), section 3.2 (normal mixtures, two- and one-sided); the numbers to check are those of
the unit tests of their package confseq. Everything is in logarithms, and data far on the wrong side give a
large negative number, never an overflow that reads as evidence.
"""

import math
from typing import Literal

from scipy.optimize import brentq
from scipy.special import erfcx, log_ndtr

from harness.stats._checks import check_at_least, check_share

Sides = Literal[1, 2]

_ROOT_TOLERANCE = 1e-13


def best_rho(v_opt: float, alpha: float, *, sides: Sides) -> float:
    """The tuning that makes the bound at level `alpha` tightest at variance `v_opt` (closed approximation).

    v_opt / (2 log(1/a) + log(1 + 2 log(1/a))) with a = alpha (two-sided) or 2 alpha (one-sided).
    Raises ValueError unless v_opt > 0 and a < 1. To check: best_rho(100, .05, sides=2) = 12.60056.
    """
    check_share(alpha, "alpha", below=1.0 if sides == 2 else 0.5)
    check_at_least(v_opt, "v_opt", least=math.ulp(0.0))
    twice_log = -2.0 * math.log(alpha if sides == 2 else 2.0 * alpha)
    return v_opt / (twice_log + math.log1p(twice_log))


def log_mixture(s: float, v: float, *, rho: float, sides: Sides) -> float:
    """The logarithm of the mixture e-value at sum `s` and variance `v`; it rejects at log(1/alpha).

    One-sided (`sides=1`) it is evidence that the drift is positive only.
    To check (rho = best_rho(100, .05)): s = 10, v = 100 gives -0.6510052 two-sided, -0.06502391 one-sided.
    """
    half_log = 0.5 * math.log(rho / (v + rho))
    z = s / math.sqrt(v + rho)
    if sides == 2:
        return half_log + 0.5 * z * z
    return half_log + math.log(2.0) + _log_half_normal_mass(z)


def mixture_bound(v: float, alpha: float, *, rho: float, sides: Sides) -> float:
    """The smallest sum at which the mixture rejects at level `alpha`, at variance `v` >= 0.

    Two-sided in closed form, one-sided as the exact root (the closed form in use is .3-1.6 % wider).
    To check (rho = best_rho(100, .05)): v = 100 gives 30.35209 two-sided, 27.66071 one-sided.
    """
    check_share(alpha, "alpha", below=1.0 if sides == 2 else 0.5)
    check_at_least(v, "v", least=0.0)
    if sides == 2:
        return math.sqrt((v + rho) * (math.log1p(v / rho) - 2.0 * math.log(alpha)))
    closed_form = math.sqrt(2.0 * (v + rho) * math.log1p(math.sqrt(1.0 + v / rho) / (2.0 * alpha)))
    target = -math.log(alpha)
    root = brentq(
        lambda s: log_mixture(s, v, rho=rho, sides=1) - target,
        0.0,
        2.0 * closed_form,
        xtol=_ROOT_TOLERANCE * closed_form,
    )
    return float(root)


def _log_half_normal_mass(z: float) -> float:
    """z^2/2 + log Phi(z), without the cancellation of the two terms when z is far below 0."""
    if z >= 0.0:
        return 0.5 * z * z + float(log_ndtr(z))
    scaled = 0.5 * float(erfcx(-z / math.sqrt(2.0)))
    return math.log(scaled) if scaled > 0.0 else -math.inf
