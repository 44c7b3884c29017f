"""The delay curve of labels."""

from __future__ import annotations

from msgspec.structs import replace

from harness.records import LabelDelays
from harness.report import delay_plots
from tests.kit.sample_quality import quality


def test_the_curve_says_how_many_came_in_time() -> None:
    """The share by the window, of so many labels."""
    picture = delay_plots.delays(quality(identical=False))
    assert picture is not None
    assert picture.title == "99.1 % of the labels came within 7 days"
    assert picture.caption.startswith("n = 2,848 labels.")
    assert "label counts" in picture.wide


def test_one_delay_for_all_is_no_curve() -> None:
    """Nor is no label at all."""
    once = LabelDelays(shares=((7.0, 1.0),), window_days=7.0, mature_until="", labels=9)
    assert delay_plots.delays(replace(quality(identical=False), delays=once)) is None
    assert delay_plots.delays(replace(quality(identical=False), delays=None)) is None
