"""Blocks of Markdown: tables, lists, fences that nothing closes, and the cut at a whole line."""

from __future__ import annotations

import pytest

from harness.report.markdown_blocks import bullets, fenced, fitted, inside_html, rows, section
from harness.report.tables import Column, Table

ONE = Table("A|B", (Column("name"), Column("n", "number")), (("a|b", "1"),))
NONE = Table("A", (Column("name"),), ())


def test_a_table_stands_under_its_title() -> None:
    """Numbers are to the right, and bars in cells and titles are escaped."""
    assert list(section(ONE)) == [r"## A\|B", "", "| name | n |", "| --- | ---: |", r"| a\|b | 1 |", ""]


def test_an_empty_table_is_nothing() -> None:
    """Neither heading nor head."""
    assert list(section(NONE)) == list(rows(NONE)) == []


def test_a_list_is_of_sentences() -> None:
    """Each on its own line, its per cents written as elsewhere."""
    assert list(bullets(["0.20% of a", "b"])) == ["- 0.2 % of a", "- b", ""]


def test_a_fence_is_longer_than_what_it_holds() -> None:
    """Backticks in a command cannot close its code block."""
    assert fenced(["echo ````"]) == ["`````sh", "echo ````", "`````", ""]


def test_text_within_a_tag_mentions_and_links_nothing() -> None:
    """Tags, mentions, references and addresses are broken up."""
    said = inside_html("<b> @a #1 http://x www.x `y`")
    assert said == "&lt;b&gt; @\u200ba #\u200b1 http&#58;//x www&#46;x &#96;y&#96;"


@pytest.mark.parametrize(("room", "text"), [(100, "aaaa\nbbbb\ncccc\n"), (14, "aaaa\nbbbb\n!\n"), (3, "!\n")])
def test_only_whole_lines_are_kept(room: int, text: str) -> None:
    """What does not fit is left out, and the note says so within the same room."""
    assert fitted(["aaaa", "bbbb", "cccc"], room, note="!") == text
