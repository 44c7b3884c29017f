"""The parts of a gap as a table."""

from __future__ import annotations

from harness.records import GapPart, MetricGap, Number
from harness.report import gap


def test_parts_stand_over_their_sum() -> None:
    """With intervals where there are some, and why where a part was not computed."""
    metric = MetricGap(
        metric="roc_auc",
        better="higher",
        parts=(
            GapPart(step="feature_skew", value=Number(value=0.05, lower=0.01, upper=0.09)),
            GapPart(step="labels", why_not="no labels"),
        ),
        gap=Number(value=0.17),
    )
    assert gap.parts(metric).rows == (
        ("feature skew", "0.05", "0.01 to 0.09"),
        ("labels", "no labels", "–"),
        ("in all", "0.17", "–"),
    )
