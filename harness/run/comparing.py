"""Answers against the offline reference and each other: artefacts in, differences and summaries out."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from harness import columns, diff, join
from harness.diff.keys import comes_back
from harness.diff.noise import excused, with_noise
from harness.diff.probes import Batches
from harness.diff.tolerance import EVERYTHING
from harness.evidence import BINARY, JudgedPair
from harness.records import Finding, IgnoredRule, NoiseRow, PairSummary
from harness.run import noise
from harness.run.asked import of_the_list
from harness.run.hypotheses import probed
from harness.run.logged import kept, logged, with_log
from replayers.offline import FEATURE

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping
    from datetime import date

    import pandas as pd
    from numpy.typing import NDArray

    from harness.columns import Column
    from harness.evidence.model import Against
    from harness.run.folder import RunFolder
    from harness.scenario import Loaded
    from replayers.offline import OfflineReplayer

SUMMARY = "differences/summary.json"
#: the place that the right arm's own word for its model makes
MODEL = "answered by model"


class Compared(msgspec.Struct, frozen=True, kw_only=True):
    """One pair's summary with its standing, and what was found in it.

    `phases`: by target and phase, how many of its requests were compared on the answer of that phase.
    """

    summary: PairSummary
    against: str
    under_test: bool
    findings: tuple[Finding, ...] = ()
    ignored: tuple[IgnoredRule, ...] = ()
    phases: dict[str, dict[str, int]] = {}


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """`differences/summary.json`: every pair that was compared."""

    pairs: tuple[Compared, ...]

    def judged(self) -> tuple[JudgedPair, ...]:
        """The pairs as gates see them."""
        return tuple(
            JudgedPair(p.summary, "offline" if p.against == "offline" else "champion", p.under_test)
            for p in self.pairs
        )

    def rules(self) -> tuple[IgnoredRule, ...]:
        """Every rule by arm with what it silenced; against the champion only where it silenced anything."""
        held = {p.summary.right for p in self.pairs if p.against == "offline"}
        return tuple(
            rule
            for p in self.pairs
            for rule in p.ignored
            if p.against == "offline" or rule.silenced or p.summary.right not in held
        )

    def findings(self) -> tuple[Finding, ...]:
        """What was found in the build under test, then in other arms; one cause is told once."""
        ordered = sorted(self.pairs, key=lambda p: (not p.under_test, p.against != "offline"))
        told = {f.arm for p in self.pairs if p.against == "offline" for f in p.findings}
        return tuple(f for p in ordered for f in p.findings if p.against == "offline" or f.arm not in told)


@dataclass(frozen=True)
class Models:
    """The offline models in memory, to be asked; `frame` is the pipeline's view of the capture.

    `others` are models of the scenario that no target must match: an older version, which may be the one that
    serves.
    """

    frame: pd.DataFrame
    replayers: Mapping[str, OfflineReplayer]
    others: Mapping[str, OfflineReplayer] = field(default_factory=dict)


@dataclass(frozen=True)
class _Arms:
    """All answers of a run by arm, the offline feature columns by model, and who was asked for features.

    `asked`: by target, bool (n,), the requests that it answered in a phase that asks for the feature echo.
    `tolerances` are those in force on the day of the run; `tables` the outcomes by target; `noise` what the
    champion differs from itself, by field, where it was asked twice; `label` what came to be, as far as the
    run knows by now, NaN elsewhere.
    """

    known: join.Keys
    answers: dict[str, join.Answers]
    offline: dict[str, dict[str, Column]]
    asked: dict[str, NDArray[np.bool_]]
    tolerances: diff.Tolerances
    tables: dict[str, pa.Table]
    noise: Mapping[str, NoiseRow]
    label: NDArray[np.float64] | None
    batches: Batches | None = None
    logged: Mapping[str, NDArray[np.bool_]] = field(default_factory=dict)

    def answered(self, arm: str) -> bool:
        """Whether an arm answered anything."""
        return arm in self.answers and bool(self.answers[arm].answered.any())


def compare(folder: RunFolder, loaded: Loaded, *, models: Models | None) -> Comparison:
    """Every pair compared from the run's artefacts; `models` lets causes and damage be computed.

    Writes `differences/part-00000.parquet` (mismatching cells only) and `differences/summary.json`.
    """
    comparison, cells = compared(folder, loaded, models=models)
    if cells is not None:
        folder.write(cells, folder.differences / "part-00000.parquet")
    folder.save(SUMMARY, comparison)
    return comparison


def compared(
    folder: RunFolder, loaded: Loaded, *, models: Models | None, only: Collection[str] | None = None
) -> tuple[Comparison, pa.Table | None]:
    """Every pair compared, with the cells that differ (None without a pair); nothing is written.

    `only` names targets that are compared with their offline model, and nothing else is.
    """
    arms = _gather(folder, loaded)
    plans = [
        plan
        for plan in _pairs(loaded, arms)
        if only is None or (plan.right in only and plan.against == "offline")
    ]
    results = [_compare(plan, arms, loaded=loaded, models=models) for plan in plans]
    cells = columns.concat([table for _, table in results]) if results else None
    return Comparison(pairs=tuple(pair for pair, _ in results)), cells


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
    capture = folder.read(folder.capture)
    known = join.keys(capture, loaded.scenario.capture)
    n = len(known)
    tables = sent(folder, loaded)
    answers = {name: join.answers(name, table, n=n) for name, table in tables.items()}
    silent = {phase.name for phase in loaded.phases() if not phase.features}
    asked = {name: join.asked(table, n=n, silent=silent) for name, table in tables.items()}
    if loaded.champion is not None and loaded.champion not in answers:
        answers[loaded.champion] = join.answers(loaded.champion, columns.OUTCOMES.empty_table(), n=n)
    offline: dict[str, dict[str, Column]] = {}
    for model in loaded.models():
        table = folder.read(folder.offline(model))
        arm = f"offline:{model}"
        answers[arm] = join.offline_answers(arm, table["score"].to_numpy())
        names = [name.removeprefix(FEATURE) for name in table.column_names if name.startswith(FEATURE)]
        offline[model] = diff.from_table(table.select([FEATURE + n for n in names]).rename_columns(names))
    tolerances = loaded.scenario.tolerance.on(_day(folder))
    return _Arms(
        known,
        answers,
        offline,
        asked,
        tolerances,
        tables,
        noise.by_field(folder),
        label=_label(folder, loaded, n=n),
        batches=batches(capture),
        logged=logged(loaded, answers),
    )


def batches(capture: pa.Table) -> Batches | None:
    """Which requests of a capture are rows of one batch; None where none is."""
    parents = capture["parent_id"]
    if parents.null_count == len(parents):
        return None
    batch = parents.combine_chunks().dictionary_encode().indices.fill_null(-1)
    row = capture["row_index"].fill_null(0)
    return Batches(batch.to_numpy().astype(np.int64), row.to_numpy().astype(np.int64))


def _label(folder: RunFolder, loaded: Loaded, *, n: int) -> NDArray[np.float64] | None:
    """The latest label of each request by the first outcome of 0 and 1; None where there is none.

    A comparison is no test, so it need not wait for all of them.
    """
    config = loaded.scenario.labels
    binary = [name for name, one in config.outcomes.items() if one.metric in BINARY] if config else []
    if not binary or not any(folder.labels.glob("part-*.parquet")):
        return None
    table = folder.read(folder.labels)
    mine = table.filter(pc.equal(table["outcome"], binary[0]))
    return join.labels(mine, n=n, as_of_ns=np.iinfo(np.int64).max)[0]


def _answered_by(
    answers: join.Answers, rows: NDArray[np.int64], *, outcomes: pa.Table | None
) -> dict[str, NDArray[np.object_]]:
    """The model that each answer which counts named as its own, where they name more than one."""
    if outcomes is None:
        return {}
    named = outcomes["model"].take(pa.array(answers.row[rows]))
    return {MODEL: named.to_numpy(zero_copy_only=False)} if len(named.unique()) > 1 else {}


def _service(
    answers: join.Answers, rows: NDArray[np.int64], *, outcomes: pa.Table | None
) -> NDArray[np.float64] | None:
    """How long the arm took for the answers that count, ns from written to done, NaN where not timed."""
    if outcomes is None:
        return None
    taken = outcomes.select(["written_ns", "done_ns"]).take(pa.array(answers.row[rows]))
    written, done = (column.to_numpy(zero_copy_only=False).astype(np.float64) for column in taken.columns)
    return np.asarray(done - written)


def _day(folder: RunFolder) -> date:
    """The day (UTC) of a run: a rule that expires later still holds for it, whenever it is compared again."""
    return datetime.fromisoformat(folder.record().created_at).date()


def _compare(
    plan: _PairPlan, arms: _Arms, *, loaded: Loaded, models: Models | None
) -> tuple[Compared, pa.Table]:
    left, right = arms.answers[plan.left], arms.answers[plan.right]
    rows = join.both(left, right)
    known = arms.offline.get(plan.model) if plan.model else None
    theirs: dict[str, Column] | None
    echo = None
    if plan.against == "offline" and known is not None:
        theirs = join.take(known, rows)
    else:
        echo = _echo(left, rows, known=known)
        theirs = echo.columns if echo else None
    mine = _echo(right, rows, known=known)
    hidden = _hidden(echo, mine)
    asked, log = kept(_asked(plan, arms), arms.logged, arms=(plan.left, plan.right), rows=rows)
    if theirs is not None and mine is not None:
        theirs, mine = as_asked(theirs, mine, asked=asked)
        theirs, mine = _as_shown(theirs, mine, hidden=hidden)
    rescore, rebuild = _hypotheses(models, plan, arms=arms)
    pair = join.pair(arms.known, (left, right), rows=rows, features=(theirs, mine.columns if mine else None))
    settle = partial(
        diff.compare,
        pair,
        threshold=loaded.scenario.threshold,
        rescore=rescore,
        rebuild=rebuild,
        context=diff.Context(
            label=arms.label[rows] if arms.label is not None else None,
            service_ns=_service(right, rows, outcomes=arms.tables.get(plan.right)),
            tags={name: tag[rows] for name, tag in arms.known.tags.items() if comes_back(tag[rows])},
            answered_by=_answered_by(right, rows, outcomes=arms.tables.get(plan.right)),
            extra=mine.extra if mine else {},
            hidden=hidden,
            weight=None if arms.known.weight is None else arms.known.weight[rows],
            most=arms.known.most,
            # Against the champion a finding is told only where there is no offline one of the arm.
            located=plan.against == "offline" or loaded.scenario.targets[plan.right].model is None,
        ),
    )
    result, noisy = _calm(settle, pair, arms=arms, known=arms.noise if plan.under_test else {})
    unread = [*_unread(right.arm, mine), *_redacted((left.arm, echo), (right.arm, mine))]
    held = Compared(
        summary=with_log(
            msgspec.structs.replace(result.summary, unsure=(*result.summary.unsure, *unread)), log
        ),
        against=plan.against,
        under_test=plan.under_test,
        findings=of_the_list(loaded, plan.right, findings=result.findings),
        ignored=_by_arm(
            (*result.ignored, *noisy, *_expired(loaded.scenario.tolerance, arms.tolerances)), plan=plan
        ),
        phases={
            name: _by_phase(arms.answers[name], rows, outcomes=arms.tables[name])
            for name in (plan.left, plan.right)
            if name in arms.tables
        },
    )
    return held, result.differences


def _calm(
    settle: Callable[..., diff.PairResult], pair: columns.Pair, *, arms: _Arms, known: Mapping[str, NoiseRow]
) -> tuple[diff.PairResult, tuple[IgnoredRule, ...]]:
    """A pair compared, with what of it is the champion's own noise."""
    tolerances = excused(arms.tolerances, pair, known=known)
    result = settle(tolerances=tolerances)
    passed = tuple(sorted(tolerances.features.keys() - arms.tolerances.features.keys()))
    summary, rules = with_noise(result.summary, known=known, passed=passed)
    return replace(result, summary=summary), rules


