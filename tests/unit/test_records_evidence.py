"""Estimates, looks and summaries: what is not known is None, and a ruling is one of three."""

import msgspec
import pytest

from harness.records import Estimate, LiveSummary, Look, MetricRow, QualitySummary

LOOK = Look(
    as_of="2026-01-01T00:00:00Z",
    test="paired",
    n=100,
    units=40,
    estimate=0.01,
    lower=-0.02,
    upper=0.04,
    log_e=None,
    ruling="UNDECIDED",
)


@pytest.mark.parametrize(
    "summary",
    [
        QualitySummary(
            as_of=LOOK.as_of,
            outcome="squared error",
            counts={"matured": 100},
            metrics=(
                MetricRow(metric="auc", direction="higher", arms={"champion": 0.8, "challenger": None}),
            ),
            estimate=Estimate(name="harm", value=0.01, n=100, lower=-0.02, upper=0.04, level=0.95),
            looks=(LOOK,),
        ),
        LiveSummary(
            as_of=LOOK.as_of,
            share=0.1,
            sticky=True,
            every="day",
            rule="by block",
            blocks=3,
            effective=2.5,
            left_over=4,
            budget_ms=50.0,
            error_margin=0.01,
            counts={"challenger": 10},
            looks=(LOOK,),
        ),
    ],
    ids=["quality", "live"],
)
def test_a_summary_survives_json(summary: msgspec.Struct) -> None:
    """Looks, metrics and estimates are found again; a metric that an arm lacks stays None."""
    assert msgspec.json.decode(msgspec.json.encode(summary), type=type(summary)) == summary


def test_a_look_is_not_the_last_one_unless_it_says_so() -> None:
    """A test goes on until a look is final."""
    assert not LOOK.final
    assert LOOK.refused == ""


def test_a_look_that_rules_otherwise_is_refused() -> None:
    """PASS, FAIL or UNDECIDED; a damaged line of looks.jsonl is no ruling."""
    with pytest.raises(msgspec.ValidationError, match="ruling"):
        msgspec.convert(msgspec.to_builtins(LOOK) | {"ruling": "MAYBE"}, Look)


def test_an_estimate_without_an_interval_has_no_bounds() -> None:
    """A bound that was not computed is None, so nothing can lie within it."""
    estimate = Estimate(name="rate", value=0.5)
    assert (estimate.lower, estimate.upper, estimate.level) == (None, None, None)
