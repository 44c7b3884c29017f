"""A run whose first ten answers tell what all would ends there, and every request is accounted for."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest

from tests.kit import command, small
from tests.kit.service import Answers, Service


def spoilt(*, every: int = 1) -> Answers:
    """Answers of the other class, to all or to every n-th request."""
    answers = small.answers()
    for i, answer in enumerate(answers.values()):
        answer["score"] = 1 - answer["score"] if i % every == 0 else answer["score"]
    return answers


def test_ten_of_the_other_class_are_enough(folder: Path, results: Path) -> None:
    """NO-GO with the finding and what to do; nothing more is sent to anybody, and no latency is measured."""
    with Service(spoilt(), model=small.model_hash()) as one, Service(small.answers()) as other:
        path = small.scenario(folder, one.url, more=small.champion(other.url))
        done = command.run("run", path, "--results", results)
        assert len(one.seen) == len(other.seen) == 10
    assert done.code == 10, done.err
    assert "  first 10 answers of champion: 10 of 10 scored as offline:model scores them." in done.err
    report = command.report_of(command.only_run(results))
    assert "serves 1 − p as the score" in report["decision"]["headline"]
    assert report["decision"]["next_steps"][0].endswith("read the other column of the answer.")
    assert {t["target"]: t["states"] for t in report["targets"]} == {
        name: {"ok": 10, "not_needed": 230} for name in ("challenger", "champion")
    }
    parity, latency = report["phases"]
    assert (parity["decided"], parity["ran"], latency["ran"]) == ("score_parity", True, False)
    assert "latency" in latency["phase"]
    assert "stopped by score_parity, after 10 of 240 requests, spread over it" in latency["reason"]
    assert "certain" not in json.dumps(report)
    rulings = command.rulings(report)
    assert rulings["score_parity"] == "FAIL"
    assert rulings["feature_parity"] == "UNDECIDED"
    again = command.run("compare", command.only_run(results))
    assert again.code == 10, again.err


def test_what_production_refused_too_ends_no_run(folder: Path, results: Path) -> None:
    """The ten are of requests that production answered; the build is right to refuse the others."""
    answers = small.answers()
    refused = [small.request_id(i) for i in range(0, 240, 24)]
    path = folder / "capture.jsonl"
    lines = [msgspec.json.decode(line) for line in path.read_bytes().splitlines()]
    for line in lines:
        status = 404 if line["request_id"] in refused else 200
        line["recorded_response"] = {"status": status, "body": {}}
    path.write_bytes(b"\n".join(map(msgspec.json.encode, lines)) + b"\n")
    answers |= {name: {"error": "no such page"} for name in refused}
    with Service(answers, model=small.model_hash()) as one:
        scenario = small.scenario(folder, one.url)
        done = command.run("run", scenario, "--results", results, "--phase", "parity")
        assert len(one.seen) == 240, done.err
        assert not set(refused) & set(one.seen[:10])
    assert "10 of 10 scored as offline:model scores them" in done.err


def test_all_is_sent_where_that_is_wanted(folder: Path, results: Path) -> None:
    """And the report says with which option it was run."""
    with Service(spoilt(), model=small.model_hash()) as one:
        path = small.scenario(folder, one.url)
        done = command.run("run", path, "--results", results, "--phase", "parity", "--no-preflight")
        assert len(one.seen) == 240
    assert done.code == 10, done.err
    assert "first 10 answers" not in done.err
    report = command.report_of(command.only_run(results))
    assert report["reproduce"][0].endswith("--phase parity --no-preflight")


@pytest.mark.parametrize("order", [("parity", "latency"), ("latency", "parity")])
def test_each_request_is_sent_once_a_phase(order: tuple[str, str], folder: Path, results: Path) -> None:
    """The ten are of the phase, not beside it; an open loop that comes first is not looked into."""
    with Service(small.answers(), model=small.model_hash()) as one:
        path = small.scenario(folder, one.url)
        text = path.read_text(encoding="utf-8")
        head, *phases = text.split("[[phases]]")
        named = {"parity" if "parity" in phase else "latency": phase for phase in phases}
        path.write_text(head + "".join(f"[[phases]]{named[name]}" for name in order), encoding="utf-8")
        done = command.run("run", path, "--results", results, "--all-phases")
        assert len(one.seen) == 480
    assert ("first 10 answers" in done.err) is (order[0] == "parity")
    report = command.report_of(command.only_run(results))
    assert report["targets"][0]["states"] == {"ok": 480}
