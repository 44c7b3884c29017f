"""Pictures of looks: what they say in words, and that they are drawn."""

import xml.etree.ElementTree as ET

import pytest

from harness.records import Look
from harness.report import look_plots
from tests.kit.some_evidence import look, quality

OPEN = look("2026-03-01T00:00:00Z", ruling="UNDECIDED", lower=-0.02, upper=0.02, log_e=0.5)
LATER = look("2026-03-02T00:00:00Z", ruling="PASS", lower=-0.004, upper=0.006, log_e=5.0)


def test_two_looks_are_drawn_as_bounds_and_as_evidence() -> None:
    """The titles say the ruling and the e-value: exp(5) is 148."""
    bounds, evidence = look_plots.sequences(quality(OPEN, LATER))
    assert bounds.title == "label: log loss, challenger − champion: PASS after 2 looks"
    assert "2026-03-01 00:00 UTC" in bounds.described
    assert evidence.title.endswith("e-value 148")
    assert "20 decides" in evidence.caption
    for picture in (bounds, evidence):
        for drawing in (picture.wide, picture.narrow):
            assert ET.fromstring(drawing).tag.endswith("svg")  # noqa: S314  -- our own drawing


@pytest.mark.parametrize(
    ("looks", "count"),
    [
        ((), 0),
        ((OPEN,), 0),
        ((OPEN, look(estimate=None, lower=None, upper=None)), 0),
        ((OPEN, look("2026-03-03T00:00:00Z", log_e=None)), 1),
    ],
    ids=["none", "one", "one with numbers", "no e-value"],
)
def test_what_has_no_course_is_not_drawn(looks: tuple[Look, ...], count: int) -> None:
    """One point is no line, and a group-sequential test has no e-value."""
    assert len(look_plots.sequences(quality(*looks))) == count


def test_a_bound_that_is_unknown_reaches_the_edge() -> None:
    """Without a bound the band is as wide as the picture, and the picture is as for the others."""
    wide = look("2026-03-01T00:00:00Z", ruling="UNDECIDED", lower=None, upper=None, log_e=None)
    (bounds,) = look_plots.sequences(quality(wide, LATER))
    assert "–" in bounds.described
    assert "NaN" not in bounds.wide


def test_evidence_beyond_all_measure_is_drawn_at_the_edge() -> None:
    """exp(1000) is written as a power of ten and does not overflow."""
    sure = look("2026-03-03T00:00:00Z", log_e=1000.0)
    _, evidence = look_plots.sequences(quality(OPEN, sure))
    assert evidence.title.endswith("e-value 10^12")
