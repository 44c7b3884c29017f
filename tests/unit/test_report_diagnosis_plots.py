"""The waterfall: every step is drawn and named, in two widths, and hostile names stay text."""

from __future__ import annotations

import re

import pytest

from harness.records import MetricGap, RungValue
from harness.report.diagnosis_plots import plain_waterfall, ticks, waterfall
from tests.kit.sample_diagnosis import bare, fifty, gap, hostile, rich


def test_every_step_has_a_bar_and_two_intervals() -> None:
    """Twelve computed steps: twelve bars, twelve pale and twelve dark spans, two levels."""
    picture = waterfall(rich().metrics[0])
    assert picture is not None
    for drawn in (picture.wide, picture.narrow):
        assert drawn.count("<rect") == 12
        assert drawn.count('stroke-opacity="0.3"') == 12
        assert drawn.count('stroke-width="2"') == 12
        assert drawn.count('stroke-width="4"') == 2
    assert "−0.082 worse · interaction" in picture.wide
    assert "−0.082 ▾ ⇄" in picture.narrow
    assert "In no part: exposure" in picture.caption


def test_the_plain_one_speaks_plainly() -> None:
    """Its names are for everybody, it has no intervals, and its small steps stand together."""
    picture = plain_waterfall(rich().metrics[0])
    assert picture is not None
    assert "Live inputs computed differently" in picture.wide
    assert "6 smaller steps together" in picture.wide
    assert "stroke-opacity" not in picture.wide
    assert "served features" not in picture.wide + picture.title + picture.caption


def test_fifty_steps_are_cut_and_said() -> None:
    """Twenty-three bars of their own, one for the other twenty-seven."""
    picture = waterfall(fifty().metrics[0])
    assert picture is not None
    assert picture.wide.count("<rect") == 24
    assert "The 27 smallest steps are one bar, the last." in picture.caption


def test_without_steps_there_is_no_picture() -> None:
    """A metric without parts, or with one level only, is not drawn."""
    alone = MetricGap(metric="m", better="higher", rungs=(RungValue(step="reported", value=0.5),))
    assert waterfall(alone) is None
    assert plain_waterfall(bare().metrics[0]) is None


def test_a_gap_of_nothing_is_drawn() -> None:
    """One step that changes nothing divides nothing by zero."""
    picture = waterfall(gap("m", "higher", 0.0, changes={"serving_threshold": 0.0}))
    assert picture is not None
    assert "nan" not in picture.wide
    assert plain_waterfall(gap("m", "higher", 0.5, changes={"serving_threshold": 0.0})) is not None


def test_every_shape_stands_inside() -> None:
    """No x of bar, line or tick leaves the drawing."""
    for found in (rich(), fifty()):
        picture = waterfall(found.metrics[0])
        assert picture is not None
        for drawn, width in ((picture.wide, 1000), (picture.narrow, 350)):
            xs = [float(x) for x in re.findall(r'\bx[12]?="(-?[\d.]+)"', drawn)]
            assert xs
            assert min(xs) >= 0
            assert max(xs) <= width


def test_hostile_names_stay_text() -> None:
    """The name of a leaky column cannot open a tag."""
    picture = waterfall(hostile().metrics[0])
    assert picture is not None
    assert "<script" not in picture.wide + picture.narrow
    assert "leak: country&lt;script" in picture.wide


@pytest.mark.parametrize(
    ("domain", "most", "found"),
    [
        ((0.76, 0.94), 4, [0.8, 0.85, 0.9]),
        ((0.0, 1.0), 5, [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]),
        ((-0.011, 0.012), 3, [-0.01, 0.0, 0.01]),
        ((90.0, 1100.0), 7, [200.0, 400.0, 600.0, 800.0, 1000.0]),
    ],
)
def test_ticks_are_round(domain: tuple[float, float], most: int, found: list[float]) -> None:
    """They are multiples of 1, 2 or 5 of a power of ten, within the domain."""
    assert ticks(domain, most) == pytest.approx(found)
