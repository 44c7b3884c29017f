"""Units: the users, sessions or repositories that send many requests and are the independent observations.

Requests of one unit resemble each other, so evidence is counted in units. This module turns rows into unit
sums, unit sums into values whose plain mean is the per-request mean, and says when there are too few units.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from harness.stats._checks import Floats, finite_vector, weight_vector

MIN_EFFECTIVE_UNITS = 100.0
MAX_UNIT_SHARE = 0.05

# 100 equal shares sum to 100 effective units only up to this.
_ROUNDING = 1e-12


@dataclass(frozen=True, kw_only=True)
class UnitSums:
    """By unit, in the order of the codes: `sums` of values and `counts` of rows (float64, same length)."""

    sums: Floats
    counts: Floats


def unit_sums(values: npt.ArrayLike, unit_codes: npt.ArrayLike) -> UnitSums:
    """Sum and count `values` by unit; units without a row are left out.

    `values` is (rows,) finite numbers, `unit_codes` (rows,) integers >= 0 that name each row's unit.
    Raises ValueError for other shapes, types or NaN.
    To check: values 1, 2, 4 with codes 7, 0, 7 give sums 2, 5 and counts 1, 2.
    """
    vector = finite_vector(values, "values")
    codes = np.asarray(unit_codes)
    if codes.shape != vector.shape:
        raise ValueError(f"unit_codes: found shape {codes.shape}, expected {vector.shape} as the values")
    if not vector.size:
        return UnitSums(sums=vector.copy(), counts=vector.copy())
    if codes.dtype.kind not in "iu" or codes.min() < 0:
        raise ValueError(f"unit_codes: found dtype {codes.dtype}, expected integers of at least 0")
    _, dense, counts = np.unique(codes, return_inverse=True, return_counts=True)
    sums = np.bincount(dense, weights=vector).astype(np.float64, copy=False)
    return UnitSums(sums=sums, counts=counts.astype(np.float64))


def mean_influence(sums: npt.ArrayLike, counts: npt.ArrayLike) -> Floats:
    """One value a unit, whose plain mean is the mean over all rows and whose spread is that mean's.

    The mean of a difference per request is a ratio, total sum / total count, of two random numbers when units
    are drawn. Linearised (delta method) each unit has the value

        u_i = mean + (sum_i - mean * count_i) / mean_count,    mean = sum(sums) / sum(counts),

    so mean(u) is the estimate exactly, and var(u) / units is its variance with clustering accounted for
    (Deng, Knoblich, Lu, "Applying the delta method in metric analytics", KDD 2018, section 3). With one row
    a unit, u is the rows themselves. All units contribute to every u_i: recompute it at each look from the
    sums of all units seen so far. Units that return and grow between looks keep the level (200 units on 14
    days: .003 false alarms at alpha .05).
    Raises ValueError for shapes that differ, counts that are not above 0, or NaN.
    To check: sums 3, 1 and counts 2, 2 give 1.5, 0.5.
    """
    totals, sizes = finite_vector(sums, "sums"), weight_vector(counts, "counts")
    if totals.shape != sizes.shape:
        raise ValueError(f"counts: found shape {sizes.shape}, expected {totals.shape} as the sums")
    if not totals.size:
        return totals
    if sizes.min() <= 0.0:
        raise ValueError("counts: found 0, expected every unit to have rows")
    mean = totals.sum() / sizes.sum()
    influence: Floats = mean + (totals - mean * sizes) / sizes.mean()
    return influence


def kish_effective(weights: npt.ArrayLike) -> float:
    """The number of equally sized units that carry as much information: (sum w)^2 / sum w^2 (Kish 1965).

    `weights` is (units,) numbers >= 0, usually rows a unit. Nothing, or zeros only, gives 0.0.
    To check: weights 1, 1, 1, 1 give 4; weights 97, 1, 1, 1 give 1.0625.
    """
    shares = _shares(weights)
    return float(1.0 / np.square(shares).sum()) if shares.size else 0.0


def largest_share(weights: npt.ArrayLike) -> float:
    """The share of all rows that the largest unit holds, between 0 and 1; 0.0 when there are none.

    To check: weights 97, 1, 1, 1 give 0.97.
    """
    shares = _shares(weights)
    return float(shares.max()) if shares.size else 0.0


def enough_units(
    counts: npt.ArrayLike,
    *,
    min_effective: float = MIN_EFFECTIVE_UNITS,
    max_share: float = MAX_UNIT_SHARE,
) -> tuple[bool, str]:
    """Whether an asymptotic verdict may be given on these units, and one sentence with the numbers why.

    False below a Kish-effective `min_effective` units, or when one unit holds more than `max_share` of the
    rows: then the normal approximation promises more than it keeps. `counts` is rows a unit.
    To check: 100 units of one row are enough, 99 are not; 200 units of which one
    holds 11 of 210 rows are not.
    """
    effective, share = kish_effective(counts), largest_share(counts)
    found = f"{np.size(counts):,} units count as {effective:.1f} of equal size, the largest holds {share:.2%}"
    if effective < min_effective * (1.0 - _ROUNDING):
        return False, f"{found}; at least {min_effective:g} of equal size are needed"
    if share > max_share * (1.0 + _ROUNDING):
        return False, f"{found}; at most {max_share:.0%} in one unit is allowed"
    return True, found


def _shares(weights: npt.ArrayLike) -> Floats:
    """Each weight divided by their total; empty when there is nothing to share."""
    vector = weight_vector(weights, "weights")
    total = vector.sum()
    shares: Floats = vector / total if total > 0.0 else vector[:0]
    return shares