def _by_phase(answers: join.Answers, rows: NDArray[np.int64], *, outcomes: pa.Table) -> dict[str, int]:
    """How many of these requests were answered, by the phase of the answer that counts."""
    return dict(Counter(outcomes["phase"].take(pa.array(answers.row[rows])).to_pylist()))


def _unread(arm: str, echo: diff.Echo | None) -> list[str]:
    """That some echoes are no features at all, in a sentence."""
    if echo is None or not echo.unreadable:
        return []
    return [f"{arm} shows features that cannot be read on {echo.unreadable:,} requests: counted as missing"]


def _by_arm(rules: tuple[IgnoredRule, ...], *, plan: _PairPlan) -> tuple[IgnoredRule, ...]:
    arm = f"{plan.right} vs {plan.left}"
    return tuple(msgspec.structs.replace(rule, arm=arm) for rule in rules)


def _expired(written: diff.Tolerances, held: diff.Tolerances) -> list[IgnoredRule]:
    """The rules that silence nothing any more, so that nobody wonders why their feature differs again."""
    gone = {name: rule for name, rule in written.features.items() if name not in held.features}
    rules: dict[str, diff.Tolerance | diff.Tolerances] = {**gone}
    if written.widened and not held.widened:
        rules[EVERYTHING] = written
    return [
        IgnoredRule(
            field=name,
            rule=f"expired on {rule.expires}",
            reason=rule.reason,
            owner=rule.owner,
            expires=rule.expires,
            silenced=0,
        )
        for name, rule in rules.items()
    ]


