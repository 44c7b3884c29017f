"""The ledger of a holdout's uses after a kill: what was being written is lost, what comes after is not."""

from __future__ import annotations

from pathlib import Path

from harness.diagnosis.leakage import Use
from harness.run.holdouts import USES, noted_uses


def use(decision: str) -> Use:
    """The holdout decides something."""
    return Use(at="2026-11-23T07:00:00Z", holdout="ab" * 32, decision=decision)


def test_a_use_after_a_torn_line_is_kept(tmp_path: Path) -> None:
    """It stands on a line of its own."""
    noted_uses(tmp_path, use("one"))
    path = tmp_path / USES
    path.write_bytes(path.read_bytes() + b'{"at": "2026-')
    noted_uses(tmp_path, use("two"))
    assert [one.decision for one in noted_uses(tmp_path, use("three"))] == ["one", "two", "three"]
    assert [one.decision for one in noted_uses(tmp_path, use("three"))] == ["one", "two", "three"]
