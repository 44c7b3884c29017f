"""A small world that real servers serve: models trained here, a capture in several shapes, and a scenario."""

from __future__ import annotations

import functools
import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
import pandas as pd

from tests.kit import small
from tests.kit.command import Done, finish, only_run, report_of, spawn

N = 60
START = pd.Timestamp("2025-06-01T09:00:00Z")
#: the order of the model, which is neither that of the alphabet nor that of the requests
NUMBERS = ("tenure", "amount", "age", "visits", "ratio", "balance")
TEXTS = ("country", "plan")
ASKED = ("visits", "balance", "plan", "tenure", "ratio", "country", "amount", "age")
LEVELS = {"country": ["de", "fr", "it", "pt"], "plan": ["basic", "gold", "plus"]}
PIPELINE = f"""\
import pandas as pd

NUMBERS, TEXTS = {list(NUMBERS)}, {list(TEXTS)}


def numbers(requests, data):
    made = requests.reindex(columns=NUMBERS).astype(float)
    made["visits"] = made["visits"].fillna(5.0)  # where a request leaves it out
    return made


def mixed(requests, data):
    made = numbers(requests, data)
    for name, levels in {LEVELS!r}.items():
        made[name] = pd.Categorical(requests[name], categories=levels)
    return made


def tensors(requests, data):
    rows = [dict(zip(NUMBERS, body["inputs"][0]["data"])) for body in requests["_body"]]
    return pd.DataFrame(rows, index=requests.index, columns=NUMBERS).astype(float)
"""
#: only parity: what a real server on a shared machine takes is not judged here
GATES = small.ONLY_PARITY


@dataclass(frozen=True)
class World:
    """Bodies of the capture, and the texts of the models by name."""

    bodies: tuple[dict[str, Any], ...]
    models: Mapping[str, str]


@functools.cache
def world() -> World:
    """Trained once: of numbers, the best trees of it, with categories, and that with its levels lost."""
    rng = np.random.default_rng(29)
    train, asked = _rows(rng, 3000), _rows(rng, N)
    truth = (_signal(train) + rng.normal(0, 1, len(train)) > 0).astype(int)
    numbers = lightgbm.train(_SETTINGS, lightgbm.Dataset(train[list(NUMBERS)], truth), num_boost_round=60)
    mixed = lightgbm.train(_SETTINGS, lightgbm.Dataset(train, truth), num_boost_round=60)
    return World(
        bodies=tuple(_body(row, place) for place, row in enumerate(asked.to_dict("records"))),
        models={
            "numbers": numbers.model_to_string(),
            "best": numbers.model_to_string(num_iteration=40),
            "mixed": mixed.model_to_string(),
            "lost": _without_levels(mixed.model_to_string()),
        },
    )


_SETTINGS = {
    "objective": "binary",
    "num_leaves": 15,
    "learning_rate": 0.1,
    "min_data_in_leaf": 10,
    "verbosity": -1,
    "num_threads": 1,
    "deterministic": True,
    "force_row_wise": True,
    "seed": 5,
}


def _rows(rng: np.random.Generator, n: int) -> pd.DataFrame:
    made = pd.DataFrame(
        {
            "tenure": rng.integers(1, 120, n).astype(float),
            "amount": np.round(rng.lognormal(4, 1, n), 2),
            "age": rng.integers(18, 90, n).astype(float),
            "visits": rng.poisson(3, n).astype(float),
            "ratio": np.round(rng.random(n) * 4, 3),
            "balance": np.round(rng.normal(500, 900, n), 2),
        }
    )
    made.loc[rng.random(n) < 0.15, "ratio"] = np.nan
    for name, levels in LEVELS.items():
        made[name] = pd.Categorical(rng.choice(levels, n), categories=levels)
    return made


def _signal(rows: pd.DataFrame) -> Any:  # noqa: ANN401  -- pandas has no types
    return (
        (rows["tenure"] - 60) / 40
        + (np.log(rows["amount"]) - 4)
        - (rows["age"] - 54) / 30
        + (rows["visits"] - 3) / 3
        + rows["ratio"].fillna(3) / 2
        - 1
        - rows["balance"] / 900
        + rows["country"].cat.codes / 2
        - rows["plan"].cat.codes
    )


def _body(row: dict[str, Any], place: int) -> dict[str, Any]:
    """A request in an order of its own; every sixth leaves `visits` out, which is then 5."""
    body = {name: None if row[name] != row[name] else row[name] for name in ASKED}
    if place % 6 == 5:
        del body["visits"]
    return body


def _without_levels(text: str) -> str:
    """The model as the command line of LightGBM writes it again: its levels are gone."""
    lines = [line for line in text.splitlines() if not line.startswith("pandas_categorical")]
    return "\n".join([*lines, "pandas_categorical:null", ""])


def plain(*, texts: bool = True, gaps: bool = True) -> list[dict[str, Any]]:
    """Objects of features; without `gaps` every request has its visits."""
    names = [name for name in ASKED if texts or name in NUMBERS]
    return [
        {name: body.get(name, 5.0) for name in names if not gaps or name in body} for body in world().bodies
    ]


