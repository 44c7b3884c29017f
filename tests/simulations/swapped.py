"""Two different models whose answers are swapped at random, unit by unit: neither arm is worse.

Each run is a run of the product from scenario to verdict, on real requests, units, times and labels
(`scenarios/duo_acceptance`); the recorded answers are those of its champion and its candidate. A NO-GO is
false whatever the two models are worth, because the arms are exchangeable.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
import pyarrow.parquet as pq

from harness import run as stages
from harness.run.preparing import load_models, take_in
from harness.scenario import load
from harness.stats import clopper_pearson_lower
from replayers.offline import frame
from tests.simulations.figures import SHARE, Goal, Measured, generator, row, standard_error

if TYPE_CHECKING:
    from harness.records import Word
    from harness.replay.options import Progress

HERE = Path(__file__).parents[2] / "scenarios" / "duo_acceptance"
#: rows before this were trained on; the labels are complete until the other time
SINCE, UNTIL = "2025-05-30T13:22:13Z", "2025-06-25T20:40:45Z"
SINCE_NS = 1_748_611_333 * 10**9
RUNS, WORKERS = 200, 2
_LOOSENED = (
    "offline_reference", "feature_parity", "score_parity", "decision_flips", "errors", "model_identity",
    "latency_p95",
)  # fmt: skip

Request = dict[str, Any]


class Silent:
    """A watcher that tells nobody."""

    def say(self, text: str) -> None:
        """Nothing."""

    def progress(self, done: Progress) -> None:
        """Nothing."""


def requests() -> list[Request]:
    """The requests that were not trained on, each with the scores of both models."""
    loaded = load(HERE / "candidate.toml")
    models = load_models(loaded)
    with tempfile.TemporaryDirectory() as folder:
        _, table = take_in(loaded, Path(folder), say=lambda _: None)
    scores = [models[name].score(frame(table)).scores for name in ("champion", "candidate")]
    rows = zip(table.to_pylist(), *scores, strict=True)
    found = []
    for captured, a, b in rows:
        moment = captured["event_time"].value if captured["event_time"] is not None else captured["ts_ns"]
        if moment >= SINCE_NS:
            kept = {name: captured[name] for name in ("request_id", "ts_ns", "unit", "exposed")}
            found.append(kept | {"event_time_ns": moment, "scores": (float(a), float(b))})
    return found


def swapped(known: list[Request], rng: np.random.Generator) -> bytes:
    """The capture as JSON lines: for half of the units, drawn anew, the two answers change places."""
    units = sorted({str(one["unit"] or one["request_id"]) for one in known})
    turned = dict(zip(units, rng.random(len(units)) < 0.5, strict=True))
    lines = []
    for one in known:
        a, b = one["scores"]
        if turned[str(one["unit"] or one["request_id"])]:
            a, b = b, a
        answer = {"status": 200, "body": {"a": a, "b": b}}
        line = {name: value for name, value in one.items() if name != "scores" and value is not None}
        lines.append(msgspec.json.encode(line | {"body": {}, "recorded_response": answer}))
    return b"\n".join(lines) + b"\n"


def scenario() -> str:
    """Both arms read from the log; only the labels judge."""
    gates = "".join(f'[[gates]]\nkind = "{kind}"\nrequired = false\n' for kind in _LOOSENED)
    return f"""
name = "swapped"
threshold = 0.6
[capture]
path = "capture.jsonl"
[targets.champion]
kind = "recorded"
response = {{ score = "a", features = "" }}
[targets.challenger]
kind = "recorded"
response = {{ score = "b", features = "" }}
[labels]
path = "labels.parquet"
since = "{SINCE}"
complete_until = "{UNTIL}"
[decision]
release = "improvement"
{gates}"""


def verdicts(seed: int, known: list[Request], *, runs: int) -> list[Word]:
    """The words of some runs, each with another swap."""
    rng = generator(f"swapped_arms_{seed}")
    with tempfile.TemporaryDirectory() as folder:
        here = Path(folder)
        (here / "scenario.toml").write_text(scenario(), encoding="utf-8")
        ids = {one["request_id"] for one in known}
        labels = pq.read_table(HERE / "labels.parquet")
        kept = [name in ids for name in labels["request_id"].to_pylist()]
        pq.write_table(labels.filter(kept), here / "labels.parquet")
        return [_verdict(here, swapped(known, rng)) for _ in range(runs)]


def _verdict(here: Path, capture: bytes) -> Word:
    (here / "capture.jsonl").write_bytes(capture)
    options = stages.Options(results=here / "results", as_of=f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}")
    _, report = stages.run(here / "scenario.toml", options, watch=Silent())
    shutil.rmtree(here / "results")
    return report.decision.word


def _part(seed: int, known: str, runs: int) -> list[Word]:
    return verdicts(seed, json.loads(known), runs=runs)


def swapped_arms(runs: int = RUNS) -> list[dict[str, object]]:
    """The share of false NO-GO, by its 99 % lower limit."""
    known = json.dumps(requests())
    share = runs // WORKERS
    with ProcessPoolExecutor(WORKERS, mp_context=get_context("spawn")) as pool:
        words = [
            word
            for part in pool.map(_part, range(WORKERS), [known] * WORKERS, [share] * WORKERS)
            for word in part
        ]
    failed = words.count("NO-GO")
    lower = clopper_pearson_lower(failed, len(words), level=0.99)
    what = f"NO-GO in {failed} of {len(words)} whole runs with arms swapped at random: 99 % lower limit"
    goal = Goal(id="swapped_arms", figure=what, unit=SHARE, better="lower", floor=0.05, aim=0.05)
    spread = standard_error(failed / len(words), len(words))
    return [row(goal, Measured(value=lower, spread=spread, runs=len(words)))]
