"""The requests of each unit in order of time: what was its value before, and which row held a value."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
#: composite codes stay below this, so that they fit into int64
_LARGEST = 2**62


@dataclass(frozen=True, eq=False)
class History:
    """n rows ordered by group, and by time within.

    `order` int64 (n,) has the rows so ordered, `place` where each row stands in it, `start` the place at
    which its group begins. `group` int64 (n,) are the codes made dense, `codes` (groups,) as they were.
    """

    order: Ints
    place: Ints
    start: Ints
    group: Ints
    time_ns: Ints
    codes: Ints

    @classmethod
    def of(cls, codes: Ints, time_ns: Ints | None) -> History:
        """The history of coded groups; without times the rows are in order of time already."""
        times = np.arange(len(codes)) if time_ns is None else np.asarray(time_ns, np.int64)
        held, group = np.unique(codes, return_inverse=True)
        group = group.astype(np.int64)
        order = np.lexsort((times, group))
        place = np.empty(len(order), np.int64)
        place[order] = np.arange(len(order))
        sizes = np.bincount(group, minlength=1)
        start = (np.cumsum(sizes) - sizes)[group] if len(group) else group
        return cls(order, place, start, group, times, held)

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

    def latest(self, codes: Ints, rows: Ints) -> Ints:
        """The last row of other groups, by code, up to the times of some rows; -1 for none."""
        if not len(self.order):
            return np.full(len(rows), -1)
        groups = np.searchsorted(self.codes, codes).clip(max=len(self.codes) - 1)
        asked = groups * (len(self.order) + 1) + self._rank[rows]
        places = np.searchsorted(self._keys, asked, "right") - 1
        found = self.order[places.clip(min=0)]
        inside = (places >= 0) & (self.group[found] == groups) & (self.codes[groups] == codes)
        return np.where(inside, found, -1)

    @cached_property
    def _rank(self) -> Ints:
        """The rank of each row's time, equal for equal times; small where nanoseconds would overflow."""
        return np.unique(self.time_ns, return_inverse=True)[1].astype(np.int64)

    @cached_property
    def _keys(self) -> Ints:
        """Group and rank of time as one number, ascending."""
        return (self.group * (len(self.order) + 1) + self._rank)[self.order]

    def until(self, rows: Ints) -> Ints:
        """The time at which the next row of the same group comes, the largest int64 where none does."""
        places = self.place[rows] + 1
        inside = places < self._ends[self.group[rows]]
        following = self.time_ns[self.order[places.clip(max=len(self.order) - 1)]]
        return np.where(inside, following, np.iinfo(np.int64).max)

    def first(self, rows: Ints) -> NDArray[np.bool_]:
        """Whether each row is the first of its group."""
        return np.asarray(self.place[rows] == self.start[rows])

    def part(self, rows: Ints) -> Part:
        """The whole history of the groups of some rows."""
        groups = np.unique(self.group[rows])
        begins, sizes = self.start_of[groups], np.diff(self.start_of)[groups]
        nth = np.arange(sizes.sum()) - np.repeat(np.cumsum(sizes) - sizes, sizes)
        held = self.order[np.repeat(begins, sizes) + nth]
        start = np.arange(len(held)) - nth
        slot = np.empty(len(self.order), np.int64)
        slot[held] = np.arange(len(held))
        return Part(held, slot[rows], start, nth, self.time_ns[held])

    @property
    def _ends(self) -> Ints:
        return self.start_of[1:]

    @cached_property
    def start_of(self) -> Ints:
        """The place at which each group begins, and the end; (groups + 1,)."""
        return np.concatenate([[0], np.cumsum(np.bincount(self.group, minlength=1))])

    def ledger(self, ids: Ints, size: int) -> Ledger | None:
        """Where each group held which of `size` coded values, None where the codes would not fit."""
        n = len(ids)
        if not n or (int(self.group.max()) + 1) * (size + 1) * n > _LARGEST:
            return None
        known = np.flatnonzero(ids >= 0)
        keys = ((self.group * (size + 1) + ids) * n + self.place)[known]
        return Ledger(self, np.sort(keys), size)


@dataclass(frozen=True, eq=False)
class Part:
    """The rows of some groups, ordered by group and time: m of them, by slot.

    `rows` int64 (m,) of the whole capture, `asked` the slots of the rows that were asked for, `start` (m,)
    the slot at which each one's group begins, `nth` how many of its group come before it.
    """

    rows: Ints
    asked: Ints
    start: Ints
    nth: Ints
    time_ns: Ints

    @cached_property
    def rounds(self) -> list[Ints]:
        """The slots of every group's first row, then of every second one, and so on."""
        order = np.argsort(self.nth, kind="stable")
        return np.split(order, np.cumsum(np.bincount(self.nth))[:-1]) if len(order) else []

    def opening(self, span_ns: int) -> Ints:
        """The slot of the first row of the same group that is less than a span of time ago; (m,)."""
        ranked, rank = np.unique(self.time_ns, return_inverse=True)
        since = np.searchsorted(ranked, self.time_ns - span_ns, "left")
        base = self.start * (len(ranked) + 1)
        return np.searchsorted(base + rank, base + since, "left")


@dataclass(frozen=True, eq=False)
class Ledger:
    """Every (group, value, place) of a history, sorted."""

    history: History
    keys: Ints
    size: int

    def earlier(self, rows: Ints, ids: Ints) -> Ints:
        """The latest earlier row of the same group that held a value, -1 where none did."""
        return self._found(rows, ids, ahead=False)

    def later(self, rows: Ints, ids: Ints) -> Ints:
        """The next later row of the same group that held a value, -1 where none did."""
        return self._found(rows, ids, ahead=True)

    def held(self, rows: Ints, ids: Ints, *, at_most: int) -> tuple[Ints, Ints]:
        """All rows of the same group that held a value: which of `rows` asks (m,), and the row found (m,)."""
        base = (self.history.group[rows] * (self.size + 1) + ids) * len(self.history.order)
        low = np.searchsorted(self.keys, base)
        high = np.searchsorted(self.keys, base + len(self.history.order))
        counts = np.where(ids >= 0, np.minimum(high - low, at_most), 0)
        asks = np.repeat(np.arange(len(rows)), counts)
        nth = np.arange(len(asks)) - np.repeat(np.cumsum(counts) - counts, counts)
        return asks, self.history.order[self.keys[low[asks] + nth] % len(self.history.order)]

    def _found(self, rows: Ints, ids: Ints, *, ahead: bool) -> Ints:
        n = len(self.history.order)
        if not len(self.keys):
            return np.full(len(rows), -1)
        asked, place = self.history.group[rows] * (self.size + 1) + ids, self.history.place[rows]
        nearest = (
            np.searchsorted(self.keys, asked * n + place, "right")
            if ahead
            else np.searchsorted(self.keys, asked * n + place) - 1
        )
        found = self.keys[nearest.clip(0, len(self.keys) - 1)]
        beyond = found % n > place if ahead else found % n < place
        return np.where((found // n == asked) & beyond & (ids >= 0), self.history.order[found % n], -1)
