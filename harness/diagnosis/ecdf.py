"""Two samples' distribution functions compared exactly, without sorting what need not be sorted.

Kolmogorov's distance is the largest gap |F - G|; Wasserstein's (of order 1) the area between F and G
(Vallender, Theory of Probability and its Applications 18, 1974). Rows are counted in 65,536 equal cells.
Within most cells F - G cannot change its sign nor exceed the largest gap, and then counts and sums of the
cell are enough; so they are in cells that hold one value; only rows of the others are cut finer and sorted.
A cell is a power of two wide, so that cells and the places in them are exact, and whole numbers fall on the
cells' borders. Gaps are counted in units of 1/(n m), as integers, so that their signs are exact too.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Cells = npt.NDArray[np.int64]
    Counts = npt.NDArray[np.int64]
    Mask = npt.NDArray[np.bool_]

CELLS = 1 << 16
#: parts into which unsure cells are cut once more where they hold many rows
SPLITS = 64
#: below this many rows a plain sort is faster
FEW_ROWS = 20_000
_BLOCK = 1 << 15


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
    step = np.repeat(np.array([other.size, -one.size], np.int64), [one.size, other.size])
    order = np.argsort(values)
    values, unit = values[order], 1.0 / (one.size * other.size)
    gap = np.abs(np.cumsum(step[order]))[:-1]
    apart = (values[1:] > values[:-1]) & (gap > 0)
    with np.errstate(over="ignore"):
        width = values[1:][apart] - values[:-1][apart]
    return Distances(float(gap[apart].max(initial=0)) * unit, float(gap[apart] @ width) * unit)


@dataclass(frozen=True)
class _Placed:
    """Rows of one sample: values, their cells and places in them, [0, 1), what each adds to n m (F - G)."""

    values: Floats
    cell: Cells
    place: Floats
    step: int


def _placed(values: Floats, *, start: int, width: float, place: Floats, cell: Cells) -> None:
    """Fill in each row's place and cell, block by block, so that the rest stays in the processor's cache."""
    floor = np.empty(_BLOCK)
    for at in range(0, values.size, _BLOCK):
        here = place[at : at + _BLOCK]
        below = floor[: here.size]
        np.multiply(values[at : at + _BLOCK], 1.0 / width, out=here)
        np.floor(here, out=below)
        # Before the shift to the first cell: a value just above a border keeps its place.
        here -= below
        below -= start
        cell[at : at + _BLOCK] = below


def _by_cells(one: Floats, other: Floats, *, start: int, width: float) -> Distances:
    n, m = one.size, other.size
    # One piece of memory for both: above 4 MiB numpy asks for huge pages, and first touch costs a tenth.
    place, cell = np.empty(n + m), np.empty(n + m, np.int64)
    for values, rows in ((one, slice(0, n)), (other, slice(n, n + m))):
        _placed(values, start=start, width=width, place=place[rows], cell=cell[rows])
    a, b = _Placed(one, cell[:n], place[:n], m), _Placed(other, cell[n:], place[n:], -n)
    if not place.any():
        a, b, width = _on_borders(a, b, width=width)
    area, largest = 0.0, 0
    starts, each = np.zeros(1, np.int64), CELLS
    while True:
        level = _assessed(a, b, starts=starts, each=each, largest=largest)
        area, largest = area + level.area * width, level.largest
        a, b, starts = _only(a, level.unsure), _only(b, level.unsure), level.before[level.unsure]
        tied = _ties(a, b, starts=starts)
        area += tied.area * width
        a, b, starts = _only(a, tied.mixed), _only(b, tied.mixed), starts[tied.mixed]
        if a.values.size + b.values.size < FEW_ROWS or each == SPLITS:
            break
        a, b, each, width = _split(a), _split(b), SPLITS, width / SPLITS
    ks, rest = _sorted_out(a, b, starts=starts)
    unit = 1.0 / (n * m)
    return Distances(max(largest, ks) * unit, (area + rest * width) * unit)


def _on_borders(a: _Placed, b: _Placed, *, width: float) -> tuple[_Placed, _Placed, float]:
    """Where all values lie on borders, as whole numbers do, the widest cells that keep them there."""
    bits = int(np.bitwise_or.reduce(a.cell) | np.bitwise_or.reduce(b.cell))
    shift = (bits & -bits).bit_length() - 1
    a, b = (_Placed(s.values, s.cell >> shift, s.place, s.step) for s in (a, b))
    return a, b, math.ldexp(width, shift)


@dataclass(frozen=True)
class _Level:
    """Cells assessed: the area over the sure ones in cell widths, the largest gap at a border, the others."""

    area: float
    largest: int
    before: Counts
    unsure: Mask


def _assessed(a: _Placed, b: _Placed, *, starts: Counts, each: int, largest: int) -> _Level:
    """Groups of `each` cells; `starts` is the gap before each group."""
    cells = starts.size * each
    up, down = (abs(s.step) * np.bincount(s.cell, minlength=cells) for s in (a, b))
    rise, fall = (abs(s.step) * np.bincount(s.cell, s.place, minlength=cells) for s in (a, b))
    after = (starts[:, None] + np.cumsum((up - down).reshape(-1, each), axis=1)).ravel()
    before = after - up + down
    largest = max(largest, int(np.abs(after).max(initial=0)))
    turns = (before + up > 0) & (before - down < 0)
    exceeds = np.maximum(before + up, down - before) > largest
    # A cell with all its rows on its left border keeps one gap, `after`, over its width.
    spread = rise + fall > 0.0
    unsure = (turns | exceeds) & spread
    area = np.where(spread, before + (up - rise) - (down - fall), after)
    return _Level(float(np.abs(area[~unsure]).sum()), largest, before, unsure)


@dataclass(frozen=True)
class _Ties:
    """Which cells hold more than one value, and the area over those that hold one, in cell widths."""

    mixed: Mask
    area: float


def _ties(a: _Placed, b: _Placed, *, starts: Counts) -> _Ties:
    value, place = np.zeros(starts.size), np.zeros(starts.size)
    for side in (a, b):
        value[side.cell], place[side.cell] = side.values, side.place
    mixed = np.zeros(starts.size, bool)
    after = starts.copy()
    for side in (a, b):
        mixed[side.cell[side.values != value[side.cell]]] = True
        after += side.step * np.bincount(side.cell, minlength=starts.size)
    area = np.abs(starts) * place + np.abs(after) * (1.0 - place)
    return _Ties(mixed, float(area[~mixed].sum()))


def _only(side: _Placed, keep: Mask) -> _Placed:
    """The rows of the cells to keep, with these numbered anew."""
    rows = np.flatnonzero(keep[side.cell])
    number = np.cumsum(keep) - 1
    return _Placed(side.values[rows], number[side.cell[rows]], side.place[rows], side.step)


def _split(side: _Placed) -> _Placed:
    place = side.place * SPLITS
    # A value just below a border has the place 1, and belongs into the last part.
    part = np.minimum(np.floor(place), SPLITS - 1.0)
    return _Placed(side.values, side.cell * SPLITS + part.astype(np.int64), place - part, side.step)


def _sorted_out(a: _Placed, b: _Placed, *, starts: Counts) -> tuple[int, float]:
    """The largest gap and the area, in cell widths, over the cells that have to be sorted."""
    values = np.concatenate([a.values, b.values])
    if not values.size:
        return 0, 0.0
    order = np.argsort(values)
    values = values[order]
    cell, place = (np.concatenate(pair)[order] for pair in ((a.cell, b.cell), (a.place, b.place)))
    step = np.repeat(np.array([a.step, b.step], np.int64), [a.values.size, b.values.size])[order]
    first = np.flatnonzero(np.diff(cell, prepend=-1))
    total = np.cumsum(step)
    rows = np.diff(np.append(first, cell.size))
    gap = np.abs(total + np.repeat(starts[cell[first]] - (total[first] - step[first]), rows))
    following = np.append(place[1:], 1.0)
    following[first[1:] - 1] = 1.0
    area = gap @ (following - place) + np.abs(starts[cell[first]]) @ place[first]
    apart = np.append(values[1:] > values[:-1], True)  # noqa: FBT003  -- after the last row
    return int(gap[apart].max(initial=0)), float(area)
