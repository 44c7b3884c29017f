"""What templates are given: addresses, bodies, scores; and that whatever comes in goes out as text."""

from __future__ import annotations

import math

import msgspec
import pytest

from harness.report.request import ShownRequest
from harness.ui import pages
from tests.kit import sample_report


def request(body: bytes) -> ShownRequest:
    """A request with a body."""
    return ShownRequest(
        run="run",
        request_id="r1",
        seq=1,
        ts="",
        event_time=None,
        unit=None,
        segments={},
        method="POST",
        path="/",
        headers={},
        body=msgspec.Raw(body),
        truncated=False,
        threshold=0.5,
        arms=(),
        fields=(),
        answers=(),
    )


@pytest.mark.parametrize(
    ("raw", "told"),
    [
        (b'{"a":1}', '{\n  "a": 1\n}'),
        (b'"plain text"', "plain text"),
        (b"NaN and more", "NaN and more"),
        ('"a\u202eb"'.encode(), "a\\u202eb"),
        (b'"line\\nline\\u001b"', "line\nline\\x1b"),
    ],
)
def test_a_body_is_readable_and_harmless(raw: bytes, told: str) -> None:
    """JSON indented, text as it is, control and direction characters as escapes."""
    assert pages.body(request(raw)) == told


def test_a_very_long_body_is_cut_and_says_so() -> None:
    """With how long it was."""
    told = pages.body(request(b'"' + b"x" * 30_000 + b'"'))
    assert told.endswith("x… (30,000 letters)")


def test_an_address_names_what_it_is_given_and_nothing_else() -> None:
    """Escaped, without what is empty."""
    assert pages.address("/run", run="a b/c&d", field="", pair=None) == "/run?run=a+b%2Fc%26d"
    assert pages.address("/") == "/"


def test_numbers_that_are_none_are_dashes() -> None:
    """A score that was never given, a time that was never taken."""
    assert (pages.score(None), pages.score(math.nan), pages.score(0.1)) == ("–", "–", "0.1")
    assert (pages.milliseconds(math.nan), pages.milliseconds(2.5)) == ("–", "2.5")


def test_exemplars_stand_with_what_both_arms_said() -> None:
    """The id apart from the words, so that it can be a link."""
    report = sample_report.no_go()
    first, told = pages.exemplars(report, report.findings[0])[0]
    assert first.request_id not in told
    assert told.startswith("offline ")


def test_markup_is_text_on_every_page() -> None:
    """The error page stands for all: their environment is one."""
    made = pages.page("error.html.j2", title="<b>", why="<script>alert(1)</script>")
    assert "<script>alert" not in made
    assert "&lt;script&gt;alert(1)" in made


def test_the_style_is_the_reports_and_more() -> None:
    """One look for both; the script is ours alone."""
    assert b".verdict" in pages.static("style.css")
    assert b".trend" in pages.static("style.css")
    assert b"use strict" in pages.static("ui.js")
