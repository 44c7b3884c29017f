"""From a run's artefacts to its report: evidence, gates, one word, and every rendering of it."""

from __future__ import annotations

import platform
from collections import Counter
from dataclasses import dataclass, replace
from importlib.metadata import version
from typing import TYPE_CHECKING

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from msgspec import UNSET, UnsetType

from harness import __version__, columns, gates, join
from harness.capture.intake import Intake
from harness.capture.live.waiting import RULED_OUT
from harness.capture.recorded import RECORDER, UNKNOWN
from harness.capture.times import parse
from harness.errors import RunError
from harness.evidence import Arms, Cohort, Evidence, Unrecorded, live_looks, plans, quality
from harness.evidence import latency as stopwatch
from harness.evidence import live as canary
from harness.evidence.cohort import stamp
from harness.records import (
    ANSWERED_FOR,
    TARGET_FAULTS,
    Estimate,
    Identity,
    LatencySummary,
    Ledger,
    LiveSummary,
    Look,
    PhaseNote,
    QualitySummary,
    Report,
    SinglesCheck,
    State,
    TargetCounts,
)
from harness.replay.schedule import Recorded
from harness.run import accounting, noise
from harness.run.comparing import SUMMARY, Comparison, sent
from harness.run.curls import curls
from harness.run.reasons import reasons
from harness.weighting import largest_kept, sampled, traffic_share, weights
from replayers.recorded import RecordedTarget

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from numpy.typing import NDArray

    from harness.evidence import LabelsConfig, Levels
    from harness.records import Finding
    from harness.run.folder import RunFolder
    from harness.scenario import Loaded

