"""What the journals of a run at work say so far, read on from where they were left.

Nothing here is a test that may be looked at again and again: a replayed capture is a fixed list, judged once.
So beside each share stands where it can still end: all that is to come could fail, or none of it.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from harness.errors import RunError
from harness.records import TARGET_FAULTS, Attempt, State
from harness.replay.resume import is_final

if TYPE_CHECKING:
    from collections.abc import Iterable

#: bytes of a journal that are read in one go: a long one is caught up with over several looks
_AT_ONCE = 32 << 20
#: points of a line; when there are more, every second one is left out
_POINTS = 160
_DECODER = msgspec.json.Decoder(Attempt)


@dataclass(frozen=True)
class Point:
    """Where a line stood after `n` answers."""

    n: int
    failed: int
    slow: int


@dataclass
class Course:
    """One phase at one target so far: how its requests ended, how many were late, and the way there.

    `lag_ms` is how late the last request left, `slowest_ms` the longest response so far.
    """

    phase: str
    target: str
    states: dict[State, int] = field(default_factory=dict)
    slow: int = 0
    timed: int = 0
    lag_ms: float | None = None
    slowest_ms: float | None = None
    points: list[Point] = field(default_factory=list)
    _step: int = 1

    @property
    def n(self) -> int:
        """Requests that have ended."""
        return sum(self.states.values())

    @property
    def failed(self) -> int:
        """Those that the target failed."""
        return sum(self.states.get(state, 0) for state in TARGET_FAULTS)

    def note(self, attempt: Attempt, *, budget_ms: float) -> None:
        """One more request has ended."""
        self.states[attempt.state] = self.states.get(attempt.state, 0) + 1
        if attempt.due_ns is not None and attempt.written_ns is not None:
            self.timed += 1
            self.lag_ms = (attempt.written_ns - attempt.due_ns) / 1e6
            took = None if attempt.done_ns is None else (attempt.done_ns - attempt.due_ns) / 1e6
            failed = attempt.state in TARGET_FAULTS
            self.slow += failed or (took is not None and took > budget_ms)
            if took is not None:
                self.slowest_ms = max(took, self.slowest_ms or 0.0)
        if self.n % self._step == 0:
            self.points.append(Point(self.n, self.failed, self.slow))
            if len(self.points) > _POINTS:
                self.points = self.points[1::2]
                self._step *= 2


@dataclass
class Journals:
    """All journals of one run, as far as they have been read."""

    root: Path
    budget_ms: float
    courses: dict[tuple[str, str], Course] = field(default_factory=dict)
    damaged: str = ""
    _read: dict[Path, int] = field(default_factory=dict)

    def look(self) -> list[Course]:
        """What was written since the last look is taken in; each phase and target in the order it came."""
        paths = sorted(self.root.glob("outcomes/*/journal-*.jsonl"))
        for target in {path.parent for path, read in self._read.items() if _size(path) < read}:
            self._forget(target)
        for path in paths:
            if not self.damaged:
                with contextlib.suppress(FileNotFoundError):  # it has just gone
                    self._take(path)
        return list(self.courses.values())

    def _forget(self, target: Path) -> None:
        """A journal of a target was cut, as of a torn line by a resumed run: all of them are read anew."""
        self._read = {path: read for path, read in self._read.items() if path.parent != target}
        self.courses = {key: one for key, one in self.courses.items() if one.target != target.name}

    def _take(self, path: Path) -> None:
        start = self._read.get(path, 0)
        with path.open("rb") as file:
            file.seek(start)
            block = file.read(_AT_ONCE)
        whole = block[: block.rfind(b"\n") + 1]
        try:
            attempts = _DECODER.decode_lines(whole)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            where = f"{path.parent.name}/{path.name}"
            self.damaged = RunError("the journal is damaged", where=where, found=error).sentence()
            return
        self._note(attempts)
        self._read[path] = start + len(whole)

    def _note(self, attempts: Iterable[Attempt]) -> None:
        for one in attempts:
            if is_final(one):
                course = self.courses.setdefault((one.phase, one.target), Course(one.phase, one.target))
                course.note(one, budget_ms=self.budget_ms)


def _size(path: Path) -> int:
    """In bytes; none of a file that is not there."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


@dataclass(frozen=True, kw_only=True)
class Line:
    """A share over a phase, as a picture is drawn of it: where it stands, and where it can still end.

    Coordinates are shares: x of the planned requests, y of `top`, from the bottom left.
    """

    title: str
    share: float
    least: float
    most: float
    limit: float
    limit_name: str
    n: int
    planned: int
    points: tuple[tuple[float, float, float, float], ...]
    top: float

    @property
    def standing(self) -> str:
        """What is certain by now."""
        certain = "" if self.n == self.planned else ", whatever comes"
        if self.least > self.limit:
            return f"over the line{certain}"
        return f"within{certain}" if self.most <= self.limit else "open"


def lines(course: Course, *, planned: int, error_limit: float, slow_limit: float) -> list[Line]:
    """The share that failed, and, where requests were due at a time, the share over the budget."""
    planned = max(planned, course.n, 1)
    failed = [(p.n, p.failed) for p in (*course.points, Point(course.n, course.failed, course.slow))]
    made = [_line("Failed requests", failed, planned=planned, limit=(error_limit, "error budget"))]
    if course.timed:
        slow = [(p.n, p.slow) for p in (*course.points, Point(course.n, course.failed, course.slow))]
        limit = (slow_limit, "p95 on budget")
        made.append(_line("Over the latency budget", slow, planned=planned, limit=limit))
    return made


def _line(title: str, way: list[tuple[int, int]], *, planned: int, limit: tuple[float, str]) -> Line:
    bar, limit_name = limit
    ends = [(n, k / n, k / planned, (k + planned - n) / planned) for n, k in way if n]
    share, least, most = ends[-1][1:] if ends else (0.0, 0.0, 1.0)
    shown = max([share, bar, *(one[1] for one in ends[len(ends) // 4 :])])
    top = min(1.0, shown * 1.6)
    points = tuple(
        (n / planned, min(1.0, s / top), min(1.0, low / top), min(1.0, high / top))
        for n, s, low, high in ends
    )
    return Line(
        title=title,
        share=share,
        least=least,
        most=most,
        limit=bar,
        limit_name=limit_name,
        n=way[-1][0],
        planned=planned,
        points=points,
        top=top,
    )
