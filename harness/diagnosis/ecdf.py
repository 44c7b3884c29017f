"""Two samples' distribution functions compared exactly, without sorting what need not be sorted.

Kolmogorov's distance is the largest gap |F - G|; Wasserstein's (of order 1) the area between F and G
(Vallender, Theory of Probability and its Applications 18, 1974). Rows are counted in 65,536 equal cells.
Within most cells F - G cannot change its sign nor exceed the largest gap, and then counts and sums of the
cell are enough; only rows of the other cells are sorted. A cell is a power of two wide, so that cells and
the places in them are exact, and whole numbers fall on the cells' borders. Gaps are counted in units of
1/(n m), as integers, so that their signs are exact too.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Cells = npt.NDArray[np.int32]
    Counts = npt.NDArray[np.int64]

CELLS = 1 << 16
#: below this many rows a plain sort is faster
FEW_ROWS = 20_000


@dataclass(frozen=True)
class Distances:
    """`ks`, the largest gap between two distribution functions, and `wasserstein`, the area between them."""

    ks: float
    wasserstein: float


def distances(one: Floats, other: Floats) -> Distances:
    """How far apart two samples are, both float64 without NaN; nan where one is empty.

    Infinite values count in `ks`; `wasserstein` is inf where they lie apart. To check: 0 1 2 against 1 2 3
    are 1/3 and 1.
    """
    if not one.size or not other.size:
        return Distances(math.nan, math.nan)
    low, high = float(min(one.min(), other.min())), float(max(one.max(), other.max()))
    width = _cell_width(low, high)
    if one.size + other.size < FEW_ROWS or not math.isfinite(width) or width == 0.0:
        return _by_sorting(one, other)
    return _by_cells(one, other, start=math.floor(low / width), width=width)


def _cell_width(low: float, high: float) -> float:
    """The least power of two of which 65,535 cover the range; inf or 0 where that cannot be done exactly."""
    spread = high - low
    if not math.isfinite(spread):
        return math.inf
    if spread == 0.0:
        return 0.0
    exponent = math.ceil(math.log2(spread / (CELLS - 2)))
    exact = abs(exponent) < 900 and max(abs(low), abs(high)) < math.ldexp(1.0, exponent + 52)
    return math.ldexp(1.0, exponent) if exact else math.inf


def _by_sorting(one: Floats, other: Floats) -> Distances:
    values = np.concatenate([one, other])
    step = _steps(one.size, other.size, weights=(other.size, one.size))
    order = np.argsort(values, kind="stable")
    values, unit = values[order], 1.0 / (one.size * other.size)
    gap = np.abs(np.cumsum(step[order]))[:-1]
    apart = (values[1:] > values[:-1]) & (gap > 0)
    with np.errstate(over="ignore"):
        width = values[1:][apart] - values[:-1][apart]
    return Distances(float(gap[apart].max(initial=0)) * unit, float(gap[apart] @ width) * unit)


def _steps(mine: int, theirs: int, *, weights: tuple[int, int]) -> Counts:
    """What each row adds to n m (F - G), for so many rows of either sample; the weights are m and n."""
    return np.repeat(np.array([weights[0], -weights[1]], np.int64), [mine, theirs])


@dataclass(frozen=True)
class _Celled:
    """One sample in cells: each row's cell and place in it, [0, 1); by cell its rows and sum of places."""

    values: Floats
    cell: Cells
    place: Floats
    rows: Counts
    places: Floats


def _celled(values: Floats, *, start: int, width: float) -> _Celled:
    place = values * (1.0 / width)
    floor = np.floor(place)
    # Before the shift to the first cell: a value just above a border keeps its place.
    place -= floor
    floor -= start
    cell = floor.astype(np.int32)
    rows = np.bincount(cell, minlength=CELLS).astype(np.int64, copy=False)
    places = np.bincount(cell, place, minlength=CELLS).astype(np.float64, copy=False)
    return _Celled(values, cell, place, rows, places)


def _by_cells(one: Floats, other: Floats, *, start: int, width: float) -> Distances:
    a, b = (_celled(values, start=start, width=width) for values in (one, other))
    n, m = one.size, other.size
    up, down = m * a.rows, n * b.rows
    after = np.cumsum(up - down)
    before = after - up + down
    largest = int(np.abs(after).max())
    turns = (before + up > 0) & (before - down < 0)
    exceeds = np.maximum(before + up, down - before) > largest
    # A cell with all its rows on its left border keeps one gap, `after`, over its width.
    spread = a.places + b.places > 0.0
    unsure = (turns | exceeds) & spread
    area = np.where(spread, before + (up - m * a.places) - (down - n * b.places), after)
    known = float(np.abs(area[~unsure]).sum())
    ks, rest = _within(a, b, unsure=unsure, before=before)
    unit = 1.0 / (n * m)
    return Distances(max(largest, ks) * unit, (known + rest) * unit * width)


def _within(a: _Celled, b: _Celled, *, unsure: npt.NDArray[np.bool_], before: Counts) -> tuple[int, float]:
    """The largest gap and the area, in cell widths, over the unsure cells: these are sorted."""
    mine, theirs = (np.flatnonzero(unsure[side.cell]) for side in (a, b))
    if not mine.size + theirs.size:
        return 0, 0.0
    cell = np.concatenate([a.cell[mine], b.cell[theirs]])
    place = np.concatenate([a.place[mine], b.place[theirs]])
    step = _steps(mine.size, theirs.size, weights=(b.values.size, a.values.size))
    values = np.concatenate([a.values[mine], b.values[theirs]])
    order = np.argsort(values, kind="stable")
    cell, place, step, values = cell[order], place[order], step[order], values[order]
    first = np.flatnonzero(np.diff(cell, prepend=-1))
    total = np.cumsum(step)
    rows = np.diff(np.append(first, cell.size))
    gap = np.abs(total + np.repeat(before[cell[first]] - (total[first] - step[first]), rows))
    following = np.append(place[1:], 1.0)
    following[first[1:] - 1] = 1.0
    area = gap @ (following - place) + np.abs(before[cell[first]]) @ place[first]
    apart = np.append(values[1:] > values[:-1], True)
    return int(gap[apart].max(initial=0)), float(area)
