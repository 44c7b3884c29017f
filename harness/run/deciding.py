"""From a run's artefacts to its report: evidence, gates, one word, and every rendering of it."""

from __future__ import annotations

import platform
from collections import Counter
from dataclasses import dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from harness import __version__, columns, gates, join
from harness.capture.intake import Intake
from harness.capture.times import parse
from harness.errors import RunError
from harness.evidence import Arms, Cohort, Evidence, quality
from harness.evidence import latency as stopwatch
from harness.evidence.cohort import stamp
from harness.records import (
    Identity,
    LatencySummary,
    Ledger,
    PhaseNote,
    QualitySummary,
    Report,
    SinglesCheck,
    State,
    TargetCounts,
)
from harness.replay import ledger as books
from harness.run.comparing import SUMMARY, Comparison, sent

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from harness.evidence import LabelsConfig, Levels
    from harness.run.folder import RunFolder
    from harness.scenario import Loaded

PHASES = "phases.json"
INTAKE = "capture/intake.json"
DISAGREEMENTS = "offline/disagreements.json"
LIBRARIES = ("lightgbm", "numpy", "pandas", "pyarrow", "httpx", "httptools", "scipy", "statsmodels")


@dataclass(frozen=True)
class _Run:
    """What deciding reads, loaded once."""

    folder: RunFolder
    loaded: Loaded
    capture: pa.Table
    comparison: Comparison
    phases: tuple[PhaseNote, ...]
    tables: dict[str, pa.Table]


def judge(folder: RunFolder, loaded: Loaded, *, as_of_ns: int, created_at: str) -> Report:
    """The report of a run as of a time; a later time sees more labels, never fewer.

    Labels count as of the earlier of `as_of_ns` and the time up to which they are known to be complete.
    """
    run = _read(folder, loaded)
    levels = gates.levels(loaded.scenario.decision, loaded.statistical_tests())
    evidence = _evidence(run, as_of_ns, levels=levels)
    verdicts = tuple(v for gate in loaded.gates for v in gate.judge(evidence, levels))
    findings = run.comparison.findings()
    end = loaded.scenario.decision.planned_end
    decision = gates.decide(
        verdicts,
        findings,
        config=loaded.scenario.decision,
        under_test=loaded.under_test,
        ended=end is not None and as_of_ns >= parse(end)[0],
    )
    record = folder.record()
    return Report(
        scenario=loaded.scenario.name,
        run_id=record.run_id,
        created_at=created_at,
        as_of=stamp(as_of_ns),
        version=__version__,
        decision=decision,
        gates=verdicts,
        findings=findings,
        ledgers=_ledgers(run),
        phases=run.phases,
        pairs=tuple(p.summary for p in run.comparison.pairs),
        targets=evidence.targets,
        latency=evidence.latency,
        budget_ms=loaded.budget_ms,
        quality=evidence.quality,
        identities=evidence.identities,
        ignored=tuple(rule for p in run.comparison.pairs if p.against == "offline" for rule in p.ignored),
        environment=record.versions,
        digests={
            "scenario": record.scenario_digest,
            "capture": record.capture_sha256,
            **{f"model {name}": model.sha256 for name, model in record.models.items()},
        },
        reproduce=(
            f"replaygate run {record.scenario_file}",
            f"replaygate compare {folder.root}",
            f"replaygate decide {folder.root} --as-of {stamp(as_of_ns)}",
            f"replaygate report {folder.root}",
        ),
    )


def versions() -> dict[str, str]:
    """Interpreter, platform and libraries that a run depended on."""
    found = {name: version(name) for name in LIBRARIES}
    return {
        "replaygate": __version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
        **found,
    }


def _read(folder: RunFolder, loaded: Loaded) -> _Run:
    run = _Run(
        folder=folder,
        loaded=loaded,
        capture=folder.read(folder.capture),
        comparison=folder.load(SUMMARY, Comparison),
        phases=folder.load(PHASES, tuple[PhaseNote, ...]),
        tables=sent(folder, loaded),
    )
    _check_whole(run)
    return run


