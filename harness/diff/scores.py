"""Scores compared request by request: how each relates to the reference, and which decisions flip."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness.columns import Column, Kind
from harness.diff.cells import Difference
from harness.diff.tolerance import Band

#: fewer decimals are no score format any more, more cannot be told from float64 noise
DECIMALS = range(2, 9)


@dataclass(frozen=True)
class Scored:
    """n scores compared: uint8 codes (n,) of `Difference`, and how many requests fall in each class.

    A class says how a served score relates to the reference, the first that holds: `exact64` to the last bit,
    `rounded(d)` where every score is rounded to d decimals, `float32` after a cast, `tolerance`, `mismatch`.
    The codes follow the tolerance alone, so a score rounded beyond it is named `rounded(d)` and counts as a
    mismatch all the same.
    """

    codes: NDArray[np.uint8]
    classes: dict[str, int]
    decimals: int | None


def score_codes(
    left: NDArray[np.float64], right: NDArray[np.float64], *, band: Band, unstable: NDArray[np.bool_]
) -> NDArray[np.uint8]:
    """How each score differs: uint8 (n,) of `Difference`; NaN equals NaN, an unstable answer never agrees."""
    codes = np.where(band.holds(left, right), Difference.EQUAL, Difference.VALUE).astype(np.uint8)
    blank = np.isnan(left), np.isnan(right)
    codes[blank[0] != blank[1]] = Difference.NAN
    codes[blank[0] & blank[1]] = Difference.EQUAL
    codes[unstable] = Difference.NONDETERMINISTIC
    return codes


def compare_scores(
    left: NDArray[np.float64], right: NDArray[np.float64], *, band: Band, unstable: NDArray[np.bool_]
) -> Scored:
    """Two arms' scores compared, all float64 (n,): the codes and the class of each row."""
    codes = score_codes(left, right, band=band, unstable=unstable)
    decimals = decimals_of(left[~unstable], right[~unstable])
    same = (left == right) | (np.isnan(left) & np.isnan(right))
    with np.errstate(over="ignore"):
        cast = left.astype(np.float32), right.astype(np.float32)
    rounded = _on_grid(left, right, decimals=decimals) if decimals is not None else np.zeros(len(left), bool)
    ladder = {
        "exact64": same,
        f"rounded({decimals})": rounded,
        "float32": (cast[0] == cast[1]) & np.isfinite(cast[1]),
        "tolerance": codes == Difference.EQUAL,
        "mismatch": np.ones(len(left), bool),
    }
    rung = np.argmax(np.stack(list(ladder.values())), axis=0)
    rung[unstable] = len(ladder) - 1
    counts = np.bincount(rung, minlength=len(ladder))
    classes = {name: int(count) for name, count in zip(ladder, counts, strict=True) if count}
    return Scored(codes, classes, decimals)


def decimals_of(left: NDArray[np.float64], right: NDArray[np.float64]) -> int | None:
    """The fewest decimals d in 2..8 such that every served score is the reference rounded to d, or None.

    A tie may go either way. To check: .123456 served as .1235 gives 4; as .1236 gives None.
    """
    finite = np.isfinite(left) & np.isfinite(right)
    left, right = left[finite], right[finite]
    if not np.any(left != right):
        return None
    return next((d for d in DECIMALS if _on_grid(left, right, decimals=d).all()), None)


def flipped(
    left: NDArray[np.float64], right: NDArray[np.float64], *, threshold: float | None
) -> NDArray[np.bool_]:
    """Where the decisions score >= threshold differ: bool (n,); NaN decides no; no threshold, no flips."""
    if threshold is None:
        return np.zeros(len(left), bool)
    return np.asarray((left >= threshold) != (right >= threshold))


def as_column(scores: NDArray[np.float64]) -> Column:
    """Scores as a column of numbers, so that the causes of features serve scores too."""
    return Column("number", scores, np.where(np.isnan(scores), Kind.NAN, Kind.VALUE).astype(np.uint8))


def _on_grid(left: NDArray[np.float64], right: NDArray[np.float64], *, decimals: int) -> NDArray[np.bool_]:
    """Half a step away at most (1e-9 for the arithmetic of rounding), and itself a rounded number."""
    with np.errstate(invalid="ignore", over="ignore"):
        near = np.abs(left - right) <= 0.5 * 10.0**-decimals + min(1e-9, 0.01 * 10.0**-decimals)
        return np.asarray(near & (np.round(right, decimals) == right))
