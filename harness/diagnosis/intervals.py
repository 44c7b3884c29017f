"""From each row's influence to intervals: summed by unit, of any contrast of rungs, one by one and together.

The variance of an estimate is the sum over units of the squared sum of its rows' influences, and that of a
difference uses the difference of the influences: rungs on the same rows vary together, and on other rows
(other units) apart. Units of few rows or of many need nothing else. Statistics without influence values are
resampled from histograms of groups of units instead, at a cost that does not depend on the number of rows.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import ndtr, stdtrit

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Codes = npt.NDArray[np.int64]

LEVEL = 0.95
DRAWS = 10_000
GROUPS = 400
#: codes are counted rather than sorted up to so many times as wide a range as there are rows
WIDEST = 4
#: a standard error this small beside the rungs' own is what rounding leaves of a difference of equal rungs
ROUNDING = 1e-7


@dataclass(frozen=True, kw_only=True)
class Units:
    """The units of two populations: each row's dense code there, and the codes that both have.

    `holdout` and `production` are (rows,) int64 from 0, `sizes` how many units each has; `shared` (2, k) are
    the codes, there and here, of units that are in both.
    """

    holdout: Codes
    production: Codes
    sizes: tuple[int, int]
    shared: Codes


@dataclass(frozen=True, kw_only=True)
class Interval:
    """An estimate with its interval alone (`lower`, `upper`) and with that of all steps at once (`*_all`)."""

    value: float
    se: float
    lower: float
    upper: float
    lower_all: float
    upper_all: float

    def covers(self, truth: float) -> bool:
        """Whether the interval alone holds this number."""
        return self.lower <= truth <= self.upper


def units(holdout: Codes, production: Codes) -> Units:
    """Dense codes of both populations and the units that they share.

    To check: 7 7 9 and 9 4 give 0 0 1 and 1 0, sizes 2 and 2, shared 1 and 1.
    """
    (mine, here), (theirs, there) = dense(holdout), dense(production)
    _, left, right = np.intersect1d(mine, theirs, assume_unique=True, return_indices=True)
    return Units(
        holdout=here, production=there, sizes=(mine.size, theirs.size), shared=np.stack([left, right])
    )


def dense(codes: Codes) -> tuple[Codes, Codes]:
    """The distinct codes ascending, and each row's place among them, (rows,).

    To check: 7 7 4 give 4 7 and 1 1 0.
    """
    low, high = (int(codes.min()), int(codes.max())) if codes.size else (0, -1)
    if high - low >= WIDEST * max(codes.size, 1):
        distinct, place = np.unique(codes, return_inverse=True)
        return distinct, place
    # Codes that lie close together are counted, not sorted.
    there = np.bincount(codes - low, minlength=high - low + 1) > 0
    return np.flatnonzero(there) + low, (np.cumsum(there) - 1)[codes - low]


def covariance(holdout: Floats, production: Floats, *, shared: Codes) -> Floats:
    """How estimates vary together, (2, 2, k, k): within holdout, across, across, within production.

    `holdout` and `production` are (k, units) sums of influence of k estimates. The sum over the first two
    axes is the covariance of the estimates. To check: sums 1 -1 and 2 -2 of one estimate give 2 and 8, each
    times 2 for two units.
    """
    parts = np.zeros((2, 2, len(holdout), len(holdout)))
    for place, sums in enumerate((holdout, production)):
        count = sums.shape[1]
        parts[place, place] = sums @ sums.T * (count / max(count - 1.0, 1.0))
    parts[0, 1] = holdout[:, shared[0]] @ production[:, shared[1]].T
    parts[1, 0] = parts[0, 1].T
    return parts


def contrasts(values: Floats, parts: Floats, *, weights: Floats, sizes: tuple[int, int]) -> list[Interval]:
    """Linear combinations of estimates with their intervals, and the intervals of all of them at once.

    `values` (k,), `parts` from `covariance`, `weights` (m, k), `sizes` the number of units of each
    population. Student's t with Welch's degrees of freedom (Biometrika 34, 1947); together by the maximum
    of |t|. Estimates of a single unit, whose sums are NaN, have no interval: nan.
    """
    estimates = weights @ values
    total = parts.sum(axis=(0, 1))
    se = np.sqrt(np.maximum(_variances(weights, total), 0.0))
    se[se <= ROUNDING * math.sqrt(np.nanmax(np.diag(total), initial=0.0))] = 0.0
    df = _degrees(np.stack([_variances(weights, parts[p, p]) for p in (0, 1)]), sizes)
    found = weights @ np.nan_to_num(total) @ weights.T
    alone = _reach(se, df, error=1.0 - LEVEL)
    together = _reach(se, df, error=simultaneous_error(found, se))
    return [
        Interval(value=v, se=s, lower=v - a, upper=v + a, lower_all=v - b, upper_all=v + b)
        for v, s, a, b in zip(*(x.tolist() for x in (estimates, se, alone, together)), strict=True)
    ]


def simultaneous_error(covariances: Floats, se: Floats, *, draws: int = DRAWS) -> float:
    """The error probability of each interval at which all of them hold at once with 95 %.

    The Gaussian multiplier bootstrap over units (Chernozhukov, Chetverikov, Kato, Annals of Statistics 41,
    2013): given the data, its sums are normal with exactly this covariance, so they are drawn from it. The
    draws are the same each time. To check: of one step .05; of two independent ones .0253; of two equal ones
    .05.
    """
    live = np.flatnonzero(se > 0.0)
    if live.size <= 1:
        return 1.0 - LEVEL
    correlation = covariances[np.ix_(live, live)] / np.outer(se[live], se[live])
    spread, axes = np.linalg.eigh(correlation)
    root = axes * np.sqrt(np.maximum(spread, 0.0))
    normal = np.random.default_rng(20130612).standard_normal((draws, live.size))
    largest = np.abs(normal @ root.T).max(axis=1)
    return float(min(1.0 - LEVEL, 2.0 * ndtr(-np.quantile(largest, LEVEL))))


def grouped_bootstrap(
    counts: Floats,
    statistic: Callable[[Floats], Floats],
    *,
    rng: np.random.Generator,
    draws: int = 1000,
) -> tuple[float, float, float]:
    """Standard error and 95 % percentile limits of a statistic of histograms, by resampling groups of units.

    `counts` (groups, cells) is a histogram for each group of units (`grouped_counts`); `statistic` takes
    (draws, cells) to (draws,). For what has no influence values, such as calibration error or a quantile.
    """
    groups = len(counts)
    times = rng.multinomial(groups, np.full(groups, 1.0 / groups), size=draws)
    found = statistic(times @ counts)
    lower, upper = np.nanquantile(found, [0.5 - LEVEL / 2.0, 0.5 + LEVEL / 2.0])
    return float(np.nanstd(found, ddof=1)), float(lower), float(upper)


def grouped_counts(unit: Codes, cell: Codes, *, cells: int, weight: Floats | None = None) -> Floats:
    """How much weight each group of units has in each cell, (at most 400, cells); units are dealt in turn.

    To check: units 0 1 401 in cells 0 0 1 of 2 give 1 0, 1 0 and 0 1.
    """
    group = dense(unit)[1] % GROUPS
    size = int(group.max(initial=0)) + 1
    flat = np.bincount(group * cells + cell, weights=weight, minlength=size * cells)
    return flat.reshape(size, cells).astype(np.float64)


def _variances(weights: Floats, covariances: Floats) -> Floats:
    """The variance of each combination; estimates of weight 0 do not matter, even where they are nan."""
    used = [np.flatnonzero(one) for one in weights]
    found = [one[i] @ covariances[np.ix_(i, i)] @ one[i] for one, i in zip(weights, used, strict=True)]
    return np.array(found)


def _degrees(within: Floats, sizes: tuple[int, int]) -> Floats:
    """Welch's degrees of freedom of each contrast; infinite where nothing varies."""
    with np.errstate(divide="ignore", invalid="ignore"):
        each = sum(np.square(within[p]) / max(sizes[p] - 1, 1) for p in (0, 1))
        df = np.square(within.sum(axis=0)) / each
    return np.where(np.isfinite(df) & (df > 0.0), df, np.inf)


def _reach(se: Floats, df: Floats, *, error: float) -> Floats:
    """Half the width of intervals with this error probability."""
    # stdtrit has no limit at infinity; a billion is normal to the last digit that matters.
    reach: Floats = se * stdtrit(np.minimum(df, 1e9), 1.0 - error / 2.0)
    return reach
