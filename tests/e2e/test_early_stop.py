"""`--fail-fast` and `early_stop`: a certain FAIL ends a phase, and a run that would pass is never stopped."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import LATE
from tests.kit import command, small
from tests.kit.command import report_of, rulings
from tests.kit.service import Service

STOP = "\n[decision]\nearly_stop = true\n"
SLOW = f"""
[[gates]]
{small.KIND} = "latency_p95"
budget_ms = 300
variance_inflation = 1
max_send_lag_p99_ms = 60000
"""
SENTENCE = re.compile(
    r"; phase \w+ stopped after \d+ of 240 requests: no remaining answer could change FAIL; "
    r"\d+ requests, about \d+ s not sent\.$"
)


def ended(path: Path, results: Path, *options: str) -> tuple[int, dict[str, Any]]:
    """Exit code and report of a run."""
    done = command.run("run", path, *options, "--results", results, "--as-of", LATE)
    return done.code, report_of(command.only_run(results))


def unsent(report: dict[str, Any]) -> int:
    """How many requests were not needed, all of them accounted for."""
    for ledger in report["ledgers"]:
        steps = ledger["steps"]
        for before, after in pairwise(steps):
            assert before["count"] == after["count"] + sum(loss["count"] for loss in after["lost"])
    (target,) = report["targets"]
    return int(target["states"].get("not_needed", 0))


@pytest.mark.parametrize("options", [("--fail-fast",), ()], ids=["command line", "scenario"])
def test_errors_beyond_the_budget_end_the_phase(
    options: tuple[str, ...], folder: Path, results: Path
) -> None:
    """NO-GO by the errors gate, which says what was saved; nothing else passes on the cut slice."""
    with Service(small.answers(), model=small.model_hash(), mode="500") as one:
        path = small.scenario(folder, one.url, more=small.LATENCY + ("" if options else STOP))
        code, report = ended(path, results, *options)
        assert len(one.seen) < 30
    assert code == 10
    found = rulings(report)
    assert found["errors"] == "FAIL"
    assert {gate for gate, ruling in found.items() if ruling == "PASS"} <= {"offline_reference"}
    (verdict,) = [g for g in report["gates"] if g["gate"] == "errors"]
    assert SENTENCE.search(verdict["reason"])
    assert report["decision"]["headline"] == verdict["reason"]
    assert unsent(report) == small.REQUESTS - len(one.seen)
    parity, latency = report["phases"]
    assert (parity["decided"], latency["ran"]) == ("errors", False)
    assert latency["reason"].startswith("phase parity was stopped by errors, after ")
    assert "no remaining answer could change FAIL" in latency["reason"]
    root = command.only_run(results)
    assert "not needed" in (root / "report.md").read_text(encoding="utf-8")
    assert ("--fail-fast" in report["reproduce"][0]) == bool(options)
    assert command.run("decide", root, "--as-of", LATE).code == 10


@pytest.mark.usefixtures("wholly_calibrated")
def test_slow_answers_beyond_what_decides_end_the_phase_and_the_whole_run_fails_alike(
    folder: Path, results: Path
) -> None:
    """By latency_p95, with and without an early stop; only the one that was cut has spared anything."""
    with Service(small.answers(), model=small.model_hash(), mode="slow:600") as one:
        path = small.scenario(folder, one.url, more=SLOW)
        path.write_text(
            path.read_text(encoding="utf-8").replace("speed = 20", "speed = 10"), encoding="utf-8"
        )
        only = ("--phase", "latency")
        whole = command.measured(lambda here: ended(path, here, *only), results / "whole")
        cut = command.measured(lambda here: ended(path, here, *only, "--fail-fast"), results / "cut")
    assert [code for code, _ in (whole, cut)] == [10, 10]
    for _, report in (whole, cut):
        assert rulings(report)["latency_p95"] == "FAIL"
    assert unsent(whole[1]) == 0
    assert unsent(cut[1]) > 20
    (verdict,) = [g for g in cut[1]["gates"] if g["gate"] == "latency_p95"]
    assert SENTENCE.search(verdict["reason"])
    assert {g for g, ruling in rulings(cut[1]).items() if ruling == "PASS"} <= {"offline_reference"}
    assert cut[1]["phases"][1]["decided"] == "latency_p95"


def test_a_run_that_passes_is_never_stopped(folder: Path, results: Path) -> None:
    """GO with every request sent, as without the word."""
    with Service(small.answers(), model=small.model_hash()) as one:
        path = small.scenario(folder, one.url, more=small.LATENCY + STOP)
        code, report = ended(path, results)
        assert len(one.seen) == 2 * small.REQUESTS
    assert code == 0
    assert unsent(report) == 0
    assert [p["decided"] for p in report["phases"]] == ["", ""]
