"""A metric walking from the report to production, drawn: levels are ticks, changes bars between them.

No bar stands for a level, so the axis need not begin at 0. Drawn as plain shapes: eight metrics in two
widths would take Vega seconds. On a phone names stand above their bars.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

from harness.diagnosis.terms import LEAK
from harness.report import diagnosis_story as story
from harness.report import words
from harness.report.diagnosis_words import (
    SIGNS,
    change_bounds,
    direction,
    effect,
    level,
    meaning,
    metric,
    plain_step,
    signed,
    step,
)
from harness.report.drawing import GRID, INK, MUTED, Picture

if TYPE_CHECKING:
    from harness.records import MetricGap
    from harness.report.diagnosis_story import Stair

MOST_STAIRS, MOST_PLAIN = 24, 7
_COLOURS, _GREY = {"worse": "#D55E00", "better": "#0072B2"}, "#6B7280"
_TICKS = 7
_Point = tuple[float, float]


@dataclass(frozen=True)
class _Paper:
    """Where things stand, in px: the panel from `left` to `right`, a row's height, its bar and its name."""

    width: int
    left: int
    right: int
    row: int
    bar: int
    half: int
    name: int
    letters: int
    roomy: bool


_WIDE = _Paper(width=1000, left=290, right=780, row=28, bar=14, half=8, name=14, letters=33, roomy=True)
_NARROW = _Paper(width=350, left=4, right=346, row=42, bar=30, half=6, name=12, letters=33, roomy=False)


@dataclass(frozen=True)
class _Line:
    """A row of the picture: from `before` to `after` (the same for a level), intervals laid where it ends."""

    name: str
    before: float
    after: float
    value: str
    word: str = ""
    is_level: bool = False
    alone: tuple[float, float] | None = None
    every: tuple[float, float] | None = None
    note: str = ""


def waterfall(gap: MetricGap) -> Picture | None:
    """The metric from its first level to its last, every step with its intervals; None without steps."""
    stairs = story.stairs(gap, most=MOST_STAIRS)
    if not stairs:
        return None
    lines = _lines(gap, stairs, plain=False)
    said = f"{meaning(gap.metric)}. " if meaning(gap.metric) else ""
    merged = next((stair.count for stair in stairs if stair.part is None), 0)
    cut = f" The {merged:,} smallest steps are one bar, the last." if merged else ""
    return Picture(
        title=story.gap_sentence(gap),
        caption=(
            f"{said[:1].upper()}{said[1:]}Each bar is the change at a step, all changes before it kept. "
            "The thin line is the 95 % interval of the change alone, the thick one that of all steps at once."
            f"{cut} {story.outside_line(gap)}"
        ).rstrip(),
        described=_described(gap, stairs, plain=False),
        wide=_drawn(lines, _WIDE),
        narrow=_drawn(lines, _NARROW),
    )


def plain_waterfall(gap: MetricGap) -> Picture | None:
    """The same in plain words and without intervals, the smallest steps together; None without steps."""
    stairs = [stair for stair in story.stairs(gap, most=MOST_PLAIN) if _told(stair, gap)]
    if not stairs:
        return None
    lines = _lines(gap, stairs, plain=True)
    return Picture(
        title=story.gap_sentence(gap, plain=True),
        caption=(
            f"{metric(gap.metric)}: {meaning(gap.metric) or 'the main metric'}. "
            f"{story.outside_line(gap, plain=True)}"
        ).rstrip(),
        described=_described(gap, stairs, plain=True),
        wide=_drawn(lines, _WIDE),
        narrow=_drawn(lines, _NARROW),
    )


def _told(stair: Stair, gap: MetricGap) -> bool:
    """Whether the change is one that its own label would not round away, or the only one there is."""
    return bool(signed(stair.change).strip("0.")) or len(gap.parts) == 1


def _named(stair: Stair, *, plain: bool) -> str:
    if stair.part is None:
        return f"{words.counted(stair.count, 'smaller step')} together"
    return plain_step(stair.part.step) if plain else step(stair.part.step)


def _described(gap: MetricGap, stairs: list[Stair], *, plain: bool) -> str:
    first, last = gap.rungs[0], gap.rungs[-1]
    said = (f"{_named(stair, plain=plain)} {signed(stair.change)}" for stair in stairs)
    return f"from {level(first.value)}: {'; '.join(said)}; to {level(last.value)}"


def _lines(gap: MetricGap, stairs: list[Stair], *, plain: bool) -> list[_Line]:
    """The first level, a line a stair, the last level."""
    begin, end = gap.rungs[0], gap.rungs[-1]
    started = plain_step(begin.step) if plain else step(begin.step)
    arrived = "what production sees" if plain else "production"
    return [
        _level(started, begin.value),
        *(_stair(gap, stair, plain=plain) for stair in stairs),
        _level(arrived, end.value),
    ]


def _level(name: str, at: float) -> _Line:
    return _Line(name=name, before=at, after=at, value=level(at), is_level=True)


def _stair(gap: MetricGap, stair: Stair, *, plain: bool) -> _Line:
    part = stair.part
    number = part.value if part is not None else None
    value = None if plain else number
    return _Line(
        name=_named(stair, plain=plain),
        before=stair.before,
        after=stair.after,
        value=signed(stair.change),
        word=effect(gap, number) if number else direction(gap, stair.change),
        alone=_laid(stair, change_bounds(value)) if value else None,
        every=_laid(stair, change_bounds(value, together=True)) if value else None,
        note="interaction" if part is not None and part.interaction and not plain else "",
    )


