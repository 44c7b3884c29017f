"""The thread that turns calls into lines and lines into files, at a pace that leaves the service its turn."""

from __future__ import annotations

import errno
import logging
import threading
import time
from collections.abc import Callable

import msgspec

from .files import Lines, Tally
from .waiting import FULL, RULED_OUT, Call, Counts, Waiting

LOG = logging.getLogger("replaygate.capture")

#: the writer looks at the queue so often; after trouble with the disk it rests that long
PAUSE_S = 0.05
REST_S = 1.0
#: so long calls are encoded in one go; between two the service's threads have the interpreter for themselves
SLICE_NS = 100_000
GIVE_WAY_S = 0.0002

_FULL_DISK = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


class LeftOutError(Exception):
    """A rule says that this call is not written at all."""


class Slice(msgspec.Struct, kw_only=True):
    """Lines on their way to the disk, and what they take in the queue until they are there."""

    data: bytes
    lines: int
    not_sampled: int
    room: int


class Writer:
    """Takes calls from `waiting`, makes each a line (None: not sampled), appends to `lines`, keeps a tally.

    Lines that the disk does not take are tried again each second; meanwhile the queue fills.
    """

    def __init__(
        self,
        waiting: Waiting,
        lines: Lines,
        *,
        tally: Tally,
        line: Callable[[Call], bytes | None],
        sync_s: float,
    ) -> None:
        self.wake = threading.Event()
        self._ended = threading.Event()
        self._abandoned = False
        self._waiting = waiting
        self._line = line
        self._lines = lines
        self._sync_s = sync_s
        self._synced = time.monotonic()
        self._slice: Slice | None = None
        self._tally = tally
        self._begun = False
        self._count_is_kept = True
        self._thread = threading.Thread(target=self._run, name="replaygate-capture", daemon=True)

    def start(self) -> None:
        """The thread runs; raises RuntimeError where there can be none."""
        self._thread.start()

    def end(self, timeout: float) -> bool:
        """Whether the thread came to its end within `timeout` seconds; what it still does does not count."""
        self._ended.set()
        self.wake.set()
        self._thread.join(timeout)
        self._abandoned = self._thread.is_alive()
        return not self._abandoned

    def _run(self) -> None:
        while not self._ended.is_set():
            self.wake.wait(PAUSE_S)
            self.wake.clear()
            self.turn(last=False)
            if self._slice is not None:
                self._ended.wait(REST_S)
        self.turn(last=True)

    def turn(self, *, last: bool) -> None:
        """All that waits is written, as far as the disk takes it; each `sync_s` it is made to last.

        The counts are written whatever came of the lines, for it is a loss that they tell.
        """
        self._tried(self._drain)
        if last or time.monotonic() - self._synced >= self._sync_s:
            self._synced = time.monotonic()
            self._tried(self._lines.sync)
            self._keep_count(last=last)
        if last:
            self._tried(self._lines.close)

    def _tried(self, step: Callable[[], None]) -> None:
        try:
            step()
        except OSError as error:
            self._in_trouble(error)

    def _drain(self) -> None:
        """One that was given up takes nothing: what waits now is its successor's, and its own was counted."""
        while not self._abandoned and (piece := self._slice or self._next()) is not None:
            self._slice = piece
            if piece.data:
                self._begin()
                self._lines.append(piece.data)
            self._slice = None
            self._well_again()
            if self._abandoned:
                return
            self._waiting.settle(written=piece.lines, not_sampled=piece.not_sampled, room=piece.room)
            if not (self._ended.is_set() or self._waiting.crowded):
                time.sleep(GIVE_WAY_S)

    def _next(self) -> Slice | None:
        until = time.perf_counter_ns() + SLICE_NS
        made: list[bytes | None] = []
        room = 0
        while (taken := self._waiting.take()) is not None:
            made.append(self._made(taken[0]))
            room += taken[1]
            if time.perf_counter_ns() >= until:
                break
        if not made:
            return None
        lines = [line for line in made if line]
        return Slice(data=b"".join(lines), lines=len(lines), not_sampled=made.count(None), room=room)

    def _made(self, call: Call) -> bytes | None:
        """The line of the call; empty where there can be none (it is counted), None where none is wanted."""
        try:
            return self._line(call)
        except LeftOutError:
            self._drop(RULED_OUT)
        except Exception as error:  # noqa: BLE001  -- whatever a handler attached, the recorder goes on
            self._drop(f"no line: {type(error).__name__}")
        return b""

    def _drop(self, reason: str) -> None:
        if not self._abandoned:
            self._waiting.drop(reason)

    def _begin(self) -> None:
        """The counts take their room on the disk before the first line does."""
        if not self._begun:
            self._begun = True
            self._keep_count(last=False)

    def _keep_count(self, *, last: bool) -> None:
        try:
            keep(self._tally, self._waiting.counts, last=last)
        except OSError as error:
            if self._count_is_kept:
                LOG.warning("the counts of captured requests cannot be written, it is tried again: %s", error)
            self._count_is_kept = False
        else:
            self._count_is_kept = True

    def _in_trouble(self, error: OSError) -> None:
        full = error.errno in _FULL_DISK
        reason = "disk full" if full else f"disk error {errno.errorcode.get(error.errno or 0, error.errno)}"
        if reason != self._waiting.full_because:
            self._waiting.full_because = reason
            LOG.warning("captured requests cannot be written, they wait and then are dropped: %s", error)

    def _well_again(self) -> None:
        if self._waiting.full_because != FULL:
            self._waiting.full_because = FULL
            LOG.warning("captured requests are written again: %s", self._waiting.counts)


def keep(tally: Tally, counts: Counts, *, last: bool) -> None:
    """The counts stand in their file; raises OSError."""
    tally.write(msgspec.json.encode(msgspec.to_builtins(counts) | {"ended": last}))
