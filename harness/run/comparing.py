"""Answers against the offline reference and each other: artefacts in, differences and summaries out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec
import numpy as np
import pyarrow as pa

from harness import columns, diff, join
from harness.evidence import JudgedPair
from harness.records import Finding, IgnoredRule, PairSummary
from replayers.offline import FEATURE

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd
    from numpy.typing import NDArray

    from harness.columns import Column
    from harness.evidence.model import Against
    from harness.run.folder import RunFolder
    from harness.scenario import Loaded
    from replayers.offline import OfflineReplayer

SUMMARY = "differences/summary.json"


class Compared(msgspec.Struct, frozen=True, kw_only=True):
    """One pair's summary with its standing, and what was found in it."""

    summary: PairSummary
    against: str
    under_test: bool
    findings: tuple[Finding, ...] = ()
    ignored: tuple[IgnoredRule, ...] = ()


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """`differences/summary.json`: every pair that was compared, and the number of units behind each arm."""

    pairs: tuple[Compared, ...]
    units: dict[str, int] = {}

    def judged(self) -> tuple[JudgedPair, ...]:
        """The pairs as gates see them."""
        return tuple(
            JudgedPair(p.summary, "offline" if p.against == "offline" else "champion", p.under_test)
            for p in self.pairs
        )

    def findings(self) -> tuple[Finding, ...]:
        """What was found in the build under test, then in other arms; one cause is told once."""
        ordered = sorted(self.pairs, key=lambda p: (not p.under_test, p.against != "offline"))
        told = {f.arm for p in self.pairs if p.against == "offline" for f in p.findings}
        return tuple(f for p in ordered for f in p.findings if p.against == "offline" or f.arm not in told)


@dataclass(frozen=True)
class Models:
    """The offline models in memory, to be asked; `frame` is the pipeline's view of the capture."""

    frame: pd.DataFrame
    replayers: Mapping[str, OfflineReplayer]


@dataclass(frozen=True)
class _Arms:
    """All answers of a run by arm, and the offline feature columns by model."""

    known: join.Keys
    answers: dict[str, join.Answers]
    offline: dict[str, dict[str, Column]]

    def answered(self, arm: str) -> bool:
        """Whether an arm answered anything."""
        return arm in self.answers and bool(self.answers[arm].answered.any())


def compare(folder: RunFolder, loaded: Loaded, *, models: Models | None) -> Comparison:
    """Every pair compared from the run's artefacts; `models` lets causes and damage be computed.

    Writes `differences/part-00000.parquet` (mismatching cells only) and `differences/summary.json`.
    """
    arms = _gather(folder, loaded)
    results = [_compare(plan, arms, loaded=loaded, models=models) for plan in _pairs(loaded, arms)]
    if results:
        found = columns.concat([table for _, table in results])
        folder.write(found, folder.differences / "part-00000.parquet")
    comparison = Comparison(pairs=tuple(compared for compared, _ in results), units=_units(arms))
    folder.save(SUMMARY, comparison)
    return comparison


def sent(folder: RunFolder, loaded: Loaded) -> dict[str, pa.Table]:
    """The outcomes of every target that was asked anything, and of the challenger even if it was not."""
    tables = {}
    for name in loaded.scenario.targets:
        path = folder.outcomes(name)
        if any(path.glob("part-*.parquet")):
            tables[name] = folder.read(path)
        elif name == loaded.under_test:
            tables[name] = columns.OUTCOMES.empty_table()
    return tables


@dataclass(frozen=True)
class _PairPlan:
    """Two arms to hold against each other; `model` is the offline one that knows their features."""

    left: str
    right: str
    model: str | None
    against: Against
    under_test: bool


def _pairs(loaded: Loaded, arms: _Arms) -> list[_PairPlan]:
    """Each target against its offline model, then the challenger against the champion, sent to or not."""
    targets, mine = loaded.scenario.targets, loaded.under_test
    plans = [
        _PairPlan(f"offline:{target.model}", name, target.model, "offline", name == mine)
        for name, target in targets.items()
        if target.model is not None and (name == mine or arms.answered(name))
    ]
    champion = loaded.champion
    if champion is not None:
        model = targets[mine].model or targets[champion].model
        plans.append(_PairPlan(champion, mine, model, "champion", under_test=True))
    return plans


def _gather(folder: RunFolder, loaded: Loaded) -> _Arms:
    """Every arm's answers over the whole capture, by seq."""
    known = join.keys(folder.read(folder.capture))
    n = len(known)
    answers = {name: join.answers(name, table, n=n) for name, table in sent(folder, loaded).items()}
    if loaded.champion is not None and loaded.champion not in answers:
        answers[loaded.champion] = join.answers(loaded.champion, columns.OUTCOMES.empty_table(), n=n)
    offline: dict[str, dict[str, Column]] = {}
    for model in loaded.models():
        table = folder.read(folder.offline(model))
        arm = f"offline:{model}"
        answers[arm] = join.offline_answers(arm, table["score"].to_numpy())
        names = [name.removeprefix(FEATURE) for name in table.column_names if name.startswith(FEATURE)]
        offline[model] = diff.from_table(table.select([FEATURE + n for n in names]).rename_columns(names))
    return _Arms(known, answers, offline)


def _compare(
    plan: _PairPlan, arms: _Arms, *, loaded: Loaded, models: Models | None
) -> tuple[Compared, pa.Table]:
    left, right = arms.answers[plan.left], arms.answers[plan.right]
    rows = join.both(left, right)
    known = arms.offline.get(plan.model) if plan.model else None
    theirs: dict[str, Column] | None
    if plan.against == "offline" and known is not None:
        theirs = join.take(known, rows)
    else:
        echo = _echo(left, rows, known=known)
        theirs = echo.columns if echo else None
    mine = _echo(right, rows, known=known)
    rescore, rebuild = _hypotheses(models, plan)
    result = diff.compare(
        join.pair(arms.known, (left, right), rows=rows, features=(theirs, mine.columns if mine else None)),
        tolerances=loaded.scenario.tolerance,
        threshold=loaded.scenario.threshold,
        rescore=rescore,
        rebuild=rebuild,
        extra=mine.extra if mine else None,
    )
    compared = Compared(
        summary=result.summary,
        against=plan.against,
        under_test=plan.under_test,
        findings=result.findings,
        ignored=result.ignored,
    )
    return compared, result.differences


def _echo(
    answers: join.Answers, rows: NDArray[np.int64], *, known: dict[str, Column] | None
) -> diff.Echo | None:
    """The features that an arm echoed on some rows, typed as the offline model knows them."""
    if known is None:
        return None
    return diff.from_json(
        list(answers.features[rows]), {name: column.dtype for name, column in known.items()}
    )


def _hypotheses(models: Models | None, plan: _PairPlan) -> tuple[diff.Rescore | None, diff.Rebuild | None]:
    """How to score other vectors and build features at another time, for pairs that have an offline side."""
    if models is None or plan.model is None or plan.against != "offline":
        return None, None
    replayer, frame = models.replayers[plan.model], models.frame

    def rebuild(seq: NDArray[np.int64], shift_ns: int) -> dict[str, Column]:
        return replayer.rebuild(frame.loc[seq], shift_ns)

    return replayer.rescore, rebuild


def _units(arms: _Arms) -> dict[str, int]:
    """Distinct units (requests without one are their own) among the answered requests of each arm."""
    alone = [u is None for u in arms.known.unit]
    unit = np.where(alone, arms.known.request_id, arms.known.unit)
    return {name: len(set(unit[a.answered])) for name, a in arms.answers.items()}