def _laid(stair: Stair, bounds: tuple[float, float] | None) -> tuple[float, float] | None:
    """The interval of a change, laid where the change ends."""
    return None if bounds is None else (stair.before + bounds[0], stair.before + bounds[1])


# --- shapes


def _drawn(lines: list[_Line], paper: _Paper) -> str:
    """The picture as SVG that scales to its box."""
    domain = _domain(lines)
    height = paper.row * len(lines) + 22
    shapes = _grid(domain, paper, height=height)
    for place, line in enumerate(lines):
        shapes += _row(line, place * paper.row, paper=paper, domain=domain)
        if place + 1 < len(lines):
            below = (place + 1) * paper.row + paper.bar
            at = _at(line.after, domain, paper=paper)
            shapes.append(_rule((at, place * paper.row + paper.bar), (at, below), ink=MUTED))
        shapes += _labels(line, place * paper.row, paper=paper)
    return (
        f'<svg viewBox="0 0 {paper.width} {height}" width="{paper.width}" height="{height}" font-size="14">'
        f"{''.join(shapes)}</svg>"
    )


def _domain(lines: list[_Line]) -> tuple[float, float]:
    """All levels and intervals, with a little room on either side."""
    known = [x for line in lines for x in (line.before, line.after, *(line.alone or ()), *(line.every or ()))]
    room = 0.03 * ((max(known) - min(known)) or abs(known[0]) or 1.0)
    return min(known) - room, max(known) + room


def _at(value: float, domain: tuple[float, float], *, paper: _Paper) -> float:
    low, high = domain
    return round(paper.left + (value - low) / (high - low) * (paper.right - paper.left), 2)


def ticks(domain: tuple[float, float], most: int) -> list[float]:
    """Round values within the domain, at most so many: 0.76 to 0.94 with four are 0.8, 0.85 and 0.9."""
    low, high = domain
    power = 10.0 ** math.floor(math.log10((high - low) / most))
    apart = next(m * power for m in (1, 2, 5, 10, 20) if (high - low) / (m * power) <= most)
    return [k * apart for k in range(math.ceil(low / apart), math.floor(high / apart) + 1)]


def _grid(domain: tuple[float, float], paper: _Paper, *, height: int) -> list[str]:
    """Upright lines at round values, each named below."""
    shapes = []
    for value in ticks(domain, _TICKS if paper.roomy else 4):
        at = _at(value, domain, paper=paper)
        shapes.append(_rule((at, 0), (at, height - 18), ink=GRID))
        shapes.append(_text((at, height - 4), f"{value:.6g}".replace("-", "−"), anchor="middle", ink=MUTED))
    return shapes


def _row(line: _Line, top: int, *, paper: _Paper, domain: tuple[float, float]) -> list[str]:
    """The tick of a level; the bar of a change and its intervals, the one of all steps pale."""
    y, ends = top + paper.bar, [_at(x, domain, paper=paper) for x in (line.before, line.after)]
    if line.is_level:
        return [_rule((ends[0], y - paper.half - 2), (ends[0], y + paper.half + 2), ink=INK, width=4)]
    wide = max(max(ends) - min(ends), 0.5)
    hue = _COLOURS.get(line.word, _GREY)
    place = f'x="{min(ends)}" y="{y - paper.half}" width="{wide:.2f}" height="{2 * paper.half}"'
    bar = f'<rect {place} fill="{hue}"/>'
    shapes = [bar]
    for bounds, width, opacity in ((line.every, 7, 0.3), (line.alone, 2, 1.0)):
        if bounds is not None:
            low, high = (_at(x, domain, paper=paper) for x in bounds)
            shapes.append(_rule((low, y), (high, y), ink=INK, width=width, opacity=opacity))
    return shapes


def _labels(line: _Line, top: int, *, paper: _Paper) -> list[str]:
    """The name left of the panel and the value right of it; both above the bar on a phone."""
    name, y = words.clipped(line.name, paper.letters), top + paper.name + 5
    name = name if name.startswith(LEAK) else name[:1].upper() + name[1:]
    said = words.joined((f"{line.value} {line.word}".rstrip(), line.note), " · ")
    if not paper.roomy:
        short = f"{line.value}{SIGNS.get(line.word, '')}{' ⇄' if line.note else ''}"
        return [_text((0, y), name), _text((paper.width, y), short, anchor="end", bold=True)]
    return [
        _text((paper.left - 14, y), name, anchor="end"),
        _text((paper.right + 14, y), said, bold=True),
    ]


def _rule(start: _Point, end: _Point, *, ink: str, width: float = 1, opacity: float = 1) -> str:
    (x1, y1), (x2, y2) = start, end
    pale = f' stroke-opacity="{opacity}"' if opacity < 1 else ""
    return f'<line x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}" stroke="{ink}" stroke-width="{width}"{pale}/>'


def _text(at: _Point, said: str, *, anchor: str = "start", ink: str = INK, bold: bool = False) -> str:
    x, y = at
    weight = ' font-weight="650"' if bold else ""
    return f'<text x="{x}" y="{y}" text-anchor="{anchor}" fill="{ink}"{weight}>{escape(said)}</text>'
