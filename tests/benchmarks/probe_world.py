"""What the faulty services serve: models trained on real pull requests, a capture of them, and a scenario.

The features are those of `scenarios/duo_acceptance`, mixed: three categories, counts, rates that are missing
where nothing is known yet, a number that may be negative or missing, and a time that float32 cannot hold.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lightgbm as lgb
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scenarios.duo_acceptance.dataset import outcomes, read_arrivals, read_prs, requests
from scenarios.duo_acceptance.features import build
from scenarios.duo_acceptance.train import training_index

DATA = Path(__file__).parents[2] / "scenarios" / "duo_acceptance" / "data"
CATEGORIES = ("language", "agent", "commit_type")
#: neither alphabetical nor reversed nor grouped by type
NAMES = (
    "title_chars",
    "language",
    "surplus",
    "repo_accept_rate",
    "agent",
    "body_chars",
    "sent_at",
    "commit_type",
    "hour_of_day",
    "body_links",
    "agent_accept_rate",
)
REQUESTS = 600
BATCH = 4
ROUNDS, BEST = 160, 60
TRAINED = {
    "objective": "binary",
    "learning_rate": 0.1,
    "num_leaves": 15,
    "min_data_in_leaf": 10,
    "num_threads": 1,
    "deterministic": True,
    "force_row_wise": True,
    "seed": 7,
    "verbosity": -1,
}
PIPELINE = """\
import json
import pandas as pd

def build(requests, data):
    levels = json.loads((data / "levels.json").read_text())
    names = json.loads((data / "names.json").read_text())
    made = {
        name: pd.Categorical(requests[name], categories=levels[name]) if name in levels
        else pd.to_numeric(requests[name]).astype("float64").to_numpy()
        for name in names
    }
    return pd.DataFrame(made, index=requests.index)
"""
SCENARIO = """\
name = "probes"
threshold = 0.6

[capture]
path = "capture.jsonl"

[models.v7]
file = "v7.txt"
features = "pipeline:build"
singles = 10

[models.v6]
file = "v6.txt"
features = "pipeline:build"

[models.v7_whole]
file = "v7_whole.txt"
features = "pipeline:build"

[targets.challenger]
kind = "http"
url = "{url}"
model = "v7"
connections = 4
response = {{ model = "", request_id = "" }}

[[phases]]
name = "parity"
pace = {{ kind = "saturate", connections = 4 }}
"""


@dataclass(frozen=True)
class World:
    """A scenario's folder with what a service has of it: model texts by name, levels, medians of training."""

    folder: Path
    texts: dict[str, str]
    levels: dict[str, list[str]]
    medians: dict[str, float]

    def scenario(self, url: str) -> Path:
        """The scenario with its challenger at this address."""
        path = self.folder / "scenario.toml"
        path.write_text(SCENARIO.format(url=url), encoding="utf-8")
        return path


def make(folder: Path) -> World:
    """Everything trained and written; the last requests are captured, none of which was trained on."""
    features, labels, trained = _rows()
    levels = {name: features[name].cat.categories.tolist() for name in CATEGORIES}
    train, truth = features.iloc[trained], labels[trained]
    older = len(train) // 2
    texts = {
        "v7": (v7 := _fit(train, truth)).model_to_string(num_iteration=BEST),
        "v7_whole": v7.model_to_string(num_iteration=-1),
        "v6": _fit(train.iloc[:older], truth[:older]).model_to_string(num_iteration=BEST),
        "unknown": _fit(train.iloc[older:], truth[older:]).model_to_string(num_iteration=BEST),
    }
    for name, text in texts.items():
        if name != "unknown":
            (folder / f"{name}.txt").write_text(text, encoding="utf-8")
    (folder / "pipeline.py").write_text(PIPELINE, encoding="utf-8")
    (folder / "levels.json").write_text(json.dumps(levels), encoding="utf-8")
    (folder / "names.json").write_text(json.dumps(NAMES), encoding="utf-8")
    _capture(features.iloc[-REQUESTS:], folder / "capture.jsonl")
    numbers = [name for name in NAMES if name not in CATEGORIES]
    return World(folder, texts, levels, train[numbers].median().to_dict())


def _rows() -> tuple[pd.DataFrame, NDArray[np.float64], NDArray[np.int64]]:
    """Features of every pull request in the model's order, its label, and the rows to train on."""
    prs = read_prs(DATA)
    known = outcomes(prs)
    made = build(requests(prs, read_arrivals(DATA)), DATA)
    seconds = prs["created_at"].astype("int64").to_numpy() // 10**9
    surplus = (made["title_chars"] - 50.3) / 7
    made = made.assign(surplus=surplus.where(seconds % 5 > 0), sent_at=1_740_000_000.0 + seconds % 7_200)
    labels = known["label"].to_numpy(dtype=np.float64)
    return made[list(NAMES)], labels, training_index(known["matured"])


def _fit(features: pd.DataFrame, labels: NDArray[np.float64]) -> lgb.Booster:
    return lgb.train(TRAINED, lgb.Dataset(features, labels), ROUNDS)


def _capture(features: pd.DataFrame, path: Path) -> None:
    """A line a request, four of which came as rows of one batch."""
    lines = [
        {
            "request_id": f"r{i:04d}",
            "parent_id": f"b{i // BATCH:03d}",
            "row_index": i % BATCH,
            "ts_ns": 1_750_000_000_000_000_000 + i * 10**7,
            "headers": {"content-type": "application/json"},
            "body": {"batch": i // BATCH, "row": i % BATCH, **row},
        }
        for i, row in enumerate(plain(features))
    ]
    path.write_text("".join(f"{json.dumps(line)}\n" for line in lines), encoding="utf-8")


def plain(features: pd.DataFrame) -> list[dict[str, Any]]:
    """Each row as JSON has it: null for what is missing."""
    whole = features.astype(object)
    return [dict(row) for row in whole.where(whole.notna(), None).to_dict("records")]
