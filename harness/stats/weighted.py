"""The mean of the traffic from a sample that keeps its rows with unequal probabilities, exactly bounded.

A row kept with probability 1/w stands for w rows. For values x in [0, 1] the mean of the traffic is m exactly
if w (x - m) has mean 0 among the rows that were kept (Horvitz, Thompson, JASA 47, 1952), so the bets of
`harness.stats.betting` go on

    y = m + (w / W) (x - m),    W the largest weight there may be, known before the values,

which lies in [0, 1] and has mean m if and only if the traffic's is m (importance-weighted betting:
Waudby-Smith, Wu, Ramdas, Karampatziakis, Mineiro, "Anytime-valid off-policy inference for contextual
bandits", ACM/IMS J. Data Science 1, 2024). Exact for any weights up to W; what unequal weights cost is that a
row of weight w says only w / W of what it would say alone. Assumes independent rows, each kept by itself.
"""

import math

import numpy as np
import numpy.typing as npt
from scipy.optimize import brentq

from harness.stats._checks import Floats, check_share, finite_vector, weight_vector
from harness.stats.betting import geometric_bets, unit_vector

_TINY = 1e-12


def toward_null(values: npt.ArrayLike, weights: npt.ArrayLike, *, m0: float, most: float) -> Floats:
    """Values in [0, 1] whose plain mean is `m0` if and only if the weighted mean of `values` is.

    `values` (rows,) in [0, 1], `weights` (rows,) from 0 to `most`. Raises ValueError for others. To check:
    values 0, 1 with weights 1, 4 of at most 4 and m0 .2 give .15, 1.
    """
    vector, share = unit_vector(values, "values"), _shares(weights, most, rows=np.size(values))
    return m0 + share * (vector - m0)


def weighted_mean(values: npt.ArrayLike, weights: npt.ArrayLike) -> float:
    """The mean of the traffic: sum of w x over sum of w (Hajek 1971); nan of no weight.

    To check: 0, 1, 1 with weights 3, 1, 4 is 5/8.
    """
    array, weight = np.asarray(values), weight_vector(weights, "weights")
    vector = finite_vector(array.astype(np.float64) if array.dtype == bool else array, "values")
    total = float(weight.sum())
    return float(np.dot(vector, weight)) / total if total > 0.0 else math.nan


def weighted_mean_bounds(
    values: npt.ArrayLike, weights: npt.ArrayLike, *, most: float, alpha: tuple[float, float]
) -> tuple[float, float]:
    """One-sided bounds (low, high) for the mean of the traffic, each with its own `alpha`, at all looks.

    `values` (rows,) in [0, 1], `weights` (rows,) from 0 to `most`, which is fixed before the values. Nothing
    gives (0, 1). To check: 1,000 values 0 of which one row in ten weighs 10 and the others 1, alpha .05: the
    mean is at most .0290; were all weights equal, .0056.
    """
    for level in alpha:
        check_share(level, "alpha")
    vector, share = unit_vector(values, "values"), _shares(weights, most, rows=np.size(values))
    # Many rows are alike: pairs are told apart as complex numbers, which NumPy sorts by both parts.
    cells, counts = np.unique(vector + 1j * share, return_counts=True)
    low = _least(cells.real, cells.imag, counts=counts, alpha=alpha[0])
    high = 1.0 - _least(1.0 - cells.real, cells.imag, counts=counts, alpha=alpha[1])
    return low, high


def _least(values: Floats, shares: Floats, *, counts: npt.NDArray[np.int64], alpha: float) -> float:
    """The smallest mean that is not rejected for being too low; 0.0 when none is."""
    bets = np.array(geometric_bets())
    target = -math.log(alpha)

    def excess(m0: float) -> float:
        # The wealth falls strictly in m0, as it does without weights.
        logs = np.log1p(bets[:, None] * (shares * (values / m0 - 1.0))) @ counts
        top = float(logs.max())
        return top + math.log(float(np.exp(logs - top).mean())) - target

    total = float(np.dot(shares, counts))
    mean = float(np.dot(values * shares, counts)) / total if total > 0.0 else 0.0
    if mean < _TINY or excess(_TINY) < 0.0:
        return 0.0
    top = min(mean, 1.0 - _TINY)
    return float(brentq(excess, _TINY, top, xtol=1e-13)) if excess(top) < 0.0 else top


def _shares(weights: npt.ArrayLike, most: float, *, rows: int) -> Floats:
    vector = weight_vector(weights, "weights")
    if vector.size != rows:
        raise ValueError(f"weights: found {vector.size}, expected one of each of {rows} values")
    if not (math.isfinite(most) and most > 0.0) or vector.max(initial=0.0) > most:
        raise ValueError(f"weights: found up to {vector.max(initial=0.0):g}, expected at most {most:g}")
    return vector / most
