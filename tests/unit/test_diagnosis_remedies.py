"""What remedies give: paired, exactly 0 where nothing changes, ranked with the guardrail before the gain."""

import math
from dataclasses import replace

import numpy as np
import pytest

from harness.diagnosis.counterfactuals import Counterfactual, Impossible
from harness.diagnosis.influence import NAMES
from harness.diagnosis.intervals import Interval
from harness.diagnosis.queues import Limits
from harness.diagnosis.remedies import NO_ROWS, Remedy, gains, interaction, intervals, ranked
from harness.errors import HarnessError
from tests.simulations.diagnosis.remedies import World, draw, figures, free_of_rules, replicate

MANY = 2000


def world() -> World:
    """Two thousand rows of the world of remedies."""
    return draw(np.random.default_rng(7), rows=MANY)


def flipped(now: Counterfactual, rows: int) -> Counterfactual:
    """With the first rows' scores turned."""
    score = now.score.copy()
    score[:rows] = 1.0 - score[:rows]
    return replace(now, key="turned", score=score)


def test_nothing_changed_is_exactly_nothing() -> None:
    """All eight differences 0 with intervals of width 0, and the same queue."""
    made = world()
    found = gains(made.now, replace(made.now, key="same"), unit=made.unit, day=made.day)
    assert tuple(found.metrics) == NAMES
    for one in found.metrics.values():
        assert (one.value, one.se, one.lower, one.upper) == (0.0, 0.0, 0.0, 0.0)
    assert found.queue is not None
    assert found.queue[0] == found.queue[1]
    assert found.before == found.after
    assert (found.labelled, found.units) == (MANY, np.unique(made.unit).size)


def test_the_difference_is_then_minus_now() -> None:
    """For every metric, the value then minus the value now, inside its interval."""
    made = world()
    now, then = list(free_of_rules(made))[1]
    found = gains(now, then, unit=made.unit)
    for name, one in found.metrics.items():
        assert one.value == pytest.approx(found.after[name] - found.before[name])
        assert one.lower_all <= one.lower <= one.value <= one.upper <= one.upper_all
    assert found.metrics["roc_auc"].lower > 0.0
    assert found.metrics["brier"].upper < 0.0


def test_the_interval_is_paired_and_by_unit() -> None:
    """A change of ten rows is nearly sure; rows doubled within units narrow nothing, as units they do."""
    made = world()
    few, many = (gains(made.now, flipped(made.now, rows), unit=made.unit) for rows in (10, 1000))
    assert few.metrics["brier"].se < 0.2 * many.metrics["brier"].se
    doubled = [
        replace(one, score=np.tile(one.score, 2), label=np.tile(one.labels(), 2))
        for one in (made.now, flipped(made.now, 1000))
    ]
    together = gains(doubled[0], doubled[1], unit=np.tile(made.unit, 2)).metrics["brier"]
    apart = gains(doubled[0], doubled[1], unit=np.arange(2 * MANY)).metrics["brier"]
    assert together.se == pytest.approx(many.metrics["brier"].se)
    assert apart.se < 0.9 * together.se


def test_rows_without_a_score_then_are_left_out_now() -> None:
    """Half of the rows scored: both sides are of that half."""
    made = world()
    half = np.arange(MANY) < MANY // 2
    then = replace(made.now, key="half", score=np.where(half, made.now.score, np.nan))
    found = gains(made.now, then, unit=made.unit, day=made.day)
    assert all(one.value == 0.0 for one in found.metrics.values())
    assert found.labelled == MANY // 2
    assert found.queue is not None
    assert found.queue[0] == found.queue[1]


def test_an_undefined_metric_says_why_and_the_others_are_there() -> None:
    """Nothing flagged then: no precision; scores that are no probabilities: no log loss."""
    made = world()
    found = gains(made.now, replace(made.now, key="none", threshold=math.inf), unit=made.unit)
    assert found.empty == {"precision": "no row is predicted positive"}
    assert "precision" not in found.metrics
    assert found.metrics["recall"].value < 0.0
    wide = gains(made.now, replace(made.now, key="wide", score=3.0 * made.now.score), unit=made.unit)
    assert set(wide.empty) == {"log_loss", "brier"}
    assert wide.metrics["roc_auc"].value == 0.0


