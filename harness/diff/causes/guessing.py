"""Parameters guessed from the rows: the value that most rows share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

_DIGITS: Final = 9


@dataclass(frozen=True)
class Guess:
    """The most shared value, as short as nine digits go and as it is; empty where it is 0 or not finite.

    `chance` is the share of rows that hold the second most frequent value, or the opposite of the first: of
    noise on a lattice both are about as frequent as the first.
    """

    values: tuple[float, ...]
    chance: float


def guesses(values: NDArray[np.float64]) -> Guess:
    """The value that most rows share to nine digits. To check: 2, 2, 2, 5 gives 2 with a chance of 0.25."""
    kept = values[np.isfinite(values) & (values != 0)]
    if not len(kept):
        return Guess((), 1.0)
    step = 10.0 ** (np.floor(np.log10(np.abs(kept))) + 1 - _DIGITS)
    buckets = np.round(kept / step) * step
    found, counts = np.unique(buckets, return_counts=True)
    top = int(np.argmax(counts))
    near = np.abs(buckets - found[top]) <= 1e-8 * abs(found[top])
    fitted = float(np.median(kept[near]))
    others = np.where(np.abs(found - found[top]) <= 1e-8 * abs(found[top]), 0, counts)
    short = float(f"{fitted:.{_DIGITS}g}")
    return Guess(tuple(dict.fromkeys((short, fitted))), float(others.max(initial=0)) / len(values))


def modal_share(values: NDArray[Any]) -> tuple[float, float]:
    """The most frequent value and the share of the second most frequent."""
    found, counts = np.unique(values, return_counts=True)
    second = np.sort(counts)[-2] if len(counts) > 1 else 0
    return float(found[np.argmax(counts)]), float(second / len(values))
