"""One request of a run gathered from its artefacts: what was asked, and what each arm answered."""

from __future__ import annotations

from difflib import get_close_matches
from heapq import nlargest
from itertools import takewhile
from operator import eq
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from harness import capture, columns, diff
from harness.diff.cells import texts
from harness.diff.findings import SCORE_FIELD
from harness.diff.places import rfc3339
from harness.errors import UsageError
from harness.replay.disclosure import concealed
from harness.report.numbers import numbered
from harness.report.request import Answered, Differs, Field, ShownRequest, covered
from harness.run.folder import open_run
from harness.run.rows import offline_side, that_counts
from harness.run.stages import reopen, reported
from replayers.recorded import RecordedTarget

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from harness.columns import Column
    from harness.records import CapturedRequest, Report
    from harness.run.folder import RunFolder
    from harness.scenario import Loaded

#: features that production logged beside the request itself
LOGGED = "logged"
#: ids that a mistyped one is compared with
_NEAR_POOL = 5_000
_ONE = np.zeros(1, np.int64)
Cells = dict[str, msgspec.Raw]


def findings(root: Path) -> Report:
    """The report of a run, whose findings are to be listed."""
    folder, _ = reopen(root)
    return reported(folder)


def verdict(root: Path) -> Report:
    """The report of a run as it stands, whatever became of its other files."""
    return reported(open_run(root))


def show(root: Path, wanted: str) -> ShownRequest:
    """The request with this id, or else this seq; UsageError with the nearest ids where there is none."""
    folder, loaded = reopen(root)
    return gathered(folder, loaded, report=reported(folder), wanted=wanted)


def gathered(folder: RunFolder, loaded: Loaded, *, report: Report, wanted: str) -> ShownRequest:
    """The same of a run that is open already, and was found whole."""
    ids = folder.read(folder.capture, ["request_id"])["request_id"]
    seq = _seq(ids, wanted, where=str(folder.root))
    request = next(capture.requests(folder.read_seq(folder.capture, seq)))
    arms, outcomes = _arms(folder, loaded, request=request)
    differs = _differs(folder, seq, report=report)
    return ShownRequest(
        run=str(folder.root),
        request_id=request.request_id,
        seq=seq,
        ts=rfc3339(request.ts_ns),
        event_time=None if request.event_time_ns is None else rfc3339(request.event_time_ns),
        unit=request.unit,
        segments=request.segments,
        method=request.method,
        path=concealed(request.path),
        headers={n: v for n, v in request.headers.items() if not columns.is_private(n)},
        body=_raw(request.body),
        truncated=request.truncated,
        threshold=loaded.scenario.threshold,
        arms=tuple(arms),
        fields=tuple(_fields(arms, differs)),
        answers=tuple(_answers(folder, loaded, request=request, outcomes=outcomes)),
        findings=_told(differs, report),
    )


def _seq(ids: pa.ChunkedArray, wanted: str, *, where: str) -> int:
    """The place of a request by its id, or by its number where no id is spelled so."""
    place = pc.index(ids, pa.scalar(wanted, pa.string())).as_py()
    if place >= 0:
        return int(place)
    if wanted.isascii() and wanted.isdigit() and int(wanted) < len(ids):
        return int(wanted)
    near = near_ids(ids.to_pylist(), wanted)
    raise UsageError(
        f"no request {wanted!r}",
        where=where,
        expected=f"a request id, or a seq from 0 to {len(ids) - 1:,}",
        fix=f"Did you mean {' or '.join(near)}?" if near else "See some with: replaygate show RUN",
    )


def near_ids(ids: list[str], wanted: str) -> list[str]:
    """Up to three ids that are spelled nearly so; of many, among those that begin alike for longest."""
    pool = ids
    if len(ids) > _NEAR_POOL:
        pool = nlargest(_NEAR_POOL, ids, key=lambda one: _alike(one, wanted))
    return get_close_matches(wanted, pool, n=3, cutoff=0.7)


def _alike(one: str, other: str) -> int:
    """How many letters two texts share at their beginning."""
    return sum(takewhile(bool, map(eq, one, other)))


def _arms(
    folder: RunFolder, loaded: Loaded, *, request: CapturedRequest
) -> tuple[dict[str, Cells], dict[str, pa.Table]]:
    """Every arm's cells on a request, and each target's outcomes of it."""
    arms: dict[str, Cells] = {}
    dtypes: dict[str, Column] = {}
    for model in loaded.models():
        side = offline_side(folder, model, seq=request.seq)
        built = side.features or {}
        arms[side.arm] = _texts(built) | {SCORE_FIELD: _number(float(side.scores[0]))}
        dtypes |= built
    rows = _sent(folder, loaded, seq=request.seq)
    for name, table in rows.items():
        counts = that_counts(table, request.seq)
        arms[name] = _echoed(counts.get("features"), dtypes)
        if counts.get("score") is not None:
            arms[name][SCORE_FIELD] = _number(counts["score"])
    if request.online_features is not None:
        arms[LOGGED] = _echoed(request.online_features, dtypes)
    return arms, rows


