"""Approvals of a run: kept in order, bound to one report, and never a change of the verdict."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from harness import report as faces
from harness.errors import RunError, UsageError
from harness.run import approving, stages
from harness.run.folder import RunFolder
from tests.kit.written_runs import write_run


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    """A run that ended with NO-GO."""
    return write_run(tmp_path, "NO-GO")


def test_an_approval_is_in_the_run_and_in_its_reports_and_changes_nothing_else(run: RunFolder) -> None:
    """Who, why, when, what; the rest of report.json is as it was, and the manifest knows the file."""
    before = stages.reported(run)
    shown = stages.approve(run.root, by="Ada Lovelace", why="hotfix  for\nincident 12")
    (one,) = shown.approvals
    assert (one.by, one.why, one.word, one.stands) == (
        "Ada Lovelace",
        "hotfix for incident 12",
        "NO-GO",
        True,
    )
    assert one.sha256 == faces.judged_sha256(before)
    assert replace(stages.reported(run), approvals=()) == before
    assert "Ada Lovelace" in (run.root / "report.md").read_text(encoding="utf-8")
    assert "Ada Lovelace" in (run.root / "report.html").read_text(encoding="utf-8")
    run.verify()


def test_approvals_are_only_ever_added(run: RunFolder) -> None:
    """A second one stands beside the first, and both hold."""
    for name in ("Ada", "Grace"):
        stages.approve(run.root, by=name, why="seen")
    assert [(a.by, a.stands) for a in stages.reported(run).approvals] == [("Ada", True), ("Grace", True)]
    assert len((run.root / "approvals.jsonl").read_bytes().splitlines()) == 2


def test_approvals_at_one_time_are_all_kept(run: RunFolder) -> None:
    """Each waits for the other."""
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda i: stages.approve(run.root, by=f"n{i}", why="seen"), range(4)))
    assert sorted(a.by for a in stages.reported(run).approvals) == ["n0", "n1", "n2", "n3"]


def test_a_new_verdict_ends_an_approval(run: RunFolder) -> None:
    """It is still told, and holds no longer; the old report back, it holds again."""
    report = stages.approve(run.root, by="Ada", why="seen")
    other = replace(report, as_of="2026-12-01T00:00:00Z", approvals=())
    assert [a.stands for a in approving.approved(run, other).approvals] == [False]
    assert [a.stands for a in approving.approved(run, report).approvals] == [True]


@pytest.mark.parametrize(
    ("by", "why", "told"),
    [
        ("", "why", "--by says nothing"),
        ("  \n", "why", "--by says nothing"),
        ("\x1b\u202e", "why", "--by says nothing"),
        ("Ada", "", "--why says nothing"),
        ("A" * 201, "why", "--by is too long"),
        ("Ada", "y" * 4001, "--why is too long"),
        ("Ada\udcff", "why", "not text in UTF-8"),
    ],
)
def test_an_approval_says_who_and_why(by: str, why: str, told: str, run: RunFolder) -> None:
    """Otherwise nothing is written."""
    with pytest.raises(UsageError, match=told):
        stages.approve(run.root, by=by, why=why)
    assert not (run.root / "approvals.jsonl").exists()


@pytest.mark.parametrize("content", [b"", b"{}\n", b"\xff"])
def test_damaged_approvals_are_told(content: bytes, run: RunFolder) -> None:
    """None is read out of a file that somebody edited."""
    stages.approve(run.root, by="Ada", why="seen")
    (run.root / "approvals.jsonl").write_bytes(content)
    with pytest.raises(RunError, match=r"approvals\.jsonl"):
        approving.given(run)
    run.write(b"{}\n", run.root / "approvals.jsonl")
    with pytest.raises(RunError, match="damaged"):
        approving.given(run)


@pytest.mark.parametrize("word", [None, "GO"])
def test_only_a_whole_report_is_approved(word: Any, tmp_path: Path) -> None:  # noqa: ANN401  -- a word or none
    """A run without a verdict, or with an edited one, is refused."""
    run = write_run(tmp_path, word)
    if word:
        run.report.write_bytes(run.report.read_bytes() + b" ")
    with pytest.raises(RunError):
        stages.approve(run.root, by="Ada", why="seen")
