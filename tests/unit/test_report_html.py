"""The page: self-contained, without script, the same bytes every time, and hostile names stay text."""

from __future__ import annotations

import re
from functools import cache
from html.parser import HTMLParser

import msgspec
import pytest
from msgspec.structs import replace

from harness import report as faces
from harness.records import Diagnosis, GapPart, MetricGap, Number, Report
from harness.report import plots
from tests.kit.sample_parts import differing, finding, pair
from tests.kit.sample_report import ALL, fifty, no_go, spoiled

VOID = {"meta", "br", "hr", "img", "input", "link", "wbr", "circle", "path", "line", "rect"}
ACTIVE = {"script", "iframe", "object", "embed", "link", "img", "form", "base", "foreignobject", "image"}


@cache
def _page(name: str) -> str:
    return faces.html(ALL[name]())


class _Tags(HTMLParser):
    """Tags opened and not closed, tags seen, attributes seen, and the text."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: set[str] = set()
        self.attributes: set[str] = set()
        self.ids: list[str] = []
        self.links: set[str] = set()
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self.ids += [value or "" for name, value in attrs if name == "id"]
        self.links |= {value or "" for name, value in attrs if name == "href"}
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def _parsed(page: str) -> _Tags:
    tags = _Tags()
    tags.feed(page)
    return tags


@pytest.mark.parametrize("name", ALL)
def test_the_page_is_well_formed_and_inert(name: str) -> None:
    """Every tag is closed in order; nothing runs, nothing is embedded, nothing listens."""
    tags = _parsed(_page(name))
    assert tags.open == []
    assert tags.seen.isdisjoint(ACTIVE)
    assert not [attribute for attribute in tags.attributes if attribute.startswith("on")]
    assert tags.attributes.isdisjoint({"src", "srcset", "xlink:href", "action", "style", "target"})


@pytest.mark.parametrize("name", ALL)
def test_links_lead_within_the_page(name: str) -> None:
    """Each to a part that is there, and each part has a name of its own."""
    tags = _parsed(_page(name))
    assert tags.links
    assert tags.links <= {f"#{each}" for each in tags.ids}
    assert len(tags.ids) == len(set(tags.ids))


@pytest.mark.parametrize("name", ALL)
def test_the_page_loads_nothing(name: str) -> None:
    """No address stands outside text but the namespaces of SVG; the policy forbids the rest; below 3 MB."""
    page = _page(name)
    markup = re.sub(r'\sxmlns(:xlink)?="http://www\.w3\.org/[^"]*"', "", _without_commands(page))
    assert not re.search(r"""(url\(|@import|=["']?\s*(https?:)?//)""", markup)
    assert "default-src 'none'" in page
    assert len(page.encode()) < 3_000_000
    if name != "hostile":
        assert "://" not in markup


def _without_commands(page: str) -> str:
    """The page without what is to be copied whole."""
    return re.sub(r"<(pre|code)\b.*?</\1>", "", page, flags=re.DOTALL)


def test_the_same_report_gives_the_same_bytes() -> None:
    """Rendering is pure: a second time in the same process changes nothing."""
    assert faces.html(fifty()) == _page("fifty")


def test_hostile_names_are_shown_as_they_are() -> None:
    """The script of a capture is text on the page, its escape codes are spelled out."""
    page = _page("hostile")
    assert "<script" not in page
    assert "<script>alert('x')</script>" in _parsed(page).text
    assert "\x1b" not in page
    assert "\u202e" not in page


def test_the_first_screen_is_in_order() -> None:
    """Verdict, why, what next, ledger, gates, findings: in this order."""
    text = _parsed(_page("no_go")).text
    marks = [
        "NO-GO",
        "reads event_time 1 h early",
        "fails: 6,120",
        "Do next",
        "7,122 captured",
        "Gates",
        "Findings",
    ]
    places = [
        text.index(mark, text.index("replaygateduo") if "replaygateduo" in text else 0) for mark in marks
    ]
    assert places == sorted(places)


def test_every_evidence_has_its_claim() -> None:
    """The page says of each gate what was counted and what it would mean as a sample."""
    assert "If they were an independent sample of future traffic" in _parsed(_page("no_go")).text


def test_fifty_findings_show_the_worst_of_each_cause() -> None:
    """Four causes, one finding of each in view, the other nine folded, latent ones apart."""
    page = _page("fifty")
    assert "40 findings of 4 causes, the worst first." in page
    assert page.count("<summary>9 more by") == 4
    assert page.count('<article class="finding"') == 40
    assert page.split("<h3>Latent skew</h3>")[1].split("</section>")[0].count("<li>") == 10


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("go", "No findings: nothing differs on 7,122 compared requests."),
        ("invalid", "Latency was not measured in this run."),
        ("no_go", "No labels were given, so nothing is said about quality."),
        ("go", "No tolerance was widened: nothing was ignored."),
    ],
)
def test_nothing_to_report_is_one_calm_line(name: str, line: str) -> None:
    """An absent section is a sentence."""
    assert line in _parsed(_page(name)).text