def _check_whole(run: _Run) -> None:
    """Outcomes are there for all that was sent, and the comparison is of these outcomes; else RunError."""
    asked = {target for note in run.phases if note.ran for target in note.targets}
    lost = sorted(asked - run.tables.keys())
    if lost:
        raise RunError("the run lacks its outcomes", where=str(run.folder.outcomes(lost[0])))
    for name, table in run.tables.items():
        if table.group_by(["phase", "seq"]).aggregate([]).num_rows != len(table):
            where = str(run.folder.outcomes(name))
            raise RunError("requests have several outcomes in one phase", where=where)
    for pair in (p.summary for p in run.comparison.pairs if p.against == "offline"):
        table = run.tables[pair.right]
        answered = len(table.filter(pc.equal(table["state"], State.OK))["seq"].unique())
        if answered != pair.distinct:
            raise RunError(
                f"the comparison is not of these outcomes of {pair.right}",
                where=str(run.folder.root),
                found=f"{answered:,} answered requests",
                expected=f"{pair.distinct:,}",
                fix=f"Run: replaygate compare {run.folder.root}",
            )


def _evidence(run: _Run, as_of_ns: int, *, levels: Levels) -> Evidence:
    return Evidence(
        under_test=run.loaded.under_test,
        parity_release=run.loaded.scenario.decision.release == "parity",
        pairs=run.comparison.judged(),
        targets=tuple(_counts(name, table) for name, table in run.tables.items()),
        latency=tuple(_latency(run)),
        phases=run.phases,
        identities=tuple(_identity(run, name) for name in run.tables),
        singles=run.folder.load(DISAGREEMENTS, dict[str, SinglesCheck]),
        quality=_quality(run, as_of_ns, levels=levels),
    )


def _counts(target: str, table: pa.Table) -> TargetCounts:
    """Final states over all phases, and the ten reasons seen most often."""
    states, details = table["state"].to_pylist(), table["detail"].to_pylist()
    reasons = Counter(
        detail for state, detail in zip(states, details, strict=True) if state != State.OK and detail
    )
    ordered = sorted(reasons.items(), key=lambda item: (-item[1], item[0]))[:10]
    return TargetCounts(target=target, states=dict(sorted(Counter(states).items())), details=dict(ordered))


def _latency(run: _Run) -> list[LatencySummary]:
    """One summary for each phase and target that ran; only open loops at a declared pace are judged."""
    found = []
    for phase in run.loaded.scenario.phases:
        note = next((n for n in run.phases if n.phase == phase.name and n.ran), None)
        for target in note.targets if note else ():
            table = run.tables[target]
            rows = table.filter(pc.equal(table["phase"], phase.name))
            found.append(
                stopwatch.summarise(
                    rows,
                    phase=phase.name,
                    pace=note.pace if note else "",
                    judged=phase.open_loop,
                    budget_ms=run.loaded.budget_ms,
                )
            )
    return found


def _identity(run: _Run, target: str) -> Identity:
    """The model hash a target should name, and those its answers named."""
    spec = run.loaded.scenario.targets[target]
    models = run.folder.record().models
    served = Counter(name for name in run.tables[target]["model"].to_pylist() if name is not None)
    return Identity(
        arm=target,
        expected=models[spec.model].sha256 if spec.model else None,
        served=dict(sorted(served.items())),
        source=spec.response.model or "no selector",
    )


