"""The report as one HTML page that loads nothing and runs nothing: light, dark, printed or on a phone."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from harness.report import approvals, numbers, story, tables, words

if TYPE_CHECKING:
    from harness.records import Report

_TEMPLATES = Path(__file__).parent / "templates"
_ONE_CAUSE_IN_FULL = 3


def render(report: Report) -> str:
    """The whole report as a self-contained page; everything that came from a capture is escaped."""
    from harness.report import limits, look_plots, plots

    groups = story.grouped(story.costly(report.findings))
    template = environment().get_template("report.html.j2")
    return template.render(
        report=report,
        story=story,
        numbers=numbers,
        tables=tables,
        words=words,
        groups=groups,
        most_in_full=_ONE_CAUSE_IN_FULL if len(groups) == 1 else 1,
        mismatches=plots.mismatches(report),
        responses=plots.responses(report),
        sequences=look_plots.sequences,
        limits=limits.pictures(report),
        approvals=approvals.lines(report),
    )


def _unbroken(value: object) -> object:
    """Text whose per cent signs stay with their numbers, a thin space apart; drawings as they are."""
    return value.replace(" %", "\N{NARROW NO-BREAK SPACE}%") if type(value) is str else value


@cache
def environment() -> Environment:
    """Templates that escape by themselves, fail on a name they do not know, and keep per cents unbroken."""
    made = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        finalize=_unbroken,
    )
    made.filters["plain"] = words.printable
    made.filters["sentence"] = words.sentence
    return made
