"""The journal: one JSON line an attempt, on disk within a second, and the table made of it in the end."""

from __future__ import annotations

import os
import threading
import time
from array import array
from collections import deque
from typing import TYPE_CHECKING, Self, TypeVar

import msgspec
import numpy as np
import pyarrow as pa

from harness import columns
from harness.errors import HarnessError, RunError
from harness.records import Attempt, Outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

T = TypeVar("T")

FLUSH_S = 0.1
#: attempts encoded in one go: longer ones would keep the clock from its turn
_BATCH = 64
SYNC_NS = 1_000_000_000


class Journal:
    """Appends attempts to one file; a thread of its own writes and syncs, so that no clock waits for a disk.

    `append` takes a tenth of a microsecond and never raises; `check` raises HarnessError once a write has
    failed. What an earlier writer left torn at the end of the file is cut off.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        _cut_torn_tail(path)
        self.path = path
        self._file = path.open("ab", buffering=0)
        self._encode = msgspec.json.Encoder().encode_lines
        self._attempts: deque[Attempt] = deque()
        self._stop = threading.Event()
        self._error: OSError | ValueError | TypeError | None = None
        self._thread = threading.Thread(target=self._work, name=f"journal {path.name}", daemon=True)
        self._thread.start()

    def append(self, attempt: Attempt) -> None:
        """The attempt will be on disk within a second."""
        self._attempts.append(attempt)

    def check(self) -> None:
        """Raises HarnessError when the journal could not be written."""
        if self._error is not None:
            raise HarnessError(
                "the journal cannot be written",
                where=str(self.path),
                found=getattr(self._error, "strerror", None) or str(self._error),
                fix="Free space on the disk, then resume the run.",
            )

    def close(self) -> None:
        """Everything appended is on disk; raises HarnessError when it is not."""
        self._stop.set()
        self._thread.join()
        self._file.close()
        self.check()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _work(self) -> None:
        synced_ns = time.monotonic_ns()
        try:
            while not self._stop.wait(FLUSH_S):
                self._flush()
                if time.monotonic_ns() - synced_ns >= SYNC_NS:
                    os.fsync(self._file.fileno())
                    synced_ns = time.monotonic_ns()
            self._flush()
            os.fsync(self._file.fileno())
        except (OSError, ValueError, TypeError) as error:
            self._error = error

    def _flush(self) -> None:
        """Encode and write what has been appended; popping is safe beside an appending thread."""
        waiting, lines = self._attempts, bytearray()
        while waiting:
            lines += self._encode([waiting.popleft() for _ in range(min(_BATCH, len(waiting)))])
        left = memoryview(lines)
        while left:
            left = left[self._file.write(left) :]


def _cut_torn_tail(path: Path) -> None:
    """A file that ends inside a line ends after its last whole one."""
    if not path.exists():
        return
    with path.open("r+b") as file:
        size = file.seek(0, os.SEEK_END)
        whole = _end_of_last_line(path, size)
        if whole < size:
            file.truncate(whole)


def _end_of_last_line(path: Path, size: int, *, block: int = 1 << 16) -> int:
    """The offset just after the last line break, 0 when there is none."""
    with path.open("rb") as file:
        for start in range(max(0, size - block), -block, -block):
            file.seek(max(0, start))
            found = file.read(block).rfind(b"\n")
            if found >= 0:
                return max(0, start) + found + 1
    return 0


def read_journal(path: Path) -> Iterator[Attempt]:
    """The attempts in file order, without a torn last line; raises RunError on damage before it."""
    return (attempt for attempt, _ in _lines(path, Attempt))


def _lines(path: Path, kind: type[T]) -> Iterator[tuple[T, int]]:
    """Each whole line as a struct, and its size in bytes."""
    decode = msgspec.json.Decoder(kind).decode
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            try:
                decoded = decode(line)
            except (msgspec.DecodeError, UnicodeDecodeError) as error:
                if not file.read(1):
                    return
                where = f"{path}:{number}"
                raise RunError("the journal is damaged", where=where, found=str(error)) from None
            if not line.endswith(b"\n"):
                return
            yield decoded, len(line)


def compact(
    attempts: Iterable[Attempt],
    parse: Callable[[Attempt], Outcome],
    *,
    target: str,
    passes: Mapping[str, str] | None = None,
) -> pa.Table:
    """One row (columns.OUTCOMES) for each phase and request of a target: its last attempt, parsed.

    Sorted by phase, in the order of their first attempts, then by seq; `attempts` counts the tries made.
    With `passes`, only those journalled under its keys, as outcomes of the phases that are its values.
    """
    finals: dict[str, dict[int, tuple[Attempt, int]]] = {}
    for attempt in attempts:
        if attempt.target == target and (passes is None or attempt.phase in passes):
            rows = finals.setdefault(attempt.phase, {})
            tries = rows[attempt.seq][1] if attempt.seq in rows else 0
            rows[attempt.seq] = (attempt, tries + (attempt.attempt > 0))
    return outcome_table(
        _outcome(parse, attempt, tries=tries, passes=passes)
        for rows in finals.values()
        for _, (attempt, tries) in sorted(rows.items())
    )


def _outcome(
    parse: Callable[[Attempt], Outcome], attempt: Attempt, *, tries: int, passes: Mapping[str, str] | None
) -> Outcome:
    phase = attempt.phase if passes is None else passes[attempt.phase]
    return msgspec.structs.replace(parse(attempt), attempts=tries, phase=phase)


class _Place(msgspec.Struct, frozen=True, kw_only=True):
    """As much of a line as says which request of which phase it is about."""

    seq: int
    phase: str
    target: str
    attempt: int


def compact_parts(
    path: Path,
    parse: Callable[[Attempt], Outcome],
    *,
    target: str,
    passes: Mapping[str, str] | None = None,
    rows: int = 20_000,
) -> Iterator[pa.Table]:
    """What `compact` makes of a journal, in tables of at most `rows` rows and so in bounded memory.

    The journal is read twice: first where the last attempt of each request stands (40 bytes a request), then
    those lines. Raises RunError on damage.
    """
    places = _last_places(path, target=target, passes=passes)
    decode = msgspec.json.Decoder(Attempt).decode
    with path.open("rb") as file:
        for start in range(0, len(places), rows):
            outcomes = []
            for offset, tries in places[start : start + rows].tolist():
                file.seek(offset)
                outcomes.append(_outcome(parse, decode(file.readline()), tries=tries, passes=passes))
            yield outcome_table(outcomes)


def _last_places(path: Path, *, target: str, passes: Mapping[str, str] | None) -> NDArray[np.int64]:
    """The offset of each request's last attempt and its count of tries, int64 (n, 2), by phase, then seq."""
    phases: dict[str, int] = {}
    lines, offset = array("q"), 0
    for place, size in _lines(path, _Place):
        if place.target == target and (passes is None or place.phase in passes):
            phase = phases.setdefault(place.phase, len(phases))
            lines.extend((phase, place.seq, offset, place.attempt > 0))
        offset += size
    table = np.frombuffer(lines, np.int64).reshape(-1, 4)
    table = table[np.lexsort((table[:, 2], table[:, 1], table[:, 0]))]
    ends = np.flatnonzero(np.any(np.diff(table[:, :2], axis=0, append=-1) != 0, axis=1))
    tries = np.diff(np.cumsum(table[:, 3])[ends], prepend=0)
    return np.column_stack((table[ends, 2], tries))


def outcome_table(outcomes: Iterable[Outcome]) -> pa.Table:
    """The outcomes as a table of columns.OUTCOMES, in their order."""
    rows = list(outcomes)
    return pa.table(
        {name: [getattr(row, name) for row in rows] for name in columns.OUTCOMES.names},
        schema=columns.OUTCOMES,
    )
