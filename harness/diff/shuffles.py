"""Mismatches dealt anew: each unit's pattern moved whole to another unit of about its size, and turned.

Mismatches come in clusters: one user's requests fail together. A test that counts requests as independent
then names a place in nearly every capture. What may be exchanged where no field matters are whole units
(Good, "Permutation, Parametric and Bootstrap Tests of Hypotheses", 3rd ed. 2005, chapter 3; for blocks of
unequal size: Winkler et al., "Multi-level block permutation", NeuroImage 123, 2015). The pattern is also
turned around within the unit by a random number of requests: else a mismatch that begins at one time would
stay late in whichever unit it lands, and no time and no build could ever be told.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

#: units of one stratum differ in size by this factor at the most, or by `WIDER` to have `ENOUGH` of them
SIMILAR, WIDER, ENOUGH = 1.25, 1.6, 10
#: of fewer than one in so many units those of a deal are drawn, of more all are shuffled
SPARSE = 8


@dataclass(frozen=True)
class Stratum:
    """Units of about one size (codes), how many of the marks theirs are, and the marked ones by index.

    `marks` indexes into the marks, `marked` (for each of them) into the `count` marked units.
    """

    units: NDArray[np.int64]
    marks: NDArray[np.int64]
    marked: NDArray[np.int64]
    count: int


@dataclass(frozen=True)
class Shuffles:
    """Marked requests of n, ready to be dealt anew.

    `order` groups rows by unit in the order given (which should be that of time), `start` and `size` are of
    each unit; `own` and `position` of each mark are its unit and its place within it.
    """

    order: NDArray[np.int64]
    start: NDArray[np.int64]
    size: NDArray[np.int64]
    own: NDArray[np.int64]
    position: NDArray[np.int64]
    strata: tuple[Stratum, ...]

    @classmethod
    def of(cls, unit: NDArray[np.int64], marks: NDArray[np.int64]) -> Shuffles:
        """Dense unit codes (n,) from 0, and the marked rows."""
        order = np.argsort(unit, kind="stable")
        size = np.bincount(unit)
        start = np.cumsum(size) - size
        rank = np.empty(len(unit), np.int64)
        rank[order] = np.arange(len(unit)) - np.repeat(start, size)
        own = unit[marks]
        return cls(order, start, size, own, rank[marks], _strata(size, own))

    def weights(self, unit: NDArray[np.int64]) -> NDArray[np.float64]:
        """The marks that each row gets on average, float64 (n,): those of its stratum, evenly."""
        rate = np.zeros(len(self.size))
        for stratum in self.strata:
            rate[stratum.units] = len(stratum.marks) / self.size[stratum.units].sum()
        return rate[unit]

    def deal(self, rng: np.random.Generator, times: int) -> NDArray[np.int64]:
        """The marked rows of so many shuffles, int64 (times, marks)."""
        targets = np.empty((times, len(self.own)), np.int64)
        turns = np.empty((times, len(self.own)))
        for stratum in self.strata:
            if not len(stratum.marks):
                continue
            drawn = _draw(rng, len(stratum.units), shape=(times, stratum.count))
            targets[:, stratum.marks] = stratum.units[drawn][:, stratum.marked]
            turns[:, stratum.marks] = rng.random((times, stratum.count))[:, stratum.marked]
        size = self.size[targets]
        scaled = ((self.position + 0.5) / self.size[self.own] * size).astype(np.int64)
        return np.asarray(self.order[self.start[targets] + (scaled + (turns * size).astype(np.int64)) % size])


def _draw(rng: np.random.Generator, n: int, *, shape: tuple[int, int]) -> NDArray[np.int64]:
    """Rows of distinct numbers below n in random order."""
    times, count = shape
    if count > n / SPARSE:
        return rng.permuted(np.tile(np.arange(n), (times, 1)), axis=1)[:, :count]
    drawn = rng.integers(n, size=shape)
    while (again := _repeated(drawn)).any():
        drawn[again] = rng.integers(n, size=int(np.count_nonzero(again)))
    return drawn


def _repeated(drawn: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which numbers stand further left in their row already."""
    order = np.argsort(drawn, axis=1, kind="stable")
    ordered = np.take_along_axis(drawn, order, axis=1)
    again = np.zeros(drawn.shape, bool)
    np.put_along_axis(again, order[:, 1:], ordered[:, 1:] == ordered[:, :-1], axis=1)
    return again


def _strata(size: NDArray[np.int64], own: NDArray[np.int64]) -> tuple[Stratum, ...]:
    units = np.argsort(-size, kind="stable")
    stratum_of = np.empty(len(size), np.int64)
    bounds = _bounds(size[units])
    for number, (first, last) in enumerate(bounds):
        stratum_of[units[first:last]] = number
    of_mark = stratum_of[own]
    strata = []
    for number, (first, last) in enumerate(bounds):
        marks = np.flatnonzero(of_mark == number)
        found, marked = np.unique(own[marks], return_inverse=True)
        strata.append(Stratum(units[first:last], marks, marked, len(found)))
    return tuple(strata)


def _bounds(descending: NDArray[np.int64]) -> list[tuple[int, int]]:
    """Where strata begin and end in sizes that descend: similar ones, more of them where they are few."""
    bounds, first = [], 0
    while first < len(descending):
        largest = descending[first]
        last = int(np.searchsorted(-descending, -largest / SIMILAR, side="right"))
        wider = int(np.searchsorted(-descending, -largest / WIDER, side="right"))
        last = min(max(last, first + ENOUGH), wider)
        # units of one size stay together
        last = int(np.searchsorted(-descending, -descending[last - 1], side="right"))
        bounds.append((first, last))
        first = last
    return bounds
