"""The runs of a results folder, opened by name: what a name leads to is one of those that stand there."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from threading import Lock

from harness.errors import RunError, UsageError
from harness.records import Report
from harness.report import html
from harness.run.approving import approved
from harness.run.catalogue import Listing, list_runs
from harness.run.folder import MANIFEST, RunFolder, RunRecord
from harness.run.stages import reopen, reported
from harness.scenario import Loaded

#: runs that are kept open; a run's report is some hundred kB in memory
_KEPT = 32
_MOST_NAME = 200
Stamp = tuple[int, int, int]


@dataclass(frozen=True)
class Opened:
    """A run as its files stood when it was opened; what is not asked for is not read."""

    name: str
    folder: RunFolder

    @cached_property
    def report(self) -> Report:
        """The report with its approvals; RunError where there is none, or another than the run wrote.

        And where a newer replaygate wrote the run: what its report says may mean something else.
        """
        self.folder.record()
        return approved(self.folder, reported(self.folder))

    @cached_property
    def page(self) -> bytes:
        """The report as the page that the run wrote, or drawn again where that is gone or is another.

        RunError where the report itself cannot be shown.
        """
        made = self.report
        return self.folder.rendering("report.html") or html(made).encode()

    @cached_property
    def record(self) -> RunRecord:
        """What the run is of."""
        return self.folder.record()

    @cached_property
    def loaded(self) -> Loaded:
        """The scenario of the run, once every artefact has been found to be as the run wrote it."""
        return reopen(self.folder.root)[1]


@dataclass
class Library:
    """A results folder. Names come from outside; paths are only ever made of names that were found in it."""

    results: Path
    _open: dict[str, tuple[Stamp, Opened]] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def listing(self) -> Listing:
        """All runs, and what was skipped."""
        return list_runs(self.results)

    def name(self, root: Path) -> str:
        """A run's address below the results folder: "scenario/run"; "." where the folder is the run."""
        return root.relative_to(self.results).as_posix()

    def open(self, name: str) -> Opened:
        """The run by the address that `name` gave it; UsageError where none is called so.

        A run is kept until its manifest changes.
        """
        root = self.root(name)
        try:
            found = (root / MANIFEST).stat()
        except OSError as error:
            raise RunError(
                "the run lacks a file", where=f"{name}/{MANIFEST}", found=error.strerror
            ) from error
        stamp = (found.st_ino, found.st_size, found.st_mtime_ns)
        with self._lock:
            known = self._open.get(name)
            if known is None or known[0] != stamp:
                known = (stamp, Opened(name, RunFolder(root)))
            self._open.pop(name, None)
            self._open[name] = known  # the one that is looked at is the last to go
            while len(self._open) > _KEPT:
                del self._open[next(iter(self._open))]
            return known[1]

    def root(self, name: str) -> Path:
        """The folder by this name, reached step by step through names that are there, and through no link."""
        here = self.results
        if name != ".":
            for step in name.split("/"):
                here = _step(here, step)
        _check_links(here, name)
        return here


def _step(here: Path, step: str) -> Path:
    """The folder of exactly this name in a folder."""
    if len(step) <= _MOST_NAME and step not in {"", ".", ".."}:
        try:
            with os.scandir(here) as entries:
                if any(one.name == step and one.is_dir(follow_symlinks=False) for one in entries):
                    return here / step
        except OSError:
            pass
    raise UsageError("no run by this name", where=step[:_MOST_NAME], fix="Choose one from the list of runs.")


def _check_links(root: Path, name: str) -> None:
    """No file of a run stands elsewhere: a link in it could show any file of this machine."""
    for folder, folders, files in os.walk(root):
        for one in (*folders, *files):
            if Path(folder, one).is_symlink():
                raise RunError("a link stands in the run", where=name, found=one[:_MOST_NAME])
