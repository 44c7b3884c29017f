"""Whatever a service answers becomes a counted row with its reason, by which the build is judged."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.kit import command, small
from tests.kit.service import Service

#: a breaker that never trips, so that every answer can be counted
TO_THE_END = "\n[safety.breaker]\nconsecutive = 1000\nerror_share = 1.0\n"


@pytest.mark.parametrize(
    ("mode", "state", "detail"),
    [
        ("html", "bad_body", "body is HTML"),
        ("500", "http_error", "HTTP 500: boom"),
        ("empty", "bad_body", "body is empty"),
        ("list", "bad_body", "body is a list"),
        ("nan", "bad_body", "score is NaN"),
        ("null", "bad_body", "score is null"),
        ("text_nan", "bad_body", "score is text 'NaN'"),
    ],
)
def test_an_unusable_answer_is_a_row_of_the_errors_gate(
    mode: str, state: str, detail: str, folder: Path, results: Path
) -> None:
    """All 240 answers are counted under their state and reason, the errors gate fails: NO-GO, 10."""
    with Service(small.answers(), mode=mode) as service:
        path = small.scenario(folder, service.url, more=TO_THE_END)
        done = command.run("run", path, "--results", results, "--phase", "parity", "--no-preflight")
    assert done.code == 10, done.err
    root = command.only_run(results)
    report = command.report_of(root)
    (target,) = report["targets"]
    assert (target["states"], target["details"]) == ({state: 240}, {detail: 240})
    assert command.rulings(report)["errors"] == "FAIL"
    assert report["decision"]["word"] == "NO-GO"
    rows = pq.read_table(root / "outcomes" / "challenger" / "part-00000.parquet")
    assert set(rows["state"].to_pylist()) == {state}
    assert rows["score"].null_count == 240


@pytest.mark.parametrize("mode", ["html", "list", "null"])
def test_ten_unusable_answers_are_enough(mode: str, folder: Path, results: Path) -> None:
    """NO-GO after ten, in words, and every request is accounted for: asked otherwise, they would all fail."""
    with Service(small.answers(), mode=mode) as service:
        path = small.scenario(folder, service.url, more=TO_THE_END)
        done = command.run("run", path, "--results", results)
        assert len(service.seen) == 10
    assert done.code == 10, done.err
    assert "first 10 answers of challenger: all 10 failed: " in done.err
    report = command.report_of(command.only_run(results))
    assert report["targets"][0]["states"] == {"bad_body": 10, "not_needed": 230}
    assert command.rulings(report)["errors"] == "FAIL"
    assert "stopped after 10 of 240 requests" in report["decision"]["headline"]
    assert [note["ran"] for note in report["phases"]] == [True, False]


def test_errors_that_may_pass_do_not_end_a_run(folder: Path, results: Path) -> None:
    """A 500 is trouble, which the breaker looks after: here it never trips."""
    with Service(small.answers(), mode="500") as service:
        path = small.scenario(folder, service.url, more=TO_THE_END)
        assert command.run("run", path, "--results", results, "--phase", "parity").code == 10
        assert len(service.seen) == 240


def test_a_service_that_dies_half_way_loses_no_row(folder: Path, results: Path) -> None:
    """After 100 answers every connection is reset: 140 connection errors, NO-GO, and the ledger adds up."""
    with Service(small.answers(), model=small.model_hash(), mode="down:100") as service:
        path = small.scenario(folder, service.url, more=TO_THE_END)
        done = command.run("run", path, "--results", results, "--phase", "parity")
    assert done.code == 10, done.err
    report = command.report_of(command.only_run(results))
    assert report["targets"][0]["states"] == {"connection_error": 140, "ok": 100}
    steps = {s["step"]: s for s in report["ledgers"][0]["steps"]}
    assert steps["sent"]["count"] == 240
    assert steps["answered"]["count"] == 100
    assert steps["compared"]["count"] == 100


def test_a_secret_from_the_environment_is_sent_and_never_written(
    folder: Path, results: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The service sees the header; no file of the run, no output and no report holds its value."""
    secret = "s3cr3t-0f-th3-t3st"  # noqa: S105  -- a made-up one, to be looked for
    monkeypatch.setenv("REPLAYGATE_TEST_TOKEN", secret)
    with Service(small.answers(), model=small.model_hash()) as service:
        path = small.scenario(folder, service.url)
        header = 'timeout_s = 20\nheaders = { authorization = "env:REPLAYGATE_TEST_TOKEN" }'
        path.write_text(path.read_text(encoding="utf-8").replace("timeout_s = 20", header), encoding="utf-8")
        done = command.run("run", path, "--results", results, "--phase", "parity")
        assert {headers["authorization"] for headers in service.headers} == {secret}
    assert done.code == 20
    assert secret not in done.out + done.err
    files = [file for file in results.rglob("*") if file.is_file()]
    assert [file for file in files if secret.encode() in file.read_bytes()] == []
    assert [file for file in files if b"REPLAYGATE_TEST_TOKEN" in file.read_bytes()] == [
        command.only_run(results) / "run.json"
    ]