def test_a_phase_that_is_not_judged_needs_no_points() -> None:
    """Closed-loop timings are not drawn, so a page is the same whether their points were kept or not."""
    timed = tuple(replace(item, judged=False, pace="saturate") for item in no_go().latency)
    bare = tuple(replace(item, rate=(), points=()) for item in timed)
    assert plots.responses(replace(no_go(), latency=timed)) == []
    assert faces.html(replace(no_go(), latency=timed)) == faces.html(replace(no_go(), latency=bare))


def test_advisory_gates_are_folded() -> None:
    """They stand in a fold whose line says how they are, and in no table outside it."""
    page = _page("no_go")
    fold = page.index("<summary>2 advisory gates, 1 UNDECIDED</summary>")
    assert page.index("recorded vs offline:champion") > fold
    assert page.index("champion vs offline</td>") > fold


def test_per_cent_stays_with_its_number() -> None:
    """On the page a thin space that does not break parts them, in sentences and in tables."""
    text = _parsed(re.sub(r"<svg.*?</svg>", "", _page("no_go"), flags=re.DOTALL)).text
    assert "85.9\u202f%" in text
    assert "(85.93\u202f%)" in text
    assert " %" not in text


def test_text_stands_out_in_both_themes() -> None:
    """Every pair of text and ground in the style sheet has a contrast of at least 4.5 (WCAG 2.2, 1.4.3)."""
    page = _page("invalid")
    themes = set(re.findall(r"--paper: (#\w+); --ink: (#\w+); --muted: (#\w+);.*?--link: (#\w+);", page))
    words = re.findall(r"--hue: (#\w+); --on-hue: (#\w+);", page)
    assert len(themes) == 2
    assert len(words) == 4
    pairs = [(theme[0], text) for theme in themes for text in theme[1:]] + words
    assert min(_contrast(ground, text) for ground, text in pairs) >= 4.5


def test_the_dark_theme_is_by_wish_and_by_system() -> None:
    """The same colours stand under the system's wish, unless light is chosen, and under the reader's."""
    page = _page("invalid")
    assert "(prefers-color-scheme: dark) { :root:not(:has(#theme-light:checked))" in page
    assert ":root:has(#theme-dark:checked)" in page
    assert page.count("--paper: #15181c") == 2


def test_the_brief_holds_the_view_for_the_business_alone() -> None:
    """The same sentences as in the whole page, without a switch, a table of gates or an anchor to nowhere."""
    brief = _parsed(faces.brief(no_go()))
    assert "May it" not in brief.text or "No, it should not ship." in brief.text
    assert "feature_parity" not in brief.text
    assert "for-business" not in brief.ids
    assert brief.text.split("No, it should not ship.")[1] in _parsed(_page("no_go")).text
    assert brief.links == {"#verdict"}


def test_a_diagnosis_adds_its_part() -> None:
    """Where the gap comes from stands on the page, with its sentences and numbers."""
    gap = MetricGap(
        metric="roc_auc",
        better="higher",
        parts=(GapPart(step="leakage", value=Number(value=0.1, lower=0.05, upper=0.15)),),
        gap=Number(value=0.17),
    )
    found = Diagnosis(
        scenario="duo", run_id="1", created_at="", as_of="", version="1", summary=("<b>Leak</b>.",),
        metrics=(gap,),
    )  # fmt: skip
    text = _parsed(faces.html(no_go(), found)).text
    assert "Where the gap comes from" in text
    assert "<b>Leak</b>." in text
    assert "Where the gap comes from" not in _parsed(_page("no_go")).text


def test_texts_of_five_thousand_letters_fill_no_page() -> None:
    """However long names, identifiers and sentences are, the page stays small and shows where it cut."""
    long = msgspec.convert(spoiled(msgspec.to_builtins(fifty()), "W" * 5000), Report)
    page = faces.html(long)
    assert len(page.encode()) < 2_000_000
    assert "W" * 2001 not in _without_commands(page)
    assert "…" in page
    assert len(faces.markdown(long).encode()) < 900_000
    assert max(map(len, faces.github(long).splitlines())) < 2_500


def test_a_thousand_features_and_findings_fill_no_page() -> None:
    """Tables are cut at 200 rows and findings at 120, each cut is said, and the page stays below 3 MB."""
    fields = tuple(differing(f"feature_{k:04d}", 6000 - k) for k in range(1000))
    findings = tuple(finding((field.field,), "stale_value", requests=field.mismatches) for field in fields)
    many = replace(fifty(), findings=findings, pairs=(pair("challenger", fields=fields, flips=292),))
    page = faces.html(many)
    assert len(page.encode()) < 2_000_000
    assert "the first 200 of 1,000, all in report.json" in page
    assert "And 880 more in report.json." in page
    assert page.count('<article class="finding"') == 120


def _contrast(one: str, other: str) -> float:
    """The contrast ratio of WCAG 2; known: black on white is 21."""
    low, high = sorted((_luminance(one), _luminance(other)))
    return (high + 0.05) / (low + 0.05)


def _luminance(colour: str) -> float:
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
