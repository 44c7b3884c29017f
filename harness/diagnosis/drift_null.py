"""What PSI and its relatives are when nothing has drifted: their null, so that a number can be judged.

With B occupied bins, n reference rows and m current ones, PSI / (1/n + 1/m) is asymptotically chi-squared
with B - 1 degrees of freedom (Yurdakul, Naranjo, Journal of Risk Model Validation 14, 2020), so 0.25 is
nothing at 50 rows and a landslide at a million. Where bins are too thin for that, the counts are dealt out
again: given the pooled counts, those of the reference are multivariate hypergeometric. Rows of one unit
resemble each other; `unit_inflation` says by how much that widens the null. Where that makes bins thin the p
is that of Pearson's statistic.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from scipy.special import chdtrc, chdtri

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.diagnosis._arrays import Codes, Floats

#: fewer expected rows in a bin, and the chi-squared null is not trusted (Cochran, Biometrics 10, 1954)
THIN = 5.0
DRAWS = 999


@dataclass(frozen=True, kw_only=True)
class Null:
    """A statistic without drift: its `mean`, upper quantiles, and `p`, how often it is as large as found."""

    mean: float
    q95: float
    q999: float
    p: float
    method: Literal["chi-squared", "dealt again", "Pearson", "one bin"]


def psi_null(value: float, *, rows: tuple[int, int], bins: int, inflation: float = 1.0) -> Null:
    """The chi-squared null of PSI for (reference, current) `rows` in `bins` occupied bins.

    To check: rows 1200 and 1000, 10 bins: mean .0165, q95 .031018125608.
    """
    if bins < 2:
        return Null(mean=0.0, q95=0.0, q999=0.0, p=1.0, method="one bin")
    unit, freedom = inflation * (1.0 / rows[0] + 1.0 / rows[1]), bins - 1
    return Null(
        mean=freedom * unit,
        q95=float(chdtri(freedom, 0.05)) * unit,
        q999=float(chdtri(freedom, 0.001)) * unit,
        p=float(chdtrc(freedom, max(value, 0.0) / unit)),
        method="chi-squared",
    )


def dealt_again(
    counts: tuple[Codes, Codes],
    statistic: Callable[[Codes, Codes], Floats],
    *,
    rng: np.random.Generator,
    draws: int = DRAWS,
) -> Null:
    """The permutation null of any statistic of (reference, current) counts, exact for independent rows.

    `statistic` takes counts (draws, bins) of both and gives (draws,). p counts the sample itself once
    (Phipson, Smyth 2010), so it is never 0 and at least 1 / (draws + 1).
    """
    reference, current = counts
    pooled = reference + current
    dealt = rng.multivariate_hypergeometric(pooled, int(reference.sum()), size=draws, method="marginals")
    null = statistic(dealt, pooled - dealt)
    found = float(statistic(reference[None, :], current[None, :])[0])
    as_large = int(np.count_nonzero(null >= found * (1.0 - 1e-12)))
    return Null(
        mean=float(null.mean()),
        q95=float(np.quantile(null, 0.95)),
        q999=float(np.quantile(null, 0.999)),
        p=(1 + as_large) / (draws + 1),
        method="dealt again",
    )


def is_thin(reference: Codes, current: Codes, *, inflation: float = 1.0) -> bool:
    """Whether some bin would hold fewer than 5 rows of either sample without drift.

    Rows in units count as so many fewer as they widen the null.
    """
    pooled, n, m = reference + current, int(reference.sum()), int(current.sum())
    return bool(pooled.min() * min(n, m) < THIN * (n + m) * inflation)


def unit_inflation(bins: Codes, units: Codes) -> float:
    """How many times wider the null is because rows come in units: the mean design effect over the bins.

    The first-order correction of Rao, Scott, JASA 76 (1981): design effects of the shares p_b, weighted by
    1 - p_b. `bins` and `units` are (rows,) codes. 1.0 where it cannot be known; never below 1.
    To check: every row twice under its own unit gives 2.
    """
    size, rows = np.bincount(units), np.bincount(bins)
    many, share = np.count_nonzero(size), rows / max(bins.size, 1)
    if many < 2 or np.count_nonzero(rows) < 2:
        return 1.0
    # Sum over units of (rows in the bin - unit's rows * share)^2, from the pairs of unit and bin that occur.
    pairs, count = np.unique(units * rows.size + bins, return_counts=True)
    unit, place = np.divmod(pairs, rows.size)
    squares = np.bincount(place, count * count, minlength=rows.size)
    crossed = np.bincount(place, count * size[unit], minlength=rows.size)
    spread = squares - 2.0 * share * crossed + np.square(share) * np.square(size).sum()
    share, spread = share[rows > 0], spread[rows > 0] * many / (many - 1)
    effects = spread / (bins.size * share * (1.0 - share))
    return max(1.0, float((1.0 - share) @ effects / (1.0 - share).sum()))
