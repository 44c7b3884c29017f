"""`replaygate diagnose`: a run, or a scenario whose capture holds the answers, into a diagnosis."""

from __future__ import annotations

import math
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from harness import __version__, report
from harness.diagnosis import DiagnosisConfig, sampled, summary
from harness.diagnosis.diagnosing import diagnose as parts_of
from harness.diagnosis.leakage import Use
from harness.diagnosis.patterns import Metrics, read_table
from harness.errors import UsageError
from harness.evidence.cohort import stamp
from harness.records import Diagnosis, LikelyCause
from harness.report.sampled import told
from harness.run.deciding import complete_until, run_labels
from harness.run.folder import RunFolder, create, open_run
from harness.run.gathering import gather
from harness.run.holdouts import noted_uses
from harness.run.leaks import clean
from harness.run.preparing import changed, load_models, load_others, prepare
from harness.run.replaying import take_recorded
from harness.run.source import Source, served_by
from harness.run.stages import DIAGNOSIS, moment, render_again, reopen
from harness.scenario import load
from replayers.recorded import RecordedTarget

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from harness.diagnosis.diagnosing import Parts
    from harness.diagnosis.material import Material
    from harness.records import MetricGap
    from harness.scenario import Loaded

#: metrics by their names in a table that a person types, and the fields of the pattern reader
TYPED = {
    "roc_auc": "roc_auc",
    "precision": "precision",
    "recall": "recall",
    "log_loss": "log_loss",
    "predicted_positive_rate": "flagged",
    "base_rate": "base_rate",
}


@dataclass(frozen=True)
class Options:
    """What the command line says: `used_for` is what this holdout decides this time."""

    results: Path = Path("results")
    as_of: str | None = None
    used_for: str = ""


def diagnose(path: Path, options: Options, *, say: Callable[[str], None]) -> tuple[RunFolder, Diagnosis]:
    """The diagnosis of a run, or of a scenario of recorded answers; nothing is sent, no verdict changes.

    Writes diagnosis.json into the run's folder, or into a new one for a scenario. Raises what reading the
    scenario, the capture, the run or the holdout raises.
    """
    as_of_ns = moment(options.as_of)
    if (path / "run.json").is_file():
        folder, loaded = reopen(path)
        return folder, _diagnosed(folder, loaded, options=options, as_of_ns=as_of_ns, say=say)
    loaded = _of_recorded_answers(path)
    replayers = load_models(loaded)
    now = datetime.now(UTC)
    folder = create(options.results, loaded.scenario.name, digest=loaded.digest, now=now)
    say(f"run {folder.root}")
    try:
        prepare(loaded, folder, replayers=replayers, created_at=f"{now:%Y-%m-%dT%H:%M:%SZ}", say=say)
        take_recorded(loaded, folder, say=say)
        return folder, _diagnosed(folder, loaded, options=options, as_of_ns=as_of_ns, say=say)
    except BaseException:
        shutil.rmtree(folder.root, ignore_errors=True)  # nothing was sent, so there is nothing to keep
        raise


def _diagnosed(
    folder: RunFolder, loaded: Loaded, *, options: Options, as_of_ns: int, say: Callable[[str], None]
) -> Diagnosis:
    """The diagnosis of a prepared run, written into its folder."""
    source = source_of(folder, loaded, as_of_ns=as_of_ns)

    def uses(digest: str) -> tuple[Use, ...]:
        decision = options.used_for or f"diagnosis of {loaded.scenario.name}, run {folder.root.name}"
        now = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
        return noted_uses(folder.root.parent, Use(at=now, holdout=digest, decision=decision))

    material = gather(source, uses=uses, say=say)
    found = parts_of(material, say=say)
    made = _diagnosis(source, material, found=found)
    folder.save(DIAGNOSIS, made)
    for name, text in (
        ("diagnosis.md", report.diagnosis_markdown(made)),
        ("diagnosis.html", report.diagnosis_html(made)),
    ):
        folder.write(text.encode(), folder.root / name)
    render_again(folder)
    clean(folder, loaded)
    return made


def _of_recorded_answers(path: Path) -> Loaded:
    """The scenario, whose production is the capture's own answers."""
    if path.is_dir() and not (path / "scenario.toml").is_file():
        open_run(path)  # says what is near
    loaded = load(path)
    config = loaded.scenario.diagnosis or DiagnosisConfig()
    served = loaded.scenario.targets[served_by(loaded, config)]
    if not isinstance(served, RecordedTarget):
        raise UsageError(
            "the capture's own answers are not an arm of this scenario",
            where=str(path),
            fix='Add a target of kind = "recorded", or run it and diagnose the run.',
        )
    return loaded


