"""Before anything is sent: the capture taken in, the offline reference scored, labels attached."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from harness import capture, weighting
from harness.capture import LabelColumn
from harness.capture.attach import attach
from harness.capture.recorded import RECORDER, UNKNOWN
from harness.capture.redacting import Preparation, redactor_of
from harness.capture.redacting import told as told_of
from harness.diff import check_names
from harness.evidence import BINARY, LabelsConfig
from harness.records import SinglesCheck
from harness.run.buildable import unbuildable
from harness.run.comparing import Models
from harness.run.deciding import DISAGREEMENTS, INTAKE, versions
from harness.run.folder import ModelRecord, RunFolder, RunRecord
from harness.run.redacted import redacted_inputs, was_redacted
from replayers.credentials import fixed_headers, from_environment
from replayers.http import HttpTarget
from replayers.offline import Disagreement, OfflineReplayer, frame, one_by_one, to_table
from replayers.pipeline import Alone

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    import pandas as pd

    from harness.capture import Intake, LabelTable
    from harness.scenario import Loaded

#: labels of unknown requests that a whole capture may have
WHOLE = 0.01

Replayers = dict[str, OfflineReplayer]


@dataclass(frozen=True)
class Prepared:
    """A capture in the run's folder with every offline model scored on it."""

    capture: pa.Table
    frame: pd.DataFrame
    replayers: Replayers

    def models(self) -> Models:
        """What the comparison may ask."""
        return Models(self.frame, self.replayers)


def load_models(loaded: Loaded) -> Replayers:
    """Every offline model that a target must match, with its pipeline; tolerances name features of theirs.

    Raises ModelError, PipelineError or ScenarioError.
    """
    replayers = {
        name: OfflineReplayer(loaded.scenario.models[name], loaded.folder, name=name)
        for name in loaded.models()
    }
    names = {name for replayer in replayers.values() for name in replayer.names}
    if names:
        check_names(loaded.scenario.tolerance, sorted(names))
    return replayers


def load_others(loaded: Loaded) -> Replayers:
    """The models of the scenario that no target must match, with their pipelines: one of them may be served.

    Raises ModelError or PipelineError.
    """
    return {
        name: OfflineReplayer(config, loaded.folder, name=name)
        for name, config in loaded.scenario.models.items()
        if name not in loaded.models()
    }


def changed(replayer: OfflineReplayer, known: ModelRecord) -> str:
    """How a model differs from the one that a run was made with, or nothing."""
    if replayer.sha256 != known.sha256:
        return f"{replayer.path} is another model"
    if known.pipeline not in {"", replayer.pipeline.digest()}:
        return f"the code or the data of {replayer.pipeline.spec} has changed since the run"
    return ""


def check_environment(loaded: Loaded, environ: Mapping[str, str] = os.environ) -> None:
    """Every variable that the scenario reads is set; ScenarioError names the first that is not."""
    for name, target in loaded.scenario.targets.items():
        if isinstance(target, HttpTarget):
            fixed_headers(target.headers, environ, where=name)
            fixed_headers(target.debug_headers, environ, where=name)
            for value in target.start_env.values():
                from_environment(value, environ, where=name)


def take_in(loaded: Loaded, folder: Path, *, say: Callable[[str], None]) -> tuple[Intake, pa.Table]:
    """The scenario's capture as parts in `folder`, and as one table.

    Raises CaptureError, where it cannot be read or contradicts what the scenario states of it.
    """
    config = loaded.scenario.capture
    redactor = redactor_of(config.redact, os.environ, keep=config.keep_headers)
    intake = capture.ingest(
        loaded.file(config.path), config, folder, seed=loaded.scenario.seed, redactor=redactor
    )
    bad = sum(intake.bad.values())
    say(f"capture: {intake.lines:,} lines, {intake.parsed:,} requests, {bad:,} bad, {intake.sampled:,} used")
    for line in intake.worst[:3]:
        say(f"  bad line {line.file}:{line.line}: {line.reason}: {line.detail}")
    for reason, count in intake.bad.items():
        if reason.startswith(RECORDER):
            say(f"  {reason}: {count:,} not in the capture")
    keep = "keep_headers under [capture]"
    for name, text in told_of(Preparation(redactor), requests=intake.sampled, keep=keep):
        say(f"  {name}: {text}")
    table = capture.load(folder)
    weighting.check(table, config)
    if config.redact is None and was_redacted(table):
        say("  redacted before: without [capture.redact] nobody searches what a run writes for what is left")
    return intake, table


