"""Ids that came before, in memory that is bounded by their number: eight bytes each, and room to grow."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Keys = NDArray[np.int64]

_SLICE = 1 << 16
#: keys in ascending order fall into the tables one after another, by their highest bits
_TABLES = 8
_SHIFT = 61
_EDGES = np.arange(1 - _TABLES // 2, _TABLES // 2) << _SHIFT


def key_of(request_id: str, row_index: int | None = None) -> int:
    """64 bits of a hash (SipHash, another in each process), never 0; rows of one id have their own."""
    return hash(request_id if row_index is None else (request_id, row_index)) or 1


def keys_of(request_ids: Sequence[str]) -> Keys:
    """The keys of ids without rows: as `key_of`, for many."""
    keys = np.fromiter(map(hash, request_ids), np.int64, len(request_ids))
    keys[keys == 0] = 1
    return keys


class Seen:
    """A set of keys in a few tables, so that only one at a time is there twice while it grows.

    Of n different ids two have one key with a chance of n²/2⁶⁵: 7 in 10 million for 5 million ids.
    """

    def __init__(self) -> None:
        self._tables = [_Table() for _ in range(_TABLES)]

    def add(self, key: int) -> bool:
        """Whether the key is new; it no longer is."""
        return self._tables[(key >> _SHIFT) + _TABLES // 2].add(key)

    def __contains__(self, key: int) -> bool:
        """Whether the key was added."""
        return self._tables[(key >> _SHIFT) + _TABLES // 2].has(key)

    def first(self, keys: Keys) -> NDArray[np.bool_]:
        """Which of the keys (n,) are new, the first of equal ones being it; they no longer are."""
        distinct, at = np.unique(keys, return_index=True)
        parts = np.split(distinct, np.searchsorted(distinct, _EDGES))
        fresh = [table.put(part) for table, part in zip(self._tables, parts, strict=True)]
        new = np.zeros(len(keys), np.bool_)
        new[at[np.concatenate(fresh)]] = True
        return new


class _Table:
    """A set of keys with open addressing, at most two thirds full."""

    def __init__(self) -> None:
        self._slots: Keys = np.zeros(1 << 9, np.int64)
        self._cells = self._slots.data
        self._count = 0

    def add(self, key: int) -> bool:
        """Whether the key is new; it no longer is."""
        self._make_room(1)
        mask = len(self._slots) - 1
        place = key & mask
        while held := self._cells[place]:
            if held == key:
                return False
            place = (place + 1) & mask
        self._cells[place] = key
        self._count += 1
        return True

    def has(self, key: int) -> bool:
        """Whether the key is there."""
        mask = len(self._slots) - 1
        place = key & mask
        while held := self._cells[place]:
            if held == key:
                return True
            place = (place + 1) & mask
        return False

    def put(self, keys: Keys) -> NDArray[np.bool_]:
        """Which of these different keys (n,) are new; they no longer are."""
        self._make_room(len(keys))
        new = self._put(keys)
        self._count += int(new.sum())
        return new

    def _put(self, keys: Keys) -> NDArray[np.bool_]:
        """Which of these different keys were not there; all are in the end. The table has room for them."""
        slots, mask = self._slots, len(self._slots) - 1
        new = np.zeros(len(keys), np.bool_)
        left, place = np.arange(len(keys)), keys & mask
        while left.size:
            wanted = keys[left]
            free = slots[place] == 0
            slots[place[free]] = wanted[free]  # of those that want one place, the last one has it
            here = slots[place] == wanted
            new[left[free & here]] = True
            left, place = left[~here], (place[~here] + 1) & mask
        return new

    def _make_room(self, more: int) -> None:
        """The table is doubled until so many more fill at most two thirds of it."""
        while 3 * (self._count + more) > 2 * len(self._slots):
            before = self._slots
            self._slots = np.zeros(2 * len(before), np.int64)
            self._cells = self._slots.data
            for start in range(0, len(before), _SLICE):
                some = before[start : start + _SLICE]
                self._put(some[some != 0])
