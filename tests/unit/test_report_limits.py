"""The picture of what decides the p95: its words, and where its points stand."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

import pytest
from msgspec.structs import replace

from harness.records import SlowCount, SlowLimits
from harness.report import limits
from harness.report.drawing import Picture
from tests.kit.sample_report import go

BLUE, ORANGE = "#0072B2", "#D55E00"
LINES = SlowLimits(
    phase="rush",
    within=((300, 0), (632, 11), (800, 17)),
    over=((1, 8), (632, 54), (800, 66)),
    seen=(
        SlowCount(target="champion", name="rush", n=632, slow=0),
        SlowCount(target="challenger", name="rush", n=632, slow=60),
    ),
)


def picture(found: SlowLimits = LINES) -> Picture:
    """The one picture of a report with these limits."""
    (drawn,) = limits.pictures(replace(go(), limits=(found,), budget_ms=120.0))
    return drawn


def dots(svg: str) -> list[tuple[float, float, str]]:
    """Where each point stands in the panel, in px, and its colour."""
    root = ET.fromstring(svg)  # noqa: S314  -- our own drawing
    round_ones = [e for e in root.iter("{http://www.w3.org/2000/svg}path") if "A" in e.attrib["d"]]
    places = [re.findall(r"-?[\d.]+", e.attrib["transform"])[:2] for e in round_ones]
    return [(float(x), float(y), e.attrib["fill"]) for (x, y), e in zip(places, round_ones, strict=True)]


def test_the_picture_says_its_fact() -> None:
    """What was counted, what decides there, and a text in place of the picture."""
    drawn = picture()
    assert drawn.title == "Over 120 ms in rush: champion 0 of 632, challenger 60 of 632 requests"
    assert drawn.caption.startswith("Of 632 requests at most 11 slow are within, 54 or more are over.")
    assert "challenger 60 of 632" in drawn.described
    for svg in (drawn.wide, drawn.narrow):
        assert re.search(r">over( from here)?<", svg)
        assert re.search(r">within( up to here)?<", svg)


def test_points_stand_at_their_counts() -> None:
    """The same n is the same place across; fewer slow requests stand lower, and 0 on the axis."""
    (left, low, blue), (right, high, orange) = dots(picture().wide)
    assert (left, blue, orange) == (right, BLUE, ORANGE)
    assert low == 220
    assert 0 < high < low


def test_arms_with_one_count_are_named_together() -> None:
    """Two names on one place could not be read."""
    same = replace(LINES, seen=tuple(replace(c, slow=0) for c in LINES.seen))
    assert len(dots(picture(same).wide)) == 1
    assert ">champion and challenger<" in picture(same).wide


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (replace(LINES, within=()), "no count is within, 54 or more are over"),
        (replace(LINES, over=()), "at most 11 slow are within, no count is over"),
    ],
)
def test_a_limit_that_does_not_exist_is_said(found: SlowLimits, said: str) -> None:
    """Few requests prove nothing."""
    assert said in picture(found).caption


def test_without_counts_nothing_is_drawn() -> None:
    """No judged phase, no picture."""
    assert limits.pictures(go()) == []
    assert limits.pictures(replace(go(), limits=(replace(LINES, within=(), over=()),))) == []