def prepare(
    loaded: Loaded, folder: RunFolder, *, replayers: Replayers, created_at: str, say: Callable[[str], None]
) -> Prepared:
    """The folder holds run.json, the capture, the offline artefacts and the labels; nothing has been sent."""
    intake, table = take_in(loaded, folder.capture, say=say)
    for part in intake.parts:
        folder.finished(folder.capture / part)
    folder.save(INTAKE, intake)
    folder.save(
        "run.json", _record(loaded, folder, replayers=replayers, intake=intake, created_at=created_at)
    )
    for lost in unbuildable(loaded, table).values():
        say(f"WARNING: {lost}")
    requests = frame(table)
    alone = {r.pipeline.source: Alone(r.pipeline, one_by_one(table)) for r in replayers.values()}
    singles = {}
    for name, replayer in replayers.items():
        scored = replayer.score(requests)
        folder.write(to_table(scored), folder.offline(name))
        apart = replayer.disagreements(table, scored, alone=alone[replayer.pipeline.source])
        singles[name] = SinglesCheck(
            checked=len(replayer.singles(requests)),
            found=tuple(told(each) for each in apart),
            redacted=redacted_inputs(table, replayer),
        )
        say(f"offline {name}: {len(requests):,} requests scored")
    folder.save(DISAGREEMENTS, singles)
    if loaded.scenario.labels is not None and loaded.scenario.labels.path:
        attach_labels(loaded, folder, path=loaded.file(loaded.scenario.labels.path), say=say)
    return Prepared(table, requests, replayers)


def told(apart: Disagreement) -> str:
    """How a request alone differs from the same in the batch, in words."""
    return f"request seq {apart.seq}, {apart.field}: {apart.single} alone, {apart.batch} in the batch"


def attach_labels(loaded: Loaded, folder: RunFolder, *, path: Path, say: Callable[[str], None]) -> None:
    """One more part of labels in the run; labels are only ever added, the last known one counts."""
    intake = folder.load(INTAKE, capture.Intake)
    found = read_labels(loaded, folder.read(folder.capture), path=path, intake=intake)
    if any(folder.labels.glob("part-*.parquet")):
        capture.check_against(folder.read(folder.labels), found.table, where=str(path))
    folder.write(found.table, folder.next_labels())
    say(labels_line(found))


def read_labels(loaded: Loaded, table: pa.Table, *, path: Path, intake: Intake) -> LabelTable:
    """The labels of a file joined to the captured requests; a thinned capture leaves many of them out."""
    found = capture.read_labels(path, _asked(loaded.scenario.labels))
    stated = (loaded.scenario.labels or LabelsConfig()).max_unknown_share
    limit = missing_share(table, intake) + WHOLE if stated is None else stated
    return attach(found, table, max_unknown_share=min(limit, 1.0))


def missing_share(table: pa.Table, intake: Intake) -> float:
    """The share of the requests that were made and are not in the capture, as far as it says so.

    Dropped by its recorder, left out by a rule, or sampled here or before, by 1 - 1 / mean weight; a sample
    of so many units may be larger or smaller by three standard errors. 1.0 where counts could not be read.
    To check: 100 dropped of 400 and weights of 2 over many units leave 1 - 3/4 x 1/2 = 62.5 % out.
    """
    if UNKNOWN & intake.bad.keys():
        return 1.0
    lost = sum(count for reason, count in intake.bad.items() if reason.startswith(RECORDER))
    left_out = sum(intake.left_out.values())
    told = (1 - lost / intake.lines) * intake.sampled / (intake.sampled + left_out)
    kept = min(1.0, 1 / float(np.mean(weighting.weights(table).kept)))
    units = pc.count_distinct(pc.coalesce(table["unit"], table["request_id"])).as_py()
    return min(1.0, 1 - told * kept + 3 * math.sqrt(kept * (1 - kept) / units))


def _asked(config: LabelsConfig | None) -> tuple[LabelColumn, ...]:
    """Where the scenario's outcomes stand in a labels file."""
    outcomes = (config or LabelsConfig()).outcomes
    return tuple(
        LabelColumn(name, outcome.column or name, binary=outcome.metric in BINARY)
        for name, outcome in outcomes.items()
    )


def labels_line(found: LabelTable) -> str:
    """What a labels file came to, in one line."""
    return (
        f"labels: {found.events:,} read, {found.requests:,} requests labelled, "
        f"{found.unknown:,} of unknown requests"
    )


def _record(
    loaded: Loaded, folder: RunFolder, *, replayers: Replayers, intake: Intake, created_at: str
) -> RunRecord:
    return RunRecord(
        run_id=folder.root.name,
        created_at=created_at,
        scenario=loaded.scenario.name,
        scenario_file=str(loaded.path),
        scenario_folder=str(loaded.folder),
        scenario_digest=loaded.digest,
        resolved=loaded.plain(),
        capture_sha256=", ".join(intake.sha256.values()),
        models={
            name: ModelRecord(file=r.config.file, sha256=r.sha256, pipeline=r.pipeline.digest())
            for name, r in replayers.items()
        },
        seed=loaded.scenario.seed,
        versions=versions(),
    )
