"""Annotations: within GitHub's limits, one a line, and no text of a capture becomes a command."""

from __future__ import annotations

import re

import pytest
from msgspec.structs import replace

from harness import report as faces
from harness.records import Approval
from harness.report.github import MOST, command
from tests.kit.sample_parts import parity
from tests.kit.sample_report import ALL, GOLDEN, no_go

COMMAND = re.compile(r"::(error|warning|notice) title=[^:,\n]*::[^\n]*\n")


@pytest.mark.parametrize("name", ALL)
def test_lines_are_the_golden_ones(name: str) -> None:
    """The lines are those that were read and kept."""
    assert faces.github(ALL[name]()) == (GOLDEN / f"{name}.github").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ALL)
def test_every_line_is_one_command(name: str) -> None:
    """Nothing but annotations comes out, hostile names or not."""
    text = faces.github(ALL[name]())
    assert "".join(found[0] for found in COMMAND.finditer(text)) == text


@pytest.mark.parametrize(
    ("title", "message", "line"),
    [
        ("a:b", "50 %", "::error title=a%3Ab::50 %25"),
        ("a,b", "x,y:z", "::error title=a%2Cb::x,y:z"),
        ("a\n::b", "x\r\n::set-env name=y::z", r"::error title=a\n%3A%3Ab::x\r\n::set-env name=y::z"),
    ],
)
def test_texts_end_neither_title_nor_line(title: str, message: str, line: str) -> None:
    """Signs that mean something to the runner are written as it wants them."""
    assert command("error", title, message=message) == line


def test_more_than_github_shows_is_said() -> None:
    """Of 40 failing gates nine stand beside the verdict, and the last line counts the rest."""
    gates = tuple(parity(f"arm {k}", 6120) for k in range(40))
    lines = faces.github(replace(no_go(), gates=gates)).splitlines()
    assert len(lines) == MOST
    assert lines[0].startswith("::error title=NO-GO%3A duo_acceptance::")
    assert lines[-1] == "::error title=32 more::See the gates in the step summary."


def test_long_texts_are_cut() -> None:
    """A title or a message of 5,000 letters is cut, and the cut is marked."""
    line = command("error", "t" * 5000, message="m" * 5000)
    assert len(line) < 2300
    assert line.endswith("m…")


def test_an_approval_is_told_with_the_verdict() -> None:
    """In annotations, in JUnit and to the business, beside a word that stays what it was."""
    approval = Approval(by="Ada", why="a known fault", at="2026-11-23T10:00:00Z", word="NO-GO", sha256="0")
    report = replace(no_go(), approvals=(approval,))
    told = "NO-GO approved by Ada, 2026-11-23 10:00 UTC: a known fault"
    assert told in faces.github(report).splitlines()[0]
    assert told in faces.junit(report)
    assert told in faces.brief(report)
    assert faces.github(report).startswith("::error title=NO-GO")
