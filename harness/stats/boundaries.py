"""The bounds of a group-sequential test, by recursive numerical integration.

Armitage, McPherson, Rowe (1969) as in Jennison, Turnbull, "Group Sequential Methods with Applications to
Clinical Trials" (2000), chapter 19, on their grid. The statistic at look k is a z value whose increments z_k
sqrt(I_k) - z_{k-1} sqrt(I_{k-1}) are independent and normal with variance I_k - I_{k-1}; I is the information
(matured labels, units, or 1/se^2). One-sided: evidence is a large z; the other side is tested with -z.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from scipy.optimize import brentq
from scipy.special import ndtr

from harness.stats._checks import Floats, check_at_least, check_share, finite_vector
from harness.stats.spending import Spending

# The r of the book: 2 r / 3 points a standard deviation in the middle. gsDesign uses 18; 64 is good to 1e-9.
_GRID = 64
_LARGEST_Z = 37.0
_TOLERANCE = 1e-13


@dataclass(frozen=True, kw_only=True)
class _Paths:
    """The sub-density of z at one look over the open paths: values, and density times quadrature weight."""

    information: float
    z: Floats
    mass: Floats

    def above(self, bound: float, information: float, *, drift: float = 0.0) -> float:
        """The probability that an open path is above `bound` at the next look."""
        step = information - self.information
        mean = self.z * math.sqrt(self.information) + drift * step
        return float(self.mass @ ndtr((mean - bound * math.sqrt(information)) / math.sqrt(step)))

    def below(self, bound: float, information: float, *, drift: float) -> float:
        """The probability that an open path is at or below `bound` at the next look."""
        step = information - self.information
        mean = self.z * math.sqrt(self.information) + drift * step
        return float(self.mass @ ndtr((bound * math.sqrt(information) - mean) / math.sqrt(step)))

    def advance(self, low: float, high: float, *, information: float, drift: float) -> "_Paths":
        """The paths that stay strictly between `low` and `high` at the next look."""
        z, weight = _grid(low, high, centre=drift * math.sqrt(information))
        step = information - self.information
        gap = z[:, None] * math.sqrt(information) - self.z * math.sqrt(self.information) - drift * step
        density = (
            np.exp(-0.5 * gap * gap / step) @ self.mass * math.sqrt(information / (2.0 * math.pi * step))
        )
        return _Paths(information=information, z=z, mass=weight * density)


_START = _Paths(information=0.0, z=np.zeros(1), mass=np.ones(1))


def _grid(low: float, high: float, *, centre: float) -> tuple[Floats, Floats]:
    """Points in [low, high] and Simpson weights, dense around `centre` (Jennison, Turnbull, section 19.2)."""
    i = np.arange(1, 6 * _GRID)
    with np.errstate(divide="ignore", invalid="ignore"):
        left, right = -3.0 - 4.0 * np.log(_GRID / i), 3.0 + 4.0 * np.log(_GRID / (6.0 * _GRID - i))
        middle = -3.0 + 3.0 * (i - _GRID) / (2.0 * _GRID)
    knots = centre + np.where(i < _GRID, left, np.where(i > 5 * _GRID, right, middle))
    low, high = max(low, float(knots[0])), min(high, float(knots[-1]))
    if not low < high:
        return np.zeros(0), np.zeros(0)
    knots = np.concatenate([[low], knots[(knots > low) & (knots < high)], [high]])
    width = np.diff(knots)
    z = np.empty(2 * knots.size - 1)
    z[::2], z[1::2] = knots, (knots[1:] + knots[:-1]) / 2.0
    weight = np.zeros(z.size)
    weight[:-1:2] += width / 6.0
    weight[2::2] += width / 6.0
    weight[1::2] = width * (2.0 / 3.0)
    return z, weight


def _upper_bound(paths: _Paths, information: float, *, spend: float) -> float:
    """The bound that open paths without drift exceed with probability `spend`; inf for nothing to spend."""
    if spend <= 0.0 or paths.above(_LARGEST_Z, information) >= spend:
        return math.inf
    if paths.above(-_LARGEST_Z, information) <= spend:
        return -math.inf
    root = brentq(
        lambda b: math.log(max(paths.above(b, information), math.ulp(0.0)) / spend),
        -_LARGEST_Z,
        _LARGEST_Z,
        xtol=_TOLERANCE,
    )
    return float(root)


def spending_bounds(
    information: npt.ArrayLike,
    *,
    alpha: float,
    spending: Spending | None = None,
    planned: float | None = None,
) -> Floats:
    """The one-sided z bounds at looks with this information, spending `alpha` as `spending` says; (looks,).

    `information` rises strictly; `planned` is the information at which all of alpha may be spent (default:
    the last). Only the last look may reach it: going on past the planned end is a ValueError. At an over-run
    last look all that is left is spent. A look whose share rounds to nothing has the bound inf. To check
    (alpha .025, 5 equal looks): O'Brien-Fleming 4.876885 3.357011 2.680280 2.289817 2.031032, the default
    (power, rho 2) 3.090232 2.714112 2.472777 2.279863 2.114028.
    """
    looks = finite_vector(information, "information")
    if not looks.size or looks[0] <= 0.0 or (np.diff(looks) <= 0.0).any():
        raise ValueError(f"information: found {looks}, expected numbers above 0 that rise strictly")
    end = float(looks[-1]) if planned is None else planned
    check_at_least(end, "planned", least=math.ulp(0.0))
    if (looks[:-1] >= end).any():
        raise ValueError(
            f"information: found looks {looks} past the planned end {end:g}, expected none after it"
        )
    spent = (spending or Spending()).spent(looks / end, alpha)
    return bounds_spending(looks, np.diff(spent, prepend=0.0))


def bounds_spending(information: Sequence[float] | Floats, spends: Sequence[float] | Floats) -> Floats:
    """The z bounds that paths without drift cross with probability `spends`[k] at look k; (looks,)."""
    looks = tuple((float(level), float(spend)) for level, spend in zip(information, spends, strict=True))
    # Look by look, so that each finds the one before it remembered.
    return np.array([_look_spending(looks[: k + 1])[1] for k in range(len(looks))])


@lru_cache(maxsize=4096)
def _look_spending(looks: tuple[tuple[float, float], ...]) -> tuple[_Paths, float]:
    """The paths still open after these looks (information, spend), and the bound of the last.

    Remembered, because every look of a test asks for the bounds of all looks before it again.
    """
    before = _look_spending(looks[:-1])[0] if len(looks) > 1 else _START
    level, spend = looks[-1]
    bound = _upper_bound(before, level, spend=spend)
    return before.advance(-math.inf, bound, information=level, drift=0.0), bound


def crossing_by_look(
    information: npt.ArrayLike,
    upper: npt.ArrayLike,
    *,
    drift: float = 0.0,
    lower: npt.ArrayLike | None = None,
) -> tuple[Floats, Floats]:
    """The probability to stop at each look above `upper`, and at or below `lower`; two (looks,) arrays.

    `drift` is the effect a unit of information adds to z sqrt(I): z at information I has mean drift sqrt(I).
    To check: bounds that spend .025, drift 0: `up` sums to .025.
    """
    looks, high = finite_vector(information, "information"), np.asarray(upper, np.float64)
    low = np.full(looks.size, -np.inf) if lower is None else np.asarray(lower, np.float64)
    paths, up, down = _START, np.zeros(looks.size), np.zeros(looks.size)
    for k, level in enumerate(looks.tolist()):
        up[k] = paths.above(high[k], level, drift=drift)
        down[k] = paths.below(low[k], level, drift=drift)
        paths = paths.advance(float(low[k]), float(high[k]), information=level, drift=drift)
    return up, down


def drift_for_power(information: npt.ArrayLike, upper: npt.ArrayLike, *, power: float) -> float:
    """The drift at which these bounds are crossed with probability `power`; what the planned sample can find.

    To check: one look of information 1 at 1.644854, power .8: 2.486475.
    """
    check_share(power, "power")
    most = 20.0 / math.sqrt(float(np.max(information)))

    def excess(drift: float) -> float:
        return float(crossing_by_look(information, upper, drift=drift)[0].sum()) - power

    return float(brentq(excess, 0.0, most, xtol=_TOLERANCE))


def futility_bounds(
    information: npt.ArrayLike,
    upper: npt.ArrayLike,
    *,
    drift: float,
    beta: float,
    spending: Spending | None = None,
) -> Floats:
    """The z at or below which a planned effect would be missed with probability `beta` in all; (looks,).

    Beta is spent as alpha is (Pampallona, Tsiatis, Kim, Drug Information Journal 35 (2001)); the bounds are
    not binding: `upper` was computed without them, so going on below one keeps the level. They never pass
    `upper`. To check: one look of information 1, upper 1.644854, drift 2.486475, beta .2 gives 1.644854.
    """
    looks, high = finite_vector(information, "information"), np.asarray(upper, np.float64)
    spent = (spending or Spending()).spent(looks / looks[-1], beta)
    paths, low = _START, np.empty(looks.size)
    for k, level in enumerate(looks.tolist()):
        spend = float(spent[k] - (spent[k - 1] if k else 0.0))
        low[k] = min(_lower_bound(paths, level, drift=drift, spend=spend), high[k])
        paths = paths.advance(float(low[k]), float(high[k]), information=level, drift=drift)
    return low


def _lower_bound(paths: _Paths, information: float, *, drift: float, spend: float) -> float:
    """The bound that open paths with this drift stay at or below with probability `spend`."""
    if spend <= 0.0 or paths.below(-_LARGEST_Z, information, drift=drift) >= spend:
        return -math.inf
    if paths.below(_LARGEST_Z, information, drift=drift) <= spend:
        return math.inf
    root = brentq(
        lambda b: math.log(max(paths.below(b, information, drift=drift), math.ulp(0.0)) / spend),
        -_LARGEST_Z,
        _LARGEST_Z,
        xtol=_TOLERANCE,
    )
    return float(root)
