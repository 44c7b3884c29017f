"""The picture of how late labels come."""

from __future__ import annotations

from typing import TYPE_CHECKING

import altair as alt

from harness.report import words
from harness.report.drawing import INK, Picture, Size, data, svg

if TYPE_CHECKING:
    from harness.records import LabelDelays, QualitySummary
    from harness.report.drawing import Layers, Row

_WIDE, _NARROW = Size(560, 40, roomy=True), Size(250, 14, roomy=False)
_HEIGHT = 140


def delays(quality: QualitySummary) -> Picture | None:
    """The delay curve with the window after which a label counts; nothing where all come at once."""
    found = quality.delays
    if found is None or len(found.shares) < 2:
        return None
    by_window = max((share for day, share in found.shares if day <= found.window_days), default=0.0)
    return Picture(
        title=f"{words.percent(by_window)} of the labels came within {found.window_days:g} days",
        caption=f"n = {words.counted(found.labels, 'label')}. Share of labels that came by the age of their "
        "request, of those that come at all within the oldest age seen.",
        described="; ".join(f"{day:g} days {words.percent(share)}" for day, share in found.shares[::6]),
        wide=svg(_delay_chart(found, _WIDE)),
        narrow=svg(_delay_chart(found, _NARROW)),
    )


def _delay_chart(found: LabelDelays, size: Size) -> Layers:
    rows: list[Row] = [{"day": 0.0, "share": 0.0}, *({"day": d, "share": 100 * s} for d, s in found.shares)]
    x = alt.X(
        "day:Q", axis=alt.Axis(title="days since the request", tickCount=6 if size.roomy else 4, grid=False)
    )
    y = alt.Y("share:Q", axis=alt.Axis(title="labels, %", tickCount=3), scale=alt.Scale(domain=[0, 100]))
    line = data(rows).mark_line(interpolate="step-after", strokeWidth=2, color="#0072B2").encode(x=x, y=y)
    window = data([{"day": found.window_days, "what": "label counts"}])
    text = window.mark_text(align="left", baseline="top", dx=4, color=INK, fontSize=12)
    return alt.layer(
        window.mark_rule(strokeDash=[5, 3], color=INK).encode(x="day:Q"),
        text.encode(x="day:Q", y=alt.value(0), text="what:N"),
        line,
    ).properties(width=size.panel, height=_HEIGHT)
