"""The phases of a run, sent: services started, targets probed, every phase replayed, answers compacted."""

from __future__ import annotations

from contextlib import AsyncExitStack, ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness import capture
from harness.errors import ScenarioError
from harness.gates import DecisionFlips, FeatureParity, ScoreParity
from harness.records import PhaseNote
from harness.replay.clock import run_async
from harness.replay.engine import Options as EngineOptions
from harness.replay.engine import replay
from harness.replay.journal import Journal, compact, outcome_table, read_journal
from harness.replay.schedule import Constant, Pace, Phase, Poisson, Recorded, Saturate, plan
from harness.run import comparing
from harness.scenario import did_you_mean
from replayers.http import HttpArm, HttpTarget, probe
from replayers.process import managed
from replayers.recorded import RecordedTarget, recorded_outcomes

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import pyarrow as pa

    from harness.records import CapturedRequest
    from harness.run.folder import RunFolder
    from harness.run.preparing import Prepared
    from harness.run.watch import Watcher
    from harness.scenario import Loaded

PARITY = (FeatureParity, ScoreParity, DecisionFlips)
#: the phase that recorded answers stand in
RECORDED = "recorded"


@dataclass(frozen=True)
class Plan:
    """Which phases run; those not chosen are named in the report as NOT RUN."""

    loaded: Loaded
    only: tuple[str, ...] = ()
    all_phases: bool = False

    def __post_init__(self) -> None:
        """ScenarioError for a phase that the scenario does not have."""
        names = [p.name for p in self.loaded.scenario.phases]
        unknown = [name for name in self.only if name not in names]
        if unknown:
            raise ScenarioError(
                f"no phase {unknown[0]!r}",
                where=str(self.loaded.path),
                expected=f"one of {', '.join(names)}",
                fix=did_you_mean(unknown[0], names),
            )

    def chosen(self, phase: Phase) -> bool:
        """Whether the command line wants this phase."""
        return not self.only or phase.name in self.only

    def targets(self) -> list[str]:
        """Every HTTP target that some chosen phase sends to."""
        phases = [p for p in self.loaded.scenario.phases if self.chosen(p)]
        return list(dict.fromkeys(t for p in phases for t in self.loaded.phase_targets(p)))


def replay_all(todo: Plan, prepared: Prepared, *, folder: RunFolder, watch: Watcher) -> tuple[PhaseNote, ...]:
    """Every chosen phase replayed and its answers compacted; what each phase came to.

    Raises TargetUnreachable before anything is sent when a target does not answer, and Interrupted after
    draining. Services that were started are stopped, however it ends.
    """
    session = _Session(todo, prepared, folder, watch)
    session.take_recorded()
    notes: tuple[PhaseNote, ...] = run_async(session.send_all)
    return notes