def on_thresholds(count: int) -> list[dict[str, Any]]:
    """Objects of numbers; in the last `count` of them the amount is no number of 32 bits, and it matters.

    Each is a threshold of the model, which its cast to 32 bits lies above.
    """
    model = lightgbm.Booster(model_str=world().models["numbers"])
    trees = model.trees_to_dataframe()
    cuts = trees.loc[trees["split_feature"] == "amount", "threshold"].unique()
    bodies = plain(texts=False, gaps=False)
    found: list[dict[str, Any]] = []
    for cut in sorted(cut for cut in cuts if np.float32(cut) > cut):
        body = {**bodies[len(found)], "amount": float(cut)}
        row = np.array([[np.nan if body[name] is None else body[name] for name in NUMBERS]])
        if model.predict(row)[0] != model.predict(row.astype(np.float32).astype(float))[0]:
            found.append(body)
    assert len(found) >= count
    return [*bodies[: N - count], *found[:count]]


def tensors(datatype: str = "FP64") -> list[dict[str, Any]]:
    """Bodies of the Open Inference Protocol, a tensor of one row, as a client of such a server sends them."""
    rows = ([body[name] for name in NUMBERS] for body in plain(texts=False, gaps=False))
    return [
        {
            "id": f"r{place:03d}",
            "inputs": [
                {"name": "input-0", "shape": [1, len(row)], "datatype": datatype, "data": row},
            ],
        }
        for place, row in enumerate(rows)
    ]


@dataclass(frozen=True)
class Case:
    """A scenario to run: the server's part of it, and which model and pipeline are the reference."""

    target: str
    bodies: Sequence[dict[str, Any]]
    model: str = "numbers"
    features: str = "numbers"
    echo: bool = False
    also: Sequence[str] = ()
    beside: Mapping[str, str] = field(default_factory=dict)


def write(folder: Path, case: Case) -> Path:
    """All files of a scenario, `beside` among them by name; returns the scenario."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in world().models.items():
        (folder / f"{name}.txt").write_text(text, encoding="utf-8")
    for name, text in case.beside.items():
        (folder / name).write_text(text, encoding="utf-8")
    (folder / "features.py").write_text(PIPELINE, encoding="utf-8")
    small.write_lines(folder / "capture.jsonl", [_line(i, body) for i, body in enumerate(case.bodies)])
    path = folder / "scenario.toml"
    path.write_text(_scenario(case), encoding="utf-8")
    return path


def _line(place: int, body: dict[str, Any]) -> dict[str, Any]:
    return {
        "request_id": f"r{place:03d}",
        "ts": f"{START + pd.Timedelta(50 * place, unit='ms'):%Y-%m-%dT%H:%M:%S.%fZ}",
        "headers": {"content-type": "application/json"},
        "body": body,
    }


def _scenario(case: Case) -> str:
    models = "".join(
        f'\n[models.{name}]\nfile = "{name}.txt"\nfeatures = "features:{case.features}"\nsingles = 10\n'
        for name in (case.model, *case.also)
    )
    echo = "" if case.echo else f'\n[[gates]]\n{small.KIND} = "feature_parity"\nrequired = false\n'
    return f"""\
name = "served"

[capture]
path = "capture.jsonl"
{models}
[[phases]]
name = "parity"
pace = {{ kind = "saturate", connections = 2 }}
{GATES}{echo}
[targets.challenger]
kind = "http"
model = "{case.model}"
timeout_s = 20
start_timeout_s = 90
{case.target}
"""


@dataclass(frozen=True)
class Ran:
    """How a run on a real server ended."""

    done: Done
    report: dict[str, Any]

    @property
    def sent(self) -> int:
        """The requests that were sent to the challenger."""
        (target,) = (one for one in self.report["targets"] if one["target"] == "challenger")
        return sum(n for state, n in target["states"].items() if state not in {"not_needed", "not_sent"})

    @property
    def causes(self) -> list[str]:
        """The causes of the findings, those that cost most first."""
        return [one["cause"] for one in self.report["findings"]]

    @property
    def exact(self) -> int:
        """The requests whose score is that of the model to the last bit."""
        (pair,) = self.report["pairs"]
        score = pair["score"]
        return int(score["compared"] if score["max_abs"] in {None, 0.0} else 0)


def run(folder: Path, case: Case, *options: str, path: Sequence[Path] = ()) -> Ran:
    """`replaygate run` as a process of its own, the service started and stopped by it.

    `path` are folders of further packages that the harness may import.
    """
    scenario = write(folder, case)
    before = os.environ.get("PYTHONPATH")
    if path:
        os.environ["PYTHONPATH"] = os.pathsep.join(map(str, path))
    try:
        process = spawn("run", scenario, "--results", folder / "results", *options, cwd=folder)
    finally:
        _restore(before)
    done = finish(process, timeout_s=240)
    assert done.code in {0, 10, 20, 30}, done.err
    return Ran(done, report_of(only_run(folder / "results")))


def ask(folder: Path, case: Case) -> Done:
    """`replaygate check --ask` as a process of its own."""
    process = spawn("check", write(folder, case), "--ask", cwd=folder)
    return finish(process, timeout_s=240)


def _restore(before: str | None) -> None:
    if before is None:
        os.environ.pop("PYTHONPATH", None)
    else:
        os.environ["PYTHONPATH"] = before


Make = Callable[[str], Path]


def start(command: Sequence[str], **environment: str) -> str:
    """The lines of a target that start a service, whose environment knows nothing of ours."""
    named = {"PYTHONPATH": "", "OMP_NUM_THREADS": "1", **environment}
    fields = ", ".join(f"{name} = {json.dumps(value)}" for name, value in named.items())
    return f"start = {json.dumps(list(command))}\nstart_env = {{ {fields} }}\n"
