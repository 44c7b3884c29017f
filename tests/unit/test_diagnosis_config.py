"""What a scenario may say of a diagnosis."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from harness.diagnosis import DiagnosisConfig
from harness.diagnosis.config import TOLD
from harness.diagnosis.influence import NAMES


def test_all_of_it_may_be_left_out() -> None:
    """An empty table is a diagnosis with what is there."""
    made = msgspec.convert({}, DiagnosisConfig)
    assert (made.holdout, made.served, made.dashboard_days, made.retrain) == ("", None, None, True)


@pytest.mark.parametrize(
    "wrong",
    [
        {"hold_out": "x"},
        {"dashboard_days": 0},
        {"dashboard_days": -7},
        {"capacity_per_day": 0},
        {"max_flagged_share": 1.2},
        {"false_alarm_cost": -1},
        {"silence": "positive"},
        {"reported": {"roc_auc": "high"}},
    ],
    ids=str,
)
def test_what_makes_no_sense_is_refused(wrong: dict[str, Any]) -> None:
    """An unknown word, a window of no length, a share above 1, a metric that is no number."""
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(wrong, DiagnosisConfig)


def test_reported_metrics_are_those_of_the_ladder() -> None:
    """And the share of positives, which is none of them."""
    assert (*NAMES, "base_rate") == TOLD