@dataclass(frozen=True)
class _Session:
    """All that the phases of one run share."""

    plan: Plan
    prepared: Prepared
    folder: RunFolder
    watch: Watcher

    @property
    def loaded(self) -> Loaded:
        return self.plan.loaded

    def take_recorded(self) -> None:
        """The answers in the capture stand beside those that will be sent for."""
        for name, target in self.loaded.scenario.targets.items():
            if isinstance(target, RecordedTarget):
                requests = capture.requests(self.prepared.capture)
                self._write(
                    name, outcome_table(recorded_outcomes(target, requests, name=name, phase=RECORDED))
                )

    async def send_all(self) -> tuple[PhaseNote, ...]:
        """The phases one after another, with every service up from before the first to after the last."""
        requests = list(capture.requests(self.prepared.capture))
        notes: list[PhaseNote] = []
        async with AsyncExitStack() as stack:
            arms = await self._open(stack)
            for phase in self.loaded.scenario.phases:
                reason = self._why_not(phase, ran=any(n.ran for n in notes))
                if reason:
                    self.watch.say(f"phase {phase.name}: NOT RUN: {reason}")
                    notes.append(_note(self.loaded, phase, size=0, reason=reason))
                    continue
                chosen = {name: arms[name] for name in self.loaded.phase_targets(phase)}
                size = await self._send(phase, requests, arms=chosen)
                notes.append(_note(self.loaded, phase, size=size))
        for name in arms:
            self.folder.finished(self._journal(name))
        return tuple(notes)

    async def _open(self, stack: AsyncExitStack) -> dict[str, HttpArm]:
        """Every target's service started where the scenario says how, and answering."""
        arms: dict[str, HttpArm] = {}
        safety = self.loaded.scenario.safety
        for name in self.plan.targets():
            target = self.loaded.scenario.targets[name]
            assert isinstance(target, HttpTarget)  # noqa: S101  -- phase_targets names HTTP targets only
            if target.start:
                self.watch.say(f"target {name}: starting its service")
                folder = self.folder.outcomes(name)
                target = await stack.enter_async_context(
                    managed(target, name=name, scenario=self.loaded.folder, folder=folder)
                )
            await probe(target, safety=safety)
            self.watch.say(f"target {name}: {target.url} answers")
            arms[name] = HttpArm(target, name=name, run_id=self.folder.root.name, safety=safety)
        return arms

    async def _send(
        self, phase: Phase, requests: list[CapturedRequest], *, arms: Mapping[str, HttpArm]
    ) -> int:
        """The phase sent to its targets, journalled and compacted; how many requests it had."""
        seed = self.loaded.scenario.seed
        ts, resolution = (self.prepared.capture[c].to_numpy() for c in ("ts_ns", "ts_resolution_ns"))
        schedule = plan(ts, phase, resolution_ns=resolution, seed=seed)
        seconds = f"{schedule.due_ns[-1] / 1e9:,.0f} s" if phase.open_loop else "saturating"
        self.watch.say(f"phase {phase.name}: {len(schedule.rows):,} requests to {', '.join(arms)}, {seconds}")
        options = EngineOptions(seed=seed, on_progress=self.watch.progress)
        with ExitStack() as stack:
            journals = {name: stack.enter_context(Journal(self._journal(name))) for name in arms}
            await replay(
                schedule, requests, arms=list(arms.values()), phase=phase, journals=journals, options=options
            )
        for name, arm in arms.items():
            self._write(name, compact(read_journal(self._journal(name)), arm.parse, target=name))
        return len(schedule.rows)

    def _why_not(self, phase: Phase, *, ran: bool) -> str:
        """Why a phase is not run, or nothing."""
        if not self.plan.chosen(phase):
            return "not chosen on the command line"
        if not self.loaded.phase_targets(phase):
            return "the scenario has no http target"
        if self.plan.all_phases or not phase.open_loop or not ran:
            return ""
        return certain_no_go(self.loaded, self.folder, captured=len(self.prepared.capture))

    def _journal(self, target: str) -> Path:
        return self.folder.outcomes(target) / "journal-0000.jsonl"

    def _write(self, target: str, table: pa.Table) -> None:
        self.folder.write(table, self.folder.outcomes(target) / "part-00000.parquet")


def certain_no_go(loaded: Loaded, folder: RunFolder, *, captured: int) -> str:
    """The parity gate that no further answer can save, or nothing.

    A count of mismatching requests never falls: it decides once it exceeds the budget of the whole capture.
    """
    comparison = comparing.compare(folder, loaded, models=None)
    for gate in loaded.gates:
        if not isinstance(gate, PARITY) or not gate.required:
            continue
        for pair in comparison.pairs:
            count = _mismatching(pair, gate, parity=loaded.scenario.decision.release == "parity")
            if count > gate.max_share * captured:
                return f"parity is a certain NO-GO ({count:,} requests); --all-phases measures latency too"
    return ""


def _mismatching(
    pair: comparing.Compared, gate: FeatureParity | ScoreParity | DecisionFlips, *, parity: bool
) -> int:
    """How many requests of a pair count against a gate: none where the gate does not judge the pair."""
    if not pair.under_test:
        return 0
    if isinstance(gate, FeatureParity):
        return (pair.summary.feature_mismatches or 0) if pair.against == "offline" else 0
    if pair.against == "champion" and not parity:
        return 0
    return pair.summary.score_mismatches if isinstance(gate, ScoreParity) else pair.summary.flips


def _note(loaded: Loaded, phase: Phase, *, size: int, reason: str = "") -> PhaseNote:
    return PhaseNote(
        phase=phase.name,
        pace=_words(phase.pace),
        requests=size,
        targets=loaded.phase_targets(phase),
        ran=not reason,
        open_loop=phase.open_loop,
        reason=reason,
    )


def _words(pace: Pace) -> str:
    match pace:
        case Recorded():
            return f"recorded, speed {pace.speed:g}"
        case Constant() | Poisson():
            return f"{type(pace).__name__.lower()}, {pace.rate:g}/s"
        case Saturate():
            return f"saturate, {pace.connections} in flight"
