"""Calls of a running service go to files from a thread of their own; the service never waits for it."""

from __future__ import annotations

import atexit
import os
import threading
import time
import weakref
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Protocol

import msgspec

from .features import are_plain, spelled
from .files import Disk, Limits, Lines, Sink, Tally
from .record import Record
from .redaction import Redactor
from .waiting import NO_THREAD, Call, Counts, Waiting
from .writer import LOG, LeftOutError, Writer, keep

#: request ids that are remembered, so that one that comes again gets a name of its own
REMEMBERED = 1 << 15
#: a disk that is slow and not stuck ends its last write in this time, so that the loss is counted there
GRACE_S = 0.5


class Sampling(Protocol):
    """Which calls are kept, and how many each then stands for."""

    def sampled(self, request: Record) -> Record | None:
        """The record with its weight, None where it is not kept."""


class Redacting(Protocol):
    """What may be written down of a call."""

    def record(self, record: Record) -> Record | None:
        """The record as it may be written, its headers too; None where it may not be."""


class Recorder:
    """Writes what it is offered to `capture-<utc>-<pid>-<n>.jsonl` in `folder`, counts to `_counts-….json`.

    The thread and the files begin with the first call, in the process that offers it, so a server may fork
    before and after. After kill -9 the last second is missing at most, and the last line may be torn. What
    the disk does not take waits until the queue is full; then calls are dropped and counted by reason. At the
    end of the process the rest is written, for two seconds at most. Without a `redactor` only the
    headers that are known to be harmless are kept.
    """

    def __init__(
        self,
        folder: str | os.PathLike[str],
        *,
        limits: Limits | None = None,
        sampler: Sampling | None = None,
        redactor: Redacting | None = None,
        clock: Callable[[], int] = time.time_ns,
        opened: Callable[[Path], Sink] = Disk,
    ) -> None:
        self.folder = Path(folder)
        self.limits = limits or Limits()
        self.clock = clock
        self._sampler = sampler
        self._redactor: Redacting = redactor or Redactor()
        self._opened = opened
        self._writer: Writer | None = None
        self._begin_anew()
        _LIVING.add(self)

    def offer(self, call: Call) -> bool:
        """Whether the call waits to be written; False: it is dropped and counted. Never waits."""
        kept = self._waiting.put(call)
        writer = self._writer or self._started()
        if writer is not None and self._waiting.crowded:
            writer.wake.set()
        return kept

    def lose(self, reason: str) -> None:
        """Count a call that should be in these files and of which there is nothing to write. Never waits."""
        self._waiting.lose(reason)
        if self._writer is None:
            self._started()

    def refuse(self, what: str, value: object) -> None:
        """Count what a handler attached and no line can hold; the first of its kind is logged."""
        reason = f"{what}: {type(value).__name__}"
        if self._waiting.refuse(reason):
            LOG.warning("attached to a call, and of no type that a capture holds (%s)", reason)

    @property
    def counts(self) -> Counts:
        """What came of the calls of this process so far."""
        return self._waiting.counts

    def close(self, timeout: float = 2.0) -> bool:
        """Whether all that waited is written within `timeout` seconds; the rest is dropped and counted.

        A call that is offered later begins new files.
        """
        atexit.unregister(self.close)
        writer = self._writer
        ended = writer is None or writer.end(timeout)
        with self._starting:
            lost = self._waiting.give_up()
            self._writer = None
        if writer is None or writer.end(0 if ended else GRACE_S):
            self._keep_count()
        if lost:
            LOG.warning("captured requests are lost: %s", self.counts)
        return ended and not lost

    def _keep_count(self) -> None:
        """The last counts are in their file, or else in the log."""
        if not self.counts.offered:
            return
        try:
            keep(self._tally, self.counts, last=True)
        except OSError as error:
            LOG.warning("the counts of captured requests cannot be written (%s): %s", error, self.counts)

    def _started(self) -> Writer | None:
        with self._starting:
            if self._writer is None:
                writer = self._new_writer()
                try:
                    writer.start()
                except RuntimeError as error:
                    self._no_thread(error)
                    return None
                atexit.register(self.close)
                self._writer = writer
            return self._writer

    def _new_writer(self) -> Writer:
        lines = Lines(self.folder, self.limits, clock=self.clock, opened=self._opened)
        return Writer(self._waiting, lines, tally=self._tally, line=self._line, sync_s=self.limits.sync_s)

    def _no_thread(self, error: RuntimeError) -> None:
        if self._waiting.full_because != NO_THREAD:
            self._waiting.full_because = NO_THREAD
            LOG.warning("captured requests cannot be written, they wait and then are dropped: %s", error)
            atexit.register(self.close)

    def _line(self, call: Call) -> bytes | None:
        record = call.record()
        kept = record if self._sampler is None else self._sampler.sampled(record)
        if kept is None:
            return None
        bare = self._redactor.record(self._with_plain_features(kept))
        if bare is None:
            raise LeftOutError
        return self._names.once(bare).line()

    def _with_plain_features(self, record: Record) -> Record:
        if not record.features or are_plain(record.features):
            return record
        plain = spelled(record.features, partial(self.refuse, "feature"))
        return msgspec.structs.replace(record, features=plain)

    def _begin_anew(self) -> None:
        """Nothing was offered in this process; what a parent has waiting stays the parent's."""
        self._starting = threading.Lock()
        self._waiting = Waiting(self.limits.queue_bytes)
        self._tally = Tally(self.folder, clock=self.clock)
        self._names = Names()
        self._writer = None


class Names:
    """The request ids of late: one that comes again gets an ending, and the tag `request_id` keeps it."""

    def __init__(self) -> None:
        self._new: dict[str, int] = {}
        self._old: dict[str, int] = {}

    def times(self, name: str) -> int:
        """How often the name has come, now included, since it was last forgotten."""
        times = self._new.get(name, self._old.get(name, 0)) + 1
        self._new[name] = times
        if len(self._new) >= REMEMBERED:
            self._new, self._old = {}, self._new
        return times

    def once(self, record: Record) -> Record:
        """The record under an id that no other of the last `REMEMBERED` has."""
        name = record.request_id
        times = self.times(name)
        if times == 1:
            return record
        return msgspec.structs.replace(
            record, request_id=f"{name}~{times}", tags=record.tags | {"request_id": name}
        )


_LIVING: weakref.WeakSet[Recorder] = weakref.WeakSet()


def _in_the_child() -> None:
    for recorder in tuple(_LIVING):
        recorder._begin_anew()  # noqa: SLF001  -- the other half of the class, for a process that was forked


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_in_the_child)
