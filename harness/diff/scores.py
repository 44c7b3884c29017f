"""Scores compared request by request: how each relates to the reference, and which decisions flip."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness.columns import Column, Kind
from harness.diff.bands import ROUNDED, Band, Float32, on_grid
from harness.diff.cells import Difference

#: fewer decimals are no score format any more, more cannot be told from float64 noise
DECIMALS = range(2, 9)


@dataclass(frozen=True)
class Scored:
    """n scores compared: uint8 codes (n,) of `Difference`, and how many requests fall in each class.

    A class says how a served score relates to the reference, the first that holds: `exact64` to the last bit,
    `rounded(d)` where nearly all scores are rounded to d decimals, `float32` after a cast, `tolerance`,
    `mismatch`. The codes follow the tolerance alone, so a score rounded beyond it is named `rounded(d)` and
    counts as a mismatch all the same.
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
    rounded = on_grid(left, right, decimals=decimals) if decimals is not None else np.zeros(len(left), bool)
    ladder = {
        "exact64": same,
        f"rounded({decimals})": rounded,
        "float32": Float32().cast(left, right),
        "tolerance": codes == Difference.EQUAL,
        "mismatch": np.ones(len(left), bool),
    }
    rung = np.argmax(np.stack(list(ladder.values())), axis=0)
    rung[unstable] = len(ladder) - 1
    counts = np.bincount(rung, minlength=len(ladder))
    classes = {name: int(count) for name, count in zip(ladder, counts, strict=True) if count}
    return Scored(codes, classes, decimals)


def decimals_of(left: NDArray[np.float64], right: NDArray[np.float64]) -> int | None:
    """The fewest decimals d in 2..8 to which 95 % of the served scores are the rounded reference, or None.

    So that one bug among rounded scores does not hide that the others are rounded. A tie may go either way.
    To check: .123456 served as .1235 gives 4; as .1236 gives None.
    """
    finite = np.isfinite(left) & np.isfinite(right)
    left, right = left[finite], right[finite]
    for decimals in DECIMALS:
        on = on_grid(left, right, decimals=decimals)
        if np.any(on & (left != right)) and np.mean(on) >= ROUNDED:
            return decimals
    return None


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
