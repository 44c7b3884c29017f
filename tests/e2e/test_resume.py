"""`replaygate resume`: a run that was killed or interrupted ends as one that never was."""

from __future__ import annotations

import json
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import LATE
from tests.kit import command, small
from tests.kit.command import report_of
from tests.kit.service import Answers, Service

SAFE = "\n[safety]\nidempotent = true\n"


def odd() -> Answers:
    """Two of 240 requests are served another age: something to find, and too much for parity."""
    answers = small.answers()
    for i in (3, 200):
        answers[small.request_id(i)]["features"]["age"] += 1
    return answers


def service() -> Service:
    """Slow enough to be killed in the middle."""
    return Service(odd(), model=small.model_hash(), mode="slow:10")


def scenario(folder: Path, one: Service, *, more: str = SAFE) -> Path:
    """Parity, then latency, whatever parity says."""
    return small.scenario(folder, one.url, more=small.LATENCY + more)


def cut(path: Path, results: Path, *, one: Service, after: int, how: signal.Signals) -> command.Done:
    """A run in a process of its own that got a signal once the service had seen so many requests."""
    process = command.spawn("run", path, "--all-phases", "--results", results, cwd=results.parent)
    while process.poll() is None and len(one.seen) < after:
        time.sleep(0.005)
    process.send_signal(how)
    return command.finish(process)


def normalised(root: Path) -> dict[str, Any]:
    """What a report says of the builds, without what a clock decides."""
    report = report_of(root)
    kept = {name: report[name] for name in ("pairs", "findings", "ledgers", "targets", "identities")}
    judged = (g for g in report["gates"] if g["gate"] != "latency_p95")
    rulings = {(g["gate"], g["arm"]): g["ruling"] for g in judged}
    phases = [(p["phase"], p["requests"], p["ran"], p["stopped"]) for p in report["phases"]]
    return {**kept, "word": report["decision"]["word"], "rulings": rulings, "phases": phases}


@pytest.fixture(scope="session")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The report of the same run without any interruption."""
    here = tmp_path_factory.mktemp("whole")
    with service() as one:
        path = scenario(small.make(here / "scenario"), one)
        command.run("run", path, "--all-phases", "--results", here / "results", "--as-of", LATE)
    return normalised(command.only_run(here / "results"))


@pytest.mark.parametrize(
    ("after", "torn"), [(100, []), (small.REQUESTS + 60, ["latency"])], ids=["parity", "latency"]
)
def test_a_killed_run_ends_as_one_that_was_not(
    after: int, torn: list[str], folder: Path, results: Path, whole: dict[str, Any]
) -> None:
    """By SIGKILL in either phase; a cut latency phase is sent whole, and the torn one is named."""
    with service() as one:
        cut(scenario(folder, one), results, one=one, after=after, how=signal.SIGKILL)
        root = command.only_run(results)
        assert not (root / "report.json").exists()
        done = command.run("resume", root, "--as-of", LATE)
    assert done.code == 10, done.out + done.err
    assert normalised(root) == whole
    assert [p["torn"] for p in report_of(root)["phases"]] == [[], torn]
    if torn:
        assert "latency was cut" in done.err
        assert "latency" in (root / "report.md").read_text(encoding="utf-8")
    lines = (root / "outcomes/challenger/journal-0000.jsonl").read_text(encoding="utf-8").splitlines()
    phases = [json.loads(line)["phase"] for line in lines]
    assert phases.count("parity") == small.REQUESTS
    again = command.run("resume", root)
    assert again.code == 10
    assert "is finished: there is nothing to resume" in again.err


def test_an_interrupted_run_writes_its_ledger_and_says_how_to_go_on(
    folder: Path, results: Path, whole: dict[str, Any]
) -> None:
    """SIGINT: 130, the ledger of what happened, and the very command that finishes the run."""
    with service() as one:
        done = cut(scenario(folder, one), results, one=one, after=100, how=signal.SIGINT)
        root = command.only_run(results)
        assert done.code == 130
        assert done.complaint.endswith(f"Go on with: replaygate resume {root}")
        (ledger,) = json.loads((root / "ledger.json").read_text(encoding="utf-8"))
        assert ledger["steps"][0]["count"] == small.REQUESTS
        assert ledger["steps"][-1]["count"] < small.REQUESTS
        again = command.run("resume", root, "--as-of", LATE)
    assert again.code == 10
    assert normalised(root) == whole
    assert not (root / "ledger.json").exists()


def test_resuming_is_refused_until_the_scenario_says_that_it_does_no_harm(
    folder: Path, results: Path
) -> None:
    """64 and what to write; once it is written into the same file, the run goes on."""
    with service() as one:
        done = cut(scenario(folder, one, more=""), results, one=one, after=100, how=signal.SIGTERM)
        root = command.only_run(results)
        assert "needs idempotent = true" in done.complaint
        seen = len(one.seen)
        refused = command.run("resume", root)
        assert refused.code == 64
        assert "idempotent = true under [safety]" in refused.complaint
        assert len(one.seen) == seen
        scenario(folder, one)
        assert command.run("resume", root, "--as-of", LATE).code == 10


def test_a_run_that_was_cut_before_anything_was_sent_is_to_be_run_again(
    finished: Path, tmp_path: Path
) -> None:
    """65, and the line says that nothing is lost."""
    (tmp_path / "run.json").write_bytes((finished / "run.json").read_bytes())
    done = command.run("resume", tmp_path)
    assert done.code == 65
    assert "cut before anything was sent" in done.complaint
    assert "replaygate run" in done.complaint
