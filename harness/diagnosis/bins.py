"""A column in bins that are frozen on the reference: numbers by its quantiles, categories by its levels.

Whatever the current rows hold falls somewhere: outer bins are open, levels that the reference does not have
share one bin, and missing cells have a bin of their own, the last.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from harness.diagnosis._arrays import numbers
from harness.errors import HarnessError

if TYPE_CHECKING:
    import numpy.typing as npt

    from harness.diagnosis._arrays import Codes, Floats

BINS = 10
#: quantiles are taken from this many reference rows, evenly spread; the counts are of all rows
QUANTILE_ROWS = 10_000


@dataclass(frozen=True)
class Category:
    """A column of texts as codes: int (rows,) into `levels`, -1 where the cell is missing."""

    codes: Codes
    levels: tuple[str, ...]


def encoded(values: npt.NDArray[np.object_]) -> Category:
    """A column of str, with None or NaN where missing, as codes in order of first sight."""
    known: dict[object, int] = {}
    codes = [-1 if v is None or v != v else known.setdefault(v, len(known)) for v in values.tolist()]  # noqa: PLR0124  -- only NaN differs from itself
    return Category(np.array(codes, np.int64), tuple(map(str, known)))


Column = "Floats | Category"


def column(values: npt.ArrayLike | Category, name: str) -> Floats | Category:
    """The column as float64 with NaN for missing, or as a category where it holds texts."""
    if isinstance(values, Category):
        return values
    array = np.asarray(values)
    if array.ndim == 1 and array.dtype.kind in "OUT":
        return encoded(array.astype(object, copy=False))
    return numbers(array, name)


@dataclass(frozen=True)
class Bins:
    """Where the bins of a column begin: inner `edges` (B - 1,), ascending, or `levels`; then the missing bin.

    Bin b of numbers holds edges[b - 1] <= x < edges[b]. Of categories the last bin before the missing one
    holds levels that the reference does not have.
    """

    edges: Floats | None
    levels: tuple[str, ...] | None

    @property
    def many(self) -> int:
        """The number of bins, the missing one included."""
        return len(self.levels) + 2 if self.levels is not None else len(self._inner) + 2

    @property
    def _inner(self) -> Floats:
        return np.empty(0) if self.edges is None else self.edges

    def counts(self, values: Floats | Category) -> Codes:
        """How many rows each bin holds, (bins,) int64, missing last."""
        if isinstance(values, Category):
            return np.bincount(self.places(values), minlength=self.many)
        below = [np.count_nonzero(values < edge) for edge in self._inner]
        known = values.size - np.count_nonzero(np.isnan(values))
        return np.diff([0, *below, known, values.size]).astype(np.int64, copy=False)

    def places(self, values: Floats | Category) -> Codes:
        """Each row's bin, (rows,) int64."""
        if isinstance(values, Category):
            return self._table(values)[values.codes].astype(np.int64, copy=False)
        places = np.searchsorted(self._inner, values, side="right")
        places[np.isnan(values)] = self.many - 1
        return places.astype(np.int64, copy=False)

    def _table(self, values: Category) -> Codes:
        """The bin of each level of another column, with that of a missing cell (code -1) at the end."""
        if self.levels is None:
            raise HarnessError("a column of numbers became one of texts", expected="numbers")
        mine = {level: place for place, level in enumerate(self.levels)}
        unseen = len(self.levels)
        return np.array([*(mine.get(level, unseen) for level in values.levels), unseen + 1], np.int64)


def freeze(reference: Floats | Category, *, bins: int = BINS) -> Bins:
    """The bins of a reference column: about equally many rows each, or a bin for each of a few values.

    A column of at most `bins` distinct values has a bin for each, and one on either side, so that a constant
    that becomes another constant shows.
    """
    if isinstance(reference, Category):
        return Bins(None, reference.levels)
    sample = reference[:: max(1, reference.size // QUANTILE_ROWS)]
    sample = sample[np.isfinite(sample)]
    if not sample.size:
        sample = reference[np.isfinite(reference)][:QUANTILE_ROWS]
    if not sample.size:
        return Bins(np.empty(0), None)
    distinct = np.unique(sample)
    if distinct.size <= bins:
        with np.errstate(over="ignore"):  # after the largest number comes infinity
            return Bins(np.append(distinct, np.nextafter(distinct[-1], np.inf)), None)
    edges = np.unique(np.quantile(sample, np.arange(1, bins) / bins))
    return Bins(edges[edges > distinct[0]], None)
