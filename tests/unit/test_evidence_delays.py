"""How late labels come, as of a time."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from harness.evidence.cohort import DAY_NS
from harness.evidence.delays import POINTS, delays
from tests.kit.some_evidence import cohort

END = 40 * DAY_NS


def test_labels_that_come_at_once_are_one_point() -> None:
    """All labels after 7 days: the curve is one step, and the watermark is 7 days back."""
    found = delays(cohort(100), delay_days=7.0, as_of_ns=END)
    assert found is not None
    assert found.shares == ((7.0, 1.0),)
    assert (found.labels, found.window_days, found.mature_until) == (100, 7.0, "1970-02-03T00:00:00Z")


def test_a_long_curve_is_thinned_and_ends_at_one() -> None:
    """Many delays leave at most so many points, ascending in both, the last one whole."""
    base = cohort(600)
    late = replace(base, label_ns=base.event_ns + np.arange(600) * (DAY_NS // 60))
    found = delays(late, delay_days=7.0, as_of_ns=END)
    assert found is not None
    assert len(found.shares) == POINTS
    assert list(found.shares) == sorted(found.shares)
    assert found.shares[-1][1] == 1.0


def test_a_label_before_its_request_is_not_late() -> None:
    """Clocks disagree; such a label has no delay."""
    base = cohort(10)
    found = delays(replace(base, label_ns=base.event_ns - 5), delay_days=7.0, as_of_ns=END)
    assert found is not None
    assert found.shares == ((0.0, 1.0),)


def test_no_label_has_no_curve() -> None:
    """Before the first label came there is nothing to draw."""
    assert delays(cohort(10), delay_days=7.0, as_of_ns=DAY_NS) is None
