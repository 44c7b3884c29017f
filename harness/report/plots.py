"""The pictures of a report as static SVG: drawn without a browser, the same bytes for the same report.

Ink and grid are fixed colours that the page's style sheet recolours in the dark theme; arms keep theirs.
Each picture comes in two widths, so that its words stay readable on a phone.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import altair as alt

from harness.report import story, tables, words
from harness.report.drawing import (
    GRID,
    INK,
    MUTED,
    NARROW,
    WIDE,
    Picture,
    Size,
    colour,
    data,
    named,
    own_colour,
    svg,
)

if TYPE_CHECKING:
    from harness.records import LatencySummary, PairSummary, Report, Verdict
    from harness.report.drawing import Layers as _Layers
    from harness.report.drawing import Row as _Row

_MOST_ROWS = 25
_MOST_BARS = 240
_ROW_HEIGHT = 22
_BARS = "arrivals"
_Align = Literal["left", "right"]


@dataclass(frozen=True)
class _Axes:
    """What every panel of a picture shares: the last second, the domain in ms and the budget."""

    end: float
    domain: list[float]
    budget: float | None


_WIDE_TIME, _NARROW_TIME = Size(760, 40, roomy=True), Size(270, 14, roomy=False)


def mismatches(report: Report) -> list[Picture]:
    """One picture for each pair that differs: the rate of each feature on a log axis against its budget."""
    return [mismatch(report, pair) for pair in report.pairs if tables.differing(pair)]


def responses(report: Report) -> list[Picture]:
    """One picture a judged phase: arrivals above, response times of each arm below, on one time axis.

    How fast an arm answers when it is pushed to its limit says nothing of the budget, so it is not drawn.
    """
    drawn = [item for item in report.latency if item.judged and _finite(item)]
    phases = dict.fromkeys(item.phase for item in drawn)
    return [_response(report, [item for item in drawn if item.phase == phase]) for phase in phases]


# --- mismatch by feature


def mismatch(report: Report, pair: PairSummary) -> Picture:
    """The picture of one pair, which differs on some feature."""
    differing, total = tables.differing(pair), len(pair.fields)
    gate = _parity_gate(report, pair)
    limit = gate.limit if gate else None
    over = [f for f in differing if limit is None or f.rate > limit]
    beyond = f" on more than {words.percent(limit)} of requests" if limit is not None else ""
    seen = [f.first_seen for f in differing if f.first_seen], [f.last_seen for f in differing if f.last_seen]
    period = f"; seen {words.moment(min(seen[0]))} to {words.moment(max(seen[1]))}" if all(seen) else ""
    cut = f"; the {_MOST_ROWS} most frequent drawn" if len(differing) > _MOST_ROWS else ""
    rows = _mismatch_rows(report, pair, gate=gate)
    name = tables.pair_name(pair)
    return Picture(
        title=f"{len(over):,} of {words.counted(total, 'feature')} of {name} differ{beyond}",
        caption=(
            f"n = {words.counted(pair.compared, 'request')}{period}. Share of requests that differ, log "
            f"scale; {total - len(differing):,} more agree on every request{cut}."
        ),
        described="; ".join(f"{row['name']} {row['rate_text']} {row['cause']}".rstrip() for row in rows),
        wide=svg(_mismatch_chart(rows, WIDE, limit=limit)),
        narrow=svg(_mismatch_chart(rows, NARROW, limit=limit)),
    )


def _parity_gate(report: Report, pair: PairSummary) -> Verdict | None:
    arms = (f"{pair.right} vs {pair.left}", pair.right)
    return next((g for g in report.gates if g.gate == "feature_parity" and g.arm in arms), None)


def _mismatch_rows(report: Report, pair: PairSummary, *, gate: Verdict | None) -> list[_Row]:
    """A row for all features together, with its bound when there is one, then one a feature, in per cent."""
    causes = {
        field: story.cause_name(finding.cause)
        for finding in reversed(story.worst_first(report.findings))
        if finding.arm == pair.right
        for field in finding.fields
    }
    rows = [
        _row(f.field, f.rate, arm=pair.right, cause=causes.get(f.field, ""))
        for f in tables.differing(pair)[:_MOST_ROWS]
    ]
    if pair.feature_mismatches and pair.compared:
        rate = pair.feature_mismatches / pair.compared
        exact = (e for e in gate.evidence if e.unit == "share of requests") if gate else ()
        bounds = next((e for e in exact if e.upper is not None), None)
        together = _row("any feature", rate, arm=pair.right)
        if bounds is not None and bounds.upper is not None:
            together |= {
                "low": 100 * (rate if bounds.lower is None else bounds.lower),
                "high": 100 * bounds.upper,
            }
        rows.insert(0, together)
    return [row | {"place": place} for place, row in enumerate(rows)]


def _row(name: str, rate: float, *, arm: str, cause: str = "") -> _Row:
    return {
        "name": words.clipped(name),
        "rate": 100 * rate,
        "rate_text": words.percent(rate),
        "cause": cause,
        "colour": colour(arm),
    }


def _mismatch_chart(rows: list[_Row], size: Size, *, limit: float | None) -> _Layers:
    floor = min([row["rate"] for row in rows] + ([100 * limit] if limit else []))
    low = 10.0 ** math.floor(math.log10(max(floor, 1e-6)) - 1e-9)
    for row in rows:
        row["short"] = words.clipped(row["name"], size.letters)
        row["label"] = row["rate_text"]
        if size.roomy and row["cause"]:
            row["label"] += f" · {words.clipped(row['cause'], 24)}"
    x = alt.X(
        field="rate",
        type="quantitative",
        scale=alt.Scale(type="log", domain=[low, 100]),
        axis=alt.Axis(
            values=_decades(low, most=6 if size.roomy else 3),
            labelExpr="format(datum.value, '.6~g') + ' %'",
            title=None,
        ),
    )
    y = alt.Y(field="place", type="ordinal", axis=None, scale=alt.Scale(padding=0.5))
    base = data(rows)
    layers: list[alt.Chart] = [
        base.mark_rule(color=GRID).encode(y=y),
        base.transform_filter("isValid(datum.high)")
        .mark_rule(color=INK, strokeWidth=3, opacity=0.5)
        .encode(x=alt.X(field="low", type="quantitative"), x2="high:Q", y=y),
        base.mark_point(filled=True, size=80, opacity=1).encode(x=x, y=y, color=own_colour()),
        _side_text(base, "short", x=-10, align="right").encode(y=y),
        _side_text(base, "label", x=size.panel + 10, align="left").encode(y=y),
    ]
    if limit:
        layers += _limit_line(100 * limit, f"budget {words.percent(limit)}")
    return alt.layer(*layers).properties(width=size.panel, height=_ROW_HEIGHT * len(rows))


def _side_text(base: alt.Chart, field: str, *, x: int, align: _Align) -> alt.Chart:
    text = base.mark_text(align=align, baseline="middle", color=INK, fontSize=13, limit=420)
    chart: alt.Chart = text.encode(x=alt.value(x), text=alt.Text(field=field, type="nominal"))
    return chart


def _limit_line(at: float, label: str) -> list[alt.Chart]:
    """The upright line of the budget, named above the panel."""
    base = data([{"at": at, "label": label}]).encode(x=alt.X(field="at", type="quantitative"))
    text = base.mark_text(align="center", baseline="bottom", dy=-4, color=INK, fontSize=13, fontWeight="bold")
    return [
        base.mark_rule(color=INK, strokeDash=[5, 3], strokeWidth=1.5),
        text.encode(y=alt.value(0), text=alt.Text(field="label", type="nominal")),
    ]


def _decades(low: float, *, most: int) -> list[float]:
    """Powers of ten from 100 down to `low`, at most so many."""
    powers = range(2, round(math.log10(low)) - 1, -1)
    return [10.0**power for power in powers[:: -(-len(powers) // most)]]


# --- response time under the arrival rate


def _response(report: Report, items: list[LatencySummary]) -> Picture:
    drawn, timed = sum(len(i.points) for i in items), sum(i.requests - i.failed - i.lost for i in items)
    thinned = f"; {drawn:,} of {timed:,} points drawn, the slowest 5 % all of them" if drawn < timed else ""
    first, budget, axes = items[0], report.budget_ms, _axes(items, report.budget_ms)
    data = {_BARS: _bars(first)} | {_dots(place): _timed(item) for place, item in enumerate(items)}
    return Picture(
        title=_late_sentence(items, budget),
        caption=(
            f"n = {words.counted(first.requests, 'request')} an arm over {axes.end:,.0f} s, phase "
            f"{words.clipped(first.phase)} at {words.clipped(first.pace)} pace; "
            f"{sum(i.failed for i in items):,} failed{thinned}. Response time from when the request was due, "
            "log scale, under the arrivals of the same second."
        ),
        described="; ".join(story.latency_line(item, budget) for item in items),
        wide=svg(_response_chart(items, _WIDE_TIME, axes=axes), data),
        narrow=svg(_response_chart(items, _NARROW_TIME, axes=axes), data),
    )


def _late_sentence(items: list[LatencySummary], budget: float | None) -> str:
    if budget is None:
        medians = "; ".join(f"{words.clipped(i.target)} {words.ms(i.response.p50)}" for i in items)
        return f"Median response time: {medians}"
    late = sorted((i for i in items if i.over_budget), key=lambda i: -i.over_budget)
    if not late:
        return f"{words.listed([i.target for i in items])} answered every request within {words.ms(budget)}"
    said = [
        f"{words.clipped(i.target)} took longer than {words.ms(budget)} on {i.over_budget:,} of "
        f"{i.requests:,} requests ({words.percent(i.over_budget / i.requests)})"
        for i in late
    ]
    never = [i.target for i in items if not i.over_budget]
    return "; ".join([*said, *([f"{words.listed(never)} on none"] if never else [])])


def _axes(items: list[LatencySummary], budget: float | None) -> _Axes:
    last = max([second for i in items for second, _ in _finite(i)] + [len(items[0].rate)])
    every = [row["ms"] for i in items for row in _timed(i)] + ([budget] if budget else [])
    return _Axes(last, [10.0 ** math.floor(math.log10(min(every))), 1.25 * max(every)], budget)


def _finite(item: LatencySummary) -> list[tuple[float, float]]:
    return [(second, ms) for second, ms in item.points if math.isfinite(second) and math.isfinite(ms)]


def _timed(item: LatencySummary) -> list[_Row]:
    """The points to draw; a log axis has no place for 0."""
    return [{"second": second, "ms": max(ms, 0.01)} for second, ms in _finite(item)]


def _dots(place: int) -> str:
    """The data set of the arm at this place."""
    return f"points-{place}"


def _response_chart(items: list[LatencySummary], size: Size, *, axes: _Axes) -> alt.VConcatChart:
    last = len(items) - 1
    panels: list[_Layers] = [_arrivals(size, end=axes.end)]
    for place, item in enumerate(items):
        dots = named(_dots(place))
        panels.append(_points(dots, item.target, size=size, axes=axes, last=place == last))
    return alt.vconcat(*panels, spacing=26)


def _bars(item: LatencySummary) -> list[_Row]:
    """Requests due a second; of a long phase the mean of several seconds a bar."""
    step = max(1, -(-len(item.rate) // _MOST_BARS))
    chunks = [item.rate[i : i + step] for i in range(0, len(item.rate), step)]
    return [
        {"from": chunk[0][0], "to": chunk[-1][0] + 1, "rate": sum(n for _, n in chunk) / len(chunk)}
        for chunk in chunks
    ]


def _arrivals(size: Size, *, end: float) -> _Layers:
    """The bars, from 0."""
    chart = (
        named(_BARS)
        .mark_bar(color=MUTED, opacity=0.75)
        .encode(
            x=_time("from", end, shown=False),
            x2="to:Q",
            y=alt.Y(field="rate", type="quantitative", axis=alt.Axis(title=None, tickCount=3)),
            y2=alt.datum(0),
        )
    )
    return _panel([chart], "Arrivals, requests/s", size=size, height=70)


def _points(points: alt.Chart, target: str, *, size: Size, axes: _Axes, last: bool) -> _Layers:
    y = alt.Y(
        field="ms",
        type="quantitative",
        scale=alt.Scale(type="log", domain=axes.domain, nice=False),
        axis=alt.Axis(title=None, values=_ticks(axes.domain), labelExpr="format(datum.value, ',.6~g')"),
    )
    dots = points.mark_point(filled=True, size=14, opacity=0.7, color=colour(target))
    layers = [dots.encode(x=_time("second", axes.end, shown=last), y=y)]
    if axes.budget:
        line = data([{"at": axes.budget}]).encode(y=alt.Y(field="at", type="quantitative"))
        name = data([{"label": f"╌ budget {words.ms(axes.budget)}"}]).mark_text(
            align="right", baseline="bottom", color=INK, fontSize=13, fontWeight="bold"
        )
        layers += [
            line.mark_rule(color=INK, strokeDash=[5, 3], strokeWidth=1.5),
            name.encode(
                x=alt.value(size.panel), y=alt.value(-7), text=alt.Text(field="label", type="nominal")
            ),
        ]
    what = "response time, ms" if size.roomy else "ms"
    return _panel(layers, f"{words.clipped(target, size.letters)}: {what}", size=size, height=130)


def _panel(layers: list[alt.Chart], title: str, *, size: Size, height: int) -> _Layers:
    name = alt.TitleParams(title, anchor="start", fontSize=13, color=INK, frame="group", offset=6)
    return alt.layer(*layers).properties(width=size.panel, height=height, title=name)


def _time(field: str, end: float, *, shown: bool) -> alt.X:
    axis = alt.Axis(
        labels=shown,
        title="seconds since the phase began" if shown else None,
        tickCount=6,
        format=",.6~g",
        grid=False,
    )
    return alt.X(
        field=field, type="quantitative", axis=axis, scale=alt.Scale(domain=[0, max(end, 1.0)], nice=False)
    )


def _ticks(domain: list[float]) -> list[float]:
    low, high = math.floor(math.log10(domain[0])), math.ceil(math.log10(domain[1]))
    return [10.0**power for power in range(low, high + 1) if 10.0**power <= domain[1]]
