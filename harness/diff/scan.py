"""How strongly marks gather in each place, for many deals of the marks at once.

The strength of a place is the likelihood ratio of "another share of the marks falls in here" against the
share expected (Kulldorff, "A spatial scan statistic", Communications in Statistics 26, 1997), over the
variance that clustered marks have in this field, so that one which is constant within a unit does not drown
the others.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import xlogy

from harness.diff.conditions import Axis, Condition

#: fewer marks or requests are no place, nor is nearly everything, nor a rate below `LIFT` times the rest's
MIN_MARKS, MIN_ROWS, LARGEST, LIFT = 5, 10, 0.9, 2.0
#: conjunctions are tried among so many fields, those with the strongest place of their own in that deal
PAIRED_FIELDS = 4
SMALLEST = 1e-9


def likelihood_ratio(
    found: NDArray[Any], expected: NDArray[np.float64], *, marks: float
) -> NDArray[np.float64]:
    """Twice the log likelihood ratio of `found` of `marks` against `expected`; 0 where it is no place.

    To check: 20 of 20 where 10 are expected gives 40 ln 2 = 27.7.
    """
    rest, rest_expected = marks - found, np.maximum(marks - expected, SMALLEST)
    expected = np.maximum(expected, SMALLEST)
    place = (found >= MIN_MARKS) & (found * rest_expected >= LIFT * rest * expected)
    ratio = np.zeros(np.broadcast_shapes(found.shape, expected.shape))
    few = np.flatnonzero(place)
    a, b = found.ravel()[few], rest.ravel()[few]
    e = np.broadcast_to(expected, ratio.shape).ravel()[few]
    r = np.broadcast_to(rest_expected, ratio.shape).ravel()[few]
    ratio.ravel()[few] = 2.0 * (xlogy(a, a / e) + xlogy(b, b / r))
    return ratio


@dataclass(frozen=True)
class Candidates:
    """Places of one field or two: what is expected in each, the variance of marks over independent ones.

    `usable` indexes into all conditions, or all pairs of conditions flattened; the others follow it.
    """

    usable: NDArray[np.int64]
    expected: NDArray[np.float64]
    dispersion: NDArray[np.float64]


@dataclass(frozen=True)
class Scan:
    """All places of n requests; `weights` float64 (n,) are the marks a row gets on average, `marks` in all.

    `agreement` says for each field how alike the cells of one unit are (0 to 1), `extra` the variance that
    marks add where they are wholly alike. Dispersions are 1 + extra * agreement. No place has more than the
    `largest` share of the requests.
    """

    single: tuple[Axis, ...]
    paired: tuple[Axis, ...]
    weights: NDArray[np.float64]
    marks: int
    extra: float = 0.0
    agreement: tuple[float, ...] = ()
    largest: float = LARGEST
    _pairs: dict[tuple[int, int], Candidates] = field(default_factory=dict)
    _alone: dict[int, Candidates] = field(default_factory=dict)

    def dispersion(self, index: int) -> float:
        """The variance of marks in a cell of this field over that of independent ones."""
        return 1.0 + self.extra * (self.agreement[index] if self.agreement else 0.0)

    def excess(self, index: int, rows: NDArray[np.int64]) -> float:
        """The same, seen in deals of the marks: mean square over expected variance, over all cells."""
        one = self.single[index]
        share = np.bincount(one.cells, self.weights, minlength=one.size) / self.marks
        seen = _counts(one.cells[rows], one.size)
        variance = self.marks * float(np.sum(share * (1.0 - share)))
        return float(np.sum((seen - self.marks * share) ** 2) / len(rows)) / max(variance, SMALLEST)

    def alone(self, index: int) -> Candidates:
        """The places of one field."""
        if index not in self._alone:
            one = self.single[index]
            requests = one.members @ np.bincount(one.cells, minlength=one.size)
            expected = one.members @ np.bincount(one.cells, self.weights, minlength=one.size)
            usable = _usable(requests, self.largest * len(one.cells))
            same = np.full(len(usable), self.dispersion(index))
            self._alone[index] = Candidates(usable, expected[usable], same)
        return self._alone[index]

    def together(self, one: int, other: int) -> Candidates:
        """The conjunctions of two fields."""
        if (one, other) not in self._pairs:
            a, b = self.paired[one], self.paired[other]
            cells = a.cells.astype(np.int64) * b.size + b.cells
            requests = _spread(np.bincount(cells, minlength=a.size * b.size)[None], a, b=b)[0]
            expected = _spread(np.bincount(cells, self.weights, minlength=a.size * b.size)[None], a, b=b)[0]
            usable = _usable(requests, self.largest * len(cells))
            self._pairs[one, other] = Candidates(
                usable,
                expected[usable],
                self._joint(one, other, shape=(len(a.members), len(b.members)))[usable],
            )
        return self._pairs[one, other]

    def _joint(self, one: int, other: int, *, shape: tuple[int, int]) -> NDArray[np.float64]:
        """Dispersions of conjunctions, as if the two fields were independent of each other."""
        if not self.agreement:
            return np.ones(shape[0] * shape[1])
        q, p = (self._shares(self.paired[index]) for index in (one, other))
        alike = q + self.agreement[one] * (1.0 - q)
        also = p + self.agreement[other] * (1.0 - p)
        chance = np.outer(q, p)
        agree = (np.outer(alike, also) - chance) / np.maximum(1.0 - chance, SMALLEST)
        return np.asarray(1.0 + self.extra * agree).ravel()

    def _shares(self, axis: Axis) -> NDArray[np.float64]:
        expected = axis.members @ np.bincount(axis.cells, self.weights, minlength=axis.size)
        return np.asarray(expected / self.marks)

    def ratios_alone(self, index: int, rows: NDArray[np.int64]) -> NDArray[np.float64]:
        """The likelihood ratio of each usable place of a field for marked rows (deals, marks)."""
        one, places = self.single[index], self.alone(index)
        found = _counts(one.cells[rows], one.size) @ one.members.T
        return likelihood_ratio(found[:, places.usable], places.expected[None], marks=self.marks)

    def ratios_together(self, one: int, other: int, *, rows: NDArray[np.int64]) -> NDArray[np.float64]:
        """The likelihood ratio of each usable conjunction of two fields for marked rows (deals, marks)."""
        a, b, places = self.paired[one], self.paired[other], self.together(one, other)
        cells = a.cells[rows].astype(np.int64) * b.size + b.cells[rows]
        found = _spread(_counts(cells, a.size * b.size), a, b=b)[:, places.usable]
        return likelihood_ratio(found, places.expected[None], marks=self.marks)

    def strongest(self, rows: NDArray[np.int64]) -> NDArray[np.float64]:
        """The strength of the strongest place in each deal, float64 (deals,)."""
        best = self.by_field(rows)
        strongest: NDArray[np.float64] = best.max(axis=1, initial=0.0)
        tried = top_fields(best)
        for one, other in combinations(range(len(self.single)), 2):
            deals = np.flatnonzero(tried[:, one] & tried[:, other])
            if len(deals) and len(self.together(one, other).usable):
                found = (
                    self.ratios_together(one, other, rows=rows[deals]) / self.together(one, other).dispersion
                )
                strongest[deals] = np.maximum(strongest[deals], found.max(axis=1))
        return strongest

    def by_field(self, rows: NDArray[np.int64]) -> NDArray[np.float64]:
        """The strength of the strongest place of each field alone, float64 (deals, fields)."""
        best = np.zeros((len(rows), len(self.single)))
        for index in range(len(self.single)):
            found = self.ratios_alone(index, rows) / self.alone(index).dispersion
            best[:, index] = found.max(axis=1, initial=0.0)
        return best

    def conditions(self, fields: tuple[int, ...], place: int) -> tuple[Condition, ...]:
        """The conditions of a usable place, by its number among those of its field or fields."""
        if len(fields) == 1:
            return (self.single[fields[0]].conditions[self.alone(fields[0]).usable[place]],)
        one, other = (self.paired[index].conditions for index in fields)
        first, second = divmod(int(self.together(*fields).usable[place]), len(other))
        return one[first], other[second]


def top_fields(best: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which fields conjunctions are tried among, bool (deals, fields): the first few that have a place."""
    rank = np.argsort(np.argsort(-best, axis=1, kind="stable"), axis=1)
    return np.asarray((rank < PAIRED_FIELDS) & (best > 0.0))


def _usable(requests: NDArray[np.float64], most: float) -> NDArray[np.int64]:
    return np.flatnonzero((requests >= MIN_ROWS) & (requests <= most))


def _counts(cells: NDArray[np.integer], size: int) -> NDArray[np.float64]:
    deals = len(cells)
    flat = cells + size * np.arange(deals)[:, None]
    return np.bincount(flat.ravel(), minlength=deals * size).reshape(deals, size).astype(np.float64)


def _spread(counts: NDArray[Any], a: Axis, *, b: Axis) -> NDArray[np.float64]:
    """Counts by cell (deals, cells of a * cells of b) summed up for each conjunction."""
    square = counts.reshape(len(counts), a.size, b.size)
    return np.asarray(a.members @ square @ b.members.T).reshape(len(counts), -1)
