"""Drawings written out by hand: light enough for hundreds on a page, and as wide as the box they are in.

Their numbers are percentages of the box, so words keep their size on a phone. Colours are classes of the
page's style sheet. Every text goes through the template that escapes it.
"""

from __future__ import annotations

import math
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from harness.report import words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.records import Estimate, FieldSummary, ScoreGrid, TimeBins

_TEMPLATES = Path(__file__).parent / "templates" / "marks"
#: where the panel of a forest begins and ends, in per cent of the box
LEFT, RIGHT = 34.0, 98.0
_PANEL = 300.0


def shares(field: FieldSummary, time: TimeBins) -> list[float | None]:
    """The share that mismatches in each bin of time; None where no request was compared."""
    return [bad / n if n else None for bad, n in zip(field.by_time, time.compared, strict=False)]


def spark(values: Sequence[float | None], *, top: float, described: str) -> str:
    """Bars over time from 0 to `top`, without axes: a name and a scale stand beside it."""
    step = 100.0 / max(len(values), 1)
    bars = [
        (round(place * step, 2), round(100.0 * min(value / top, 1.0), 2))
        for place, value in enumerate(values)
        if value and top > 0.0
    ]
    return _drawn("spark.svg.j2", bars=bars, width=round(step, 2), described=described)


def forest(rows: Sequence[tuple[str, Estimate]], *, goals: Sequence[tuple[float, str]]) -> str:
    """A dot with its interval a row on one axis, with upright lines at the goals, each named above."""
    ends = [x for _, e in rows for x in (e.value, e.lower, e.upper) if x is not None and math.isfinite(x)]
    ends += [at for at, _ in goals]
    low, high = min(ends, default=0.0), max(ends, default=1.0)
    room = (high - low or 1.0) * 0.04

    def place(x: float | None) -> float:
        share = ((x or 0.0) - low + room) / (high - low + 2 * room or 1.0)
        return round(LEFT + (RIGHT - LEFT) * min(max(share, 0.0), 1.0), 2)

    drawn = [
        (words.clipped(name, 28), place(e.value), place(e.lower), place(e.upper))
        for name, e in rows
        if e.value is not None
    ]
    ticks = [(place(x), words.number(x)) for x in (low, high)]
    lines = [(place(at), name) for at, name in goals]
    return _drawn("forest.svg.j2", rows=drawn, lines=lines, ticks=ticks, described=described(rows), left=LEFT)


def described(rows: Sequence[tuple[str, Estimate]]) -> str:
    """Each row in words, for who cannot see it."""
    return "; ".join(
        f"{words.clipped(name, 60)} {words.number(e.value)} "
        f"({words.number(e.lower)} to {words.number(e.upper)})"
        for name, e in rows
    )


def heat(grid: ScoreGrid, *, names: tuple[str, str], described: str) -> str:
    """Requests by both arms' scores, the darker the more; flips are ringed, the diagonal is agreement."""
    most = math.log1p(max((cell.requests for cell in grid.cells), default=1))
    size = _PANEL / grid.size
    cells = [
        (
            round(cell.left * size, 2),
            round(_PANEL - (cell.right + 1) * size, 2),
            round(0.12 + 0.88 * math.log1p(cell.requests) / (most or 1.0), 3),
            cell.flips,
        )
        for cell in grid.cells
    ]
    at = grid.threshold
    span = grid.high - grid.low
    inside = at is not None and span > 0 and grid.low < at < grid.high
    return _drawn(
        "heat.svg.j2",
        cells=cells,
        size=round(size, 2),
        panel=_PANEL,
        threshold=round(_PANEL * ((at or 0.0) - grid.low) / span, 2) if inside else None,
        ends=(words.number(grid.low), words.number(grid.high)),
        names=[words.clipped(name, 30) for name in names],
        described=described,
    )


def _drawn(template: str, **what: object) -> str:
    return _environment().get_template(template).render(**what)


@cache
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
