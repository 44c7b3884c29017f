"""A small scenario in a folder: a real LightGBM model, its pipeline, a capture, labels and the right answers.

240 requests of 120 users, ten a second, whose event times are spread over 24 days. Everything is computed
once a session and only written again for each test.
"""

from __future__ import annotations

import copy
import functools
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
import pandas as pd

from harness.gates import LatencyP95
from tests.kit.service import Answers

REQUESTS = 240
USERS = 120
START = pd.Timestamp("2025-03-01T12:00:00Z")
FEATURES = ("amount", "age", "visits")
PIPELINE = """\
def build(requests, data):
    return requests[["amount", "age", "visits"]].astype(float)
"""
#: the word that names the kind of a gate
KIND = LatencyP95.__struct_config__.tag_field
#: judges the 240 requests of the latency phase, however busy this machine is
LATENCY = f"""
[[gates]]
{KIND} = "latency_p95"
budget_ms = 1900
variance_inflation = 1
max_send_lag_p99_ms = 60000
"""
ONLY_PARITY = f"""
[[gates]]
{KIND} = "latency_p95"
required = false
"""
PHASES = """
[[phases]]
name = "parity"
pace = { kind = "saturate", connections = 4 }

[[phases]]
name = "latency"
pace = { kind = "recorded", speed = 20 }
features = false
"""


@dataclass(frozen=True)
class _Material:
    """What every small scenario is made of."""

    bodies: tuple[dict[str, Any], ...]
    labels: tuple[int, ...]
    models: dict[str, str]
    answers: dict[str, Answers]


@functools.cache
def _material() -> _Material:
    rng = np.random.default_rng(11)
    train = pd.DataFrame({name: rng.integers(0, 50, 4000) for name in FEATURES}).astype(float)
    truth = rng.random(4000) < _chance(train)
    asked = pd.DataFrame({name: rng.integers(0, 50, REQUESTS) for name in FEATURES}).astype(float)
    labels = tuple((rng.random(REQUESTS) < _chance(asked)).astype(int).tolist())
    good, poor = (_trained(train, truth, rounds=rounds) for rounds in (20, 1))
    scores = {"model": np.asarray(good.predict(asked)), "poor": np.asarray(poor.predict(asked))}
    bodies = tuple(
        {name: float(row[name]) for name in FEATURES}
        | {"user": f"u{i % USERS}", "country": "de" if i % 3 else "fr"}
        for i, (_, row) in enumerate(asked.iterrows())
    )
    texts = {"model": good.model_to_string(), "poor": poor.model_to_string()}
    return _Material(
        bodies=bodies,
        labels=labels,
        models=texts | {"rebuild": texts["model"] + "\n"},
        answers={name: _answers(bodies, values.tolist()) for name, values in scores.items()},
    )


def _chance(rows: pd.DataFrame) -> Any:  # noqa: ANN401  -- pandas has no types
    return 1 / (1 + np.exp(-(rows["amount"] - rows["age"]) / 6))


def _trained(train: pd.DataFrame, truth: Any, *, rounds: int) -> lightgbm.Booster:  # noqa: ANN401  -- an array
    settings = {
        "objective": "binary",
        "num_leaves": 15,
        "learning_rate": 0.2,
        "verbosity": -1,
        "num_threads": 1,
        "deterministic": True,
        "force_row_wise": True,
        "seed": 3,
    }
    return lightgbm.train(settings, lightgbm.Dataset(train, truth), num_boost_round=rounds)


def _answers(bodies: tuple[dict[str, Any], ...], scores: list[float]) -> Answers:
    return {
        request_id(i): {"score": score, "features": {name: body[name] for name in FEATURES}}
        for i, (body, score) in enumerate(zip(bodies, scores, strict=True))
    }


def request_id(i: int) -> str:
    """The id of the i-th request."""
    return f"r{i:03d}"


def event_time(i: int) -> pd.Timestamp:
    """When the i-th request happened: ten a day."""
    return START + pd.Timedelta(2.4 * i, unit="h")


def answers(model: str = "model") -> Answers:
    """What a right service answers, by request id; a copy to spoil."""
    return copy.deepcopy(_material().answers[model])


def model_hash(model: str = "model") -> str:
    """The identity of a model: the sha256 of its file."""
    return hashlib.sha256(_material().models[model].encode()).hexdigest()


def captured() -> list[dict[str, Any]]:
    """The lines of the capture."""
    return [
        {
            "request_id": request_id(i),
            "ts": f"{START + pd.Timedelta(100 * i, unit='ms'):%Y-%m-%dT%H:%M:%S.%fZ}",
            "event_time": f"{event_time(i):%Y-%m-%dT%H:%M:%SZ}",
            "headers": {"content-type": "application/json"},
            "body": body,
        }
        for i, body in enumerate(_material().bodies)
    ]


def labelled(first: int = 0, last: int = REQUESTS) -> list[dict[str, Any]]:
    """The labels of some requests, each known a day after it."""
    known = [f"{event_time(i) + pd.Timedelta(1, unit='D'):%Y-%m-%dT%H:%M:%SZ}" for i in range(REQUESTS)]
    return [
        {"request_id": request_id(i), "label": _material().labels[i], "label_at": known[i]}
        for i in range(first, last)
    ]


def write_lines(path: Path, rows: list[dict[str, Any]]) -> Path:
    """The rows as JSON lines."""
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def make(folder: Path) -> Path:
    """All files of a small scenario but the scenario itself; returns the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in _material().models.items():
        (folder / f"{name}.txt").write_text(text, encoding="utf-8")
    (folder / "features.py").write_text(PIPELINE, encoding="utf-8")
    write_lines(folder / "capture.jsonl", captured())
    write_lines(folder / "labels.jsonl", labelled())
    return folder


def scenario(folder: Path, url: str, *, more: str = "", top: str = "", model: str = "model") -> Path:
    """The file of a challenger at `url`; `top` comes before the first table, `more` after the last."""
    path = folder / "scenario.toml"
    path.write_text(
        f"""\
name = "small"
{top}

[capture]
path = "capture.jsonl"
unit = "user"
segments = {{ country = "country" }}

[models.{model}]
file = "{model}.txt"
features = "features:build"
singles = 10

[targets.challenger]
kind = "http"
url = "{url}"
model = "{model}"
timeout_s = 20
connections = 2
{PHASES}{more}""",
        encoding="utf-8",
    )
    return path


def champion(url: str, *, model: str = "model") -> str:
    """A champion target, for `more`."""
    return f"""
[targets.champion]
kind = "http"
url = "{url}"
model = "{model}"
timeout_s = 20
connections = 2
"""


def labels(path: str = "labels.jsonl") -> str:
    """A table of labels that are final after a day, for `more`."""
    return f"""
[labels]
path = "{path}"
delay_days = 1
"""
