"""The calls that wait to be written: as many as the memory allows, and what came of all the others."""

from __future__ import annotations

import threading
from collections import Counter, deque
from typing import Protocol

import msgspec

from .record import Record

#: why a call was dropped, beside the names of errors and what a disk says
FULL = "queue full"
TOO_LARGE = "too large"
CLOSED = "not written before the end"
NO_THREAD = "no thread"
RULED_OUT = "left out by a rule"

#: reasons that are counted apart where the service decides what they say
_MOST_REASONS = 100


class Call(Protocol):
    """Something that a service did, and that becomes a record on the writer's thread."""

    @property
    def size(self) -> int:
        """About how many bytes of memory it takes."""

    def record(self) -> Record:
        """The record of it."""


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    """What came of the calls of a process: `offered = written + waiting + not_sampled + sum(dropped)`.

    `not_attached`: what handlers said of calls and no line can hold, by `features: list` and the like.
    """

    offered: int = 0
    written: int = 0
    waiting: int = 0
    not_sampled: int = 0
    dropped: dict[str, int] = {}
    not_attached: dict[str, int] = {}

    def __str__(self) -> str:
        """In words: `9 offered, 4 written, 5 dropped (disk full 3, queue full 2)`."""
        left = f", {self.not_sampled} not sampled" if self.not_sampled else ""
        waiting = f", {self.waiting} waiting" if self.waiting else ""
        lost = _told("dropped", self.dropped) + _told("not attached", self.not_attached)
        return f"{self.offered} offered, {self.written} written{left}{waiting}{lost}"


def _told(what: str, counts: dict[str, int]) -> str:
    reasons = ", ".join(f"{reason} {count}" for reason, count in sorted(counts.items()))
    return f", {sum(counts.values())} {what} ({reasons})" if reasons else ""


class Waiting:
    """A queue of at most `room` bytes; putting never waits. `full_because` is the reason while it is full."""

    def __init__(self, room: int) -> None:
        self.full_because = FULL
        self._lock = threading.Lock()
        self._calls: deque[tuple[Call, int]] = deque()
        self._whole = self._room = room
        self._offered = self._written = self._not_sampled = 0
        self._dropped: Counter[str] = Counter()
        self._not_attached: Counter[str] = Counter()

    def put(self, call: Call) -> bool:
        """Whether the call waits now; otherwise it is counted as dropped."""
        size = call.size
        with self._lock:
            self._offered += 1
            if size > self._room:
                self._dropped[TOO_LARGE if size > self._whole else self.full_because] += 1
                return False
            self._room -= size
            self._calls.append((call, size))
        return True

    def lose(self, reason: str) -> None:
        """A call that never came to waiting is counted as dropped."""
        with self._lock:
            self._offered += 1
            self._dropped[reason] += 1

    def refuse(self, reason: str) -> bool:
        """Something attached is in no line, which is counted; whether it is the first for this reason."""
        with self._lock:
            known = reason in self._not_attached or len(self._not_attached) < _MOST_REASONS
            self._not_attached[reason if known else "others"] += 1
            return known and self._not_attached[reason] == 1

    @property
    def crowded(self) -> bool:
        """Whether more than half of the room is taken."""
        return self._room + self._room < self._whole

    def take(self) -> tuple[Call, int] | None:
        """The oldest call, and the room that it takes until it is settled; None where none waits."""
        with self._lock:
            return self._calls.popleft() if self._calls else None

    def drop(self, reason: str) -> None:
        """A call that was taken is lost for this reason; its room is given back by `settle`."""
        with self._lock:
            self._dropped[reason] += 1

    def settle(self, *, written: int, not_sampled: int, room: int) -> None:
        """Calls that were taken are done with."""
        with self._lock:
            self._written += written
            self._not_sampled += not_sampled
            self._room += room

    def give_up(self) -> int:
        """All that is not settled is dropped and counted; returns how many."""
        with self._lock:
            left = self._left()
            if left:
                self._dropped[CLOSED if self.full_because == FULL else self.full_because] += left
            self._calls.clear()
            self._room = self._whole
        return left

    @property
    def counts(self) -> Counts:
        """What came of the calls so far."""
        with self._lock:
            return Counts(
                offered=self._offered,
                written=self._written,
                waiting=self._left(),
                not_sampled=self._not_sampled,
                dropped=dict(self._dropped),
                not_attached=dict(self._not_attached),
            )

    def _left(self) -> int:
        return self._offered - self._written - self._not_sampled - self._dropped.total()
