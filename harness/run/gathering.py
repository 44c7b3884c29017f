"""The columns of a diagnosis gathered: a run's artefacts, its labels, the holdout and training files."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pyarrow.compute as pc

from harness import diff, join
from harness.columns import Kind
from harness.diagnosis.material import Material, ProductionRows
from harness.diagnosis.rows import Thresholds
from harness.errors import HarnessError, ScenarioError
from harness.run.holdout_rows import arrays, holdout_rows, unit_codes
from harness.run.holdouts import read_rows
from harness.run.label_columns import LabelColumns
from harness.run.source import answered, offline_features
from harness.scenario.explain import did_you_mean
from harness.stats import weighted_mean
from harness.weighting import alike, sampled, weights
from replayers.offline import frame
from replayers.recorded import RecordedTarget

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from harness.columns import Column
    from harness.diagnosis.leakage import Use
    from harness.run.source import Requests, Source

    Floats = NDArray[np.float64]
    Mask = NDArray[np.bool_]

TRUE = frozenset({"1", "true", "yes"})
#: of the answers, the share without features beyond which nothing is said of features
MOST_SILENT = 0.5
#: features put right one by one, those that differ on most requests
MOST_FIXED = 16


def gather(source: Source, *, uses: Callable[[str], tuple[Use, ...]], say: Callable[[str], None]) -> Material:
    """All that a diagnosis looks at; `uses` notes that a holdout of this digest is used, and tells all."""
    requests = answered(source)
    offline = offline_features(source)
    dtypes = {name: column.dtype for name, column in offline.items()}
    say(f"diagnosis: {len(requests.rows):,} of {requests.n:,} requests were answered by {source.served}")
    unit = requests.known.unit[requests.rows]
    files = [
        read_rows(source.loaded.file(name), dtypes) if name else None
        for name in (source.config.holdout, source.config.holdout_requested, source.config.training)
    ]
    notes = [
        note
        for file, names in zip(files, (dtypes, (), ()), strict=True)
        if file
        for note in file.notes(names)
    ]
    codes = unit_codes(unit, holdout=files[0], training=files[2])
    found, why = None, "no holdout was given ([diagnosis] holdout)"
    if files[0] is not None:
        say(f"diagnosis: holdout of {files[0].size:,} rows")
        found, why = holdout_rows(source, files[0], requested=files[1], training=files[2], codes=codes)
    labels = LabelColumns.of(source, requests)
    built = join.take(offline, requests.rows)
    served, unseen = _echoed(requests, built)
    return Material(
        config=source.config,
        thresholds=Thresholds(
            offline=_or(source.config.offline_threshold, source.loaded.scenario.threshold),
            serving=source.loaded.scenario.threshold,
        ),
        holdout=found,
        production=_production(
            source, requests, built=built, served=served, labels=labels, unit=codes.production
        ),
        names=source.replayer.names,
        used=source.replayer.model.used(),
        uses=uses(found.digest) if found is not None else (),
        as_of_ns=source.as_of_ns,
        delay_days=labels.delay_days,
        max_missing_share=labels.max_missing_share,
        units_known=any(one is not None for one in unit),
        parameters=dict(source.replayer.model.booster.params),
        notes=(*notes, *unseen, *_failures(requests)),
        failed=requests.failed,
        why_no_holdout=why,
        why_no_labels=labels.why_not,
        sample=sampled(weights(requests.table).kept),
    )


def _failures(requests: Requests) -> list[str]:
    """Requests that production failed are in no metric."""
    if not requests.failed:
        return []
    return [f"{requests.failed:,} requests were not answered properly, and no metric knows of them"]


def _or(value: float | None, otherwise: float) -> float:
    return otherwise if value is None else value


def _production(
    source: Source,
    requests: Requests,
    *,
    built: dict[str, Column],
    served: dict[str, Column] | None,
    labels: LabelColumns,
    unit: NDArray[np.int64],
) -> ProductionRows:
    rows = requests.rows
    scores = source.folder.read(source.folder.offline(source.model), ["score"])["score"].to_numpy()
    served_score = requests.answers.scores[rows]
    wrong = {} if served is None else {name: diff.mismatch(built[name], served[name]) > 0 for name in built}
    on_served = None if served is None else source.replayer.rescore(served)
    return ProductionRows(
        event_ns=requests.event_ns,
        unit=unit,
        offline_score=scores[rows].astype(np.float64),
        served_score=served_score,
        served_features_score=on_served,
        offline_features=arrays(built),
        served_features=None if served is None else arrays(served),
        differing={name: _share(mask, _weight(requests)) for name, mask in wrong.items()}
        if len(rows)
        else {},
        fixed=_fixed(source, built, served=served, now=on_served, wrong=wrong),
        others=_others(source, requests, served=served, now=scores[rows] if on_served is None else on_served),
        label=labels.label,
        latest=labels.latest,
        label_ns=labels.label_ns,
        production_label=labels.production,
        seen_label=labels.seen,
        seen_early=labels.early,
        joined=_tagged(source, requests),
        exposed=_exposed(requests),
        fallback=_late(source, requests),
        segments={name: values[rows] for name, values in requests.known.segments.items()},
        weight=_weight(requests),
    )


def _share(mask: Mask, weight: Floats | None) -> float:
    return float(mask.mean()) if weight is None else weighted_mean(mask, weight)


def _weight(requests: Requests) -> Floats | None:
    """What each answered request stands for, mean 1; None where all stand for as many."""
    weight = requests.known.weight
    mine = None if weight is None else weight[requests.rows]
    return None if mine is None or alike(mine) else mine / mine.mean()


def _echoed(requests: Requests, built: dict[str, Column]) -> tuple[dict[str, Column] | None, list[str]]:
    """The features as served, None where no answer holds any; one that none holds is as built offline."""
    dtypes = {name: column.dtype for name, column in built.items()}
    cells = list(requests.answers.features[requests.rows])
    echo = diff.from_json(cells, dtypes)
    if echo is None:
        return None, []
    unseen = [name for name, column in echo.columns.items() if (column.kind == Kind.MISSING).all()]
    if len(unseen) == len(built):
        return None, []
    silent = np.array([cell is None for cell in cells], dtype=bool)
    if silent.mean() > MOST_SILENT:
        return None, [
            f"only {len(cells) - int(silent.sum()):,} of {len(cells):,} answers hold features: not compared"
        ]
    note = [f"no answer holds {', '.join(unseen)}: taken as built offline"] if unseen else []
    if silent.any():
        note.append(
            f"{int(silent.sum()):,} of {len(cells):,} answers hold no features: taken as built offline"
        )
    known = {name: _filled(column, built[name], where=silent) for name, column in echo.columns.items()}
    return known | {name: built[name] for name in unseen}, note


def _filled(column: Column, other: Column, *, where: Mask) -> Column:
    """The column with the cells of another on some rows."""
    return replace(
        column,
        values=np.where(where, other.values, column.values),
        kind=np.where(where, other.kind, column.kind).astype(np.uint8),
        text={row: text for row, text in column.text.items() if not where[row]},
    )


def _fixed(
    source: Source,
    built: dict[str, Column],
    *,
    served: dict[str, Column] | None,
    now: Floats | None,
    wrong: Mapping[str, Mask],
) -> dict[str, Floats]:
    """Scores with one feature as offline and the others as served; only where it differs are they others."""
    if served is None or now is None:
        return {}
    differing = (name for name, mask in wrong.items() if mask.any())
    order = sorted(differing, key=lambda name: -int(wrong[name].sum()))
    found = {}
    for name in order[:MOST_FIXED]:
        rows = np.flatnonzero(wrong[name]).astype(np.int64)
        some = join.take(served, rows) | join.take({name: built[name]}, rows)
        score = now.copy()
        score[rows] = source.replayer.rescore(some)
        found[name] = score
    return found


def _others(
    source: Source, requests: Requests, *, served: dict[str, Column] | None, now: Floats
) -> dict[str, Floats]:
    """The scores of the scenario's other models on the served features.

    Where these are not known, or lack some, a model has its own offline pipeline. What scores just as the
    offline model does `now`, a rebuild of it, is no other model.
    """
    found = {}
    for name, replayer in source.replayers.items():
        if name == source.model:
            continue
        if served is not None and not set(replayer.names) - set(served):
            score = replayer.rescore(served)
        else:
            try:
                score = _through_pipeline(source, requests, name=name)[requests.rows]
            except HarnessError:
                continue  # what cannot score these requests is no remedy for them
        if not np.array_equal(score, now, equal_nan=True):
            found[name] = score
    return found


def _through_pipeline(source: Source, requests: Requests, *, name: str) -> Floats:
    """A model's scores of all captured requests."""
    path = source.folder.offline(name)
    if path.is_file():
        score = source.folder.read(path, ["score"])["score"].to_numpy()
    else:
        score = source.replayers[name].score(frame(requests.table)).scores
    return np.asarray(score, dtype=np.float64)