def source_of(folder: RunFolder, loaded: Loaded, *, as_of_ns: int) -> Source:
    """The run as it is diagnosed; UsageError unless production's model is known and as it was in the run."""
    config = loaded.scenario.diagnosis or DiagnosisConfig()
    served = served_by(loaded, config)
    model = loaded.scenario.targets[served].model
    if model is None:
        raise UsageError(
            f"target {served!r} names no offline model to hold it against",
            where=f"{loaded.path}: $.targets.{served}.model",
            fix="Give it a model of [models].",
        )
    replayers = {**load_models(loaded), **load_others(loaded)}
    known = folder.record().models
    why = changed(replayers[model], known[model])
    if why:
        raise UsageError(
            "a diagnosis needs the model of the run", where=str(folder.root), found=why, fix="Run it again."
        )
    now_ns = as_of_ns
    if loaded.scenario.labels is not None:
        table = run_labels(folder)
        now_ns = min(as_of_ns, complete_until(loaded.scenario.labels, table, otherwise=as_of_ns))
    return Source(folder, loaded, config, served=served, model=model, replayers=replayers, as_of_ns=now_ns)


def _diagnosis(source: Source, material: Material, *, found: Parts) -> Diagnosis:
    record = source.folder.record()
    root = source.folder.root
    thresholds = {"offline": material.thresholds.offline, "serving": material.serving_threshold}
    return Diagnosis(
        scenario=record.scenario,
        run_id=record.run_id,
        created_at=record.created_at,
        as_of=stamp(source.as_of_ns),
        version=__version__,
        model=source.model,
        served_by=source.served,
        thresholds=thresholds,
        counts=_counts(material, captured=source.folder.read(source.folder.capture, ["seq"]).num_rows),
        summary=(
            *summary.sentences(found.metrics, exhibits=found.exhibits, causes=found.causes),
            *([told(material.sample)] if material.sample else []),
        ),
        next_steps=summary.next_steps(found.remedies, found.causes),
        metrics=found.metrics,
        exhibits=found.exhibits,
        remedies=found.remedies,
        causes=found.causes,
        likely=_likely(material, found.metrics),
        holdout_uses=found.uses,
        missing=(
            *material.notes,
            *sampled.missing(material),
            *summary.missing(found.metrics, found.exhibits),
        ),
        digests={"scenario": record.scenario_digest, "capture": record.capture_sha256}
        | ({} if material.holdout is None else {"holdout": material.holdout.digest})
        | {f"model {name}": model.sha256 for name, model in record.models.items()},
        reproduce=(f"replaygate diagnose {root} --as-of {stamp(source.as_of_ns)}",),
    )


def _counts(material: Material, *, captured: int) -> dict[str, int]:
    production = material.production
    counts = {
        "requests captured": captured,
        "answered by production": len(production),
        "with a label by now": int((production.latest == production.latest).sum()),
        "with a mature label": int(production.mature.sum()),
    }
    if material.holdout is not None:
        counts["rows of the holdout"] = material.holdout.label.size
    return counts


def _likely(material: Material, gaps: tuple[MetricGap, ...]) -> tuple[LikelyCause, ...]:
    """What the table of metrics alone would have said: the numbers as reported, else those of the rows."""
    ends = {gap.metric: (gap.rungs[0].value, gap.rungs[-1].value) for gap in gaps if gap.rungs}
    offline = {name: one[0] for name, one in ends.items()} | material.config.reported
    production = {name: one[1] for name, one in ends.items()} | material.config.dashboard
    return likely(offline, production) if material.holdout is not None else ()


def likely(offline: Mapping[str, float], production: Mapping[str, float]) -> tuple[LikelyCause, ...]:
    """The causes that fit two columns of metrics, best first; UsageError for a number that none can be."""
    for name, value in (*offline.items(), *production.items()):
        most = math.inf if name == "log_loss" else 1.0
        if not 0.0 <= value <= most:
            raise UsageError(f"{name} is no such metric", found=f"{value:g}", expected=f"0 to {most:g}")
    return tuple(
        LikelyCause(
            name=one.name, score=one.score, because=one.because, next_measurement=one.next_measurement
        )
        for one in read_table(_typed(offline), _typed(production))
    )


def _typed(values: Mapping[str, float]) -> Metrics:
    return Metrics(**{TYPED[name]: value for name, value in values.items() if name in TYPED})
