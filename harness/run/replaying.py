"""The phases of a run, sent: services started, targets probed, every phase replayed, answers compacted."""

from __future__ import annotations

from collections import Counter
from contextlib import AsyncExitStack, ExitStack
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import anyio
import msgspec

from harness import capture
from harness.errors import ScenarioError
from harness.records import Calibrated, PhaseNote, State
from harness.replay.breaker import blamed
from harness.replay.clock import run_async
from harness.replay.disclosure import concealed
from harness.replay.engine import Options as EngineOptions
from harness.replay.engine import replay
from harness.replay.journal import Journal, compact_parts, outcome_table
from harness.replay.resume import MARK, Remaining, last_passes, remaining, torn_passes
from harness.replay.schedule import Constant, Pace, Phase, Poisson, Recorded, Saturate, Schedule, plan, series
from harness.replay.source import Parted, RequestIds
from harness.run import calibrating, comparing, noise
from harness.run.asked import asked, warnings
from harness.run.first_answers import FIRST, Opened, answered_well, beginning, leave, look, opening, part
from harness.run.other_answers import answered_in, answers_of
from harness.run.redacted import as_known, as_shown
from harness.run.resuming import SO_FAR, journalled, journalled_passes
from harness.run.stopping import certain_no_go, limits, saved
from harness.run.together import together_or_apart
from harness.scenario import did_you_mean
from replayers.http import HttpArm, probe
from replayers.process import managed
from replayers.recorded import RecordedTarget, recorded_outcomes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path

    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

    from harness.records import Outcome
    from harness.replay.early import Limit
    from harness.replay.options import ReplayCounts
    from harness.run.folder import RunFolder
    from harness.run.watch import Watcher
    from harness.scenario import Loaded

#: the phase that recorded answers stand in
RECORDED = "recorded"
#: rows of a part of outcomes
PART_ROWS = 20_000


@dataclass(frozen=True)
class Plan:
    """Which phases run; those not chosen are named in the report as NOT RUN.

    With `models` the first answers of a closed loop that comes first are looked at before the rest is sent.
    """

    loaded: Loaded
    only: tuple[str, ...] = ()
    all_phases: bool = False
    models: comparing.Models | None = None

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
        """Whether the command line wants this phase; its name stands for all of its passes."""
        return not self.only or series(phase.name) in self.only

    def targets(self) -> list[str]:
        """Every HTTP target that some chosen phase sends to."""
        phases = [p for p in self.loaded.scenario.phases if self.chosen(p)]
        return list(dict.fromkeys(t for p in phases for t in self.loaded.phase_targets(p)))


def replay_all(
    todo: Plan, *, folder: RunFolder, watch: Watcher, done: Mapping[str, PhaseNote] | None = None
) -> tuple[PhaseNote, ...]:
    """Every chosen phase replayed and its answers compacted; what each phase came to.

    `done` are phases that had ended when an earlier process was cut: with it (even empty) the run is resumed,
    and only what has no final outcome is sent. Raises TargetUnreachable before anything is sent when a target
    does not answer, and Interrupted after draining. Services that were started are stopped, however it ends.
    """
    session = _Session(todo, folder, watch, resumed=done is not None)
    if done is None:
        take_recorded(todo.loaded, folder, say=watch.say)
    notes: tuple[PhaseNote, ...] = run_async(session.send_all, done or {})
    return notes


def take_recorded(loaded: Loaded, folder: RunFolder, *, say: Callable[[str], None]) -> None:
    """The answers in the capture, and in others of the same requests, stand beside those to be sent for.

    Raises CaptureError for another capture that is not of the same requests.
    """
    for name, target in loaded.scenario.targets.items():
        if isinstance(target, RecordedTarget):
            table = folder.read(folder.capture)
            requests, other = capture.requests(table), answers_of(loaded, target)
            if other is not None:
                requests = answered_in(requests, other)
            known, shown = as_known(requests), as_shown(target)
            ids = frozenset(table["request_id"].to_pylist())
            outcomes = recorded_outcomes(target, known, name=name, phase=RECORDED, ids=ids, shown=shown)
            found = list(outcomes)
            if other is not None:
                say(f"target {name}: {other.sentence()}")
                found = list(_told(found, other.lost))
            write_outcomes(folder, name, parts=[outcome_table(found)])


def _told(outcomes: Iterable[Outcome], lost: Counter[str]) -> Iterator[Outcome]:
    """The outcomes; where no answer was recorded, with the lines of the other capture that are lost."""
    for outcome in outcomes:
        if lost and outcome.state is State.NOT_SENT:
            reasons = ", ".join(f"{reason} {count:,}" for reason, count in sorted(lost.items()))
            yield msgspec.structs.replace(
                outcome, detail=f"{outcome.detail}; {lost.total():,} of its lines are lost: {reasons}"
            )
        else:
            yield outcome