def _ledgers(run: _Run) -> tuple[Ledger, ...]:
    """Every captured request of each phase at each target, step by step."""
    intake = run.folder.load(INTAKE, Intake)
    made = []
    for target, table in run.tables.items():
        for phase in dict.fromkeys(table["phase"].to_pylist()):
            rows = table.filter(pc.equal(table["phase"], phase))
            states = Counter(State(s) for s in rows["state"].to_pylist())
            unscored = rows.filter(pc.equal(rows["state"], "ok"))["score"].null_count
            answered = {s: states.get(s, 0) for s in (State.OK, State.HTTP_ERROR, State.BAD_BODY)}
            made.append(
                books.ledger(
                    phase,
                    target,
                    intake=books.Intake(
                        captured=intake.lines,
                        bad=intake.bad,
                        not_sampled=intake.parsed - intake.sampled,
                        outside=intake.sampled - len(rows),
                    ),
                    states=states,
                    match=books.Match(
                        states=answered, compared=answered[State.OK] - unscored, lost={"no score": unscored}
                    ),
                )
            )
    return tuple(made)


def _quality(run: _Run, as_of_ns: int, *, levels: Levels) -> QualitySummary | None:
    """Champion against challenger on matured labels, where the scenario has any."""
    config, champion = run.loaded.scenario.labels, run.loaded.champion
    challenger = run.loaded.under_test
    if config is None or champion is None:
        return None
    table = _labels(run.folder)
    now = min(as_of_ns, _complete(config, table, otherwise=as_of_ns))
    cohort = _cohort(run, table, as_of_ns=now)
    summary = quality.summarise(
        cohort,
        Arms(champion, challenger),
        config=config,
        threshold=run.loaded.scenario.threshold,
        as_of_ns=now,
        levels=levels,
    )
    lines = b"".join(msgspec.json.encode(look) + b"\n" for look in summary.looks)
    run.folder.write(lines, run.folder.root / "looks.jsonl")
    return summary


def _labels(folder: RunFolder) -> pa.Table:
    """All labels that were added to the run, none if there are none yet."""
    if not any(folder.labels.glob("part-*.parquet")):
        return columns.LABELS.empty_table()
    return folder.read(folder.labels)


def _complete(config: LabelsConfig, table: pa.Table, *, otherwise: int) -> int:
    """The time up to which all labels are there: as declared, or that of the last label."""
    if config.complete_until:
        return parse(config.complete_until)[0]
    return int(table["label_at"].cast(pa.int64()).to_numpy().max(initial=0)) if len(table) else otherwise


def _cohort(run: _Run, table: pa.Table, *, as_of_ns: int) -> Cohort:
    known = join.keys(run.capture)
    n = len(known)
    label, label_ns = join.labels(table, n=n, as_of_ns=as_of_ns)
    config = run.loaded.scenario.labels
    since = parse(config.since)[0] if config is not None and config.since else 0
    exposed = run.capture["exposed"]
    propensity = run.capture["propensity"].to_numpy(zero_copy_only=False).astype(np.float64)
    weighted = bool(n) and not bool(np.isnan(propensity).any())
    # A target that was sent nothing answered nothing: an arm without scores, not an arm that is left out.
    scores = {name: np.full(n, np.nan) for name in run.loaded.scenario.targets}
    scores |= {name: join.answers(name, t, n=n).scores for name, t in run.tables.items()}
    for model in run.loaded.models():
        scores[f"offline:{model}"] = run.folder.read(run.folder.offline(model), ["score"])["score"].to_numpy()
    return Cohort(
        event_ns=known.event_time_ns,
        exposed=pc.fill_null(exposed, fill_value=True).to_numpy(zero_copy_only=False).astype(bool),
        in_scope=known.event_time_ns >= since,
        unit=_codes(known),
        label=label,
        label_ns=label_ns,
        weight=1.0 / propensity if weighted else np.ones(n),
        weighted=weighted,
        scores=scores,
    )


def _codes(known: join.Keys) -> NDArray[np.int64]:
    """Units as whole numbers; a request without a unit is one of its own."""
    names = [u if u is not None else f"\0{r}" for u, r in zip(known.unit, known.request_id, strict=True)]
    return np.unique(np.asarray(names, dtype=str), return_inverse=True)[1].astype(np.int64)
