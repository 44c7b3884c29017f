"""A run of as many requests as one likes, made of columns alone, as a replay would have left them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from msgspec.structs import replace

from harness import columns
from harness import report as faces
from harness.records import State
from harness.run.folder import RunFolder, RunRecord
from harness.scenario import load
from tests.kit import sample_parts, sample_report, small

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: the share of requests on which a field differs, challenger against offline
FIELDS = {"amount": 0.3, "age": 0.02, "visits": 0.0005, "score": 0.2}
OFFLINE = "offline:model"
LANGUAGES = ("Go", "Python", "Rust", "TypeScript", "unknown")
SHARD = 20_000
_DAY_NS = 86_400 * 10**9


def write(here: Path, n: int, *, seed: int = 0) -> str:
    """A run of n requests below `here/results`; the name that it is opened by."""
    loaded = load(
        small.scenario(
            small.make(here / "scenario"), "http://127.0.0.1:9/", more=small.champion("http://127.0.0.1:9/")
        )
    )
    folder = RunFolder(here / "results" / "large" / "run")
    folder.root.mkdir(parents=True)
    rng = np.random.default_rng(seed)
    record = RunRecord(
        run_id="run",
        created_at="2026-11-22T06:12:31Z",
        scenario="large",
        scenario_file=str(loaded.path),
        scenario_folder=str(loaded.folder),
        scenario_digest=loaded.digest,
        resolved=loaded.plain(),
        capture_sha256="0",
        models={},
        seed=0,
        versions={},
    )
    folder.save("run.json", record)
    offline = rng.random(n)
    moved = {name: np.sort(rng.choice(n, int(n * share), replace=False)) for name, share in FIELDS.items()}
    served = offline.copy()
    served[moved["score"]] = np.clip(served[moved["score"]] + rng.normal(0, 0.1, len(moved["score"])), 0, 1)
    for part, at in enumerate(_shards(n)):
        folder.write(_capture(at, rng), folder.capture / f"part-{part:05d}.parquet")
        for target, scores in (("champion", offline), ("challenger", served)):
            folder.write(
                _outcomes(at, target, scores=scores, rng=rng),
                folder.outcomes(target) / f"part-{part:05d}.parquet",
            )
    amounts = pa.array(rng.integers(0, 50, n).astype(np.float64))
    folder.write(pa.table({"feature:amount": amounts, "score": pa.array(offline)}), folder.offline("model"))
    folder.write(_differences(moved), folder.differences / "part-00000.parquet")
    _report(folder, n)
    return "large/run"


def _shards(n: int) -> list[NDArray[np.int64]]:
    return [np.arange(start, min(n, start + SHARD)) for start in range(0, n, SHARD)]


def request_id(seq: int) -> str:
    """The id of a request."""
    return f"{(seq * 0x9E3779B97F4A7C15) & 0xFFFFFFFFFFFF:012x}"


def _capture(at: NDArray[np.int64], rng: np.random.Generator) -> pa.Table:
    n = len(at)
    keys = pa.array(["country", "language"] * n)
    values = [v for i in at.tolist() for v in ("de" if i % 3 else "fr", LANGUAGES[i % 5])]
    offsets = pa.array(np.arange(0, 2 * n + 1, 2), pa.int32())
    known = {
        "seq": pa.array(at),
        "request_id": pa.array([request_id(i) for i in at.tolist()]),
        "ts_ns": pa.array(at * 10**6 + 20_000 * _DAY_NS),
        "unit": pa.array([f"user-{i}" for i in rng.integers(0, 100_000, n).tolist()]),
        "segments": pa.MapArray.from_arrays(offsets, keys, pa.array(values)),
        "method": pa.array(["POST"] * n),
        "path": pa.array(["/score"] * n),
        "body": pa.array([b'{"amount": %d, "age": 3, "visits": 1}' % (i % 50) for i in at.tolist()]),
        "truncated": pa.array([False] * n),
        "sampling_weight": pa.array([1.0] * n),
        "source_file": pa.array(["capture.jsonl"] * n),
        "source_offset": pa.array(at),
    }
    empty = pa.MapArray.from_arrays(
        pa.array(np.zeros(n + 1, np.int32)), pa.array([], "str"), pa.array([], "str")
    )
    known |= dict.fromkeys(("headers", "recorded_headers", "served_by", "tags"), empty)
    return _table(known, columns.CAPTURE, n=n)


def _table(known: dict[str, pa.Array], schema: pa.Schema, *, n: int) -> pa.Table:
    """The columns that are known, the others null."""
    found = {one.name: known.get(one.name, pa.nulls(n, one.type)) for one in schema}
    return pa.table(found, schema=schema)


def _outcomes(
    at: NDArray[np.int64], target: str, *, scores: NDArray[np.float64], rng: np.random.Generator
) -> pa.Table:
    n = len(at)
    due = at * 10**6
    written = due + rng.integers(10_000, 200_000, n)
    done = written + (rng.lognormal(1.0, 0.6, n) * 1e6).astype(np.int64)
    late = rng.random(n) < 0.001
    state = np.where(late, str(State.TIMEOUT), str(State.OK))
    known = {
        "seq": pa.array(at),
        "phase": pa.array(["parity"] * n),
        "target": pa.array([target] * n),
        "state": pa.array(state.tolist()),
        "attempts": pa.array(np.ones(n, np.int32)),
        "status": pa.array(np.full(n, 200, np.int32), mask=late),
        "due_ns": pa.array(due),
        "submit_ns": pa.array(written),
        "written_ns": pa.array(written),
        "done_ns": pa.array(done, mask=late),
        "score": pa.array(scores[at], mask=late),
        "features": pa.array([None if x else b'{"amount": 3, "age": 3, "visits": 1}' for x in late.tolist()]),
        "detail": pa.array([""] * n),
        "body": pa.array([b'{"score": 0.5}'] * n),
    }
    return _table(known, columns.OUTCOMES, n=n)


def _differences(moved: dict[str, NDArray[np.int64]]) -> pa.Table:
    tables = []
    for left in (OFFLINE, "champion"):
        for name, seqs in moved.items():
            n = len(seqs)
            told = {
                "seq": pa.array(seqs),
                "left_arm": pa.array([left] * n),
                "right_arm": pa.array(["challenger"] * n),
                "phase": pa.array(["parity"] * n),
                "field": pa.array([name] * n),
                "kind": pa.array(["value"] * n),
                "left": pa.array(["3"] * n),
                "right": pa.array(["4"] * n),
                "magnitude": pa.array(np.ones(n)),
            }
            tables.append(pa.table(told, schema=columns.DIFFERENCES))
    return pa.concat_tables(tables)


def _report(folder: RunFolder, n: int) -> None:
    pairs = tuple(
        replace(sample_parts.pair(right, left=left), compared=n)
        for left, right in ((OFFLINE, "champion"), (OFFLINE, "challenger"), ("champion", "challenger"))
    )
    made = replace(sample_report.no_go(), scenario="large", run_id="run", pairs=pairs)
    folder.write(faces.encode(made), folder.report)
