"""Early stop in a run: which counts end a phase, and what was saved once one did."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.gates import certain, levels
from harness.records import State
from harness.replay.schedule import Saturate

if TYPE_CHECKING:
    from harness.records import PhaseNote
    from harness.replay.early import Limit
    from harness.replay.options import ReplayCounts
    from harness.replay.schedule import Phase, Schedule
    from harness.scenario import Loaded


def limits(loaded: Loaded, phase: Phase, *, note: PhaseNote) -> dict[str, tuple[Limit, ...]]:
    """The counts that stop a phase for the build under test, by arm, where the scenario wants that.

    Latency decides nothing where the harness was not trusted to measure it.
    """
    mine = loaded.under_test
    if not loaded.scenario.decision.early_stop or mine not in note.targets:
        return {}
    judged = phase.open_loop and (note.calibration is None or note.calibration.trusted)
    found = certain(
        loaded.gates,
        levels(loaded.scenario.decision, loaded.statistical_tests()),
        n=note.requests,
        phases=len(loaded.judged_phases()),
        passes=phase.passes if judged else None,
    )
    return {mine: found}


def saved(counts: ReplayCounts, schedule: Schedule, *, under_test: str) -> str:
    """How far a phase came that was stopped at a certain FAIL, and what was not sent; nothing for another.

    The time is what the schedule had left, in a closed loop what the requests before it took.
    """
    if not counts.decided:
        return ""
    unsent = counts.states.get(under_test, {}).get(State.NOT_NEEDED, 0)
    sent = counts.requests - unsent
    seconds = counts.seconds / max(1, sent) * unsent
    if unsent and not isinstance(schedule.pace, Saturate):
        seconds = float(schedule.due_ns[-1] - schedule.due_ns[sent]) / 1e9
    return (
        f"after {sent:,} of {counts.requests:,} requests: no remaining answer could change FAIL; "
        f"{unsent:,} requests, about {seconds:,.0f} s not sent"
    )
