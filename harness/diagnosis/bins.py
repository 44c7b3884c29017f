"""A column in bins that are frozen on the reference: numbers by its quantiles, categories by its levels.

Whatever the current rows hold falls somewhere: outer bins are open, levels that the reference does not have
share one bin, and missing cells have a bin of their own, the last.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

import numpy as np

from harness.diagnosis._arrays import numbers
from harness.errors import HarnessError

if TYPE_CHECKING:
    import numpy.typing as npt

    from harness.diagnosis._arrays import Codes, Floats

BINS = 10
_FLOATS = (float, np.floating, Decimal)
_NUMBERS = (bool, int, *_FLOATS, np.bool_, np.integer)
#: what pandas puts where a cell is missing, by name, so that pandas need not be imported for it
_MISSING = frozenset({"NAType", "NaTType"})
#: levels of a category beyond the most frequent ones share a bin
MAX_LEVELS = 100
#: quantiles are taken from this many reference rows, evenly spread; the counts are of all rows
QUANTILE_ROWS = 10_000


@dataclass(frozen=True)
class Category:
    """A column of texts as codes: int (rows,) into `levels`, -1 where the cell is missing."""

    codes: Codes
    levels: tuple[str, ...]


def encoded(values: npt.NDArray[np.object_]) -> Category:
    """A column of texts, with None or NaN where missing, as codes in order of first sight."""
    known: dict[str, int] = {}
    codes = [
        known.setdefault(v, len(known))
        if isinstance(v, str)
        else -1
        if is_missing(v)
        else known.setdefault(str(v), len(known))
        for v in values.tolist()
    ]
    return Category(np.array(codes, np.int64), tuple(known))


def is_missing(cell: object) -> bool:
    """Whether a cell is None, NaN, NaT or the NA of pandas; an array or a list in a cell is not."""
    return cell is None or type(cell).__name__ in _MISSING or (isinstance(cell, _FLOATS) and cell != cell)  # noqa: PLR0124  -- only NaN differs from itself


def column(values: npt.ArrayLike | Category, name: str) -> Floats | Category:
    """The column as float64 with NaN for missing, or as a category where it holds texts.

    Python objects are numbers where every known cell is one, as None makes objects of any column.
    """
    if isinstance(values, Category):
        return values
    try:
        array = np.asarray(values)
    except ValueError as error:  # lists of unequal length
        raise HarnessError("is no column", where=name, found=str(error), expected="one dimension") from None
    if array.ndim == 1 and array.dtype.kind in "OUT":
        cells = array.astype(object, copy=False)
        found = _as_numbers(cells)
        return encoded(cells) if found is None else found
    return numbers(array, name)


def _as_numbers(cells: npt.NDArray[np.object_]) -> Floats | None:
    """Objects as float64, NaN where missing; None unless some are numbers and all others missing."""
    kinds = {*map(type, cells.tolist())}
    gone = {kind for kind in kinds if kind is type(None) or kind.__name__ in _MISSING}
    if kinds == gone or not all(issubclass(kind, _NUMBERS) for kind in kinds - gone):
        return None
    try:
        return np.array([math.nan if type(v) in gone else v for v in cells.tolist()], np.float64)
    except OverflowError:  # a whole number beyond float64 is a name, not a quantity
        return None


@dataclass(frozen=True)
class Bins:
    """Where a column's bins are: inner `edges` (B - 1,), ascending, or the bin of each level; then missing.

    Bin b of numbers holds edges[b - 1] <= x < edges[b]. The 100 most frequent levels have a bin each, the
    rarer ones share one, and the last before the missing one holds levels that the reference does not have.
    """

    edges: Floats
    levels: dict[str, int] | None = None

    @property
    def many(self) -> int:
        """The number of bins, the missing one included."""
        return self.edges.size + 2 if self.levels is None else max(self.levels.values(), default=-1) + 3

    def counts(self, values: Floats | Category) -> Codes:
        """How many rows each bin holds, (bins,) int64, missing last."""
        if isinstance(values, Category):
            return np.bincount(self.places(values), minlength=self.many)
        below = [np.count_nonzero(values < edge) for edge in self.edges]
        known = values.size - np.count_nonzero(np.isnan(values))
        return np.diff([0, *below, known, values.size]).astype(np.int64, copy=False)

    def places(self, values: Floats | Category) -> Codes:
        """Each row's bin, (rows,) int64."""
        if isinstance(values, Category):
            return self._table(values)[values.codes].astype(np.int64, copy=False)
        places = np.searchsorted(self.edges, values, side="right")
        places[np.isnan(values)] = self.many - 1
        return places.astype(np.int64, copy=False)

    def _table(self, values: Category) -> Codes:
        """The bin of each level of another column, with that of a missing cell (code -1) at the end."""
        if self.levels is None:
            raise HarnessError("a column of numbers became one of texts", expected="numbers")
        missing = self.many - 1
        return np.array(
            [*(self.levels.get(level, missing - 1) for level in values.levels), missing], np.int64
        )


def freeze(reference: Floats | Category, *, bins: int = BINS) -> Bins:
    """The bins of a reference column: about equally many rows each, or a bin for each of a few values.

    A column of at most `bins` distinct values has a bin for each, and one on either side, so that a constant
    that becomes another constant shows.
    """
    if isinstance(reference, Category):
        return Bins(np.empty(0), _by_frequency(reference))
    sample = reference[:: max(1, reference.size // QUANTILE_ROWS)]
    sample = sample[np.isfinite(sample)]
    if not sample.size:
        sample = reference[np.isfinite(reference)][:QUANTILE_ROWS]
    if not sample.size:
        return Bins(np.empty(0))
    distinct = np.unique(sample)
    if distinct.size <= bins:
        with np.errstate(over="ignore"):  # after the largest number comes infinity
            return Bins(np.append(distinct, np.nextafter(distinct[-1], np.inf)))
    edges = np.unique(np.quantile(sample, np.arange(1, bins) / bins))
    return Bins(edges[edges > distinct[0]])


def _by_frequency(reference: Category) -> dict[str, int]:
    """The bin of each level that the reference has: the most frequent first, the rare ones together."""
    rows = np.bincount(reference.codes[reference.codes >= 0], minlength=len(reference.levels))
    order = np.argsort(-rows, kind="stable")[: np.count_nonzero(rows)]
    return {reference.levels[code]: min(place, MAX_LEVELS) for place, code in enumerate(order.tolist())}