PHASES = "phases.json"
INTAKE = "capture/intake.json"
LOOKS = "looks.jsonl"
DISAGREEMENTS = "offline/disagreements.json"
#: states whose detail is no reason of a failure
_REASONLESS = frozenset({State.OK, State.NOT_NEEDED})
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
    verdicts = gates.settled((v for gate in loaded.gates for v in gate.judge(evidence, levels)), evidence)
    looks = [look for summary in evidence.quality for look in summary.looks]
    if evidence.quality or evidence.live:
        _keep_looks(folder, [*looks, *(evidence.live.looks if evidence.live else ())])
    findings = _findings(run, void=evidence.void())
    end = loaded.scenario.decision.planned_end
    decision = gates.decide(
        verdicts,
        findings,
        config=loaded.scenario.decision,
        under_test=loaded.under_test,
        ended=(end is not None and as_of_ns >= parse(end)[0]) or quality.exhausted(evidence.quality),
    )
    record, chosen = folder.record(), folder.chosen()
    return Report(
        scenario=loaded.scenario.name,
        run_id=record.run_id,
        created_at=created_at,
        as_of=stamp(as_of_ns),
        version=__version__,
        decision=decision,
        gates=verdicts,
        findings=findings,
        ledgers=ledgers(folder, run.tables, comparison=run.comparison),
        phases=run.phases,
        pairs=tuple(p.summary for p in run.comparison.pairs),
        targets=evidence.targets,
        latency=evidence.latency,
        budget_ms=loaded.budget_ms,
        limits=gates.slow_limits(loaded.latency_gate, evidence, levels=levels),
        quality=evidence.quality,
        live=evidence.live,
        noise=noise.found(folder),
        identities=evidence.identities,
        sample=sampled(weights(run.capture).kept, largest_kept(run.capture, loaded.scenario.capture))
        or UNSET,
        ignored=run.comparison.rules(),
        environment=record.versions,
        digests={
            **({"build": chosen.build} if chosen.build else {}),
            "scenario": record.scenario_digest,
            "capture": record.capture_sha256,
            **{f"model {name}": model.sha256 for name, model in record.models.items()},
        },
        reproduce=(
            f"replaygate run {record.scenario_file}{chosen.options()}",
            f"replaygate compare {folder.root}",
            f"replaygate decide {folder.root} --as-of {stamp(as_of_ns)}",
            f"replaygate report {folder.root}",
        ),
        curls=curls(loaded, run.capture, findings=findings, run_id=record.run_id),
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
        answered = accounting.answered(table)
        if answered != pair.compared:
            raise RunError(
                f"the comparison is not of these outcomes of {pair.right}",
                where=str(run.folder.root),
                found=f"{answered:,} answered requests",
                expected=f"{pair.compared:,}",
                fix=f"Run: replaygate compare {run.folder.root}",
            )


def _findings(run: _Run, *, void: Collection[str]) -> tuple[Finding, ...]:
    """What was found against references that are some; what differs from a void one may be right."""
    pairs = tuple(pair for pair in run.comparison.pairs if pair.summary.left not in void)
    if run.loaded.scenario.decision.release == "improvement":
        # Another model is meant to answer otherwise than the champion; its own offline model is the judge.
        held = {pair.summary.right for pair in pairs if pair.against == "offline"}
        pairs = tuple(p for p in pairs if p.against == "offline" or p.summary.right not in held)
    return msgspec.structs.replace(run.comparison, pairs=pairs).findings()


def _evidence(run: _Run, as_of_ns: int, *, levels: Levels) -> Evidence:
    known = join.keys(run.capture, run.loaded.scenario.capture)
    unit = join.units(known)
    return Evidence(
        under_test=run.loaded.under_test,
        parity_release=run.loaded.scenario.decision.release == "parity",
        pairs=run.comparison.judged(),
        targets=tuple(
            _counts(name, table, unit=unit, weight=known.weight, most=known.most)
            for name, table in run.tables.items()
        ),
        latency=tuple(_latency(run)),
        phases=run.phases,
        identities=tuple(_identity(run, name) for name in run.tables),
        singles=run.folder.load(DISAGREEMENTS, dict[str, SinglesCheck]),
        answered={name: accounting.answered(table) for name, table in run.tables.items()},
        unanswered={name: accounting.unanswered(table) for name, table in run.tables.items()},
        recorded=_recorded(run.loaded),
        left_out=_left_out(run.folder.load(INTAKE, Intake)),
        quality=_quality(run, as_of_ns, levels=levels),
        live=_live(run, unit, as_of_ns=as_of_ns, levels=levels),
        unrecorded=unrecorded(run.folder.load(INTAKE, Intake), run.loaded.scenario.capture.max_bad_share),
    )


def _recorded(loaded: Loaded) -> frozenset[str]:
    """The targets whose answers are in a capture."""
    targets = loaded.scenario.targets.items()
    return frozenset(name for name, target in targets if isinstance(target, RecordedTarget))


def unrecorded(intake: Intake, allowed: float) -> Unrecorded | None:
    """What the recorder of a capture had to drop; None of none. What its rules left out was meant to be."""
    reasons = {name.removeprefix(RECORDER): n for name, n in intake.bad.items() if name.startswith(RECORDER)}
    dropped = {reason: count for reason, count in reasons.items() if reason != RULED_OUT}
    unknown = bool(UNKNOWN & intake.bad.keys())
    return Unrecorded(dropped, intake.lines, allowed, unknown=unknown) if dropped else None


def _left_out(intake: Intake) -> int:
    """The requests that rules of redaction left out: in this run, at an import, or at their recording."""
    return sum(intake.left_out.values()) + intake.bad.get(f"{RECORDER}{RULED_OUT}", 0)


def _counts(
    target: str,
    table: pa.Table,
    *,
    unit: NDArray[np.int64],
    weight: NDArray[np.float64] | None = None,
    most: float | None = None,
) -> TargetCounts:
    """Final states over all phases, the ten reasons seen most often, and the units behind them."""
    states, details = table["state"].to_pylist(), table["detail"].to_pylist()
    given = reasons(
        detail for state, detail in zip(states, details, strict=True) if state not in _REASONLESS and detail
    )
    itself = np.arange(len(unit))
    once = _units(table, itself, states=ANSWERED_FOR)
    again = once < sum(state in ANSWERED_FOR for state in states)
    ordered = sorted(given.items(), key=lambda item: (-item[1], item[0]))[:10]
    return TargetCounts(
        target=target,
        states=dict(sorted(Counter(states).items())),
        details=dict(ordered),
        units=_units(table, unit, states=ANSWERED_FOR),
        units_failed=_units(table, unit, states=TARGET_FAULTS),
        failed_traffic=UNSET if weight is None else _failed_traffic(table, weight, most=most),
        requests=once if again else UNSET,
        requests_failed=_units(table, itself, states=TARGET_FAULTS) if again else UNSET,
    )


def _failed_traffic(
    table: pa.Table, weight: NDArray[np.float64], *, most: float | None
) -> Estimate | UnsetType:
    """The share of the traffic that a target failed, of the requests that it answered for.

    A request counts once, by the share of its phases and passes that failed: sent again it is no new witness.
    """
    sent = table.filter(pc.is_in(table["state"], value_set=pa.array([str(s) for s in ANSWERED_FOR])))
    failed = pc.is_in(sent["state"], value_set=pa.array([str(s) for s in TARGET_FAULTS]))
    seqs, which = np.unique(sent["seq"].to_numpy(), return_inverse=True)
    share = np.bincount(which, weights=failed.to_numpy().astype(float)) / np.maximum(np.bincount(which), 1)
    found = traffic_share("errors", share, weight=weight[seqs], most=most)
    return UNSET if found is None else found


def _units(table: pa.Table, unit: NDArray[np.int64], *, states: Collection[State]) -> int:
    """Distinct units among the requests that ended in one of some states."""
    rows = pc.is_in(table["state"], value_set=pa.array([str(s) for s in states]))
    return len(np.unique(unit[table.filter(rows)["seq"].to_numpy()]))


def _latency(run: _Run) -> list[LatencySummary]:
    """One summary for each phase and target that ran; only open loops at a declared pace are judged."""
    found, kept = [], weights(run.capture).kept
    for phase in run.loaded.phases():
        note = next((n for n in run.phases if n.phase == phase.name and n.ran), None)
        for target in note.targets if note else ():
            table = run.tables[target]
            rows = table.filter(pc.equal(table["phase"], phase.name))
            summary = stopwatch.summarise(
                rows,
                phase=phase.name,
                target=target,
                pace=note.pace if note else "",
                judged=phase.open_loop,
                budget_ms=run.loaded.budget_ms,
            )
            speed = phase.pace.speed if isinstance(phase.pace, Recorded) else None
            thin = stopwatch.thin_load(rows, kept, speed=speed, budget_ms=run.loaded.budget_ms)
            found.append(msgspec.structs.replace(summary, thin=thin))
    return found


def _identity(run: _Run, target: str) -> Identity:
    """The model hash a target should name, and those its answers named."""
    spec = run.loaded.scenario.targets[target]
    models = run.folder.record().models
    table = run.tables[target]
    answered = table.filter(pc.equal(table["state"], State.OK))
    served = Counter(name for name in answered["model"].to_pylist() if name is not None)
    return Identity(
        arm=target,
        expected=models[spec.model].sha256 if spec.model else None,
        served=dict(sorted(served.items())),
        source=" or ".join(filter(None, (spec.response.model, spec.protocol.identity_at))) or "no selector",
        answered=len(answered),
        declared=spec.response.model not in {"", type(spec.response)().model},
        vouched=spec.model_identity.removeprefix("sha256:"),
    )


def ledgers(
    folder: RunFolder, tables: Mapping[str, pa.Table], *, comparison: Comparison | None = None
) -> tuple[Ledger, ...]:
    """Every captured request of each phase at each target, step by step; None: not compared yet."""
    return accounting.ledgers(folder.load(INTAKE, Intake), tables, comparison=comparison)


def _quality(run: _Run, as_of_ns: int, *, levels: Levels) -> tuple[QualitySummary, ...]:
    """Champion against challenger on each outcome whose labels have matured, where the scenario has any."""
    scenario, champion = run.loaded.scenario, run.loaded.champion
    config = scenario.labels
    if config is None or champion is None:
        return ()
    table = run_labels(run.folder)
    now = min(as_of_ns, complete_until(config, table, otherwise=as_of_ns))
    cohort = _cohort(run)
    planned = plans(
        config,
        threshold=scenario.threshold,
        levels=levels,
        parity_release=scenario.decision.release == "parity",
    )
    looked, arms = _looked(run.folder), Arms(champion, run.loaded.under_test)
    return tuple(
        quality.remember(
            quality.summarise(
                _labelled(cohort, table, outcome=plan.name, as_of_ns=now), arms, plan=plan, as_of_ns=now
            ),
            looked,
        )
        for plan in planned
    )


def _live(run: _Run, unit: NDArray[np.int64], *, as_of_ns: int, levels: Levels) -> LiveSummary | None:
    """What the captured log of a live canary shows, where the scenario says that it is one."""
    config = run.loaded.scenario.live
    if config is None:
        return None
    log = canary.read(run.capture, config, unit=unit)
    budget_ms = run.loaded.budget_ms
    summary = live_looks.summarise(log, config, budget_ms=budget_ms, as_of_ns=as_of_ns, levels=levels)
    return live_looks.remember(summary, _looked(run.folder))


def _looked(folder: RunFolder) -> list[Look]:
    """Every look that was ever taken in the run, in the order they were written."""
    path = folder.root / LOOKS
    try:
        return msgspec.json.Decoder(Look).decode_lines(path.read_bytes())
    except FileNotFoundError:
        return []
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise RunError("a file of the run is damaged", where=str(path), found=error) from error


def _keep_looks(folder: RunFolder, looks: Sequence[Look]) -> None:
    """Looks that were not written yet are appended; one that was written stays, whatever came later."""
    path, before = folder.root / LOOKS, _looked(folder)
    new = [msgspec.json.encode(look) + b"\n" for look in looks if look not in before]
    if new or not path.exists():
        folder.write((path.read_bytes() if before else b"") + b"".join(new), path)


def run_labels(folder: RunFolder) -> pa.Table:
    """All labels that were added to the run, none if there are none yet."""
    if not any(folder.labels.glob("part-*.parquet")):
        return columns.LABELS.empty_table()
    return folder.read(folder.labels)


def complete_until(config: LabelsConfig, table: pa.Table, *, otherwise: int) -> int:
    """The time up to which all labels are there: as declared, or that of the last label."""
    if config.complete_until:
        return parse(config.complete_until)[0]
    return int(table["label_at"].cast(pa.int64()).to_numpy().max(initial=0)) if len(table) else otherwise


def _cohort(run: _Run) -> Cohort:
    """All captured requests, without any label yet."""
    known = join.keys(run.capture)
    n = len(known)
    config = run.loaded.scenario.labels
    since = parse(config.since)[0] if config is not None and config.since else 0
    exposed, weighed = run.capture["exposed"], weights(run.capture, run.loaded.scenario.capture)
    # A target that was sent nothing answered nothing: an arm without scores, not an arm that is left out.
    scores = {name: np.full(n, np.nan) for name in run.loaded.scenario.targets}
    scores |= {name: join.answers(name, t, n=n).scores for name, t in run.tables.items()}
    for model in run.loaded.models():
        scores[f"offline:{model}"] = run.folder.read(run.folder.offline(model), ["score"])["score"].to_numpy()
    return Cohort(
        event_ns=known.event_time_ns,
        exposed=pc.fill_null(exposed, fill_value=True).to_numpy(zero_copy_only=False).astype(bool),
        in_scope=known.event_time_ns >= since,
        unit=join.units(known),
        label=np.full(n, np.nan),
        label_ns=np.zeros(n, dtype=np.int64),
        weight=weighed.exposed,
        weighted=weighed.by_propensity,
        most=weighed.most_exposed,
        sampled=weighed.uneven,
        scores=scores,
        assumed=exposed.is_null().to_numpy(),
        partial=weighed.partial,
        segments=known.segments,
    )


def _labelled(cohort: Cohort, table: pa.Table, *, outcome: str, as_of_ns: int) -> Cohort:
    """The cohort with the labels of one outcome, as known at `as_of`."""
    mine, n = table.filter(pc.equal(table["outcome"], outcome)), len(cohort.label)
    label, label_ns = join.labels(mine, n=n, as_of_ns=as_of_ns)
    events = join.label_events(mine, n=n, as_of_ns=as_of_ns)
    return replace(cohort, label=label, label_ns=label_ns, events=events)
