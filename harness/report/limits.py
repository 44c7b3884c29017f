"""The picture of what decides the p95: two counts over the number of requests, and what was seen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypedDict

import altair as alt

from harness.report import words
from harness.report.drawing import INK, NARROW, WIDE, Picture, Row, Size, colour, data, own_colour, svg

if TYPE_CHECKING:
    from harness.records import Report, SlowLimits
    from harness.report.drawing import Layers


class _Away(TypedDict):
    align: Literal["left", "right"]
    dx: int
    dy: int


_HEIGHT = 220
_LINES = {"within": "within up to here", "over": "over from here"}


def pictures(report: Report) -> list[Picture]:
    """One for each judged phase: the counts that decide at any number of requests, and those seen."""
    return [_picture(report, item) for item in report.limits if item.seen and (item.within or item.over)]


def _picture(report: Report, item: SlowLimits) -> Picture:
    seen = [f"{words.clipped(c.target)} {c.slow:,} of {c.n:,}" for c in item.seen]
    decides = "; ".join(_deciding(item, n) for n in dict.fromkeys(c.n for c in item.seen))
    named = (f"{words.clipped(c.name)}: {text}" for c, text in zip(item.seen, seen, strict=True))
    where = f"Over {words.ms(report.budget_ms)} in {words.clipped(item.phase)}"
    return Picture(
        title=f"{where}: {', '.join(seen)} requests",
        caption=f"{decides}. Below the lower line p95 is proven within the budget, above the upper one over "
        "it; between them nothing is decided.",
        described=f"{'; '.join(named)}. {decides}",
        wide=svg(_chart(item, WIDE)),
        narrow=svg(_chart(item, NARROW)),
    )


def _deciding(item: SlowLimits, n: int) -> str:
    within, over = dict(item.within).get(n), dict(item.over).get(n)
    least = "no count is within" if within is None else f"at most {within:,} slow are within"
    most = "no count is over" if over is None else f"{over:,} or more are over"
    return f"Of {words.counted(n, 'request')} {least}, {most}"


def _chart(item: SlowLimits, size: Size) -> Layers:
    """The two lines, named at their ends, and a point for each count."""
    lines: dict[str, list[Row]] = {
        name: [{"n": n, "slow": k, "label": label if size.roomy else name} for n, k in getattr(item, name)]
        for name, label in _LINES.items()
    }
    x = alt.X(field="n", type="quantitative", axis=_axis("requests", size), scale=alt.Scale(nice=False))
    y = alt.Y(field="slow", type="quantitative", axis=_axis("slow requests", size))
    layers: list[alt.Chart] = []
    for name, rows in lines.items():
        dash = [5, 3] if name == "over" else [1, 0]
        line = data(rows).mark_line(color=INK, strokeWidth=1.5, strokeDash=dash)
        layers += [line.encode(x=x, y=y), _beside(rows[-1:], size).encode(x=x, y=y)]
    points = _points(item, size)
    dots = data(points).mark_point(filled=True, size=90, opacity=1)
    layers.append(dots.encode(x=x, y=y, color=own_colour()))
    for above in (True, False):
        rows = [row for row in points if row["above"] == above]
        layers.append(_beside(rows, size, left=above).encode(x=x, y=y))
    return alt.layer(*layers).properties(width=size.panel, height=_HEIGHT)


def _points(item: SlowLimits, size: Size) -> list[Row]:
    """A row for each count, arms with the same one together; `above` is nearer to the upper line."""
    arms: dict[tuple[int, int], list[str]] = {}
    for c in item.seen:
        arms.setdefault((c.n, c.slow), []).append(c.target)
    over = dict(item.over)
    return [
        {
            "n": n,
            "slow": slow,
            "colour": colour(names[-1]),
            "label": words.clipped(words.listed(list(dict.fromkeys(names))), size.letters),
            "above": 2 * slow > over.get(n, 2 * slow),
        }
        for (n, slow), names in arms.items()
    ]


def _beside(rows: list[Row], size: Size, *, left: bool = False) -> alt.Chart:
    """Names to the right of their places, or above to the left, clear of a line that rises."""
    away: _Away = {"align": "right", "dx": -8, "dy": -10} if left else {"align": "left", "dx": 9, "dy": -8}
    text = data(rows).mark_text(baseline="middle", color=INK, fontSize=13 if size.roomy else 12, **away)
    chart: alt.Chart = text.encode(text=alt.Text(field="label", type="nominal"))
    return chart


def _axis(title: str, size: Size) -> alt.Axis:
    return alt.Axis(title=title, tickCount=6 if size.roomy else 3, format=",d")
