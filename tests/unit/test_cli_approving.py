"""`replaygate approve`, and the exit code that CI asks for afterwards."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.records import Word
from tests.kit import command
from tests.kit.written_runs import write_run


@pytest.mark.parametrize(("word", "code"), [("GO", 0), ("NO-GO", 10), ("WAIT", 20), ("INVALID", 30)])
def test_the_exit_code_is_the_verdicts_until_an_approval_is_to_count(
    word: Word, code: int, tmp_path: Path
) -> None:
    """`report` exits with 0, with the verdict, or with 0 because of an approval: only where asked."""
    run = write_run(tmp_path, word)

    def codes() -> list[int]:
        return [
            command.run("report", run.root, "--format", "json", "--exit-with", how).code
            for how in ("0", "verdict", "approval")
        ]

    assert codes() == [0, code, code]
    done = command.run("approve", run.root, "--by", "Ada", "--why", "seen")
    assert (done.code, done.out.splitlines()[0]) == (
        0,
        f"{word} approved; every report of {run.root} says so.",
    )
    assert codes() == [0, code, 0]


def test_a_verdict_that_changed_is_not_pardoned(tmp_path: Path) -> None:
    """An approval in the file that is of another report counts for nothing."""
    run, other = write_run(tmp_path, "WAIT"), write_run(tmp_path, "NO-GO")
    command.run("approve", run.root, "--by", "Ada", "--why", "seen")
    other.write((run.root / "approvals.jsonl").read_bytes(), other.root / "approvals.jsonl")
    command.run("approve", other.root, "--by", "", "--why", "seen")
    assert command.run("report", other.root, "--exit-with", "approval").code == 10


@pytest.mark.parametrize("missing", ["--by", "--why"])
def test_who_and_why_must_be_said(missing: str, tmp_path: Path) -> None:
    """A usage error, and nothing is written."""
    run = write_run(tmp_path, "NO-GO")
    given = {"--by": "Ada", "--why": "seen"}
    del given[missing]
    done = command.run("approve", run.root, *[part for pair in given.items() for part in pair])
    assert done.code == 64
    assert missing in done.complaint