def test_what_cannot_be_computed_says_why() -> None:
    """An impossible remedy, no labels, no rows."""
    made = world()
    why = Impossible(key="retrain", action="", why_not="too few")
    assert gains(made.now, why, unit=made.unit).why_not == "too few"
    for label in (None, np.full(MANY, np.nan)):
        assert gains(made.now, replace(made.now, label=label), unit=made.unit).why_not == NO_ROWS
    bare = Counterfactual(key="now", action="", score=np.zeros(0), threshold=0.5, label=np.zeros(0))
    assert gains(bare, bare, unit=np.zeros(0)).why_not == NO_ROWS


def test_a_single_unit_has_no_interval() -> None:
    """It cannot tell how far units differ; what is exactly 0 stays so."""
    made = world()
    found = gains(made.now, replace(made.now, threshold=0.2), unit=np.zeros(MANY, dtype=int)).metrics
    assert math.isnan(found["recall"].lower)
    assert found["recall"].value > 0.0
    assert found["log_loss"].se == 0.0


def given(key: str, *, lower: float, guardrail: str = "kept", worsens: bool = False) -> Remedy:
    """A remedy with this lower bound of ROC-AUC."""
    one = Interval(
        value=lower + 0.1, se=0.05, lower=lower, upper=lower + 0.2, lower_all=lower, upper_all=lower + 0.2
    )
    return Remedy(
        key=key,
        action="",
        kind="model",
        metrics={"roc_auc": one},
        guardrail=guardrail,  # type: ignore[arg-type]  # a table of words
        worsens=worsens,
    )


def test_a_flood_is_never_ranked_above_a_sure_gain() -> None:
    """By lower bounds within groups: kept and sure, not known or no worse, doubtful, worse, not there."""
    remedies = [
        Remedy(key="none", action="", kind="model", why_not="too few"),
        given("flood", lower=0.9, guardrail="broken", worsens=True),
        given("doubtful", lower=-0.1),
        given("small", lower=0.01),
        given("unknown", lower=0.5, guardrail="unknown"),
        given("as before", lower=0.4, guardrail="broken"),
        given("large", lower=0.2),
    ]
    order = [one.key for one in ranked(remedies, by="roc_auc")]
    assert order == ["large", "small", "unknown", "as before", "doubtful", "flood", "none"]


def test_lower_is_better_where_it_is() -> None:
    """Log loss that falls is given back; the predicted positive rate has no better direction."""
    made = world()
    now, then = next(free_of_rules(made))
    found = gains(now, then, unit=made.unit, limits=Limits(positive_rate=1.0))
    back = found.given_back("log_loss")
    assert back.value == -found.metrics["log_loss"].value
    assert back.lower == -found.metrics["log_loss"].upper
    assert math.isnan(found.given_back("accuracy").value)
    with pytest.raises(HarnessError, match="predicted_positive_rate: has no better direction"):
        ranked([found], by="predicted_positive_rate")


def test_the_interaction_is_what_the_sum_does_not_say() -> None:
    """All fixes minus the sum of each; one fix that is all fixes has none."""
    made = world()
    now = made.now
    one, two, both = (then for _, then in list(free_of_rules(made))[:3])
    found = interaction(now, [one, two], together=both, unit=made.unit)
    each = [gains(now, then, unit=made.unit).metrics["log_loss"].value for then in (one, two, both)]
    assert found["log_loss"].value == pytest.approx(each[2] - each[0] - each[1])
    assert found["log_loss"].se > 0.0
    alone = interaction(now, [both], together=both, unit=made.unit)
    assert all((part.value, part.se) == (0.0, 0.0) for part in alone.values())


def test_units_that_are_not_seen_do_not_count() -> None:
    """Sums of two units of three: with one seen there is no interval."""
    sums = np.array([[1.0, -1.0, 0.0]])
    (two,) = intervals(np.array([0.5]), sums, seen=np.array([True, True, False]))
    (one,) = intervals(np.array([0.5]), sums, seen=np.array([True, False, False]))
    assert two.se == pytest.approx(2.0)
    assert math.isnan(one.se)


def test_most_intervals_hold_what_is_truly_given() -> None:
    """Two small draws of the simulated world, thirteen remedies each."""
    outcome = replicate(times=2, rows=1500, truth_rows=10_000)
    assert len(outcome.held) == 13
    rows = {str(one["id"]): one for one in figures(outcome)}
    assert float(str(rows["remedy_coverage"]["value"])) > 75.0
    assert float(str(rows["remedy_control_unpaired"]["value"])) > 1.5
