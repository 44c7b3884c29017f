"""The pictures of the evidence: lines, steps and points over two axes, with bands, marks and y = x."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal

import altair as alt

from harness.report import words
from harness.report.drawing import INK, MUTED, Picture, Size, data, svg

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.records import Picture as Given
    from harness.records import Series
    from harness.report.drawing import Layers, Row

#: points of one series that are drawn at most
MOST_POINTS = 400
_WIDE, _NARROW = Size(640, 40, roomy=True), Size(270, 24, roomy=False)
_HEIGHT, _KEY = 260, 19
_HUES = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#6B7280", "#E69F00")
_DASHES = ([1, 0], [7, 3], [2, 3], [9, 3, 2, 3], [4, 4], [12, 4])
_SHAPES = ("circle", "square", "triangle-up", "diamond", "cross", "triangle-down")


def drawn(picture: Given) -> Picture | None:
    """What is drawn, in its two widths; None where no point of any series is finite."""
    rows = [row for place, series in enumerate(picture.series) for row in _points(series, place)]
    if not rows:
        return None
    most = max(len(series.x) for series in picture.series)
    thinned = (
        f" At most {MOST_POINTS:,} points a line are drawn, evenly over it." if most > MOST_POINTS else ""
    )
    banded = " Bands and whiskers are intervals." if any("low" in row for row in rows) else ""
    named = "; ".join(words.printable(series.name) for series in picture.series if series.name)
    return Picture(
        title=words.printable(picture.title),
        caption=f"Up: {words.printable(picture.y)}; across: {words.printable(picture.x)}.{banded}{thinned}",
        described=f"{named}. {_marked(picture)}".strip(),
        wide=svg(_chart(picture, rows, size=_WIDE)),
        narrow=svg(_chart(picture, rows, size=_NARROW)),
    )


def _marked(picture: Given) -> str:
    """The marked points in words."""
    said = []
    for mark in picture.marks:
        at = [f"{axis} {words.number(v)}" for axis, v in (("x", mark.x), ("y", mark.y)) if v is not None]
        said.append(f"{words.printable(mark.name)} at {', '.join(at)}")
    return "; ".join(said)


def _points(series: Series, place: int) -> Iterator[Row]:
    """A row for each finite point of a series, thinned evenly, the last one kept."""
    size = min(len(series.x), len(series.y))
    apart = -(-size // MOST_POINTS)
    bounded = len(series.lower) == len(series.upper) == len(series.y)
    for i in range(size):
        kept = i % max(1, apart) == 0 or i == size - 1
        if kept and math.isfinite(series.x[i]) and math.isfinite(series.y[i]):
            row: Row = {"x": series.x[i], "y": series.y[i], "i": i, "place": place, "form": series.form}
            if bounded and math.isfinite(series.lower[i]) and math.isfinite(series.upper[i]):
                row |= {"low": series.lower[i], "high": series.upper[i]}
            yield row


def _chart(picture: Given, rows: list[Row], *, size: Size) -> Layers:
    x, y = _axes(picture, rows, size=size)
    layers: list[alt.Chart] = _diagonal(picture, rows)
    for place in dict.fromkeys(row["place"] for row in rows):
        layers += _series([row for row in rows if row["place"] == place], x=x, y=y)
    layers += [*_marks(picture, rows, size=size), *_key(picture, rows, size=size)]
    return alt.layer(*layers).properties(width=size.panel, height=_HEIGHT)


def _axes(picture: Given, rows: list[Row], *, size: Size) -> tuple[alt.X, alt.Y]:
    across = [row["x"] for row in rows] + [m.x for m in picture.marks if m.x is not None]
    up = [row[key] for row in rows for key in ("y", "low", "high") if key in row]
    up += [m.y for m in picture.marks if m.y is not None]
    ticks = 6 if size.roomy else 4
    label = 60 if size.roomy else 34
    return (
        alt.X("x:Q", scale=_scale(across), axis=_axis(words.clipped(picture.x, label), ticks)),
        alt.Y("y:Q", scale=_scale(up), axis=_axis(words.clipped(picture.y, 34), 5)),
    )


def _scale(values: list[float]) -> alt.Scale:
    """An axis over all values; one that only has a single value has room on both sides of it."""
    finite = [value for value in values if math.isfinite(value)]
    low, high = min(finite), max(finite)
    room = 0.03 * (high - low) or abs(high) or 1.0
    return alt.Scale(domain=[low if low == 0 else low - room, high + room], nice=False, zero=False)


def _axis(title: str, ticks: int) -> alt.Axis:
    return alt.Axis(title=title, tickCount=ticks, format=",.6~g", grid=True)


def _series(rows: list[Row], *, x: alt.X, y: alt.Y) -> list[alt.Chart]:
    """One series: its band or whiskers, then its line, steps or points."""
    place, form = rows[0]["place"], rows[0]["form"]
    hue, order = _HUES[place % len(_HUES)], alt.Order("i:Q")
    bend: Literal["step-after", "linear"] = "step-after" if form == "step" else "linear"
    base, bounded = data(rows).encode(x=x, y=y), [row for row in rows if "low" in row]
    layers: list[alt.Chart] = []
    if form == "points":
        whiskers = data(bounded).mark_rule(color=hue, strokeWidth=1.5)
        layers += [whiskers.encode(x=x, y="low:Q", y2="high:Q")] if bounded else []
        return [*layers, base.mark_point(color=hue, shape=_shape(place), filled=True, size=55, opacity=1)]
    if bounded:
        band = data(bounded).mark_area(color=hue, opacity=0.18, interpolate=bend)
        layers.append(band.encode(x=x, y="low:Q", y2="high:Q", order=order))
    line = base.mark_line(color=hue, strokeWidth=2, strokeDash=_dash(place), interpolate=bend)
    return [*layers, line.encode(order=order)]


def _dash(place: int) -> list[int]:
    return _DASHES[place % len(_DASHES)]


def _shape(place: int) -> str:
    return _SHAPES[place % len(_SHAPES)]


def _key(picture: Given, rows: list[Row], *, size: Size) -> list[alt.Chart]:
    """What each colour, dash and shape stands for, a line a series above the panel."""
    drawn = {row["place"]: row["form"] for row in rows}
    named = [place for place in drawn if picture.series[place].name]
    layers: list[alt.Chart] = []
    for up, place in enumerate(reversed(named)):
        y = alt.value(-_KEY * up - 14)
        hue, one = _HUES[place % len(_HUES)], data([{}])
        if drawn[place] == "points":
            sign = one.mark_point(color=hue, shape=_shape(place), filled=True, size=55, opacity=1)
            layers.append(sign.encode(x=alt.value(12), y=y))
        else:
            sign = one.mark_rule(color=hue, strokeWidth=2, strokeDash=_dash(place))
            layers.append(sign.encode(x=alt.value(0), x2=alt.value(24), y=y))
        text = one.mark_text(align="left", baseline="middle", color=INK, fontSize=13)
        name = words.clipped(picture.series[place].name, size.letters)
        layers.append(text.encode(x=alt.value(32), y=y, text=alt.value(name)))
    return layers


def _diagonal(picture: Given, rows: list[Row]) -> list[alt.Chart]:
    """The line y = x over the part of it that both axes have."""
    if not picture.diagonal:
        return []
    across, up = ([row[key] for row in rows] for key in ("x", "y"))
    low, high = max(min(across), min(up)), min(max(across), max(up))
    ends: list[Row] = [{"x": low, "y": low}, {"x": high, "y": high}]
    return [data(ends).mark_line(color=MUTED, strokeWidth=1, strokeDash=[4, 4]).encode(x="x:Q", y="y:Q")]


def _marks(picture: Given, rows: list[Row], *, size: Size) -> list[alt.Chart]:
    """Marked points, and rules where a mark spans an axis, each with its name."""
    layers: list[alt.Chart] = []
    for place, mark in enumerate(picture.marks):
        known = {axis: v for axis, v in (("x", mark.x), ("y", mark.y)) if v is not None}
        if not known or not all(map(math.isfinite, known.values())):
            continue
        row: Row = {
            "name": words.clipped(mark.name, size.letters),
            **known,
            "right": _clear_right(rows, mark.y),
        }
        at = {axis: f"{axis}:Q" for axis in known}
        base = data([row]).encode(**at)
        if len(at) == 2:
            layers.append(base.mark_point(color=INK, shape="diamond", filled=True, size=110, opacity=1))
        else:
            layers.append(base.mark_rule(color=INK, strokeWidth=1.5, strokeDash=[5, 3]))
        layers.append(_mark_name(row, at, place=place, size=size))
    return layers


def _clear_right(rows: list[Row], y: float | None) -> bool:
    """Whether lines are farther from this height at their right ends than at their left ones."""
    if y is None:
        return False
    ordered = sorted(rows, key=lambda row: float(row["x"]))
    return abs(float(ordered[-1]["y"]) - y) > abs(float(ordered[0]["y"]) - y)


def _mark_name(row: Row, at: dict[str, str], *, place: int, size: Size) -> alt.Chart:
    """Right of a point, on the clearer end of a level line, at the foot of an upright one."""
    base, is_right = data([row]), "x" not in at and row["right"]
    text = base.mark_text(
        align="right" if is_right else "left",
        baseline="bottom",
        dx=-4 if is_right else 7,
        dy=-5,
        color=INK,
        fontSize=13,
        fontWeight="bold",
    )
    where = {"x": alt.value(size.panel if is_right else 0), "y": alt.value(_HEIGHT - 16 * place)} | at
    chart: alt.Chart = text.encode(text="name:N", **where)
    return chart