def _asked(plan: _PairPlan, arms: _Arms) -> NDArray[np.bool_]:
    """The requests on which both arms of a pair were asked for their features; offline always is."""
    everywhere = np.ones(len(arms.known), dtype=bool)
    return arms.asked.get(plan.left, everywhere) & arms.asked.get(plan.right, everywhere)


def as_asked(
    theirs: dict[str, Column], mine: diff.Echo, *, asked: NDArray[np.bool_]
) -> tuple[dict[str, Column], diff.Echo]:
    """Features nobody asked for, or that a log lacks, are missing on both sides: they are not compared."""
    if asked.all():
        return theirs, mine
    return join.keep(theirs, asked), replace(mine, columns=join.keep(mine.columns, asked))


def _hidden(*echoes: diff.Echo | None) -> dict[str, NDArray[np.bool_]]:
    """The cells that redaction changed on any side, by feature."""
    found: dict[str, NDArray[np.bool_]] = {}
    for echo in echoes:
        for name, where in echo.hidden.items() if echo else ():
            found[name] = where | found.get(name, np.False_)
    return found


def _as_shown(
    theirs: dict[str, Column], mine: diff.Echo, *, hidden: Mapping[str, NDArray[np.bool_]]
) -> tuple[dict[str, Column], diff.Echo]:
    """Cells that redaction changed on either side are missing on both: a mask is not what was served."""
    ours, others = dict(mine.columns), dict(theirs)
    for name, where in hidden.items():
        ours |= join.keep({name: ours[name]}, ~where)
        others |= join.keep({name: others[name]}, ~where)
    return others, replace(mine, columns=ours)


