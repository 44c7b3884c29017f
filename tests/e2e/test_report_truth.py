"""The report is true: it follows its schema, repeats under one seed, and can be recomputed by hand."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pyarrow.parquet as pq
import pytest

from tests.kit import command, golden, small
from tests.kit.command import report_of


@pytest.fixture(scope="module")
def wrong(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The golden run: only to be read."""
    return golden.golden_run(tmp_path_factory.mktemp("wrong"))


@pytest.fixture(params=["right", "wrong"])
def root(request: pytest.FixtureRequest, finished: Path, wrong: Path) -> Path:
    """A GO run with latency, and a NO-GO run with findings."""
    return finished if request.param == "right" else wrong


def outcomes(root: Path, target: str) -> list[dict[str, Any]]:
    """The answers of a target, a row each."""
    rows: list[dict[str, Any]] = pq.read_table(root / "outcomes" / target / "part-00000.parquet").to_pylist()
    return rows


def test_the_report_is_the_kept_one(wrong: Path) -> None:
    """A change of any number, word or order is seen; `python -m tests.kit.golden` accepts it."""
    kept = json.loads(golden.GOLDEN.read_text(encoding="utf-8"))
    assert golden.normalised(report_of(wrong), exact=False) == kept


def test_two_runs_with_one_seed_give_the_same_report(wrong: Path, tmp_path: Path) -> None:
    """Another run, other processes, other ports: the same to the last bit but for clocks and paths."""
    again = golden.golden_run(tmp_path)
    assert golden.normalised(report_of(again)) == golden.normalised(report_of(wrong))
    for part in ("differences/part-00000.parquet", "offline/model/part-00000.parquet"):
        assert (again / part).read_bytes() == (wrong / part).read_bytes()


def test_the_report_follows_its_schema(root: Path) -> None:
    """report.json validates against what `replaygate schema report` prints, and a spoilt one does not."""
    schema = json.loads(command.run("schema", "report").out)
    validator = jsonschema.Draft202012Validator(schema)
    report = report_of(root)
    validator.validate(report)
    assert not validator.is_valid(report | {"decision": {"word": "MAYBE"}})


def test_parity_recomputed_by_hand(root: Path) -> None:
    """Mismatching scores, flips and features of the challenger, counted from Parquet in a few lines."""
    report = report_of(root)
    offline = {
        r["seq"]: r for r in pq.read_table(root / "offline" / "model" / "part-00000.parquet").to_pylist()
    }
    served = {r["seq"]: r for r in outcomes(root, "challenger") if r["phase"] == "parity"}
    assert offline.keys() == served.keys()
    scores = sum(abs(offline[i]["score"] - served[i]["score"]) > 1e-6 for i in served)
    flips = sum((offline[i]["score"] >= 0.5) != (served[i]["score"] >= 0.5) for i in served)
    echoed = {i: json.loads(served[i]["features"]) for i in served}
    off = {i: [f for f in small.FEATURES if echoed[i][f] != offline[i][f"feature:{f}"]] for i in served}
    pair = next(p for p in report["pairs"] if p["left"] == "offline:model" and p["right"] == "challenger")
    assert pair["compared"] == len(served) == small.REQUESTS
    assert pair["score_mismatches"] == scores
    assert pair["flips"] == flips
    assert pair["feature_mismatches"] == sum(map(bool, off.values()))
    by_field = {f["field"]: f["mismatches"] for f in pair["fields"] if f["mismatches"]}
    assert by_field == dict(Counter(f for fields in off.values() for f in fields))
    gates = {g["gate"]: g for g in report["gates"] if g["arm"] == "challenger vs offline:model"}
    assert gates["score_parity"]["value"] == scores / len(served)
    assert gates["score_parity"]["ruling"] == ("PASS" if scores / len(served) <= 0.002 else "FAIL")
    cells = pq.read_table(root / "differences" / "part-00000.parquet").to_pylist()
    mine = [c for c in cells if c["left_arm"] == "offline:model" and c["right_arm"] == "challenger"]
    assert Counter(c["field"] for c in mine if c["field"] in small.FEATURES) == Counter(by_field)


