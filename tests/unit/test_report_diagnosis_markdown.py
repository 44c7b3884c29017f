"""Markdown of a diagnosis: golden pages, nothing from data becomes markup, never too long for GitHub."""

from __future__ import annotations

import re

import pytest
from msgspec.structs import replace

from harness.records import Table, TableColumn
from harness.report.diagnosis_markdown import MOST_BYTES, render
from tests.kit.sample_diagnosis import ALL, GOLDEN, rich


@pytest.mark.parametrize("name", ALL)
def test_pages_are_the_golden_ones(name: str) -> None:
    """The page is the one that was read and kept; `python -m tests.kit.sample_diagnosis` writes them anew."""
    assert render(ALL[name]()) == (GOLDEN / f"diagnosis_{name}.md").read_text(encoding="utf-8")


def test_hostile_names_stay_text() -> None:
    """No tag, mention, link or escape sequence survives outside code blocks, and no table breaks."""
    page = re.sub(r"^(`{3,})sh\n.*?^\1$", "", render(ALL["hostile"]()), flags=re.MULTILINE | re.DOTALL)
    assert "octocat" in page
    for sign in ("<script", "@octocat", "http://", "\x1b", "\u202e"):
        assert sign not in page
    assert not re.search(r"(?<!\\)`", page)
    for table in re.findall(r"(?:^\|.*\n)+", page, flags=re.MULTILINE):
        assert len({len(re.findall(r"(?<!\\)\|", row)) for row in table.splitlines()}) == 1


def test_a_page_too_long_is_cut_and_says_so() -> None:
    """A table of very many rows ends at a whole line within the limit; the summary is there."""
    rows = tuple((f"row {k} " + "x" * 400,) for k in range(2400))
    long = Table(columns=(TableColumn(name="x"),), rows=rows)
    exhibit = replace(rich().exhibits[0], tables=(long,))
    page = render(replace(rich(), exhibits=(exhibit,)))
    assert MOST_BYTES - 2000 < len(page.encode()) <= MOST_BYTES
    assert page.endswith("**Cut here to fit; the whole is in diagnosis.html.**\n")
    assert page.startswith("# The model looked better")
