"""Templates, and the words they are written with; everything that came from a run is escaped."""

from __future__ import annotations

import json
import math
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from harness import __version__
from harness.report import approvals, numbers, request, story, tables, why, words
from harness.report.html import environment

if TYPE_CHECKING:
    from harness.records import Exemplar, Finding, Report
    from harness.report.request import ShownRequest

_TEMPLATES = Path(__file__).parent / "templates"
_STATIC = Path(__file__).parent / "static"
#: by file: what it is served as
STATIC = {"style.css": "text/css; charset=utf-8", "ui.js": "text/javascript; charset=utf-8"}
#: a change in word and shape, so that colour never speaks alone
CHANGES = {
    "better": "▲ better",
    "worse": "▼ worse",
    "new": "+ new",
    "gone": "− gone",
    "after": "only after",
    "before": "only before",
    "same": "= same",
    "other": "≠ changed",
}
_LONGEST_BODY = 20_000
_LONGEST_CELL = 300


def page(template: str, **given: Any) -> str:  # noqa: ANN401  -- whatever the template names
    """A page as text."""
    return _environment().get_template(template).render(**given)


@cache
def static(name: str) -> bytes:
    """A file that pages load; the style is that of the report, and what a page needs beside it."""
    own = (_STATIC / name).read_bytes()
    if name != "style.css":
        return own
    return environment().get_template(f"{name}.j2").render().encode() + own


def address(path: str, **query: object) -> str:
    """An address of ours: `/run?run=…`; what is None or empty is left out."""
    told = {name: value for name, value in query.items() if value not in {None, ""}}
    return f"{path}?{urlencode(told)}" if told else path


def exemplars(report: Report, finding: Finding, *, limit: int = 5) -> list[tuple[Exemplar, str]]:
    """Some requests behind a finding, each with what both arms said of it."""
    lines = story.exemplar_lines(report, finding, limit=limit)
    return list(zip(finding.exemplars, (line.partition(": ")[2] for line in lines), strict=False))


def body(shown: ShownRequest) -> str:
    """The body, indented where it is JSON, cut where it is very long."""
    text = bytes(shown.body).decode("utf-8", "replace")
    try:
        document = json.loads(text)
    except ValueError:
        document = text
    told = document if isinstance(document, str) else json.dumps(document, indent=2, ensure_ascii=False)
    clean = "\n".join(map(words.printable, told.split("\n")))
    return clean if len(clean) <= _LONGEST_BODY else f"{clean[:_LONGEST_BODY]}… ({len(told):,} letters)"


def score(value: float | None) -> str:
    """A score to nine digits, as far as bugs in it can be seen."""
    return words.NONE if value is None or math.isnan(value) else f"{value:.9g}"


def milliseconds(value: float) -> str:
    """A time in ms, or a dash."""
    return words.NONE if math.isnan(value) else words.number(value)


def _unbroken(value: object) -> object:
    """Text whose per cent signs stay with their numbers."""
    return value.replace(" %", "\N{NARROW NO-BREAK SPACE}%") if type(value) is str else value


def _clipped(text: str, limit: int = _LONGEST_CELL) -> str:
    return words.clipped(text, limit)


def _changed(change: str) -> str:
    return CHANGES[change]


@cache
def _environment() -> Environment:
    made = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_unbroken,
    )
    made.filters |= {
        "plain": words.printable,
        "sentence": words.sentence,
        "clipped": _clipped,
        "moment": words.moment,
        "count": words.count,
        "number": words.number,
        "percent": words.percent,
        "changed": _changed,
        "score": score,
        "ms": milliseconds,
    }
    made.globals |= {
        "address": address,
        "approvals": approvals,
        "numbers": numbers,
        "spoken": request.spoken,
        "story": story,
        "tables": tables,
        "version": __version__,
        "why": why,
        "words": words,
        "zip": zip,
    }
    return made