def _sent(folder: RunFolder, loaded: Loaded, *, seq: int) -> dict[str, pa.Table]:
    """The outcomes of one request at every target that was asked anything, and at the challenger anyway."""
    tables = {}
    for name in loaded.scenario.targets:
        path = folder.outcomes(name)
        if any(path.glob("part-*.parquet")):
            tables[name] = folder.read_seq(path, seq)
        elif name == loaded.under_test:
            tables[name] = columns.OUTCOMES.empty_table()
    return tables


def _texts(built: Mapping[str, Column]) -> Cells:
    told = {name: texts(column, _ONE)[0].as_py() for name, column in built.items()}
    return {name: msgspec.Raw(text.encode()) for name, text in told.items() if text is not None}


def _echoed(features: bytes | None, dtypes: Mapping[str, Column]) -> Cells:
    """Echoed features, those that a model knows spelled as its own are, others as they came."""
    if features is None:
        return {}
    echo = diff.from_json([features], {name: column.dtype for name, column in dtypes.items()})
    try:
        raw = msgspec.json.decode(features, type=dict[str, msgspec.Raw])
    except msgspec.DecodeError:
        raw = {}
    known = _texts(echo.columns) if echo else {}
    return {name: known.get(name, value) for name, value in raw.items()}


def _number(value: float) -> msgspec.Raw:
    return msgspec.Raw(b'"NaN"' if np.isnan(value) else msgspec.json.encode(value))


def _differs(folder: RunFolder, seq: int, *, report: Report) -> dict[str, dict[str, Differs]]:
    """By field and arm, how it differs from the offline model, or from the champion where it has none."""
    if not any(folder.differences.glob("part-*.parquet")):
        return {}
    rows = folder.read_seq(folder.differences, seq).to_pylist()
    rows.sort(key=lambda row: not row["left_arm"].startswith("offline:"))
    found: dict[str, dict[str, Differs]] = {}
    for row in rows:
        arm = row["right_arm"]
        kinds = {r["field"]: r["kind"] for r in rows if r["right_arm"] == arm}
        told = covered(kinds, row["field"], arm=arm, report=report)
        found.setdefault(row["field"], {}).setdefault(
            arm,
            Differs(
                against=row["left_arm"],
                kind=row["kind"],
                magnitude=row["magnitude"],
                findings=tuple(told),
                causes=tuple(told.values()),
            ),
        )
    return found


def _fields(arms: Mapping[str, Cells], differs: Mapping[str, dict[str, Differs]]) -> list[Field]:
    """The score, then every feature that some arm shows."""
    names = dict.fromkeys((SCORE_FIELD, *(name for cells in arms.values() for name in cells)))
    return [
        Field(
            field=name,
            values={arm: cells[name] for arm, cells in arms.items() if name in cells},
            differs=differs.get(name, {}),
        )
        for name in names
    ]


def _answers(
    folder: RunFolder, loaded: Loaded, *, request: CapturedRequest, outcomes: Mapping[str, pa.Table]
) -> list[Answered]:
    """The offline scores, then every outcome of every target; the log with the latency that it recorded."""
    threshold = loaded.scenario.threshold
    found = []
    for model in loaded.models():
        score = folder.read_row(folder.offline(model), request.seq)["score"][0].as_py()
        found.append(
            Answered(arm=f"offline:{model}", phase="", state="", score=score, positive=score >= threshold)
        )
    logged = request.recorded_response.latency_ns if request.recorded_response else None
    for name, rows in outcomes.items():
        target = loaded.scenario.targets[name]
        log = isinstance(target, RecordedTarget) and target.answers is None
        served = [_answered(row, name, threshold=threshold) for row in rows.to_pylist()]
        found += [msgspec.structs.replace(one, service_ms=_ms(logged, 0)) if log else one for one in served]
    return found


def _answered(row: Mapping[str, Any], arm: str, *, threshold: float) -> Answered:
    score = row["score"]
    return Answered(
        arm=arm,
        phase=row["phase"],
        state=row["state"],
        status=row["status"],
        score=score,
        positive=None if score is None else score >= threshold,
        response_ms=_ms(row["done_ns"], row["due_ns"]),
        service_ms=_ms(row["done_ns"], row["written_ns"]),
        model=row["model"],
        detail=row["detail"] or "",
    )


def _ms(end_ns: int | None, start_ns: int | None) -> float | None:
    return None if end_ns is None or start_ns is None else (end_ns - start_ns) / 1e6


def _raw(body: bytes) -> msgspec.Raw:
    """The body where it is JSON, else a text of it."""
    try:
        msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return msgspec.Raw(msgspec.json.encode(body.decode("utf-8", "replace")))
    return msgspec.Raw(body)


def _told(differs: Mapping[str, Mapping[str, Differs]], report: Report) -> dict[str, str]:
    """The sentence of every finding that tells of this request."""
    named = {name for arms in differs.values() for one in arms.values() for name in one.findings}
    return {name: finding.sentence for name, finding in numbered(report).items() if name in named}