def _tagged(source: Source, requests: Requests) -> Mask | None:
    tag = source.config.joined_tag
    if tag is None:
        return None
    if tag not in requests.known.tags:
        raise ScenarioError(
            f"no request has a tag {tag!r}",
            where=f"{source.loaded.path}: $.diagnosis.joined_tag",
            expected=f"one of {', '.join(requests.known.tags) or 'none: the capture has no tags'}",
            fix=did_you_mean(tag, list(requests.known.tags)),
        )
    values = requests.known.tags[tag][requests.rows]
    return np.array([one is not None and str(one).lower() in TRUE for one in values], dtype=bool)


def _exposed(requests: Requests) -> Mask | None:
    column = requests.table["exposed"]
    if column.null_count == len(column):
        return None
    shown = pc.fill_null(column, fill_value=True).to_numpy(zero_copy_only=False).astype(bool)
    found: Mask = shown[requests.rows]
    return found


def _late(source: Source, requests: Requests) -> Mask | None:
    """Requests that took longer than the latency budget, as recorded or as replayed."""
    budget = source.loaded.budget_ms * 1e6
    served = source.loaded.scenario.targets[source.served]
    if isinstance(served, RecordedTarget) and served.answers is None:
        taken = requests.table["recorded_latency_ns"].to_numpy(zero_copy_only=False).astype(np.float64)
        taken = taken[requests.rows]
    else:
        place = requests.answers.row[requests.rows]
        done, written = (
            requests.outcomes[name].to_numpy(zero_copy_only=False).astype(np.float64)[place]
            for name in ("done_ns", "written_ns")
        )
        taken = done - written
    return None if np.isnan(taken).all() else np.nan_to_num(taken) > budget
