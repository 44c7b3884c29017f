"""Each verdict by the whole program: a real model, a real service, and the exit code that a rollout reads."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import LATE
from tests.kit import command, small
from tests.kit.command import Done, report_of, rulings
from tests.kit.service import Answers, Service

FIRST_BAD = 120


def spoilt() -> Answers:
    """From one request on, `amount` is served one too high and scores move by a fifth."""
    answers = small.answers()
    for i in range(FIRST_BAD, small.REQUESTS):
        answer: dict[str, Any] = answers[small.request_id(i)]
        answer["features"]["amount"] += 1
        answer["score"] = abs(answer["score"] - 0.2)
    return answers


@contextmanager
def serving(answers: Answers, *, model: str = "model", mode: str = "") -> Iterator[Service]:
    """A service that names its model."""
    with Service(answers, model=small.model_hash(model), mode=mode) as service:
        yield service


def judged(path: Path, results: Path, *arguments: str) -> tuple[Done, dict[str, Any]]:
    """A run and its report."""
    done = command.run("run", path, "--results", results, *arguments)
    return done, report_of(command.only_run(results))


def test_a_right_build_is_go(finished: Path) -> None:
    """Same scores, same features, fast enough, labels equal by identity: every required gate passes."""
    report = report_of(finished)
    assert report["decision"]["word"] == "GO"
    assert report["decision"]["exit_code"] == 0
    assert {g["ruling"] for g in report["gates"] if g["required"]} == {"PASS"}
    assert [p["ran"] for p in report["phases"]] == [True, True]
    assert rulings(report)["label_guardrail"] == "PASS"
    assert report["findings"] == []


def test_a_feature_bug_is_no_go_and_latency_is_not_measured(folder: Path, results: Path) -> None:
    """The feature, the count and the first request are named, and the score bug that it does not explain.

    Parity being certain, latency is not sent.
    """
    with serving(spoilt()) as service:
        done, report = judged(small.scenario(folder, service.url, more=small.LATENCY), results)
        assert len(service.seen) == small.REQUESTS
    assert done.code == 10
    assert rulings(report)["feature_parity"] == "FAIL"
    assert rulings(report)["score_parity"] == "FAIL"
    amount = next(f for f in report["pairs"][0]["fields"] if f["field"] == "amount")
    assert amount["mismatches"] == small.REQUESTS - FIRST_BAD
    assert amount["first_seen"].startswith(f"{small.event_time(FIRST_BAD):%Y-%m-%dT%H:%M:%S}")
    assert {f["fields"][0] for f in report["findings"]} == {"score", "amount"}
    assert report["findings"][0]["fields"] == ["score"]
    assert "features do not explain it" in report["decision"]["headline"]
    assert [p["ran"] for p in report["phases"]] == [True, False]
    assert "certain NO-GO" in report["phases"][1]["reason"]
    assert "NOT RUN" in done.err


@pytest.mark.parametrize(("expires", "ruling"), [("2020-01-01", "FAIL"), ("2999-12-31", "PASS")])
def test_a_rule_that_has_expired_silences_nothing(
    expires: str, ruling: str, folder: Path, results: Path
) -> None:
    """The rule that let a feature differ counts until its day; then the gate fails and the rule is told."""
    rule = f'\n[tolerance.features.amount]\nignore = true\nreason = "known"\nexpires = "{expires}"\n'
    with serving(spoilt()) as service:
        path = small.scenario(folder, service.url, more=small.ONLY_PARITY + rule)
        _, report = judged(path, results, "--phase", "parity")
    assert rulings(report)["feature_parity"] == ruling
    (told,) = report["ignored"]
    assert (told["field"], told["rule"].startswith("expired on 2020")) == ("amount", ruling == "FAIL")
    assert report["reproduce"][0].endswith(" --phase parity")


def test_all_phases_measures_latency_of_a_broken_build_too(folder: Path, results: Path) -> None:
    """--all-phases sends the latency phase although parity has failed; the verdict stays."""
    with serving(spoilt()) as service:
        path = small.scenario(folder, service.url, more=small.LATENCY)
        done, report = judged(path, results, "--all-phases")
    assert done.code == 10
    assert [p["ran"] for p in report["phases"]] == [True, True]
    assert rulings(report)["latency_p95"] == "PASS"


def test_another_model_is_no_go_by_its_name(folder: Path, results: Path) -> None:
    """Right scores under another model's hash: somebody deployed something else."""
    with serving(small.answers(), model="poor") as service:
        done, report = judged(small.scenario(folder, service.url), results, "--phase", "parity")
    assert done.code == 10
    assert rulings(report)["model_identity"] == "FAIL"
    assert rulings(report)["score_parity"] == "PASS"