def test_counts_and_ledgers_recomputed_by_hand(root: Path) -> None:
    """States by target, error share and every step of every ledger follow from the journals' final rows."""
    report = report_of(root)
    for counts in report["targets"]:
        rows = outcomes(root, counts["target"])
        assert counts["states"] == dict(Counter(r["state"] for r in rows))
        errors = next(g for g in report["gates"] if g["gate"] == "errors" and g["arm"] == counts["target"])
        assert errors["value"] == sum(r["state"] != "ok" for r in rows) / len(rows)
    captured = pq.read_table(root / "capture" / "part-00000.parquet").num_rows
    assert report["ledgers"]
    for ledger in report["ledgers"]:
        rows = [r for r in outcomes(root, ledger["target"]) if r["phase"] == ledger["phase"]]
        steps = ledger["steps"]
        assert steps[0] == {"step": "captured", "count": captured, "lost": []}
        for before, after in pairwise(steps):
            assert before["count"] == after["count"] + sum(loss["count"] for loss in after["lost"])
        assert steps[-1]["count"] <= sum(r["state"] == "ok" for r in rows)
    for pair in report["pairs"]:
        if pair["left"].startswith("offline:"):
            mine = [ledger for ledger in report["ledgers"] if ledger["target"] == pair["right"]]
            assert sum(ledger["steps"][-1]["count"] for ledger in mine) == pair["compared"]
            assert pair["compared"] == len(
                {r["seq"] for r in outcomes(root, pair["right"]) if r["state"] == "ok"}
            )


def test_latency_recomputed_by_hand(finished: Path) -> None:
    """Response times are done minus due of each row; requests over budget are counted from them."""
    report = report_of(finished)
    summary = next(s for s in report["latency"] if s["phase"] == "latency" and s["target"] == "challenger")
    rows = [r for r in outcomes(finished, "challenger") if r["phase"] == "latency"]
    response = np.array([(r["done_ns"] - r["due_ns"]) / 1e6 for r in rows])
    assert summary["requests"] == len(rows) == small.REQUESTS
    assert summary["over_budget"] == int((response > report["budget_ms"]).sum())
    assert summary["response"]["max"] == pytest.approx(response.max(), abs=1e-3)
    assert response.min() <= summary["response"]["p50"] <= response.max()
    assert all(r["due_ns"] <= r["submit_ns"] + 1_000_000 for r in rows)


def test_quality_recomputed_by_hand(finished: Path) -> None:
    """Log loss of the challenger on the matured labels, from labels, answers and event times alone."""
    quality = report_of(finished)["quality"][0]
    labels = {
        r["seq"]: r["label"] for r in pq.read_table(finished / "labels" / "part-00000.parquet").to_pylist()
    }
    scores = {r["seq"]: r["score"] for r in outcomes(finished, "challenger") if r["phase"] == "parity"}
    loss = [-np.log(scores[i] if labels[i] else 1 - scores[i]) for i in labels]
    shown = {m["metric"]: m["arms"] for m in quality["metrics"]}
    assert quality["counts"]["compared"] == len(labels) == small.REQUESTS
    assert shown["log_loss"]["challenger"] == pytest.approx(np.mean(loss), rel=1e-12)


def test_the_manifest_names_every_finished_file_with_its_digest(root: Path) -> None:
    """Every artefact but the manifest has a last line that fits its bytes; no temporary file is left."""
    lines = [json.loads(line) for line in (root / "MANIFEST.jsonl").read_text(encoding="utf-8").splitlines()]
    last = {line["file"]: line for line in lines}
    there = {str(p.relative_to(root)) for p in root.rglob("*") if p.is_file()} - {"MANIFEST.jsonl"}
    assert there == last.keys()
    for name, line in last.items():
        raw = (root / name).read_bytes()
        assert (line["bytes"], line["sha256"]) == (len(raw), hashlib.sha256(raw).hexdigest())


def test_the_tuning_is_on_disk_before_anything_is_sent(root: Path) -> None:
    """run.json holds every gate with its values and its line stands before that of the first outcome."""
    record = json.loads((root / "run.json").read_text(encoding="utf-8"))
    resolved = record["resolved"]
    assert len(resolved["gates"]) == len({json.dumps(g) for g in resolved["gates"]}) >= 10
    assert resolved["labels"]["outcomes"]["label"]["test"]["planned_units"] >= 1
    digest = hashlib.sha256(json.dumps(resolved, sort_keys=True).encode()).hexdigest()
    assert record["scenario_digest"] == digest
    assert report_of(root)["digests"]["scenario"] == digest
    names = [
        json.loads(line)["file"]
        for line in (root / "MANIFEST.jsonl").read_text(encoding="utf-8").splitlines()
    ]
    assert names.index("run.json") < min(i for i, name in enumerate(names) if name.startswith("outcomes/"))
