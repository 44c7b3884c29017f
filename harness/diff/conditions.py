"""What a request can be like: one field at one level or in one range, and all such conditions of a field."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.diff.places import shown
from harness.diff.texts import NO_LEVEL, Texts

#: a number with no more distinct values than this is taken value by value
DISTINCT = 32
#: in a conjunction a number with more cuts than this is taken by one-sided ranges only
FEW = 6
#: numbers beyond these are not rounded
TINY, HUGE = 1e-250, 1e250
#: levels of one field that are tried, those with most requests
LEVELS, PAIRED_LEVELS = 1_000, 40
_MIDDLE = tuple(np.linspace(0.04, 0.96, 24))
#: quantiles at which ranges may begin and end: alone (any range), and in a conjunction (one-sided)
QUANTILES = (0.001, 0.005, 0.01, 0.02, *_MIDDLE, 0.98, 0.99, 0.995, 0.999)
PAIRED_QUANTILES = (0.02, 0.05, 0.1, 0.2, 0.35, 0.5, 0.65, 0.8, 0.9, 0.95, 0.98)


#: one value a request: numbers (float64, NaN where there is none), or texts, coded or not (None where none)
Field = NDArray[Any] | Texts


def coded(values: Field) -> NDArray[np.float64] | Texts:
    """A field whose texts are coded, so that they are read once."""
    if isinstance(values, Texts):
        return values
    return Texts.of(values) if values.dtype == object else values


@dataclass(frozen=True)
class Condition:
    """One field at one level, or `at_least` <= number < `below` with one of the two None or neither.

    A request without the field is at the level "(none)".
    """

    field: str
    level: str | None = None
    at_least: float | None = None
    below: float | None = None

    @property
    def two_sided(self) -> bool:
        """Whether it bounds a number on both sides."""
        return self.at_least is not None and self.below is not None

    def holds(self, values: Field) -> NDArray[np.bool_]:
        """Where it holds on values (n,) of its field, bool (n,)."""
        values = coded(values)
        if not isinstance(values, Texts):
            return self._holds_on_numbers(values)
        code = values.levels.index(self.level) if self.level in values.levels else -1
        return np.asarray(values.codes == code)

    def _holds_on_numbers(self, values: NDArray[np.float64]) -> NDArray[np.bool_]:
        inside = ~np.isnan(values)
        if self.level is not None:
            return ~inside
        if self.at_least is not None:
            inside &= values >= self.at_least
        if self.below is not None:
            inside &= values < self.below
        return np.asarray(inside)

    def __str__(self) -> str:
        if self.level is not None:
            return f"{self.field} = {shown(self.level)}"
        if self.at_least is None:
            return f"{self.field} < {written(self.below)}"
        if self.below is None:
            return f"{self.field} >= {written(self.at_least)}"
        return f"{written(self.at_least)} <= {self.field} < {written(self.below)}"


def holds(conditions: tuple[Condition, ...], fields: Mapping[str, Field]) -> NDArray[np.bool_]:
    """Where all conditions hold, bool (n,)."""
    inside = conditions[0].holds(fields[conditions[0].field])
    for one in conditions[1:]:
        inside = inside & one.holds(fields[one.field])
    return inside


def written(value: float | None) -> str:
    """A bound as one would type it; 120.5 reads 120.5, 1000000.0 reads 1000000."""
    return "" if value is None else f"{value:.12g}"


@dataclass(frozen=True)
class Axis:
    """A field cut into L cells, and its conditions as sets of cells.

    `cells` int16 (n,) says in which cell each request is, `members` float64 (conditions, L) is 1 where a
    condition holds. A last cell may belong to no condition: levels too rare to be tried.
    """

    conditions: tuple[Condition, ...]
    cells: NDArray[np.int16]
    members: NDArray[np.float64]

    @property
    def size(self) -> int:
        """The number of cells."""
        return int(self.members.shape[1])


def axis(name: str, values: Field, *, paired: bool = False) -> Axis:
    """All conditions of one field; those that stand in a conjunction (`paired`) are fewer and one-sided."""
    values = coded(values)
    if isinstance(values, Texts):
        return _levels(name, values, most=PAIRED_LEVELS if paired else LEVELS)
    edges = cuts(values, PAIRED_QUANTILES if paired else QUANTILES)
    return ranges(name, values, edges=edges, one_sided=paired and len(edges) > FEW)


def _levels(name: str, values: Texts, *, most: int) -> Axis:
    levels = values.levels
    counts = np.bincount(values.codes, minlength=len(levels))
    order = np.argsort(-counts, kind="stable")[:most]
    cell_of = np.full(len(levels), len(order), np.int16)
    cell_of[order] = np.arange(len(order))
    conditions = tuple(Condition(name, level=levels[code]) for code in order)
    return Axis(conditions, cell_of[values.codes], np.eye(len(order), len(order) + 1))


def cuts(values: NDArray[np.float64], quantiles: tuple[float, ...]) -> NDArray[np.float64]:
    """Where ranges may begin or end: at each value after the first where there are few, else at quantiles."""
    distinct = np.unique(values[~np.isnan(values)])
    if len(distinct) <= DISTINCT:
        return distinct[1:]
    there = values[~np.isnan(values)]
    edges = np.unique(np.quantile(there, quantiles, method="higher"))
    return np.asarray(edges[edges > distinct[0]])


def ranges(name: str, values: NDArray[np.float64], *, edges: NDArray[np.float64], one_sided: bool) -> Axis:
    """All ranges of a number between ascending edges; of a number that may be NaN also its absence."""
    cells = np.searchsorted(edges, values, side="right").astype(np.int16)
    bins, empty = len(edges) + 1, np.isnan(values)
    cells[empty] = bins
    spans = [
        (first, last)
        for first in range(bins)
        for last in range(first + 1, bins + 1)
        if (first or last < bins) and not (one_sided and first and last < bins)
    ]
    if len(edges) == 0:
        spans = []
    conditions = [_span(name, edges, first=first, last=last) for first, last in spans]
    members = np.zeros((len(spans), bins + 1))
    for row, (first, last) in enumerate(spans):
        members[row, first:last] = 1.0
    if empty.any():
        conditions.append(Condition(name, level=NO_LEVEL))
        members = np.vstack([members, np.eye(1, bins + 1, bins)])
    return Axis(tuple(conditions), cells, members)


def _span(name: str, edges: NDArray[np.float64], *, first: int, last: int) -> Condition:
    low = float(edges[first - 1]) if first else None
    high = float(edges[last - 1]) if last <= len(edges) else None
    return Condition(name, at_least=low, below=high)


def roundest(low: float, high: float, *, near: float) -> float:
    """The number in (low, high] with the fewest digits, of several the one nearest to `near`.

    To check: (98.6, 101.3] near 101.3 gives 100, (21, 22] gives 22, (0.031, 0.0349] gives 0.034.
    """
    size = max(abs(low), abs(high))
    if low >= high or not TINY < size < HUGE:
        return high
    power = math.ceil(math.log10(size)) + 1
    for exponent in range(power, power - 18, -1):
        first, last = (math.floor(edge * 10.0**-exponent) for edge in (low, high))
        if last > first:
            nearest = min(max(round(near * 10.0**-exponent), first + 1), last)
            return float(f"{nearest}e{exponent}")
    return high
