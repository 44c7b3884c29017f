"""Counts for pictures: requests by time, and scores of two arms on a grid."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from harness.records import ScoreCell, ScoreGrid, TimeBins

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: bins of time and cells of a grid: what a picture of a page's width can show
BINS = 40
CELLS = 32
_SECOND = 10**9


def time_bins(event_ns: NDArray[np.int64]) -> tuple[TimeBins | None, NDArray[np.int64]]:
    """At most `BINS` bins of whole seconds over the times, and each request's bin, int64 (n,).

    None where there are no two different seconds. Known: seconds 0, 1 and 79 give 40 bins of 2 s with 2
    requests in the first and 1 in the last.
    """
    second = event_ns // _SECOND
    if not second.size or second.min() == second.max():
        return None, np.zeros(second.size, np.int64)
    start, end = int(second.min()), int(second.max())
    step = -(-(end - start + 1) // BINS)
    place = (second - start) // step
    counts = np.bincount(place)
    found = TimeBins(
        start=f"{np.datetime64(start, 's')}Z", step_s=float(step), compared=tuple(counts.tolist())
    )
    return found, place


def score_grid(
    left: NDArray[np.float64],
    right: NDArray[np.float64],
    *,
    flips: NDArray[np.bool_],
    threshold: float | None,
) -> ScoreGrid | None:
    """Both arms' scores counted on a grid, from 0 to 1 where all are probabilities; None without any.

    Known: scores .1 and .1, .9 and .1 (a flip) fall in the cells (3, 3) and (28, 3) of 32.
    """
    known = np.isfinite(left) & np.isfinite(right)
    if not known.any():
        return None
    both = np.stack([left[known], right[known]])
    low, high = float(both.min()), float(both.max())
    if low >= 0.0 and high <= 1.0:
        low, high = 0.0, 1.0
    width = (high - low) / CELLS
    if not np.isfinite(width):
        return None
    place = np.minimum(((both - low) / (width or 1.0)).astype(np.int64), CELLS - 1)
    cell = place[0] * CELLS + place[1]
    requests = np.bincount(cell, minlength=CELLS**2)
    flipped = np.bincount(cell[flips[known]], minlength=CELLS**2)
    cells = tuple(
        ScoreCell(
            left=int(one) // CELLS,
            right=int(one) % CELLS,
            requests=int(requests[one]),
            flips=int(flipped[one]),
        )
        for one in np.flatnonzero(requests)
    )
    return ScoreGrid(low=low, high=high, size=CELLS, cells=cells, threshold=threshold)