@dataclass(frozen=True)
class _Session:
    """All that the phases of one run share."""

    plan: Plan
    folder: RunFolder
    watch: Watcher
    resumed: bool = False
    source: Parted = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "source", Parted(self.folder.capture, decode=capture.requests))

    @property
    def loaded(self) -> Loaded:
        return self.plan.loaded

    async def send_all(self, done: Mapping[str, PhaseNote]) -> tuple[PhaseNote, ...]:
        """The phases one after another, with every service up from before the first to after the last."""
        notes: list[PhaseNote] = []
        async with AsyncExitStack() as stack:
            arms = await self._open(stack)
            for phase in self.loaded.phases():
                notes.append(done.get(phase.name) or await self._phase(phase, arms, notes=notes))
                self.folder.save(SO_FAR, notes)
                await self._ask_again(phase, arms, note=notes[-1])
        for name in arms:
            if self._journal(name).exists():
                self.folder.finished(self._journal(name))
        return tuple(notes)

    async def _open(self, stack: AsyncExitStack) -> dict[str, HttpArm]:
        """Every target's service started where the scenario says how, and answering."""
        arms: dict[str, HttpArm] = {}
        safety = self.loaded.scenario.safety
        known = self.source.columns("seq", "request_id")
        ids = RequestIds(known["seq"].to_numpy(), known["request_id"])
        for name in self.plan.targets():
            target = asked(self.loaded, name)
            for warning in warnings(self.loaded, name):
                self.watch.say(f"target {name}: WARNING: {warning}")
            if target.start:
                self.watch.say(f"target {name}: starting its service")
                folder = self.folder.outcomes(name)
                target = await stack.enter_async_context(
                    managed(target, name=name, scenario=self.loaded.folder, folder=folder)
                )
            await probe(target, safety=safety)
            self.watch.say(f"target {name}: {concealed(target.url)} answers")
            arms[name] = HttpArm(target, name=name, run_id=self.folder.root.name, safety=safety, ids=ids)
        return arms

    async def _phase(self, phase: Phase, arms: Mapping[str, HttpArm], *, notes: list[PhaseNote]) -> PhaseNote:
        """One phase sent, or the reason why it is not."""
        note = _note(self.loaded, phase)
        reason = self._why_not(phase, notes)
        if reason:
            self.watch.say(f"phase {phase.name}: NOT RUN: {reason}")
            return msgspec.structs.replace(note, ran=False, reason=reason)
        chosen = {name: arms[name] for name in note.targets}
        schedule = self._schedule(phase)
        note = msgspec.structs.replace(note, requests=len(schedule.rows))
        left = self._left(phase, schedule, arms=chosen)
        if left is None:
            self.watch.say(f"phase {phase.name}: was complete before the run was cut")
            return self._compact(chosen, note)
        return await self._send(left, schedule, arms=chosen, note=note, before=notes)

    async def _ask_again(self, phase: Phase, arms: Mapping[str, HttpArm], *, note: PhaseNote) -> None:
        """The champion's own noise is measured, once a run, where this phase can show it."""
        again = noise.again(self.loaded, phase, note=note)
        if again is None or (self.folder.root / noise.SUMMARY).is_file():
            return
        champion = again.targets[0]
        schedule, path = self._schedule(again), noise.journal(self.folder)
        known = journalled([path]) if self.resumed else ()
        seqs = self.source.seqs(schedule.rows)
        left = remaining(known, again, seqs=seqs, targets=[champion])
        self.watch.say(f"noise: {len(schedule.rows):,} requests of {phase.name} to {champion} once more")
        if left is not None:
            one = {champion: arms[champion]}
            await self._replay(left, schedule, arms=one, apart=False, journals={champion: path})
        parts = compact_parts(path, arms[champion].parse, target=champion, rows=PART_ROWS)
        for number, table in enumerate(parts):
            self.folder.write(table, noise.part(self.folder, number))
        found = noise.summarise(
            self.folder, self.loaded, phase=phase.name, champion=champion, asked=len(schedule.rows)
        )
        self.folder.save(noise.SUMMARY, found)
        self.folder.finished(path)

    def _schedule(self, phase: Phase) -> Schedule:
        times = self.source.columns("ts_ns", "ts_resolution_ns")
        ts, resolution = (times[name].to_numpy() for name in times.column_names)
        return plan(ts, phase, resolution_ns=resolution, seed=self.loaded.scenario.seed)

    def _left(self, phase: Phase, schedule: Schedule, *, arms: Mapping[str, HttpArm]) -> Remaining | None:
        """What is still to be sent of a phase: all of it, unless the run is resumed."""
        if not self.resumed:
            return Remaining(phase, None)
        paths = [self._journal(name) for name in arms]
        seqs = self.source.seqs(schedule.rows)
        return remaining(journalled(paths), phase, seqs=seqs, targets=list(arms))

    async def _send(
        self,
        left: Remaining,
        schedule: Schedule,
        *,
        arms: Mapping[str, HttpArm],
        note: PhaseNote,
        before: list[PhaseNote],
    ) -> PhaseNote:
        """What is left of a phase sent to its targets, journalled and compacted."""
        phase = left.phase
        closed = self._closed_loop(before)
        which, why = together_or_apart(phase, schedule, arms=arms, closed=closed, folder=self.folder)
        seconds = f"{schedule.due_ns[-1] / 1e9:,.0f} s" if phase.open_loop else "saturating"
        again = f" as {phase.name}, for {', '.join(left.torn)} was cut" if left.torn else ""
        rest = ", what was not answered" if left.only is not None else ""
        self.watch.say(
            f"phase {note.phase}{again}: {note.requests:,} requests to {', '.join(arms)}{rest}, {seconds}"
        )
        if phase.open_loop:
            told = f"{which}: {why}" if len(arms) > 1 else ""
            self.watch.say(f"  targets {told}") if told else None
            calibration = await self._calibrate(schedule, arms=1 if which == "apart" else len(arms))
            note = msgspec.structs.replace(note, arms=told, calibration=calibration)
        early = limits(self.loaded, phase, note=note)
        try:
            if left.only is None and not self.resumed and not any(one.ran for one in before):
                first = await self._first_answers(phase, schedule, arms=arms)
                if first.stopped:
                    return self._compact(arms, first.noted(note))
                left, early = replace(left, only=first.rest), first.fewer(early)
            counts = await self._replay(left, schedule, arms=arms, apart=which == "apart", early=early)
        except anyio.get_cancelled_exc_class():
            self._compact(arms, note)
            raise
        why = counts.stopped or saved(counts, schedule, under_test=self.loaded.under_test)
        if why:
            self.watch.say(f"phase {note.phase}: STOPPED: {why}")
        whom = blamed(counts.stopped, list(arms))
        return self._compact(
            arms, msgspec.structs.replace(note, stopped=why, blamed=whom, decided=counts.decided)
        )

    async def _first_answers(
        self, phase: Phase, schedule: Schedule, *, arms: Mapping[str, HttpArm]
    ) -> Opened:
        """The phase begun with a few requests, and what their answers say, before the rest is sent."""
        if self.plan.models is None:
            return Opened()
        well = answered_well(self.source.columns("recorded_status")["recorded_status"])[schedule.rows]
        masks = opening(phase, schedule, targets=list(arms), well=well)
        if not masks:
            return Opened()
        rest = {name: ~mask for name, mask in masks.items()}
        began = Opened()
        try:
            begun = part(schedule, next(iter(masks.values())))
            counts = await self._replay(Remaining(phase, None), begun, arms=arms, apart=phase.arms == "apart")
            self._compact(arms, _note(self.loaded, phase))
            told = look(
                self.folder, self.loaded, models=self.plan.models, phase=phase.name, targets=list(arms)
            )
            for one in told:
                self.watch.say(f"  first {FIRST} answers of {one.target}: {one.words}")
            began = beginning(counts, told, rest=rest, requests=len(schedule.rows))
        except anyio.get_cancelled_exc_class():
            self._leave(schedule, rest, phase=phase.name, end=began.end)
            raise
        if began.stopped:
            self.watch.say(f"phase {phase.name}: STOPPED: {began.stopped}")
            self._leave(schedule, rest, phase=phase.name, end=began.end)
        return began

    def _leave(
        self,
        schedule: Schedule,
        masks: Mapping[str, NDArray[np.bool_]],
        *,
        phase: str,
        end: tuple[State, str],
    ) -> None:
        """What is not sent is journalled all the same, so that every request ends in one state."""
        seqs = self.source.seqs(schedule.rows)
        with ExitStack() as stack:
            for name, mask in masks.items():
                book = stack.enter_context(Journal(self._journal(name)))
                leave(book, seqs[mask], target=name, phase=phase, end=end)

    def _closed_loop(self, before: list[PhaseNote]) -> Phase | None:
        """The last closed loop that ran, whose service times are known."""
        ran = {note.phase for note in before if note.ran and not note.open_loop}
        return next((p for p in reversed(self.loaded.phases()) if p.name in ran), None)

    async def _calibrate(self, schedule: Schedule, *, arms: int) -> Calibrated:
        """The harness's own part in a latency, told before it is measured."""
        found = await calibrating.measure(
            self.loaded,
            schedule,
            arms=arms,
            source=self.source,
            say=self.watch.say,
        )
        standing = "" if found.trusted else "; latency will not be judged"
        self.watch.say(f"  {found.why}{standing}" + (f" ({found.note})" if found.note else ""))
        return found

    async def _replay(
        self,
        left: Remaining,
        schedule: Schedule,
        *,
        arms: Mapping[str, HttpArm],
        apart: bool,
        journals: Mapping[str, Path] | None = None,
        early: Mapping[str, tuple[Limit, ...]] | None = None,
    ) -> ReplayCounts:
        """The engine with every rail of the scenario, into the journals of the outcomes or those given."""
        paths = journals or {name: self._journal(name) for name in arms}
        safety = self.loaded.scenario.safety
        options = EngineOptions(
            seed=self.loaded.scenario.seed,
            drain_s=safety.drain_s,
            on_progress=self.watch.progress,
            apart=apart,
            only=left.only,
            breaker=safety.breaker,
            max_seconds=safety.max_seconds,
            early=early or {},
        )
        with ExitStack() as stack:
            books = {name: stack.enter_context(Journal(path)) for name, path in paths.items()}
            return await replay(
                schedule,
                self.source,
                arms=list(arms.values()),
                phase=left.phase,
                journals=books,
                options=options,
            )

    def _why_not(self, phase: Phase, notes: list[PhaseNote]) -> str:
        """Why a phase is not run, or nothing."""
        if not self.plan.chosen(phase):
            return "not chosen on the command line"
        if not self.loaded.phase_targets(phase):
            return "the scenario has no http target"
        for note in notes:
            if note.blamed:
                return f"phase {note.phase} was stopped for the sake of {note.blamed}"
            if note.decided:
                return f"phase {note.phase} was stopped by {note.decided}, {note.stopped}"
        if self.plan.all_phases or not phase.open_loop or not any(note.ran for note in notes):
            return ""
        return certain_no_go(self.loaded, self.folder, captured=len(self.source))

    def _compact(self, arms: Mapping[str, HttpArm], note: PhaseNote) -> PhaseNote:
        """The outcomes of some targets are whole on disk, without the passes that were cut."""
        paths = [self._journal(name) for name in arms]
        known = journalled_passes(paths) if self.resumed else []
        passes = last_passes(known) if self.resumed else None
        for name, arm in arms.items():
            parts = compact_parts(self._journal(name), arm.parse, target=name, passes=passes, rows=PART_ROWS)
            write_outcomes(self.folder, name, parts=parts)
        torn = tuple(one for one in torn_passes(known) if one.partition(MARK)[0] == note.phase)
        return msgspec.structs.replace(note, torn=torn)

    def _journal(self, target: str) -> Path:
        return self.folder.outcomes(target) / "journal-0000.jsonl"


