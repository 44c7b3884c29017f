"""The distribution of response times as its tail: what share is slower than any time, against the budget."""

from __future__ import annotations

from typing import TYPE_CHECKING

import altair as alt

from harness.report import words
from harness.report.drawing import INK, Picture, Size, colour, data, own_colour, svg

if TYPE_CHECKING:
    from harness.records import LatencySummary, Report
    from harness.report.drawing import Layers, Row

_WIDE, _NARROW = Size(620, 40, roomy=True), Size(240, 14, roomy=False)
_HEIGHT = 200
#: the share that may be slower than the budget, which is about the p95
_P95 = 5.0


def pictures(report: Report) -> list[Picture]:
    """One a judged phase, all arms in it; nothing of a report that has no distributions."""
    drawn = [item for item in report.latency if item.judged and len(item.curve) > 1]
    phases = dict.fromkeys(item.phase for item in drawn)
    return [_picture(report, [item for item in drawn if item.phase == phase]) for phase in phases]


def _picture(report: Report, items: list[LatencySummary]) -> Picture:
    budget = report.budget_ms
    arms = [f"{words.clipped(i.target, 30)} p95 {words.ms(i.response.p95)}" for i in items]
    promise = "" if budget is None else f", budget {words.ms(budget)}"
    rows = [row for item in items for row in _rows(item)]
    return Picture(
        title=f"{words.clipped(items[0].phase)}: {words.listed(arms)}{promise}",
        caption=(
            f"n = {words.counted(items[0].requests, 'request')} an arm. Share of requests slower than each "
            "time, both axes log; a line that crosses 5 % left of the budget has its p95 within it."
        ),
        described="; ".join(
            f"{words.clipped(i.target, 30)} p50 {words.ms(i.response.p50)}, p99 {words.ms(i.response.p99)}, "
            f"slowest {words.ms(i.response.max)}"
            for i in items
        ),
        wide=svg(_chart(rows, items, size=_WIDE, budget=budget)),
        narrow=svg(_chart(rows, items, size=_NARROW, budget=budget)),
    )


def _rows(item: LatencySummary) -> list[Row]:
    """The curve as (ms, per cent slower); the last point has nothing above it and stands at one request."""
    least = 100.0 / max(item.requests, 1)
    return [
        {
            "arm": item.target,
            "colour": colour(item.target),
            "ms": max(ms, 0.01),
            "slower": max(100.0 * (1.0 - share), least),
        }
        for ms, share in item.curve
    ]


def _chart(rows: list[Row], items: list[LatencySummary], *, size: Size, budget: float | None) -> Layers:
    low, high = min(row["ms"] for row in rows), max([row["ms"] for row in rows] + [budget or 0.0])
    x = alt.X(
        field="ms",
        type="quantitative",
        scale=alt.Scale(type="log", domain=[low * 0.9, high * 1.3], nice=False),
        axis=alt.Axis(title="response time, ms", tickCount=6 if size.roomy else 3, format="~g", grid=False),
    )
    y = alt.Y(
        field="slower",
        type="quantitative",
        scale=alt.Scale(type="log", domain=[min(row["slower"] for row in rows), 100], nice=False),
        axis=alt.Axis(title="slower, %", values=[100, 10, 1, 0.1, 0.01], format="~g"),
    )
    lines = data(rows).mark_line(strokeWidth=2, interpolate="linear")
    layers: list[alt.Chart] = [
        lines.encode(x=x, y=y, color=own_colour(), detail=alt.Detail(field="arm", type="nominal")),
        *_names(items, size),
    ]
    if budget is not None:
        layers += _budget(budget)
    return alt.layer(*layers).properties(width=size.panel, height=_HEIGHT)


def _names(items: list[LatencySummary], size: Size) -> list[alt.Chart]:
    """Each arm's dash and name, from the lower left up: lines that overlap have no room beside them."""
    names: list[alt.Chart] = []
    for place, item in enumerate(reversed(items)):
        at = {"y": alt.value(_HEIGHT - 8 - 18 * place), "text": alt.Text(field="label", type="nominal")}
        for x, label, ink in ((6, "━", colour(item.target)), (24, item.target, INK)):
            text = data([{"label": words.clipped(label, size.letters)}])
            mark = text.mark_text(align="left", baseline="bottom", color=ink, fontSize=13)
            names.append(mark.encode(x=alt.value(x), **at))
    return names


def _budget(budget: float) -> list[alt.Chart]:
    at = data([{"ms": budget, "slower": _P95, "label": f"budget {words.ms(budget)}"}])
    rule = at.mark_rule(strokeDash=[5, 3], strokeWidth=1.5, color=INK)
    name = at.mark_text(align="right", baseline="top", dx=-5, dy=4, color=INK, fontSize=13, fontWeight="bold")
    return [
        rule.encode(x=alt.X(field="ms", type="quantitative")),
        rule.encode(y=alt.Y(field="slower", type="quantitative")),
        name.encode(
            x=alt.X(field="ms", type="quantitative"),
            y=alt.value(0),
            text=alt.Text(field="label", type="nominal"),
        ),
    ]
