"""Links of the README and the docs lead somewhere, and the site shows every page."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.kit.pages import PAGES, ROOT, anchors, links, text_of

NAV = re.findall(
    r"^ +- (?:[^:\n]+: )?(\S+\.md)$", (ROOT / "mkdocs.yml").read_text(encoding="utf-8"), flags=re.MULTILINE
)


def leads_nowhere(page: Path, link: str) -> bool:
    """Whether a link names a file that is not there, or a heading that its page has not."""
    name, _, anchor = link.partition("#")
    there = (ROOT / page.parent / name).resolve() if name else ROOT / page
    if not there.exists() or not there.is_relative_to(ROOT):
        return True
    return bool(anchor) and anchor not in anchors(there.relative_to(ROOT))


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_every_link_leads_somewhere(page: Path) -> None:
    """To a file of the repository, and to a heading that this page has."""
    assert [link for link in links(page) if leads_nowhere(page, link)] == []


@pytest.mark.parametrize("link", ["no_such_page.md", "gates.md#no_such_gate", "../../outside.md", "#nowhere"])
def test_a_link_that_leads_nowhere_is_seen(link: str) -> None:
    """A missing file, a missing heading, a file outside the repository."""
    assert leads_nowhere(Path("docs/index.md"), link)


def test_anchors_are_those_that_github_gives() -> None:
    """Lower case, blanks to hyphens, signs left out, underscores kept."""
    assert {"gates-kind--offline_reference", "targetsname-kind--http"} <= anchors(Path("docs/scenario.md"))


def test_the_site_has_every_page_once() -> None:
    """Each entry of the navigation is a file, and no page of docs/ is left out."""
    places = [f"docs/{entry}" if (ROOT / "docs" / entry).is_file() else entry for entry in NAV]
    assert [place for place in places if not (ROOT / place).is_file()] == []
    assert len(places) == len(set(places))
    assert {str(page) for page in PAGES if page.parts[0] == "docs"} <= set(places)


def test_every_gate_has_its_section() -> None:
    """In docs/gates.md, under its kind, and no gate that is not there."""
    kinds = set(
        re.findall(
            r'^## `\[\[gates\]\]`, `kind = "(\w+)"`$', text_of(Path("docs/scenario.md")), flags=re.MULTILINE
        )
    )
    assert kinds == set(re.findall(r"^## `(\w+)`$", text_of(Path("docs/gates.md")), flags=re.MULTILINE))


def test_the_picture_of_a_report_is_small() -> None:
    """A README loads at once; `python -m tests.kit.report_picture` makes it."""
    assert 20_000 < (ROOT / "docs" / "images" / "report.png").stat().st_size <= 200_000
