"""What was known when: the requests of each user in order of time."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

DAY_NS: Final = 86_400 * 10**9


@dataclass(frozen=True, eq=False)
class History:
    """The requests of each user in order of time, so that what was known when can be looked up."""

    unit: Ints
    time_ns: Ints
    order: Ints

    @classmethod
    def of(cls, unit: Ints, time_ns: Ints) -> History:
        """The history of requests that come sorted by time."""
        return cls(unit, time_ns, np.argsort(unit, kind="stable"))

    @cached_property
    def _keys(self) -> Ints:
        """One sorted number for user and time, in ms so that it fits."""
        return self._key(self.unit[self.order], self.time_ns[self.order])

    def _key(self, unit: Ints, time_ns: Ints) -> Ints:
        return unit * (1 << 41) + (time_ns - int(self.time_ns[0])) // 1_000_000

    @cached_property
    def place(self) -> Ints:
        """Where each request stands in `order`; (n,)."""
        place = np.empty(len(self.order), np.int64)
        place[self.order] = np.arange(len(self.order))
        return place

    @cached_property
    def first(self) -> Ints:
        """The first row of the same user; (n,)."""
        return np.asarray(self.order[np.searchsorted(self.unit[self.order], self.unit)])

    def before(self, lag: int) -> Ints:
        """The row of the same user so many requests ago, -1 where there is none; (n,)."""
        there = self.place - lag
        rows = self.order[np.maximum(there, 0)]
        return np.where((there >= 0) & (self.unit[rows] == self.unit), rows, -1)

    def as_of(self, unit: Ints, time_ns: Ints) -> Ints:
        """The last row of these users at or before these times, -1 where there is none; (m,)."""
        since = np.maximum(time_ns, int(self.time_ns[0]) - 1_000_000)
        there = np.searchsorted(self._keys, self._key(unit, since), side="right") - 1
        rows = self.order[np.maximum(there, 0)]
        return np.where((there >= 0) & (self.unit[rows] == unit), rows, -1)

    def window(self, weights: Floats, days: float) -> Floats:
        """What the user's requests of the last days add up to, this one included; (n,)."""
        total = np.concatenate([[0.0], np.cumsum(weights[self.order])])
        begins = np.searchsorted(self._keys, self.unit * (1 << 41), side="left")
        since = np.maximum(self.time_ns - int(days * DAY_NS), int(self.time_ns[0]))
        start = np.maximum(np.searchsorted(self._keys, self._key(self.unit, since), side="left"), begins)
        return np.asarray(total[self.place + 1] - total[start])
