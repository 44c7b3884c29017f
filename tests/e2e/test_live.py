"""A capture of a live canary by the command line: what its log shows is judged beside the replay."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import LATE
from tests.kit import command, small
from tests.kit.command import report_of, rulings
from tests.kit.service import Service

LIVE = """
[live]
arm = "served_by.endpoint"
challenger = "canary"
champion = "stable"
share = {share}
split_factor = 3.0
block = 1
every = "hour"
"""
ADVISORY = f'\n[[gates]]\n{small.KIND} = "live_errors"\nrequired = false\n'


def scenario(folder: Path, url: str, *, share: float = 0.5, ms: float = 20.0) -> Path:
    """Every second request met the canary, which took so long; no request failed."""
    lines: list[dict[str, Any]] = small.captured()
    for i, line in enumerate(lines):
        line["served_by"] = {"endpoint": "canary" if i % 2 else "stable"}
        line["recorded_response"] = {
            "status": 200,
            "latency_ns": round(1e6 * (ms if i % 2 else 20.0)),
            "latency_kind": "service",
        }
    small.write_lines(folder / "capture.jsonl", lines)
    return small.scenario(folder, url, more=small.ONLY_PARITY + ADVISORY + LIVE.format(share=share))


@pytest.mark.parametrize(
    ("given", "code", "found"),
    [
        ({}, 0, {"sample_ratio": "PASS", "live_errors": "UNDECIDED", "live_p95": "PASS"}),
        ({"ms": 500.0}, 10, {"sample_ratio": "PASS", "live_errors": "UNDECIDED", "live_p95": "FAIL"}),
        ({"share": 0.05}, 30, {"sample_ratio": "UNDECIDED", "live_errors": "UNDECIDED", "live_p95": "PASS"}),
    ],
    ids=["healthy", "slow", "another split"],
)
def test_a_live_canary_is_judged_by_its_log(
    given: dict[str, float], code: int, found: dict[str, str], folder: Path, results: Path
) -> None:
    """GO, NO-GO by a slow canary, INVALID by a split that was not kept; the looks are on disk."""
    with Service(small.answers(), model=small.model_hash()) as one:
        path = scenario(folder, one.url, **given)
        done = command.run("run", path, "--phase", "parity", "--results", results, "--as-of", LATE)
    assert done.code == code, done.out + done.err
    root = command.only_run(results)
    report = report_of(root)
    assert {gate: word for gate, word in rulings(report).items() if gate in found} == found
    assert report["live"]["counts"]["challenger"] == small.REQUESTS // 2
    looks = (root / "looks.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line) for line in looks] == report["live"]["looks"]
    assert {json.loads(line)["as_of"] for line in looks} == {"2025-03-01T13:00:00Z"}
    for text in ((root / name).read_text(encoding="utf-8") for name in ("report.md", "report.html")):
        assert "Live canary" in text
        assert "blocks of 1 consecutive requests" in text
    assert "at or beyond the limit throughout" in (root / "report.md").read_text(encoding="utf-8")


def test_deciding_again_adds_no_look_and_takes_none_back(folder: Path, results: Path) -> None:
    """Of an earlier time there are fewer; from now on those that were taken stay."""
    with Service(small.answers(), model=small.model_hash()) as one:
        command.run(
            "run", scenario(folder, one.url), "--phase", "parity", "--results", results, "--as-of", LATE
        )
    root = command.only_run(results)
    before = (root / "looks.jsonl").read_bytes()
    assert command.run("decide", root, "--as-of", LATE).code == 0
    assert (root / "looks.jsonl").read_bytes() == before
    assert command.run("decide", root, "--as-of", "2025-03-01T00:00:00Z").code == 20
    assert report_of(root)["live"]["looks"] == []
    assert (root / "looks.jsonl").read_bytes() == before


def test_check_counts_who_answered(folder: Path) -> None:
    """Before anything is sent."""
    done = command.run("check", scenario(folder, "http://127.0.0.1:9/score"))
    assert done.code == 0, done.out + done.err
    assert "live canary, by served_by.endpoint: 120 challenger, 120 champion, 0 of neither" in done.out
