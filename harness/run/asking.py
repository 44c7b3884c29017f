"""Ten requests asked of each live target, one by one and as one batch: what the service does to a request."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import numpy as np
import pyarrow as pa

from harness import capture as captures
from harness import diff, join
from harness.diff.probes import Batches
from harness.diff.probes.telling import telling
from harness.errors import CaptureError
from harness.records import EXIT_CODES, TARGET_FAULTS, Outcome, State
from harness.replay.clock import run_async
from harness.replay.journal import outcome_table
from harness.replay.message import Message
from harness.run.asked import asked, of_the_list
from harness.run.buildable import unbuildable
from harness.run.comparing import Compared, as_asked
from harness.run.first_answers import FIRST, Told, answered_well, spread, told
from harness.run.hypotheses import probed
from harness.run.logged import kept, logged
from harness.run.preparing import check_environment, load_models, load_others, take_in
from harness.run.probing import Asker, Budget, Limits
from harness.scenario import check_judged, load
from replayers.http import HttpArm, HttpTarget, probe
from replayers.offline import OfflineReplayer, Scored, frame, to_columns
from replayers.process import managed
from replayers.selectors import Unreadable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence

    import pandas as pd

    from harness.columns import Column
    from harness.diff.probes import Probed
    from harness.records import CapturedRequest
    from harness.scenario import Loaded

#: requests among which the ten are chosen
LOOKED_AT = 2_000
PHASE = "ask"
ONE_BY_ONE, ONE_BATCH = "one by one", "as one batch"
LIMITS = Limits(sends=200, seconds=120.0, rate=20.0)
#: the exit codes where the build under test answers otherwise than its model, that of a NO-GO, and where
#: nothing tells whether the build or the scenario is wrong, that of INVALID
OTHERWISE, UNTOLD = EXIT_CODES["NO-GO"], EXIT_CODES["INVALID"]


def ask(
    path: Path, *, say: Callable[[str], None], allow_public: tuple[str, ...] = ()
) -> tuple[list[str], int]:
    """What ten requests tell of each target, as lines, and the exit code.

    10 where the build is wrong, 30 where it is the build or the scenario and nothing tells which. Raises what
    a run would raise; a service is started where the scenario says how, and stopped.
    """
    loaded = load(path, public=allow_public)
    check_judged(loaded)
    check_environment(loaded)
    models = {**load_models(loaded), **load_others(loaded)}
    with tempfile.TemporaryDirectory() as folder:
        _, table = take_in(loaded, Path(folder), say=say)
        for lost in unbuildable(loaded, table).values():
            say(f"WARNING: {lost}")
        some = _some(table)
        asking = _Asking(loaded, some, frame(some), models, Path(folder), say)
        found: list[_Answered] = run_async(asking.everybody)
    return [one.line for one in found], _code(loaded, found)


def _code(loaded: Loaded, found: Sequence[_Answered]) -> int:
    """The exit code: what is surely of the build under test goes before what is not."""
    mine = [one for one in found if one.told.target == loaded.under_test and one.wrong]
    codes = [UNTOLD if _untold(loaded, one, found=found) else OTHERWISE for one in mine]
    return min(codes, default=0)


def _untold(loaded: Loaded, one: _Answered, *, found: Sequence[_Answered]) -> bool:
    """Whether the scenario may be what is wrong: its list of columns, or a request that nobody here takes.

    What another target takes, asked in the same words, is refused by the build.
    """
    if not one.told.refused:
        return one.told.ours
    protocols = {name: target.protocol for name, target in loaded.scenario.targets.items()}
    return not any(
        other.told.target != one.told.target
        and other.way == one.way
        and not other.told.refused
        and protocols[other.told.target] == protocols[one.told.target]
        for other in found
    )


def _some(table: pa.Table) -> pa.Table:
    """Requests spread over the capture, of those that production answered well; of all where it did none."""
    well = np.flatnonzero(answered_well(table["recorded_status"]))
    fit = well if len(well) else np.arange(len(table))
    some = table.take(pa.array(fit[spread(len(fit), LOOKED_AT)]))
    return some.set_column(some.schema.get_field_index("seq"), "seq", pa.array(np.arange(len(some))))


@dataclass(frozen=True)
class _Answered:
    """What the answers of a target to ten requests say, asked in one way."""

    told: Told
    way: str
    wrong: bool

    @property
    def line(self) -> str:
        return f"{self.told.target}, asked {self.way}: {self.told.words}"


@dataclass(frozen=True)
class _Reference:
    """An offline model with what it makes of the requests that are looked at."""

    name: str
    scored: Scored
    columns: dict[str, Column]
    model: Probed


@dataclass(frozen=True)
class _Asking:
    """What every target is asked from, and held against."""

    loaded: Loaded
    table: pa.Table
    frame: pd.DataFrame
    models: Mapping[str, OfflineReplayer]
    folder: Path
    say: Callable[[str], None]

    async def everybody(self) -> list[_Answered]:
        """Each HTTP target asked in both ways, where its protocol has both."""
        budget, found = Budget(LIMITS), []
        for name, target in self.loaded.scenario.targets.items():
            if isinstance(target, HttpTarget):
                found += await self._target(name, budget=budget)
        return found

    async def _target(self, name: str, *, budget: Budget) -> list[_Answered]:
        reference = self._reference(name)
        chosen = self._chosen(reference)
        requests = list(captures.requests(self.table.take(pa.array(chosen))))
        async with self._up(name) as arm:
            asker = Asker(arm, budget=budget, breaker=self.loaded.scenario.safety.breaker)
            singly = [await _single(asker, request) for request in requests]
            batch = await _batch(asker, requests)
        found = [self._told(name, singly, reference=reference, way=ONE_BY_ONE)]
        if isinstance(batch, str):
            self.say(f"target {name}: not asked for a batch: {batch}")
            return found
        as_batch = self._told(name, batch, reference=reference, way=ONE_BATCH)
        if as_batch.told.refused and not found[0].told.refused:
            # nothing else here sends batches, and a service need not take them
            as_batch = replace(as_batch, wrong=False)
        return [*found, as_batch]

    @asynccontextmanager
    async def _up(self, name: str) -> AsyncIterator[HttpArm]:
        """The target, answering."""
        target, safety = asked(self.loaded, name), self.loaded.scenario.safety
        if target.start:
            self.say(f"target {name}: starting its service")
        async with managed(target, name=name, scenario=self.loaded.folder, folder=self.folder) as running:
            await probe(running, safety=safety)
            arm = HttpArm(running, name=name, run_id="ask", safety=safety)
            try:
                yield arm
            finally:
                await arm.aclose()

    def _reference(self, name: str) -> _Reference | None:
        model = self.loaded.scenario.targets[name].model
        if model is None:
            return None
        scored = self.models[model].score(self.frame)
        columns = to_columns(scored.features)
        asked_otherwise = probed(self.models, model, frame=self.frame, features=columns, batches=None)
        return _Reference(model, scored, columns, asked_otherwise)

    def _chosen(self, reference: _Reference | None) -> list[int]:
        if reference is None:
            return [int(row) for row in spread(len(self.table), FIRST)]
        chosen = telling(reference.model, reference.scored.scores, count=FIRST)
        return [int(row) for row in chosen]

    def _told(
        self, name: str, outcomes: list[Outcome], *, reference: _Reference | None, way: str
    ) -> _Answered:
        """The answers held against the model; those of a batch are known to be of one."""
        table = outcome_table(outcomes)
        pair = None
        if reference is not None:
            pair = self._compared(name, table, reference=reference, batch=way == ONE_BATCH)
        words = told(name, table, pair=pair, loaded=self.loaded)
        failed = any(one.state in TARGET_FAULTS for one in outcomes)
        return _Answered(words, way, failed or (pair is not None and pair.summary.score_mismatches > 0))

    def _compared(self, name: str, table: pa.Table, *, reference: _Reference, batch: bool) -> Compared:
        n = len(self.table)
        left = join.offline_answers(f"offline:{reference.name}", reference.scored.scores)
        right = join.answers(name, table, n=n)
        rows = join.both(left, right)
        echo = diff.from_json(
            list(right.features[rows]), {key: one.dtype for key, one in reference.columns.items()}
        )
        theirs, shown = join.take(reference.columns, rows), None
        if echo is not None:
            known, asked_for = logged(self.loaded, {name: right}), np.ones(n, dtype=bool)
            asked_for, _ = kept(asked_for, known, arms=(name,), rows=rows)
            theirs, echo = as_asked(theirs, echo, asked=asked_for)
            shown = echo.columns
        pair = join.pair(join.keys(self.table), (left, right), rows=rows, features=(theirs, shown))
        batches = _of_one(rows, n) if batch else None
        result = diff.compare(
            pair,
            tolerances=self.loaded.scenario.tolerance,
            threshold=self.loaded.scenario.threshold,
            rescore=replace(reference.model, batches=batches),
            rebuild=None,
            context=diff.Context(located=False),
        )
        mine = name == self.loaded.under_test
        findings = of_the_list(self.loaded, name, findings=result.findings)
        return Compared(summary=result.summary, against="offline", under_test=mine, findings=findings)


def _of_one(rows: np.ndarray[tuple[int, ...], np.dtype[np.int64]], n: int) -> Batches:
    """These rows in one batch, in their order; the others alone."""
    batch, row = np.full(n, -1), np.zeros(n, np.int64)
    batch[rows], row[rows] = 0, np.arange(len(rows))
    return Batches(batch, row)


async def _single(asker: Asker, request: CapturedRequest) -> Outcome:
    """The answer to one request; what was not sent says why."""
    try:
        message = Message.of(asker.arm.prepare(request, features=True))
    except CaptureError as error:
        return _unsent(asker, request, why=error.sentence())
    answer = await asker.ask(message, request)
    return answer or _unsent(asker, request, why=asker.budget.stopped)


def _unsent(asker: Asker, request: CapturedRequest, *, why: str) -> Outcome:
    return Outcome(seq=request.seq, phase=PHASE, target=asker.arm.name, state=State.NOT_SENT, detail=why)


async def _batch(asker: Asker, requests: list[CapturedRequest]) -> list[Outcome] | str:
    """The answers to all requests as rows of one, or why there are none."""
    arm = asker.arm
    try:
        last = await asker.answer(arm.prepare_rows(requests))
    except CaptureError as error:
        return error.what
    if last is None:
        return asker.budget.stopped
    blank = [Outcome(seq=one.seq, phase=PHASE, target=arm.name, state=last.state) for one in requests]
    if last.state is not State.OK:
        return [msgspec.structs.replace(one, status=last.status, detail=last.detail) for one in blank]
    try:
        scores = arm.target.protocol.read(last.body, last.headers, rows=len(requests))
    except Unreadable as error:
        return [msgspec.structs.replace(one, state=State.BAD_BODY, detail=str(error)) for one in blank]
    if len(scores) != len(requests):
        return f"{len(scores)} scores for {len(requests)} rows"
    return [
        msgspec.structs.replace(one, score=score, status=last.status)
        for one, score in zip(blank, scores, strict=True)
    ]