@pytest.mark.parametrize(("arguments", "code"), [([], 20), (["--wait-as", "0"], 0), (["--wait-as", "3"], 3)])
def test_a_latency_that_was_not_measured_is_wait(
    arguments: list[str], code: int, folder: Path, results: Path
) -> None:
    """Everything measured passes, and no evidence is never a pass; --wait-as maps the code, not the word."""
    with serving(small.answers()) as service:
        path = small.scenario(folder, service.url, more=small.LATENCY)
        done, report = judged(path, results, "--phase", "parity", *arguments)
    assert done.code == code
    assert report["decision"]["word"] == "WAIT"
    assert report["decision"]["exit_code"] == 20
    assert report["phases"][1]["reason"] == "not chosen on the command line"
    assert rulings(report)["latency_p95"] == "UNDECIDED"


@pytest.mark.usefixtures("wholly_calibrated")
def test_a_slow_build_fails_the_latency_gate(folder: Path, results: Path) -> None:
    """50 ms late against a budget of 250 ms, at any share of requests one may choose."""
    with serving(small.answers(), mode="slow:300") as service:
        more = small.LATENCY.replace("budget_ms = 1900", "budget_ms = 250")
        path = small.scenario(folder, service.url, more=more)
        text = path.read_text(encoding="utf-8").replace("connections = 4 }", "connections = 4 }\nfirst = 40")
        path.write_text(text, encoding="utf-8")
        done, report = command.measured(lambda here: judged(path, here), results)
    assert done.code == 10
    assert rulings(report)["latency_p95"] == "FAIL"
    assert rulings(report)["score_parity"] == "PASS"


def test_a_pipeline_that_depends_on_the_batch_is_invalid(folder: Path, results: Path) -> None:
    """One request alone gets another feature than in the batch: the reference is none."""
    code = small.PIPELINE.replace("astype(float)", "astype(float) + (len(requests) == 1)")
    (folder / "features.py").write_text(code, encoding="utf-8")
    with serving(small.answers()) as service:
        done, report = judged(small.scenario(folder, service.url), results, "--phase", "parity")
    assert done.code == 30
    assert report["decision"]["word"] == "INVALID"
    assert rulings(report, arm="model")["offline_reference"] == "UNDECIDED"


def test_a_better_model_goes_once_labels_have_matured(folder: Path, results: Path) -> None:
    """An improvement waits in the first week of labels and goes with all of them; looks are written down."""
    more = small.ONLY_PARITY + small.labels() + '\n[decision]\nrelease = "improvement"\n'
    more += '\n[models.poor]\nfile = "poor.txt"\nfeatures = "features:build"\n'
    with serving(small.answers("poor"), model="poor") as old, serving(small.answers()) as new:
        path = small.scenario(folder, new.url, more=small.champion(old.url, model="poor") + more)
        early, before = judged(path, results, "--phase", "parity", "--as-of", "2025-03-06T00:00:00Z")
    root = command.only_run(results)
    late = command.run("decide", root, "--as-of", LATE)
    after = report_of(root)
    assert (early.code, before["decision"]["word"]) == (20, "WAIT")
    assert (late.code, after["decision"]["word"]) == (0, "GO"), late.out
    assert before["quality"][0]["counts"]["compared"] < after["quality"][0]["counts"]["compared"]
    assert (
        len((root / "looks.jsonl").read_text(encoding="utf-8").splitlines())
        == len(after["quality"][0]["looks"])
        > 7
    )


def test_recorded_answers_alone_are_judged_without_any_service(folder: Path, results: Path) -> None:
    """The log as the challenger: every phase that would send is NOT RUN, parity is judged on the log."""
    answers = small.answers()
    rows = small.captured()
    for row in rows:
        body = answers[row["request_id"]]
        row["recorded_response"] = {
            "status": 200,
            "headers": {"X-Model-Hash": small.model_hash()},
            "body": body,
        }
    small.write_lines(folder / "capture.jsonl", rows)
    path = small.scenario(folder, "http://127.0.0.1:9/score", more=small.ONLY_PARITY)
    text = path.read_text(encoding="utf-8")
    http = text[text.index('kind = "http"') : text.index('model = "model"')]
    text = text.replace(http, 'kind = "recorded"\n').replace("timeout_s = 20\nconnections = 2\n", "")
    path.write_text(text, encoding="utf-8")
    done, report = judged(path, results)
    assert done.code == 0, done.out + done.err
    assert [p["ran"] for p in report["phases"]] == [False, False]
    assert rulings(report)["feature_parity"] == "PASS"
    assert report["pairs"][0]["compared"] == small.REQUESTS
