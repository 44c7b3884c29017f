"""A diagnosis in the terminal: golden at 80 columns, within its width, harmless whatever the data hold."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from harness.report.diagnosis_terminal import render
from tests.kit.sample_diagnosis import ALL, GOLDEN, hostile, rich, screen


@pytest.mark.parametrize("name", ALL)
def test_the_screen_is_the_golden_one(name: str) -> None:
    """At 80 columns without colour the screen is the one that was read and kept."""
    assert screen(ALL[name]()) == (GOLDEN / f"diagnosis_{name}.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize("width", [80, 100, 160])
@pytest.mark.parametrize("name", ALL)
def test_no_line_is_wider_than_the_screen(name: str, width: int) -> None:
    """Every line fits, and no per cent sign begins one."""
    lines = screen(ALL[name](), width=width).splitlines()
    assert max(map(len, lines)) <= width
    assert not [line for line in lines if line.lstrip("│ ").startswith("%")]


def test_data_cannot_write_markup_or_escapes() -> None:
    """Markup of rich and escape codes are shown, not obeyed, even on a terminal."""
    out = io.StringIO()
    render(hostile(), Console(file=out, width=400, force_terminal=True, color_system="truecolor"))
    assert r"\x1b[31m" in out.getvalue()
    assert "\x1b[31m" not in out.getvalue()
    assert "[@octocat]" in out.getvalue()


def test_paths_are_named_when_the_folder_is() -> None:
    """Without a folder nothing is said of files."""
    out = io.StringIO()
    render(rich(), Console(file=out, width=80, color_system=None))
    assert "diagnosis.html" not in out.getvalue()
    assert "results/hotel/diagnosis.html" in screen(rich())
