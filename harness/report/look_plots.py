"""Pictures of a test over its looks: its confidence sequence with the goals, its e-value on a log axis."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import altair as alt

from harness.report import words
from harness.report.drawing import INK, MUTED, Picture, Size, data, svg

if TYPE_CHECKING:
    from harness.records import Look, QualitySummary
    from harness.report.drawing import Layers, Row

_WIDE, _NARROW = Size(680, 40, roomy=True), Size(250, 14, roomy=False)
_HEIGHT = 170
_BAND, _BETTER, _WORSE = "#0072B2", "#009E73", "#D55E00"
#: e-values beyond this are drawn at it: what more there is says nothing more
_MOST_LOG10 = 12.0
_POWERS = "abs(datum.value) < 4 ? format(pow(10, datum.value), '.3~g') : '10^' + format(datum.value, '~g')"


def sequences(quality: QualitySummary) -> list[Picture]:
    """The confidence sequence over two looks or more, and its e-value where the test has one."""
    shown = [look for look in quality.looks if look.estimate is not None]
    if len(shown) < 2:
        return []
    pictures = [_bounds(quality, shown)]
    evidence = [look for look in shown if look.log_e is not None]
    return [*pictures, _evidence(quality, evidence)] if len(evidence) > 1 else pictures


def _goal(quality: QualitySummary) -> float:
    return 0.0 if quality.superiority else (quality.margin or 0.0)


def _bounds(quality: QualitySummary, looks: list[Look]) -> Picture:
    last = looks[-1]
    margin = f"worse by less than {words.number(_goal(quality))}"
    goal = "better than the champion" if quality.superiority else margin
    rows = [_bound_row(look, shown=_visible(quality, looks)) for look in looks]
    return Picture(
        title=f"{words.sentence(quality.measure)}: {last.ruling} after {words.counted(len(looks), 'look')}",
        caption=(
            f"Estimate with its bounds at each look, n = {words.counted(last.n, 'request')} of "
            f"{words.counted(last.units, 'unit')} at the last. PASS once the band is below the goal "
            f"({goal}), FAIL once it is above 0; both hold over all looks together."
        ),
        described="; ".join(
            f"{words.moment(look.as_of)} {words.number(look.estimate)} "
            f"({words.number(look.lower)} to {words.number(look.upper)}) {look.ruling}"
            for look in looks
        ),
        wide=svg(_bounds_chart(rows, quality, size=_WIDE)),
        narrow=svg(_bounds_chart(rows, quality, size=_NARROW)),
    )


def _visible(quality: QualitySummary, looks: list[Look]) -> tuple[float, float]:
    """The range that is drawn: goals and estimates, with room for the last bounds on either side."""
    marks = [0.0, _goal(quality), *(look.estimate or 0.0 for look in looks)]
    last = looks[-1]
    bounded = last.upper is not None and last.lower is not None
    width = (last.upper or 0.0) - (last.lower or 0.0) if bounded else 0.0
    room = max(width, max(marks) - min(marks), 1e-9)
    return min(marks) - 1.5 * room, max(marks) + 1.5 * room


def _bound_row(look: Look, *, shown: tuple[float, float]) -> Row:
    low, high = shown
    return {
        "as_of": look.as_of,
        "estimate": look.estimate,
        "lower": max(low, look.lower if look.lower is not None else low),
        "upper": min(high, look.upper if look.upper is not None else high),
    }


def _bounds_chart(rows: list[Row], quality: QualitySummary, *, size: Size) -> Layers:
    base = data(rows).encode(x=_time(size))
    y = alt.Y("estimate:Q", title=None, scale=alt.Scale(zero=False), axis=alt.Axis(tickCount=5, format="~g"))
    band = base.mark_area(opacity=0.18, color=_BAND, line=False).encode(y="lower:Q", y2="upper:Q")
    line = base.mark_line(color=_BAND, strokeWidth=2, point={"size": 22, "color": _BAND}).encode(y=y)
    goals = [{"at": 0.0, "what": "0: worse above", "colour": _WORSE}]
    if not quality.superiority:
        goals.append({"at": _goal(quality), "what": "margin: passes below", "colour": _BETTER})
    return alt.layer(band, *_rules(goals), line).properties(width=size.panel, height=_HEIGHT)


def _rules(goals: list[Row]) -> list[alt.Chart]:
    rules = data(goals)
    colour = alt.Color("colour:N", scale=None)
    return [
        rules.mark_rule(strokeDash=[5, 3], strokeWidth=1.5).encode(y="at:Q", color=colour),
        rules.mark_text(align="left", baseline="bottom", dx=3, dy=-2, fontSize=11).encode(
            y="at:Q", x=alt.value(0), text="what:N", color=alt.value(INK)
        ),
    ]


def _evidence(quality: QualitySummary, looks: list[Look]) -> Picture:
    threshold = math.log10(1.0 / quality.alpha_go)
    found = [(look.as_of, _log10(look.log_e)) for look in looks]
    rows: list[Row] = [{"as_of": as_of, "log10": value} for as_of, value in found]
    last = found[-1][1]
    goal = "is better" if quality.superiority else "is worse by less than the margin"
    return Picture(
        title=f"{words.clipped(quality.name)}: evidence that the challenger {goal}, e-value {_e(last)}",
        caption=(
            f"The e-value at each look, log axis; 1 is no evidence, {_e(threshold)} decides. If there were "
            f"nothing to show, it would reach that line at any look with probability {quality.alpha_go:g} at "
            "most."
        ),
        described="; ".join(f"{words.moment(as_of)} {_e(value)}" for as_of, value in found),
        wide=svg(_evidence_chart(rows, threshold, size=_WIDE)),
        narrow=svg(_evidence_chart(rows, threshold, size=_NARROW)),
    )


def _log10(log_e: float | None) -> float:
    return max(-_MOST_LOG10, min(_MOST_LOG10, (log_e or 0.0) / math.log(10.0)))


def _e(log10: float) -> str:
    return f"{10.0**log10:.3g}" if abs(log10) < 3 else f"10^{log10:.0f}".replace("-", "−")


def _evidence_chart(rows: list[Row], threshold: float, *, size: Size) -> Layers:
    axis = alt.Axis(tickCount=5, tickMinStep=1, labelExpr=_POWERS)
    base = data(rows).encode(x=_time(size), y=alt.Y("log10:Q", title=None, axis=axis))
    line = base.mark_line(color=_BAND, strokeWidth=2, point={"size": 22, "color": _BAND})
    marks = [
        {"at": threshold, "what": "1/α: decides", "colour": _BETTER},
        {"at": 0.0, "what": "1: none", "colour": MUTED},
    ]
    return alt.layer(*_rules(marks), line).properties(width=size.panel, height=_HEIGHT)


def _time(size: Size) -> alt.X:
    return alt.X(
        "as_of:T",
        title=None,
        scale=alt.Scale(type="utc"),
        axis=alt.Axis(format="%d %b", tickCount=8 if size.roomy else 3, grid=False),
    )
