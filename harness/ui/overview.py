"""The list of runs as it is read: by scenario, the newest first, what is at work above all."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from harness.run import live as pulse

if TYPE_CHECKING:
    from harness.records import Word
    from harness.run.catalogue import RunEntry, Skipped
    from harness.run.live import Live
    from harness.ui.library import Library

#: runs of a scenario that are listed, unless it is asked for alone, and those whose verdicts make its trend
SHOWN, SHOWN_ALONE, TREND = 8, 500, 20


@dataclass(frozen=True)
class Listed:
    """A run in the list, by the name it is opened by."""

    name: str
    entry: RunEntry


@dataclass(frozen=True)
class Working:
    """A run that a process is at work on."""

    name: str
    live: Live


@dataclass(frozen=True)
class Left:
    """A folder that gives no verdict, and what to do about it."""

    name: str
    entry: Skipped


@dataclass(frozen=True)
class Group:
    """The runs of one scenario, the newest first."""

    scenario: str
    runs: tuple[Listed, ...]

    @property
    def trend(self) -> tuple[Listed, ...]:
        """The newest ones, oldest first."""
        return tuple(reversed(self.runs[:TREND]))

    @property
    def newest(self) -> Listed:
        """The last one."""
        return self.runs[0]

    @property
    def sentence(self) -> str:
        """How the verdicts went: "NO-GO since 2 runs, GO before"."""
        words = [one.entry.word for one in self.runs]
        same = _run_length(words)
        if same == len(words):
            return "the only run" if same == 1 else f"{words[0]} in all {same} runs"
        lately = "since the last run" if same == 1 else f"in the last {same} runs"
        return f"{words[0]} {lately}, {words[same]} before"


@dataclass(frozen=True)
class Overview:
    """All that a results folder holds."""

    results: str
    groups: tuple[Group, ...]
    working: tuple[Working, ...]
    left: tuple[Left, ...]
    only: str = ""
    shown: int = SHOWN

    @property
    def runs(self) -> int:
        """How many runs have a verdict."""
        return sum(len(group.runs) for group in self.groups)

    def before(self, name: str) -> str:
        """The run of the same scenario before this one, or nothing."""
        names = [[one.name for one in group.runs] for group in self.groups]
        return next((old for one in names for new, old in pairwise(one) if new == name), "")


def overview(library: Library, *, only: str = "") -> Overview:
    """What stands in the folder now; of `only` one scenario where that is asked for."""
    listing = library.listing()
    groups: dict[str, list[Listed]] = {}
    for entry in listing.runs:
        if not only or entry.scenario == only:
            groups.setdefault(entry.scenario, []).append(Listed(library.name(entry.path), entry))
    working, left = [], []
    for skipped in listing.skipped:
        live = pulse.read(skipped.path)
        name = library.name(skipped.path)
        if live is not None and pulse.at_work(skipped.path, live):
            working.append(Working(name, live))
        else:
            left.append(Left(name, skipped))
    return Overview(
        results=str(library.results),
        groups=tuple(Group(name, tuple(runs)) for name, runs in groups.items()),
        working=tuple(working),
        left=tuple(left),
        only=only,
        shown=SHOWN_ALONE if only else SHOWN,
    )


def _run_length(words: list[Word]) -> int:
    return next((place for place, word in enumerate(words) if word != words[0]), len(words))
