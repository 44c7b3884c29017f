"""Sends every scheduled request to every arm, on the clock or as fast as answers come, and loses none.

No task and no queue stands between the clock and the socket: the engine calls `Arm.submit` with bytes made
beforehand, and the arm calls back. Each (request, arm) ends in exactly one state.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from typing import TYPE_CHECKING

import anyio
import numpy as np

from harness.records import CapturedRequest, State
from harness.replay.arm import Arm
from harness.replay.options import Options, Progress, ReplayCounts
from harness.replay.schedule import Phase, Schedule
from harness.replay.sending import Pass, Work
from harness.replay.source import Source, as_source

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from harness.replay.journal import Journal

__all__ = ["Options", "Progress", "ReplayCounts", "replay"]


async def replay(
    schedule: Schedule,
    requests: Sequence[CapturedRequest] | Source,
    *,
    arms: Sequence[Arm],
    phase: Phase,
    journals: Mapping[str, Journal],
    options: Options | None = None,
) -> ReplayCounts:
    """Every scheduled request has been sent to every arm, or says in the journal why not.

    `requests` is the whole capture, indexed by `schedule.rows`, in memory or read as it goes; `journals` is
    by arm name. Arms are opened before the clock starts and closed after. Cancelled, it sends nothing more,
    waits `drain_s` for what is in flight, writes ABANDONED and NOT_SENT for the rest, and stays cancelled;
    stopped by the breaker or the time limit it does the same and returns; stopped by a limit of
    `options.early` it waits for what is in flight, and the rest ends NOT_NEEDED. Raises TargetUnreachable
    before anything is sent, HarnessError when a journal cannot be written, RunError when a request cannot be
    read.
    """
    options = options or Options()
    apart = options.apart or phase.arms == "apart"
    work = Work(schedule, as_source(requests), phase=phase, journals=journals, options=options)
    work.check_names(arms)
    runs = [Pass(work, group) for group in _groups(arms, apart=apart, seed=options.seed)]
    try:
        await runs[0].feed.first()
        for arm in arms:
            await work.open(arm)
        try:
            with _progress(runs, options, phase=phase.name):
                await _one_after_another(runs)
        finally:
            for run in runs:
                run.end_the_rest()
    finally:
        with anyio.CancelScope(shield=True):
            for arm in arms:
                await arm.aclose()
    for run in runs:
        run.check()
    return _counts(runs, apart=apart)


def _groups(arms: Sequence[Arm], *, apart: bool, seed: int) -> list[Sequence[Arm]]:
    """Arms that are sent to in one pass: all, or one at a time in a seeded order."""
    if not apart:
        return [arms]
    return [[arms[place]] for place in np.random.default_rng(seed).permutation(len(arms)).tolist()]


async def _one_after_another(runs: list[Pass]) -> None:
    """Every pass has been sent, unless one was stopped; each starts on connections of its own."""
    for run in runs:
        if run is not runs[0]:
            await run.feed.first()
            for arm in run.arms:
                await arm.aclose()
                await run.work.open(arm)
        await run.send()
        if run.stopped_by or run.decided:
            for other in runs:
                other.stopped_by = other.stopped_by or run.stopped_by
                other.decided = other.decided or run.decided
            return


@contextlib.contextmanager
def _progress(runs: Sequence[Pass], options: Options, *, phase: str) -> Iterator[None]:
    """`on_progress` is called now and then, and once more in the end."""
    report, loop = options.on_progress, asyncio.get_running_loop()
    if report is None:
        yield
        return

    def tick() -> None:
        report(_so_far(runs, phase))
        ticks.append(loop.call_later(options.progress_s, tick))

    ticks = deque([loop.call_later(options.progress_s, tick)], maxlen=1)
    try:
        yield
    finally:
        ticks[0].cancel()
        report(_so_far(runs, phase))


def _so_far(runs: Sequence[Pass], phase: str) -> Progress:
    finals = [each for run in runs for each in run.finals]
    done = sum(each.total() for each in finals)
    return Progress(
        phase=phase,
        done=done,
        total=sum(sum(run.jobs) for run in runs),
        in_flight=sum(sum(run.in_flight) for run in runs),
        failed=done - sum(each[State.OK] for each in finals),
        lag_ns=next((run.lag_ns for run in reversed(runs) if run.lag_ns), 0),
    )


def _counts(runs: Sequence[Pass], *, apart: bool) -> ReplayCounts:
    """The sums of a phase."""
    each = {arm.name: (run, place) for run in runs for place, arm in enumerate(run.arms)}
    requests = len(runs[0].work.schedule.rows)
    return ReplayCounts(
        phase=runs[0].work.phase.name,
        requests=requests,
        states={name: dict(run.finals[place]) for name, (run, place) in each.items()},
        retried={name: run.retried[place] for name, (run, place) in each.items()},
        peak_in_flight={name: run.peak[place] for name, (run, place) in each.items()},
        seconds=sum(max(0, run.ended_ns - run.started_ns) for run in runs) / 1e9,
        already={name: requests - run.jobs[place] for name, (run, place) in each.items()},
        stopped=next((run.stopped_by for run in runs if run.stopped_by), ""),
        apart=apart,
        decided=next((run.decided for run in runs if run.decided), ""),
    )
