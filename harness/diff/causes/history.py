"""The requests of each unit in order of time: what was its value before, and which row held a value."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
#: composite codes stay below this, so that they fit into int64
_LARGEST = 2**62


@dataclass(frozen=True, eq=False)
class History:
    """n rows ordered by group, and by time within.

    `order` int64 (n,) has the rows so ordered, `place` where each row stands in it, `start` the place at
    which its group begins. `group` int64 (n,) are the codes, dense from 0.
    """

    order: Ints
    place: Ints
    start: Ints
    group: Ints
    time_ns: Ints

    @classmethod
    def of(cls, codes: Ints, time_ns: Ints | None) -> History:
        """The history of coded groups; without times the rows are in order of time already."""
        times = np.arange(len(codes)) if time_ns is None else np.asarray(time_ns, np.int64)
        group = np.unique(codes, return_inverse=True)[1].astype(np.int64)
        order = np.lexsort((times, group))
        place = np.empty(len(order), np.int64)
        place[order] = np.arange(len(order))
        sizes = np.bincount(group, minlength=1)
        start = (np.cumsum(sizes) - sizes)[group] if len(group) else group
        return cls(order, place, start, group, times)

    def before(self, rows: Ints, lag: int) -> Ints:
        """The row of the same group `lag` rows before each, -1 where there is none."""
        places = self.place[rows] - lag
        found = self.order[places.clip(min=0)]
        return np.where(places >= self.start[rows], found, -1)

    def as_of(self, rows: Ints, time_ns: int) -> Ints:
        """The last row of each row's group up to one fixed time, its first row where there is none."""
        early = np.concatenate([[0], np.cumsum(self.time_ns[self.order] <= time_ns)])
        starts = self.start[rows]
        ends = self._ends[self.group[rows]]
        return np.asarray(self.order[starts + np.maximum(early[ends] - early[starts] - 1, 0)])

    def until(self, rows: Ints) -> Ints:
        """The time at which the next row of the same group comes, the largest int64 where none does."""
        places = self.place[rows] + 1
        inside = places < self._ends[self.group[rows]]
        following = self.time_ns[self.order[places.clip(max=len(self.order) - 1)]]
        return np.where(inside, following, np.iinfo(np.int64).max)

    def first(self, rows: Ints) -> NDArray[np.bool_]:
        """Whether each row is the first of its group."""
        return np.asarray(self.place[rows] == self.start[rows])

    @property
    def _ends(self) -> Ints:
        return np.cumsum(np.bincount(self.group, minlength=1))

    def ledger(self, ids: Ints, size: int) -> Ledger | None:
        """Where each group held which of `size` coded values, None where the codes would not fit."""
        n = len(ids)
        if not n or (int(self.group.max()) + 1) * (size + 1) * n > _LARGEST:
            return None
        known = np.flatnonzero(ids >= 0)
        keys = ((self.group * (size + 1) + ids) * n + self.place)[known]
        return Ledger(self, np.sort(keys), size)


@dataclass(frozen=True, eq=False)
class Ledger:
    """Every (group, value, place) of a history, sorted."""

    history: History
    keys: Ints
    size: int

    def earlier(self, rows: Ints, ids: Ints) -> Ints:
        """The latest earlier row of the same group that held a value, -1 where none did."""
        return self._found(rows, ids, "left", -1)

    def later(self, rows: Ints, ids: Ints) -> Ints:
        """The next later row of the same group that held a value, -1 where none did."""
        return self._found(rows, ids, "right", 0)

    def held(self, rows: Ints, ids: Ints, at_most: int) -> tuple[Ints, Ints]:
        """All rows of the same group that held a value: which of `rows` asks (m,), and the row found (m,)."""
        base = (self.history.group[rows] * (self.size + 1) + ids) * len(self.history.order)
        low = np.searchsorted(self.keys, base)
        high = np.searchsorted(self.keys, base + len(self.history.order))
        counts = np.where(ids >= 0, np.minimum(high - low, at_most), 0)
        asks = np.repeat(np.arange(len(rows)), counts)
        nth = np.arange(len(asks)) - np.repeat(np.cumsum(counts) - counts, counts)
        return asks, self.history.order[self.keys[low[asks] + nth] % len(self.history.order)]

    def _found(self, rows: Ints, ids: Ints, side: str, step: int) -> Ints:
        n = len(self.history.order)
        if not len(self.keys):
            return np.full(len(rows), -1)
        asked = self.history.group[rows] * (self.size + 1) + ids
        wanted = asked * n + self.history.place[rows]
        right = side == "right"
        places = (np.searchsorted(self.keys, wanted, "right" if right else "left") + step).clip(
            0, len(self.keys) - 1
        )
        found = self.keys[places]
        ahead = found % n > self.history.place[rows] if right else found % n < self.history.place[rows]
        return np.where((found // n == asked) & ahead & (ids >= 0), self.history.order[found % n], -1)
