"""The report as one HTML page that loads nothing and runs nothing: light, dark, printed or on a phone.

It has two views of the same facts, for engineers and for the business; radio buttons and the style sheet
alone switch between them.
"""

from __future__ import annotations

from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from harness.report import (
    approvals,
    business,
    diagnosis_plots,
    diagnosis_story,
    feature_tables,
    numbers,
    outlook,
    sampled,
    story,
    tables,
    why,
    words,
)

if TYPE_CHECKING:
    from harness.records import Diagnosis, Report

_TEMPLATES = Path(__file__).parent / "templates"
_ONE_CAUSE_IN_FULL = 3
#: findings on a page, shared among their causes
_MOST_FINDINGS = 120
_LONGEST_STEP = 1_000
#: the parts of the page in order, by the name of their template and anchor
_PARTS = {
    "gates": "Gates",
    "findings": "Findings",
    "features": "Features",
    "scores": "Scores",
    "latency": "Latency",
    "quality": "Quality",
    "live": "Live canary",
    "gap": "Gap",
    "run": "This run",
}


def render(report: Report, diagnosis: Diagnosis | None = None) -> str:
    """The whole report as a self-contained page; everything that came from a capture is escaped.

    `diagnosis`, where there is one of the same model, adds where the gap comes from.
    """
    from harness.report import delay_plots, limits, look_plots, plots, score_pictures, tail_plots

    groups = story.grouped(story.costly(report.findings))
    return _page(
        report,
        shown=("engineers", "business"),
        parts=_parts(report, diagnosis),
        groups=groups,
        most_folded=max(1, _MOST_FINDINGS // max(len(groups), 1)),
        most_in_full=_ONE_CAUSE_IN_FULL if len(groups) == 1 else 1,
        diagnosis=diagnosis,
        waterfall=_waterfall(diagnosis),
        mismatches=plots.mismatch,
        responses=plots.responses(report),
        tails=tail_plots.pictures(report),
        heats=score_pictures.pictures(report),
        sequences=look_plots.sequences,
        delays=delay_plots.delays,
        limits=limits.pictures(report),
    )


def brief(report: Report) -> str:
    """The view for the business alone, as a page of its own to hand on."""
    return _page(report, shown=("business",), parts=())


def _page(report: Report, *, shown: tuple[str, ...], parts: tuple[str, ...], **drawn: object) -> str:
    return (
        environment()
        .get_template("page.html.j2")
        .render(
            report=report,
            shown=shown,
            views=len(shown) > 1,
            parts=parts,
            names=_PARTS,
            anchors={part: part for part in parts},
            top="h1",
            approvals=approvals.lines(report),
            brief=business.summary(report),
            evidence=feature_tables,
            numbers=numbers,
            outlook=outlook,
            sampled=sampled,
            story=story,
            tables=tables,
            why=why,
            words=words,
            **drawn,
        )
    )


def _waterfall(diagnosis: Diagnosis | None) -> object:
    """The picture of the gap in the main metric; None where there is none."""
    main = None if diagnosis is None else diagnosis_story.main_gap(diagnosis)
    return None if main is None else diagnosis_plots.waterfall(main)


def _parts(report: Report, diagnosis: Diagnosis | None) -> tuple[str, ...]:
    left_out = {"live": report.live is None, "gap": diagnosis is None}
    return tuple(part for part in _PARTS if not left_out.get(part, False))


def _unbroken(value: object) -> object:
    """Text whose per cent signs stay with their numbers, a thin space apart; drawings as they are."""
    return value.replace(" %", "\N{NARROW NO-BREAK SPACE}%") if type(value) is str else value


def _lines(text: str) -> str:
    """Several lines, each printable."""
    return "\n".join(map(words.printable, text.split("\n")))


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
    made.filters["lines"] = _lines
    made.filters["name"] = words.clipped
    made.filters["plain"] = words.printable
    made.filters["step"] = partial(words.clipped, limit=_LONGEST_STEP)
    made.filters["sentence"] = words.sentence
    return made
