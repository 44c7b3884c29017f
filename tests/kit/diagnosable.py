"""A small scenario whose capture holds production's answers, with a holdout, to be diagnosed by command.

480 requests, of which visits are served wrong on every other one; labels come a day later.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import lightgbm
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from harness.capture.times import parse
from harness.run import diagnosing
from harness.run.folder import create
from harness.run.preparing import load_models, prepare
from harness.run.replaying import take_recorded
from harness.scenario import load
from tests.kit import small

if TYPE_CHECKING:
    from pathlib import Path

    from harness.run.source import Source

REQUESTS, HOLDOUT = 480, 400
#: the whole of it: every label is known and mature
AS_OF = "2025-06-01T00:00:00Z"
TRAINED = "2025-01-15T00:00:00Z"
DIAGNOSIS = """
[diagnosis]
holdout = "holdout.parquet"
holdout_requested = "requested.parquet"
training = "training.parquet"
capacity_per_day = 20
retrain = false
"""
LABELS = """
[labels]
path = "labels.jsonl"
delay_days = 1
"""


def make(folder: Path) -> Path:
    """All files of the scenario, and the scenario itself; returns its path."""
    small.make(folder)
    model = lightgbm.Booster(model_file=str(folder / "model.txt"))
    rng = np.random.default_rng(5)
    _capture(folder, model, rng)
    table = _rows(HOLDOUT, rng, first="2025-01-10T00:00:00Z")
    leaky = table.assign(visits=np.where(table["label"] == 1, 49.0, table["visits"]))
    leaky = leaky.assign(score=model.predict(leaky[list(small.FEATURES)]))
    training = _rows(HOLDOUT, rng, first="2024-12-01T00:00:00Z").assign(event_time=pd.Timestamp(TRAINED))
    training.loc[:19, list(small.FEATURES)] = leaky.loc[:19, list(small.FEATURES)].to_numpy()
    write(folder / "holdout.parquet", leaky)
    write(folder / "requested.parquet", table[["request_id", *small.FEATURES]])
    write(folder / "training.parquet", training.drop(columns=["request_id", "label"]))
    return scenario(folder)


def write(path: Path, rows: pd.DataFrame) -> Path:
    """The rows as Parquet."""
    pq.write_table(pa.Table.from_pandas(rows, preserve_index=False), path)
    return path


def scenario(folder: Path, *, diagnosis: str = DIAGNOSIS, labels: str = LABELS, target: str = "") -> Path:
    """The scenario's file; `target` are more lines of the recorded target."""
    path = folder / "diagnose.toml"
    path.write_text(
        f"""\
name = "small_diagnosis"

[capture]
path = "answered.jsonl"
unit = "user"
segments = {{ country = "country" }}

[models.model]
file = "model.txt"
features = "features:build"
singles = 10

[models.poor]
file = "poor.txt"
features = "features:build"
singles = 10

[targets.log]
kind = "recorded"
model = "model"
{target}
{labels}{diagnosis}""",
        encoding="utf-8",
    )
    return path


def answers(rows: pd.DataFrame, scores: Any) -> list[dict[str, Any]]:  # noqa: ANN401  -- an array
    """What production answered: the score, and the features that it was of."""
    plain = rows[list(small.FEATURES)].to_dict("records")
    return [{"score": float(score), "features": one} for one, score in zip(plain, scores, strict=True)]


def captured(folder: Path) -> list[dict[str, Any]]:
    """The lines of the capture."""
    return [json.loads(line) for line in (folder / "answered.jsonl").read_text(encoding="utf-8").splitlines()]


def _capture(folder: Path, model: lightgbm.Booster, rng: np.random.Generator) -> None:
    rows = _rows(REQUESTS, rng, first="2025-03-01T00:00:00Z")
    served = rows.assign(visits=np.where(np.arange(REQUESTS) % 2 == 0, 0.0, rows["visits"]))
    served = served.assign(amount=np.where(np.arange(REQUESTS) % 2 == 0, 10.0, rows["amount"]))
    given = answers(served, model.predict(served[list(small.FEATURES)]))
    body = rows[list(small.FEATURES)].to_dict("records")
    lines = [
        {
            "request_id": f"q{k:03d}",
            "ts": f"{at:%Y-%m-%dT%H:%M:%SZ}",
            "body": {**body[k], "user": rows["unit"][k], "country": "de" if k % 3 else "fr"},
            "tags": {"joined": "true" if k % 5 else "false"},
            "recorded_response": {"status": 200, "body": given[k]},
        }
        for k, at in enumerate(rows["event_time"])
    ]
    small.write_lines(folder / "answered.jsonl", lines)
    known = [
        {
            "request_id": f"q{k:03d}",
            "label": int(label),
            "label_at": f"{at + pd.Timedelta(1, unit='D'):%Y-%m-%dT%H:%M:%SZ}",
        }
        for k, (label, at) in enumerate(zip(rows["label"], rows["event_time"], strict=True))
    ]
    small.write_lines(folder / "labels.jsonl", known)


def _rows(size: int, rng: np.random.Generator, *, first: str) -> pd.DataFrame:
    """Rows of the features with their labels, two a unit, ten a day."""
    rows = pd.DataFrame({name: rng.integers(0, 50, size).astype(float) for name in small.FEATURES})
    chance = 1.0 / (1.0 + np.exp(-(rows["amount"] - rows["age"]) / 6.0))
    return rows.assign(
        label=(rng.random(size) < chance).astype(float),
        request_id=[f"{first[5:7]}-{k}" for k in range(size)],
        unit=[f"{first[5:7]}-u{k // 2}" for k in range(size)],
        event_time=pd.Timestamp(first) + pd.to_timedelta(np.arange(size) * 2.4, unit="h"),
    )


def prepared(path: Path, results: Path, *, as_of: str = AS_OF) -> Source:
    """The run of a scenario as a diagnosis sees it, before anything is computed."""
    loaded = load(path)
    now = datetime(2026, 11, 23, tzinfo=UTC)
    folder = create(results, loaded.scenario.name, digest=loaded.digest, now=now)
    replayers = load_models(loaded)
    prepare(loaded, folder, replayers=replayers, created_at="2026-11-23T00:00:00Z", say=lambda _: None)
    take_recorded(loaded, folder, say=lambda _: None)
    return diagnosing.source_of(folder, loaded, as_of_ns=parse(as_of)[0])