def write_outcomes(folder: RunFolder, target: str, *, parts: Iterable[pa.Table]) -> None:
    """The parts of a target, and none of an earlier and longer compaction."""
    count = 0
    for count, table in enumerate(parts, 1):
        folder.write(table, folder.outcomes(target) / f"part-{count - 1:05d}.parquet")
    for stale in folder.outcomes(target).glob("part-*.parquet"):
        if int(stale.stem.removeprefix("part-")) >= count:
            folder.remove(stale)


def _note(loaded: Loaded, phase: Phase) -> PhaseNote:
    """A phase as it was planned."""
    return PhaseNote(
        phase=phase.name,
        pace=pace_words(phase.pace),
        requests=0,
        targets=loaded.phase_targets(phase),
        ran=True,
        open_loop=phase.open_loop,
        series=series(phase.name),
        passes=phase.passes,
    )


def pace_words(pace: Pace) -> str:
    """A pace in words: "poisson, 20/s"."""
    match pace:
        case Recorded():
            gap = f", gaps cut to {pace.max_gap_s:g} s" if pace.max_gap_s is not None else ""
            return f"recorded, speed {pace.speed:g}{gap}"
        case Constant() | Poisson():
            return f"{type(pace).__name__.lower()}, {pace.rate:g}/s"
        case Saturate():
            return f"saturate, {pace.connections} in flight"
