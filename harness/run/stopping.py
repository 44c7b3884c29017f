"""Early stop in a run: which counts end a phase, what that saved, and which phases are left out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.evidence import Evidence
from harness.gates import DecisionFlips, FeatureParity, ScoreParity, beyond_saving, certain, levels
from harness.records import SinglesCheck, State
from harness.replay.schedule import Saturate
from harness.run import accounting, comparing
from harness.run.deciding import DISAGREEMENTS

if TYPE_CHECKING:
    from harness.records import PhaseNote
    from harness.replay.early import Limit
    from harness.replay.options import ReplayCounts
    from harness.replay.schedule import Phase, Schedule
    from harness.run.folder import RunFolder
    from harness.scenario import Loaded

PARITY = (FeatureParity, ScoreParity, DecisionFlips)


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


def certain_no_go(loaded: Loaded, folder: RunFolder, *, captured: int) -> str:
    """The parity gate that no further answer can save, or nothing."""
    comparison, _ = comparing.compared(folder, loaded, models=None)
    tables = comparing.sent(folder, loaded)
    evidence = Evidence(
        under_test=loaded.under_test,
        parity_release=loaded.scenario.decision.release == "parity",
        pairs=comparison.judged(),
        targets=(),
        latency=(),
        phases=(),
        identities=(),
        singles=folder.load(DISAGREEMENTS, dict[str, SinglesCheck]),
        answered={name: accounting.answered(table) for name, table in tables.items()},
        quality=(),
    )
    for gate in loaded.gates:
        if isinstance(gate, PARITY) and (count := beyond_saving(gate, evidence, captured=captured)):
            return f"parity is a certain NO-GO ({count:,} requests); --all-phases measures latency too"
    return ""
