"""A run at work as its page shows it: what it says of itself, and what its journals say."""

from __future__ import annotations

from dataclasses import dataclass, field
from threading import Lock
from typing import TYPE_CHECKING, Literal

from harness.errors import RunError
from harness.gates import Errors
from harness.gates.latency import QUANTILE
from harness.run import live as pulse
from harness.run.folder import RunFolder
from harness.scenario import restore
from harness.ui.journals import Journals, lines

if TYPE_CHECKING:
    from pathlib import Path

    from harness.run.live import Live
    from harness.scenario import Loaded
    from harness.ui.journals import Course, Line

_KEPT = 8
State = Literal["working", "elsewhere", "ended", "cut"]


@dataclass(frozen=True)
class Seen:
    """One look at a run: `elsewhere` it is at work on no machine or for no user that is known here."""

    state: State
    live: Live | None
    budget_ms: float
    courses: tuple[tuple[Course, tuple[Line, ...]], ...] = ()
    damaged: str = ""

    @property
    def under_way(self) -> list[tuple[Course, tuple[Line, ...]]]:
        """The phase that is being sent, target by target."""
        phase = self.live.phase if self.live and self.state == "working" else ""
        return [one for one in self.courses if one[0].phase == phase]

    @property
    def over(self) -> list[tuple[Course, tuple[Line, ...]]]:
        """The phases before it, the last one first."""
        return [one for one in reversed(self.courses) if one not in self.under_way]

    @property
    def share(self) -> float:
        """How much of the phase is done."""
        return self.live.done / self.live.total if self.live and self.live.total else 0.0


@dataclass(frozen=True)
class _Known:
    """A run that is looked at again and again."""

    loaded: Loaded
    journals: Journals

    def look(self, root: Path, live: Live | None) -> Seen:
        journals = self.journals
        courses = tuple((course, tuple(self._lines(course, live))) for course in journals.look())
        return Seen(_state(root, live), live, journals.budget_ms, courses, journals.damaged)

    def _lines(self, course: Course, live: Live | None) -> list[Line]:
        limit = next(gate.max_share for gate in self.loaded.gates if isinstance(gate, Errors))
        return lines(course, planned=self._planned(course, live), error_limit=limit, slow_limit=1 - QUANTILE)

    def _planned(self, course: Course, live: Live | None) -> int:
        """The requests of a phase at one target: all that has ended, where it is not under way."""
        if live is None or live.phase != course.phase:
            return course.n
        phase = next((p for p in self.loaded.phases() if p.name == course.phase), None)
        targets = len(self.loaded.phase_targets(phase)) if phase is not None else 1
        return live.total // max(1, targets)


@dataclass
class Watching:
    """The runs that are watched, each with its journals read so far."""

    _known: dict[Path, _Known] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def look(self, root: Path, name: str) -> Seen:
        """How a run stands now; nothing is counted before its scenario is in its folder."""
        live = pulse.read(root)
        with self._lock:
            known = self._known.get(root) or self._open(root)
            if known is None:
                if live is None and not root.is_dir():
                    raise RunError("no run here any more", where=name)
                return Seen(_state(root, live), live, 0.0)
            self._known[root] = self._known.pop(root)  # the one that is looked at is the last to go
            return known.look(root, live)

    def _open(self, root: Path) -> _Known | None:
        if not (root / "run.json").is_file():
            return None
        try:
            record = RunFolder(root).record()
            loaded = restore(record.resolved, root / "run.json", folder=root)
        except RunError:  # of another version: it can be seen at work, and no limit is known
            return None
        self._known[root] = _Known(loaded, Journals(root, loaded.budget_ms))
        while len(self._known) > _KEPT:
            del self._known[next(iter(self._known))]
        return self._known[root]


def _state(root: Path, live: Live | None) -> State:
    if live is not None and pulse.at_work(root, live):
        return "working"
    if live is not None and not pulse.gone(live):
        return "elsewhere"
    return "ended" if RunFolder(root).report.is_file() else "cut"