def _redacted(*echoes: tuple[str, diff.Echo | None]) -> list[str]:
    """How many cells of which features redaction changed, in a sentence for each arm."""
    return [
        f"redaction changed {sum(int(where.sum()) for where in echo.hidden.values()):,} cells of the "
        f"features that {arm} used ({', '.join(sorted(echo.hidden))}): not compared"
        for arm, echo in echoes
        if echo is not None and echo.hidden
    ]


def _echo(
    answers: join.Answers, rows: NDArray[np.int64], *, known: dict[str, Column] | None
) -> diff.Echo | None:
    """The features that an arm echoed on some rows, typed as the offline model knows them."""
    if known is None:
        return None
    return diff.from_json(
        list(answers.features[rows]), {name: column.dtype for name, column in known.items()}
    )


def _hypotheses(
    models: Models | None, plan: _PairPlan, *, arms: _Arms
) -> tuple[diff.Rescore | None, diff.Rebuild | None]:
    """How to score other vectors and build features at another time, for pairs that have an offline side."""
    if models is None or plan.model is None or plan.against != "offline":
        return None, None
    replayer, frame = models.replayers[plan.model], models.frame

    def rebuild(seq: NDArray[np.int64], shift_ns: int) -> dict[str, Column]:
        return replayer.rebuild(frame.loc[seq], shift_ns)

    every = {**models.replayers, **models.others}
    features = arms.offline[plan.model]
    return probed(every, plan.model, frame=frame, features=features, batches=arms.batches), rebuild
