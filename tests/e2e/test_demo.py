"""The demonstration on the real scenario, short form: two real services, two verdicts."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.kit import command


@pytest.mark.timeout(240)
def test_the_short_demonstration_comes_to_both_verdicts(tmp_path: Path) -> None:
    """The rebuild waits for latency, the broken build is NO-GO; both tables, paths and codes are printed."""
    done = command.finish(
        command.spawn("demo", "--quick", "--results", tmp_path, cwd=command.ROOT), timeout_s=200
    )
    assert done.code == 0, done.out + done.err
    assert "a healthy rebuild of the champion: WAIT, as expected; `replaygate run` exits with 20" in done.out
    assert "a build with a serving bug: NO-GO, as expected; `replaygate run` exits with 10" in done.out
    reports = {
        path.parent.parent.name: command.report_of(path.parent) for path in tmp_path.glob("*/*/report.json")
    }
    assert {name: report["decision"]["word"] for name, report in reports.items()} == {
        "duo_acceptance": "WAIT",
        "duo_acceptance_bug": "NO-GO",
    }
    answered = [{c["target"]: c["states"]["ok"] for c in report["targets"]} for report in reports.values()]
    assert answered == [{"champion": 2000, "challenger": 2000, "recorded": 7122}] * 2
    for name in ("report.html", "report.md", "report.json"):
        assert done.out.count(name) >= 2
