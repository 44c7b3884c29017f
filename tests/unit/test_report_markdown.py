"""Markdown: golden pages, and nothing from a capture becomes markup."""

from __future__ import annotations

import re

import pytest
from msgspec.structs import replace

from harness import report as faces
from harness.report.markdown import escape
from tests.kit.sample_report import ALL, GOLDEN, fifty, hostile, no_go


@pytest.mark.parametrize("name", ALL)
def test_pages_are_the_golden_ones(name: str) -> None:
    """The page is the one that was read and kept; `python -m tests.kit.sample_report` writes them anew."""
    golden = (GOLDEN / f"{name}.md").read_text(encoding="utf-8")
    assert faces.markdown(ALL[name]()) == golden


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("a|b", r"a\|b"),
        ("`x`", r"\`x\`"),
        ("<script>", "&lt;script&gt;"),
        ("&amp;", "&amp;amp;"),
        ("line\nbreak", r"line\\nbreak"),
        ("@octocat", "@\u200boctocat"),
        ("#12", "\\#\u200b12"),
        ("http://evil.example", "http&#58;//evil.example"),
        ("www.evil.example", "www&#46;evil.example"),
        ("[a](b)", r"\[a\](b)"),
        ("day_of_week", "day_of_week"),
        ("_x_", r"\_x\_"),
        ("*x*", r"\*x\*"),
        ("$x$", r"\$x\$"),
        ("1. x", r"1\. x"),
        ("85.9 %", "85.9 %"),
        ("- x", r"\- x"),
    ],
)
def test_escaped_text_reads_as_it_stands(text: str, written: str) -> None:
    """Each sign that GitHub would read as markup, a mention or a link is broken up."""
    assert escape(text) == written


def test_hostile_names_stay_text() -> None:
    """No tag, mention, link or escape sequence of a capture survives in the page outside code blocks."""
    page = re.sub(r"^(`{3,})sh\n.*?^\1$", "", faces.markdown(hostile()), flags=re.MULTILINE | re.DOTALL)
    assert "octocat" in page
    assert "<script" not in page
    assert "@octocat" not in page
    assert "http://" not in page
    assert "\x1b" not in page
    assert "\u202e" not in page
    assert not re.search(r"(?<!\\)`", page)


def test_hostile_names_break_no_table() -> None:
    """Every row of a table has as many bars as its heading."""
    tables = re.findall(r"(?:^\|.*\n)+", faces.markdown(hostile()), flags=re.MULTILINE)
    assert tables
    for table in tables:
        assert len({len(re.findall(r"(?<!\\)\|", row)) for row in table.splitlines()}) == 1


def test_fences_are_longer_than_what_they_hold() -> None:
    """Backticks in a command cannot close its code block."""
    page = faces.markdown(replace(no_go(), reproduce=("echo ````", "true")))
    assert "\n`````sh\necho ````\ntrue\n`````\n" in page


def test_advisory_gates_fold() -> None:
    """Their table and their reasons are between the tags, after those that decide."""
    page = faces.markdown(no_go())
    before, fold = page.split("<details><summary>2 advisory gates, 1 UNDECIDED</summary>\n\n| Gate |")
    assert "recorded vs offline" not in before
    assert "recorded vs offline:champion" in fold.split("</details>")[0]
    assert "## Gates" in before


def test_fifty_findings_fold() -> None:
    """Five of each of four causes are in full, the rest folded away, latent ones apart, none left out."""
    page = faces.markdown(fifty())
    assert page.count("### ") == 20
    assert page.count("<details>") == page.count("</details>") == 4
    latent = page.split("## Latent skew")[1].split("## ")[0]
    assert (
        latent.count("- challenger vs offline: feature\\_")
        + latent.count("- challenger vs offline: feature_")
        == 10
    )
    assert all(f"feature_{k:02d}" in page.split("## Features")[0] for k in range(50))
    assert len(page.encode()) < 900_000


@pytest.mark.parametrize("most", [3_000, 12_000, 30_000])
def test_a_page_that_is_too_long_is_cut_and_says_so(most: int) -> None:
    """The verdict stays, whole lines go from the end, folds are closed, and what is missing is named."""
    page = faces.markdown(fifty(), most_bytes=most)
    assert len(page.encode()) <= most
    assert page.startswith("# ■ NO-GO")
    assert page.count("<details>") == page.count("</details>")
    last = page.rstrip("\n").splitlines()[-1]
    assert re.fullmatch(r"\*\*Cut to fit GitHub: [\w ]+ is not whole(, and left out: .+)?\. .*\*\*", last)
    assert ("Latency" in last) == ("## Latency" not in page)


def test_a_page_that_fits_is_left_alone() -> None:
    """The limit is that of the page as it stands."""
    page = faces.markdown(fifty())
    assert faces.markdown(fifty(), most_bytes=len(page.encode())) == page
    assert faces.markdown(fifty(), most_bytes=len(page.encode()) - 1) != page
