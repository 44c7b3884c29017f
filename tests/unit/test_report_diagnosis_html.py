"""The page of a diagnosis: self-contained, inert, complete, the sheet for everybody first."""

from __future__ import annotations

import re
from functools import cache
from html.parser import HTMLParser

import pytest

from harness.report.diagnosis_html import render
from tests.kit.sample_diagnosis import ALL, bare, rich

VOID = {"meta", "br", "hr", "circle", "path", "line", "rect"}
ACTIVE = {"script", "iframe", "object", "embed", "link", "img", "form", "base", "foreignobject", "image"}


@cache
def _page(name: str) -> str:
    return render(ALL[name]())


class _Tags(HTMLParser):
    """Tags opened and not closed, tags and attributes seen, and the text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: set[str] = set()
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)
        self.attributes += attrs

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data

    def values(self, name: str) -> list[str | None]:
        return [value for key, value in self.attributes if key == name]


@pytest.mark.parametrize("name", ALL)
def test_the_page_is_well_formed_and_inert(name: str) -> None:
    """Every tag is closed in order; nothing runs or is embedded; links lead to places on the page."""
    tags = _Tags(_page(name))
    assert tags.open == []
    assert tags.seen.isdisjoint(ACTIVE)
    names = {key for key, _ in tags.attributes}
    assert not [key for key in names if key.startswith("on")]
    assert names.isdisjoint({"src", "srcset", "xlink:href", "action"})
    ids = tags.values("id")
    assert len(ids) == len(set(ids))
    assert {f"#{place}" for place in ids} >= set(tags.values("href"))


@pytest.mark.parametrize("name", ALL)
def test_the_page_loads_nothing(name: str) -> None:
    """No address stands outside text but the namespaces of SVG; the policy forbids the rest."""
    markup = re.sub(r'\sxmlns(:xlink)?="http://www\.w3\.org/[^"]*"', "", _page(name))
    assert not re.search(r"""(url\(|@import|=["']?\s*(https?:)?//)""", markup)
    assert "default-src 'none'" in markup
    assert len(markup.encode()) < 3_000_000
    if name != "hostile":
        assert "://" not in markup


def test_hostile_names_are_shown_as_they_are() -> None:
    """A script in the data is text on the page, its escape codes are spelled out."""
    page = _page("hostile")
    assert "<script" not in page
    assert "<script>alert('x')</script>" in _Tags(page).text
    assert "\x1b" not in page
    assert "\u202e" not in page


def test_the_sheet_comes_first_and_in_order() -> None:
    """Summary, what to do, promises, picture, gains, what is missing; then the engineer's part."""
    text = _Tags(_page("rich")).text
    marks = [
        rich().summary[0],
        rich().summary[2],
        "What to do next",
        "Of 100 flagged, right: 84 promised, 54 now",
        "Live inputs computed differently",
        "What it would give back, and what it costs",
        "What could not be checked",
        "The gap, metric by metric",
        "In plain words",
        "Not replayed",
        "What would change it",
        "How to reproduce",
    ]
    places = [text.index(mark) for mark in marks]
    assert places == sorted(places)


def test_everything_of_the_record_is_there() -> None:
    """Every metric, exhibit, table, remedy, cause, count and digest can be found on the page."""
    found, text = rich(), _Tags(_page("rich")).text.replace("\u202f%", " %")
    assert _page("rich").count("<details") == len(found.metrics)
    assert _page("rich").count('<article class="exhibit"') == len(found.exhibits)
    for said in (
        *(exhibit.question for exhibit in found.exhibits),
        *(exhibit.answer for exhibit in found.exhibits),
        *(table.title for exhibit in found.exhibits for table in exhibit.tables),
        *(picture.title for exhibit in found.exhibits for picture in exhibit.pictures),
        *(remedy.action for remedy in found.remedies),
        *(remedy.why_not for remedy in found.remedies),
        *(cause.result for cause in found.causes),
        *(cause.next_measurement for cause in found.likely),
        *found.missing,
        *found.digests.values(),
        *found.counts,
        *found.reproduce,
        "24 rows more, the least important, left out.",
        "was used for 14 decisions",
    ):
        assert said in text


def test_one_metric_is_open() -> None:
    """The main metric's parts are in view, the others a click away."""
    assert _page("rich").count("<details open") == 1


def test_nothing_known_is_calm_lines() -> None:
    """Without labels the page says what is missing, and no section is empty."""
    text = _Tags(render(bare())).text
    for line in (
        "There are no labels, so the gap cannot be split.",
        "No metric could be computed on both sides",
        "No evidence was gathered.",
        "No remedy could be replayed.",
        "The usual causes were not judged.",
        "was not counted.",
    ):
        assert line in text


def test_the_same_record_gives_the_same_bytes() -> None:
    """Rendering is pure."""
    assert render(ALL["fifty"]()) == _page("fifty")
