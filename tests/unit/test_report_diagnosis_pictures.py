"""Pictures of evidence: every form is drawn, names stand in a key, hostile ones stay text, tails are kept."""

from __future__ import annotations

import math

from msgspec.structs import replace

from harness.records import Mark, Picture, Series
from harness.report.diagnosis_pictures import MOST_POINTS, drawn
from tests.kit.sample_diagnosis import HOSTILE

X = tuple(float(k) for k in range(5))
BAND = Series(name="band", x=X, y=X, lower=tuple(x - 0.5 for x in X), upper=tuple(x + 0.5 for x in X))


def test_every_form_is_drawn_and_named() -> None:
    """A line with its band, steps, points with whiskers, marks and the diagonal in one picture."""
    made = drawn(
        Picture(
            title=f"all{HOSTILE}",
            x="age",
            y="share",
            series=(
                BAND,
                replace(BAND, name="steps", form="step", lower=(), upper=()),
                replace(BAND, name=f"dots{HOSTILE}", form="points"),
            ),
            marks=(
                Mark(name="here", x=2.0, y=1.0),
                Mark(name="today", x=3.0),
                Mark(name="goal", y=0.5),
                Mark(name="nowhere"),
                Mark(name="lost", x=math.nan),
            ),
            diagonal=True,
        )
    )
    assert made is not None
    assert made.caption == "Up: share; across: age. Bands and whiskers are intervals."
    assert all(name in made.wide for name in ("band", "steps", "dots", "here", "today", "goal", "age"))
    assert "lost" not in made.wide
    assert "goal at y 0.5" in made.described
    assert "<script" not in made.wide + made.narrow
    assert "\x1b" not in made.wide + made.title


def test_nothing_finite_is_no_picture() -> None:
    """A series of NaN, or no series, is not drawn."""
    lost = Series(name="lost", x=(math.nan,), y=(1.0,))
    assert drawn(Picture(title="t", x="x", y="y", series=(lost,))) is None
    assert drawn(Picture(title="t", x="x", y="y", series=())) is None


def test_one_point_and_many_points_are_drawn() -> None:
    """A single point has an axis around it; of thousands some hundreds are drawn, and the page says so."""
    many = tuple(float(k) for k in range(5 * MOST_POINTS))
    one = Series(name="", x=(1.0,), y=(1.0,), form="points")
    made = drawn(Picture(title="t", x="x", y="y", series=(one, Series(name="many", x=many, y=many))))
    assert made is not None
    assert "At most 400 points a line are drawn" in made.caption
    assert len(made.wide) < 60_000
