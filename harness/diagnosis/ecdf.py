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
    from collections.abc import Iterator

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
_BLOCK = 1 << 16
_SAMPLE = 1_000


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
    if all(bool((values[:_SAMPLE] % 1.0 == 0.0).all()) for values in (one, other)):
        width = max(width, 1.0)  # whole numbers: cells side by side, so that counting is quick
    grid = _Grid(math.floor(low / width), width)
    return _by_cells(one, other, grid=grid)


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
        area = float(gap[apart] @ width) * unit
    return Distances(float(gap[apart].max(initial=0)) * unit, area)


@dataclass(frozen=True)
class _Placed:
    """Rows of one sample: values, their cells and places in them, [0, 1), what each adds to n m (F - G)."""

    values: Floats
    cell: Cells
    place: Floats
    step: int


@dataclass(frozen=True)
class _Tally:
    """By cell: what the rows of one sample add to n m |F - G|, and the same times each one's place."""

    rows: Counts
    places: Floats


@dataclass(frozen=True)
class _Grid:
    """Cells of one width, the first `start` widths from 0; rows are placed block by block.

    What is in between then stays in the processor's cache: touching new memory costs more than the sums.
    """

    start: int
    width: float

    def blocks(self, values: Floats) -> Iterator[_Placed]:
        """The rows in blocks that share their memory: each is over when the next begins."""
        size = min(_BLOCK, values.size)
        place, floor, cell = np.empty(size), np.empty(size), np.empty(size, np.int64)
        for at in range(0, values.size, _BLOCK):
            part = values[at : at + _BLOCK]
            here, below, found = place[: part.size], floor[: part.size], cell[: part.size]
            np.multiply(part, 1.0 / self.width, out=here)
            np.floor(here, out=below)
            # Before the shift to the first cell: a value just above a border keeps its place.
            here -= below
            below -= self.start
            found[:] = below
            yield _Placed(part, found, here, 0)

    def tally(self, values: Floats, step: int) -> _Tally:
        """The sums over all cells."""
        rows, places = np.zeros(CELLS, np.int64), np.zeros(CELLS)
        for block in self.blocks(values):
            rows += np.bincount(block.cell, minlength=CELLS)
            places += np.bincount(block.cell, block.place, minlength=CELLS)
        return _Tally(abs(step) * rows, abs(step) * places)

    def rows_of(self, values: Floats, step: int, *, keep: Mask) -> _Placed:
        """The rows of some cells, with these numbered anew."""
        number = np.cumsum(keep) - 1
        found = [(np.empty(0), np.empty(0, np.int64), np.empty(0))]
        for block in self.blocks(values) if keep.any() else ():
            rows = np.flatnonzero(keep[block.cell])
            found.append((block.values[rows], number[block.cell[rows]], block.place[rows]))
        kept, cells, places = (np.concatenate(parts) for parts in zip(*found, strict=True))
        return _Placed(kept, cells, places, step)


def _by_cells(one: Floats, other: Floats, *, grid: _Grid) -> Distances:
    n, m, width = one.size, other.size, grid.width
    level = _assessed(grid.tally(one, m), grid.tally(other, n), starts=np.zeros(1, np.int64), largest=0)
    area, largest, starts = level.area * width, level.largest, level.before[level.unsure]
    a, b = (grid.rows_of(side, step, keep=level.unsure) for side, step in ((one, m), (other, -n)))
    a, b, starts, more = _without_ties(a, b, starts=starts)
    area += more * width
    if a.values.size + b.values.size >= FEW_ROWS:
        a, b, width = _split(a), _split(b), width / SPLITS
        cells = starts.size * SPLITS
        level = _assessed(_tally(a, cells), _tally(b, cells), starts=starts, largest=largest)
        a, b, starts = _only(a, level.unsure), _only(b, level.unsure), level.before[level.unsure]
        a, b, starts, more = _without_ties(a, b, starts=starts)
        area, largest = area + (level.area + more) * width, level.largest
    ks, rest = _sorted_out(a, b, starts=starts)
    unit = 1.0 / (n * m)
    return Distances(max(largest, ks) * unit, (area + rest * width) * unit)


def _tally(side: _Placed, cells: int) -> _Tally:
    rows = np.bincount(side.cell, minlength=cells)
    places = np.bincount(side.cell, side.place, minlength=cells).astype(np.float64, copy=False)
    return _Tally(abs(side.step) * rows, abs(side.step) * places)


@dataclass(frozen=True)
class _Level:
    """Cells assessed: the area over the sure ones in cell widths, the largest gap at a border, the others."""

    area: float
    largest: int
    before: Counts
    unsure: Mask


def _assessed(a: _Tally, b: _Tally, *, starts: Counts, largest: int) -> _Level:
    """Equally many cells after each of `starts`, the gaps before them."""
    up, down, rise, fall = a.rows, b.rows, a.places, b.places
    after = (starts[:, None] + np.cumsum((up - down).reshape(starts.size, -1), axis=1)).ravel()
    before = after - up + down
    largest = max(largest, int(np.abs(after).max(initial=0)))
    turns = (before + up > 0) & (before - down < 0)
    exceeds = np.maximum(before + up, down - before) > largest
    # A cell with all its rows on its left border keeps one gap, `after`, over its width.
    spread = rise + fall > 0.0
    unsure = (turns | exceeds) & spread
    area = np.where(spread, before + (up - rise) - (down - fall), after)
    return _Level(float(np.abs(area[~unsure]).sum()), largest, before, unsure)


def _without_ties(a: _Placed, b: _Placed, *, starts: Counts) -> tuple[_Placed, _Placed, Counts, float]:
    """What is left without the cells that hold one value, and the area over these, in cell widths."""
    value, place = np.zeros(starts.size), np.zeros(starts.size)
    for side in (a, b):
        value[side.cell], place[side.cell] = side.values, side.place
    mixed = np.zeros(starts.size, bool)
    after = starts.copy()
    for side in (a, b):
        mixed[side.cell[side.values != value[side.cell]]] = True
        after += side.step * np.bincount(side.cell, minlength=starts.size)
    area = (np.abs(starts) * place + np.abs(after) * (1.0 - place))[~mixed]
    return _only(a, mixed), _only(b, mixed), starts[mixed], float(area.sum())


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
    apart = np.append(values[1:] > values[:-1], True)
    return int(gap[apart].max(initial=0)), float(area)
