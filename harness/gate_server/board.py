"""The verdicts by build: read from the results folder, at most a second old, answered from memory."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from harness.errors import HarnessError
from harness.gate_server.evaluations import Job
from harness.gate_server.standing import Standing, latest, of, worst
from harness.run.catalogue import Listing, list_runs
from harness.run.showing import verdict

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from harness.gate_server.evaluations import Evaluations
    from harness.gate_server.standing import Latest
    from harness.records import Report

FRESH_S = 1.0
_MOST_REPORTS = 50


class Board:
    """Answers where a build stands, and has it evaluated where nothing is known and that is allowed."""

    def __init__(
        self,
        results: Path,
        evaluations: Evaluations,
        *,
        approvals: bool = False,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """`approvals`: whether a person's approval makes a pass of another verdict."""
        self.evaluations = evaluations
        self._results = results
        self._approvals = approvals
        self._clock, self._now = clock, now
        self._lock = asyncio.Lock()
        self._read_at = -float("inf")
        self._finished = 0
        self._listing = Listing((), ())
        self._latest: Latest = {}

    def scenarios(self) -> list[str]:
        """Names of what can be asked about: those of the server, or else those in the results folder."""
        return sorted(self.evaluations.scenarios or {entry.scenario for entry in self._listing.runs})

    async def refresh(self) -> Latest:
        """The newest run of each build, read again when it is older than a second or an evaluation ended."""
        async with self._lock:
            ended = self.evaluations.finished
            if self._clock() - self._read_at >= FRESH_S or ended != self._finished:
                try:
                    self._listing = await asyncio.to_thread(list_runs, self._results)
                except (HarnessError, OSError):  # the folder went away: nothing is known
                    self._listing = Listing((), ())
                self._latest = latest(self._listing)
                self._read_at, self._finished = self._clock(), ended
            return self._latest

    async def standing(self, build: str, scenario: str = "") -> Standing:
        """Where a build stands; where no scenario is named, the worst of all that it was evaluated by."""
        known = await self.refresh()
        names = self._named(scenario)
        if not names and len(self.evaluations.scenarios) > 1:
            reason = f"name the scenario, one of {', '.join(self.scenarios())}"
            return Standing(state="unknown", reason=reason[:240], build=build)
        names = names or sorted(name for name, of_build in known if of_build == build)
        return worst((self._of(Job(name, build), known) for name in names), build=build)

    async def ensure(self, build: str, scenario: str = "") -> Standing:
        """The same, and an evaluation is under way where nothing can be known otherwise."""
        standing = await self.standing(build, scenario)
        names = self._named(scenario)
        if not standing.again or not names:
            return standing
        refused = self.evaluations.start(Job(names[0], build))
        if not refused:
            return replace(standing, state="pending", reason="the evaluation is under way", again=False)
        return replace(standing, reason=f"{standing.reason}; {refused}"[:240])

    async def reports(self) -> list[Report]:
        """The newest report of each scenario, for metrics."""
        await self.refresh()
        newest = {entry.scenario: entry for entry in reversed(self._listing.runs)}
        paths = [entry.path for entry in list(newest.values())[-_MOST_REPORTS:]]
        return await asyncio.to_thread(_readable, paths)

    def _named(self, scenario: str) -> list[str]:
        """The scenario that is meant: the one named, or the only one there is."""
        only = list(self.evaluations.scenarios)
        return [scenario] if scenario else only if len(only) == 1 else []

    def _of(self, job: Job, known: Latest) -> Standing:
        named = Standing(state="unknown", reason="", scenario=job.scenario, build=job.build, again=True)
        if state := self.evaluations.state(job):
            return replace(named, state="pending", reason=f"the evaluation is {state}", again=False)
        entry = known.get((job.scenario, job.build))
        if entry is not None:
            limit = self.evaluations.limits.seconds
            return of(entry, now=self._now(), limit_s=limit, approvals=self._approvals)
        if why := self.evaluations.broken(job):
            return replace(named, state="inconclusive", reason=f"the evaluation came to no verdict: {why}")
        return replace(named, reason="no run of this build")


def _readable(paths: list[Path]) -> list[Report]:
    found = []
    for path in paths:
        try:
            found.append(verdict(path))
        except (HarnessError, OSError, RecursionError):  # it went away, or was damaged, since it was listed
            continue
    return found
