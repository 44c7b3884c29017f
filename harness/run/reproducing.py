"""A finding taken to the live endpoint again, and its request made as small as still shows it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING

import msgspec

from harness import capture, columns
from harness.diff import Tolerances
from harness.errors import CaptureError, Interrupted, RunError, UsageError
from harness.records import CapturedRequest, Finding
from harness.replay.clock import run_async
from harness.replay.ddmin import size
from harness.replay.disclosure import PORT, Written, write
from harness.replay.guard import confirmed
from harness.report.numbers import find
from harness.report.reproduction import Reproduction, Start, script
from harness.run.asked import asked
from harness.run.bench import Bench, Live, Offline, Reference
from harness.run.comparing import SUMMARY, Comparison
from harness.run.preparing import changed
from harness.run.probing import Asker, Budget, Limits
from harness.run.reducing import Candidate, Reduced, reduce, told
from harness.run.rows import offline_side
from harness.run.stages import reopen, reported
from replayers.http import HttpArm, HttpTarget, probe
from replayers.offline import OfflineReplayer
from replayers.process import managed

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from harness.columns import Column
    from harness.run.folder import RunFolder
    from harness.scenario import Loaded

FOLDER = "reproduce"


@dataclass(frozen=True)
class Options:
    """What the command line may change."""

    limits: Limits = field(default_factory=Limits)
    allow_public: tuple[str, ...] = ()


def reproduce(
    root: Path, name: str, *, options: Options, say: Callable[[str], None]
) -> tuple[Reproduction, tuple[Path, ...]]:
    """Whether a finding still shows on the live endpoint, the smallest request that shows it, and its files.

    Writes `reproduce/F1.json`, and `reproduce/F1.sh` where it still shows. Raises UsageError for a finding
    that cannot be asked for again, CaptureError where no exemplar has a body to send, TargetUnreachable.
    """
    folder, loaded = reopen(root)
    safety = confirmed(loaded.scenario.safety, options.allow_public)
    loaded = replace(loaded, scenario=msgspec.structs.replace(loaded.scenario, safety=safety))
    number, finding = find(reported(folder), name)
    case = Case(folder, loaded, number, finding, say)
    try:
        found: Reproduction = run_async(case.reproduce, Budget(options.limits))
    except Interrupted as error:
        raise Interrupted(error.what, fix="Nothing was written.") from None
    return found, tuple(_save(folder, found))


def _save(folder: RunFolder, found: Reproduction) -> Iterator[Path]:
    """The record, and the script where there is something to show; an older script never outlives it."""
    path = folder.root / FOLDER / f"{found.finding}.sh"
    path.unlink(missing_ok=True)
    record = path.with_suffix(".json")
    # Not evidence but a tool to edit and to make again, so it does not stand in the manifest.
    columns.write_bytes(msgspec.json.format(msgspec.json.encode(found), indent=2) + b"\n", record)
    yield record
    if found.reproduced:
        columns.write_bytes(script(found).encode(), path)
        yield path


@dataclass(frozen=True)
class Case:
    """One finding of one run."""

    folder: RunFolder
    loaded: Loaded
    number: str
    finding: Finding
    say: Callable[[str], None]

    async def reproduce(self, budget: Budget) -> Reproduction:
        """The finding on the live endpoint, its service started where the scenario says how."""
        requests, left = self.exemplars(), self.left()
        async with AsyncExitStack() as stack:
            reference, note = await self._reference(left, budget=budget, stack=stack)
            arm = await stack.enter_async_context(self._opened(self.finding.arm))
            asker = Asker(arm, budget=budget, breaker=self.loaded.scenario.safety.breaker)
            bench = Bench(self.finding, asker, reference, self.tolerances())
            found = await self._search(bench, [Candidate.whole(arm, one) for one in requests])
        return msgspec.structs.replace(
            found,
            sends=budget.sends,
            seconds=round(budget.seconds, 3),
            stopped=budget.stopped,
            note=" ".join(filter(None, (note, found.note))),
            times=bench.times,
        )

    def blank(self) -> Reproduction:
        """What is known before anything is asked."""
        target = self.target(self.finding.arm)
        return Reproduction(
            finding=self.number,
            arm=self.finding.arm,
            against=self.left(),
            cause=self.finding.cause,
            fields=self.finding.fields,
            sentence=self.finding.sentence,
            reproduced=False,
            start=_start(target, self.loaded) if target.start else None,
        )

    async def _search(self, bench: Bench, candidates: list[Candidate]) -> Reproduction:
        """The first exemplar that still shows the finding, reduced; or what became of each."""
        tried: list[str] = []
        for candidate in candidates:
            request = candidate.request
            seen = await bench.probe(request, candidate.message)
            if seen.seen is not None and seen.fields:
                self.say(f"request {request.request_id} still shows {', '.join(seen.fields)}: reducing it")
                bench.settle_on(seen.seen)
                return self._told(await reduce(bench, candidate, probe=seen), tried)
            tried.append(f"request {request.request_id}: {seen.why}")
            self.say(tried[-1])
        return msgspec.structs.replace(self.blank(), tried=tuple(tried))

    def _told(self, least: Reduced, tried: list[str]) -> Reproduction:
        assert least.probe.seen is not None  # noqa: S101  -- it shows the finding
        request = least.candidate.request
        found = msgspec.structs.replace(
            self.blank(),
            tried=tuple(tried),
            request_id=request.request_id,
            seq=request.seq,
            before=least.before,
            after=size(json.loads(request.body)) if least.candidate.message.body else 0,
            parts=least.parts,
            minimal=least.minimal,
            note=least.note,
        )
        return told(found, least.probe.seen, request=self.written(least.candidate))

    def written(self, candidate: Candidate) -> Written:
        """The request without its secrets, under the url of the scenario."""
        target = self.target(self.finding.arm)
        place = candidate.arm.endpoint
        origin = f"{place.scheme}://{place.authority}"
        if PORT in target.url:
            origin = f"{origin.removesuffix(f':{place.port}')}:{PORT}"
        return write(candidate.message, origin=origin, declared={**target.debug_headers, **target.headers})

    def left(self) -> str:
        """The arm that the finding is told against."""
        pairs = self.folder.load(SUMMARY, Comparison).pairs
        mine = [p.summary.left for p in pairs if p.summary.right == self.finding.arm]
        telling = [p.summary.left for p in pairs if self.finding in p.findings]
        if not mine:
            raise RunError(
                "the comparison is not that of the report",
                where=str(self.folder.root),
                found=f"no pair of {self.finding.arm}",
                fix=f"Run: replaygate compare {self.folder.root}",
            )
        return (*telling, *mine)[0]

    def target(self, name: str) -> HttpTarget:
        """A target that can be asked; UsageError for the recorded log."""
        target = self.loaded.scenario.targets[name]
        if isinstance(target, HttpTarget):
            return asked(self.loaded, name)
        raise UsageError(
            f"{name} is the recorded log, which answers nothing but what was recorded",
            where=self.number,
            fix=f"Look at it with: replaygate show {self.folder.root} --request "
            f"{self.finding.exemplars[0].request_id if self.finding.exemplars else 'ID'}",
        )

    def exemplars(self) -> list[CapturedRequest]:
        """The requests of the finding that can be sent again; CaptureError where there is none.

        Raises UsageError for a target that is asked in raw bytes, which no command holds.
        """
        if not self.target(self.finding.arm).protocol.is_text:
            raise UsageError(
                "a request of raw bytes cannot be written as a command",
                where=f"target {self.finding.arm}",
                found="binary tensors, or gRPC",
                fix="Ask its REST endpoint with binary = false, and run again.",
            )
        seqs = [one.seq for one in self.finding.exemplars]
        table = self.folder.read(self.folder.capture)
        requests = list(capture.requests(table.take([seq for seq in seqs if seq < len(table)])))
        why = {one.request_id: _unusable(one, self.target(self.finding.arm)) for one in requests}
        usable = [one for one in requests if not why[one.request_id]]
        if usable:
            return usable
        told = "; ".join(f"{name}: {reason}" for name, reason in why.items())
        raise CaptureError(
            "no request of the finding can be sent again",
            where=self.number,
            found=told or "no exemplar",
            fix="Capture whole JSON bodies, and run again.",
        )

    async def _reference(self, left: str, *, budget: Budget, stack: AsyncExitStack) -> tuple[Reference, str]:
        """The offline model, or the champion beside the challenger; and that it is not that of the run."""
        kind, _, model = left.partition(":")
        if kind == "offline" and model in self.loaded.scenario.models:
            replayer = OfflineReplayer(self.loaded.scenario.models[model], self.loaded.folder, name=model)
            why = changed(replayer, self.folder.record().models[model])
            return Offline(replayer), f"The reference is not that of the run: {why}." if why else ""
        arm = await stack.enter_async_context(self._opened(left))
        asker = Asker(arm, budget=budget, breaker=self.loaded.scenario.safety.breaker)
        return Live(asker, self.known()), ""

    def known(self) -> dict[str, Column]:
        """The features that the arm's offline model knows, or the champion's, to type what is echoed."""
        targets = self.loaded.scenario.targets
        named = (targets[name].model for name in (self.finding.arm, self.loaded.champion or self.finding.arm))
        model = next((name for name in named if name is not None), None)
        return {} if model is None else dict(offline_side(self.folder, model, seq=0).features or {})

    @asynccontextmanager
    async def _opened(self, name: str) -> AsyncIterator[HttpArm]:
        """A target up, answering, and ready to be asked."""
        target, safety = self.target(name), self.loaded.scenario.safety
        if target.start:
            self.say(f"target {name}: starting its service")
        folder = self.folder.root / FOLDER
        async with managed(target, name=name, scenario=self.loaded.folder, folder=folder) as running:
            await probe(running, safety=safety)
            arm = HttpArm(running, name=name, run_id=self.folder.root.name, safety=safety)
            try:
                yield arm
            finally:
                await arm.aclose()

    def tolerances(self) -> Tolerances:
        """Those in force on the day of the run."""
        return self.loaded.scenario.tolerance.on(
            datetime.fromisoformat(self.folder.record().created_at).date()
        )


def _unusable(request: CapturedRequest, target: HttpTarget) -> str:
    """Why a captured request cannot be sent again and reduced, or nothing."""
    if request.truncated:
        return "its body was cut short when it was recorded"
    if target.method in {"GET", "HEAD"}:
        return ""
    if not request.body.strip():
        return "its body is absent"
    try:
        json.loads(request.body)
    except (ValueError, RecursionError):
        return "its body is not JSON"
    return ""


def _start(target: HttpTarget, loaded: Loaded) -> Start:
    words = {"{python}": "python", "{scenario}": str(loaded.folder)}
    return Start(
        command=tuple(_filled(part, words) for part in target.start),
        folder=str(loaded.folder),
        environment=tuple(target.start_env),
    )


def _filled(text: str, words: dict[str, str]) -> str:
    for placeholder, value in words.items():
        text = text.replace(placeholder, value)
    return text
