"""An approval through the later stages: it holds for the report approved, and for no other."""

from __future__ import annotations

import shutil
from pathlib import Path

from harness.report.approvals import LAPSED
from tests.e2e.conftest import LATE
from tests.kit import command
from tests.kit.command import report_of


def test_an_approval_holds_until_the_verdict_is_made_anew(finished: Path, tmp_path: Path) -> None:
    """The same time gives the same report; another time another one, which nobody approved."""
    root = tmp_path / finished.name
    shutil.copytree(finished, root)
    early = "2025-02-20T00:00:00Z"
    assert command.run("decide", root, "--as-of", early).code == 20
    assert command.run("approve", root, "--by", "Ada", "--why", "known").code == 0
    exits = ("report", root, "--exit-with", "approval")
    assert command.run(*exits).code == 0
    again = command.run("decide", root, "--as-of", early)
    assert (again.code, LAPSED in " ".join(again.out.split())) == (20, False)
    assert command.run(*exits).code == 0
    later = command.run("decide", root, "--as-of", "2025-03-01T00:00:00Z")
    assert (later.code, LAPSED in " ".join(later.out.split())) == (20, True)
    assert command.run(*exits).code == 20
    assert [a.get("stands", False) for a in report_of(root)["approvals"]] == [False]
    assert command.run("decide", root, "--as-of", LATE).code == 0
