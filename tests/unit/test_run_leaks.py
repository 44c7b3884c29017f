"""A run whose capture is redacted: nothing is left of it, or there is no report."""

from pathlib import Path

import msgspec
import pytest

from harness.errors import CaptureError
from harness.records import Approval
from harness.run.approving import APPROVALS
from harness.run.folder import RunFolder
from harness.run.leaks import REPORTS, clean
from harness.scenario import load
from tests.kit import small


def run(tmp_path: Path, *, more: str, text: str, signed: str = "") -> Path:
    """A folder with reports and a file of this text, searched by the rules of a scenario."""
    folder = small.make(tmp_path / "scenario")
    path = small.scenario(folder, "http://10.9.8.7:9/score", more=more)
    found = RunFolder(tmp_path / "run")
    found.root.mkdir()
    for name in REPORTS:
        found.write(b"x", found.root / name)
    found.write(text.encode(), found.root / "run.json")
    if signed:
        one = Approval(by=signed, why="seen", at="now", word="GO", sha256="0")
        found.write(msgspec.json.encode(one) + b"\n", found.root / APPROVALS)
    clean(found, load(path))
    return found.root


def test_a_clean_run_keeps_its_report(tmp_path: Path) -> None:
    """The host of its target may stand in it."""
    root = run(tmp_path, more="[capture.redact]\n", text="http://10.9.8.7:9/score")
    assert all((root / name).exists() for name in REPORTS)


def test_what_people_and_rules_say_may_stand_in_it(tmp_path: Path) -> None:
    """Who approved a run signed with a name, and the run keeps its scenario."""
    more = "[capture.redact.patterns]\nx = { regex = 'E17' }\n"
    assert run(tmp_path, more=more, text='"E17", al@x.org', signed="al@x.org").exists()


def test_a_run_without_rules_is_not_searched(tmp_path: Path) -> None:
    """Nobody asked for it."""
    assert run(tmp_path, more="", text="bob@x.org").exists()


def test_a_run_that_leaks_has_no_report(tmp_path: Path) -> None:
    """So it has no verdict either; the message says where and never what."""
    with pytest.raises(CaptureError, match="in 1 places") as caught:
        run(tmp_path, more="[capture.redact]\n", text="bob@x.org")
    assert "run.json, line 1" in str(caught.value)
    assert "bob" not in str(caught.value)
    assert [name for name in REPORTS if (tmp_path / "run" / name).exists()] == []
