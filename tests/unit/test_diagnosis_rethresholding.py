"""Moved thresholds: within capacity, to a precision, to the best F1; each chosen on the other half."""

import math
from dataclasses import replace

import numpy as np
import pytest

from harness.diagnosis.classifier import fold_of
from harness.diagnosis.counterfactuals import Counterfactual, Impossible
from harness.diagnosis.queues import Limits
from harness.diagnosis.remedies import gains
from harness.diagnosis.rethresholding import HALVES, rethresholded, saving
from harness.diagnosis.thresholds import operating
from tests.simulations.diagnosis.remedies import DAYS, World, draw

MANY = 3000


def world() -> World:
    """Three thousand rows, 150 a day."""
    return draw(np.random.default_rng(23), rows=MANY)


@pytest.mark.parametrize(
    "limits",
    [
        Limits(per_day=30),
        Limits(busy_day=30),
        Limits(positive_rate=0.15),
        Limits(per_day=40, busy_day=45, positive_rate=0.2),
        Limits(per_day=120, sampled=0.25),
    ],
)
def test_the_capacity_is_kept_and_used(limits: Limits) -> None:
    """The queue is within every limit, and one row more on each day would not be within the first."""
    made = world()
    then, _, _ = rethresholded(made.now, unit=made.unit, day=made.day, limits=limits)
    assert isinstance(then, Counterfactual)
    found = gains(made.now, then, unit=made.unit, day=made.day, limits=limits)
    assert found.guardrail == "kept"
    assert not found.worsens
    lower = replace(then, threshold=then.deployed - 0.03 if then.deployed else 0.0, deployed=None)
    assert gains(made.now, lower, unit=made.unit, day=made.day, limits=limits).guardrail == "broken"


def test_unlabelled_rows_are_in_the_queue() -> None:
    """Without half of the labels the threshold for the capacity is the same."""
    made = world()
    label = np.where(np.arange(MANY) % 2 == 0, np.nan, made.label)
    cuts = []
    for now in (made.now, replace(made.now, label=label)):
        then, _, _ = rethresholded(now, unit=made.unit, day=made.day, limits=Limits(per_day=30))
        assert isinstance(then, Counterfactual)
        cuts.append(then.deployed)
    assert cuts[0] == cuts[1]


def test_the_precision_is_reached_with_the_least_threshold() -> None:
    """On all rows: no lower score reaches it."""
    made = world()
    _, then, _ = rethresholded(made.now, unit=made.unit, precision=0.7)
    assert isinstance(then, Counterfactual)
    assert then.deployed is not None
    assert operating(made.label, made.now.score, threshold=then.deployed).precision >= 0.7
    below = np.unique(made.now.score[made.now.score < then.deployed])
    assert all(operating(made.label, made.now.score, threshold=cut).precision < 0.7 for cut in below[::20])


def test_the_best_f1_is_the_best() -> None:
    """On all rows, against a grid of thresholds."""
    made = world()
    _, _, then = rethresholded(made.now, unit=made.unit)
    assert isinstance(then, Counterfactual)
    best = replace(then, threshold=then.deployed or 0.0)
    found = gains(made.now, best, unit=made.unit)
    for cut in np.linspace(0.01, 0.99, 15):
        other = gains(made.now, replace(made.now, threshold=float(cut)), unit=made.unit)
        assert other.after["f1"] <= found.after["f1"] + 1e-12


def test_a_half_does_not_choose_its_own_threshold() -> None:
    """With its labels turned, its own rows' threshold stays and the other half's changes."""
    made = world()
    half = fold_of(made.unit, HALVES)
    wrong = replace(made.now, label=np.where(half == 0, 1.0 - made.label, made.label))
    cuts = []
    for now in (made.now, wrong):
        _, _, then = rethresholded(now, unit=made.unit)
        assert isinstance(then, Counterfactual)
        cuts.append(np.asarray(then.threshold))
    assert np.array_equal(cuts[0][half == 0], cuts[1][half == 0])
    assert not np.array_equal(cuts[0][half == 1], cuts[1][half == 1])
    assert all(np.unique(cuts[0][half == one]).size == 1 for one in range(HALVES))


@pytest.mark.parametrize(
    ("limits", "days", "why"),
    [
        (None, True, "the reviewers' capacity is not known"),
        (Limits(), True, "the reviewers' capacity is not known"),
        (Limits(per_day=5), False, "the days of the rows are not known"),
    ],
)
def test_a_capacity_that_is_not_known(limits: Limits | None, days: bool, why: str) -> None:  # noqa: FBT001  -- a table
    """Or days that are not."""
    made = world()
    then, _, _ = rethresholded(made.now, unit=made.unit, day=made.day if days else None, limits=limits)
    assert isinstance(then, Impossible)
    assert then.why_not == why


def test_a_share_needs_no_days() -> None:
    """A limit on the share flagged alone."""
    made = world()
    limits = Limits(positive_rate=0.1)
    then, _, _ = rethresholded(made.now, unit=made.unit, limits=limits)
    assert isinstance(then, Counterfactual)
    assert then.served().mean() == pytest.approx(0.1, abs=0.001)


@pytest.mark.parametrize("precision", [None, math.nan, 1.01])
def test_a_precision_that_is_not_known_or_not_reached(precision: float | None) -> None:
    """Says which."""
    made = world()
    _, then, _ = rethresholded(made.now, unit=made.unit, precision=precision)
    assert isinstance(then, Impossible)
    assert "precision" in then.why_not


def test_without_positives_there_is_no_f1() -> None:
    """Nor a precision; the capacity needs no labels."""
    made = world()
    limits = Limits(per_day=MANY / DAYS)
    found = rethresholded(
        replace(made.now, label=np.zeros(MANY)), unit=made.unit, day=made.day, limits=limits, precision=0.5
    )
    assert [isinstance(one, Impossible) for one in found] == [False, True, True]
    assert isinstance(found[2], Impossible)
    assert "too few positive labels" in found[2].why_not


def test_a_saving_by_hand() -> None:
    """Forty units whose scores rank perfectly, served at .9: half of the positives are missed, at 1 each."""
    label = np.tile([0.0, 0.0, 1.0, 1.0], 40)
    score = np.tile([0.1, 0.2, 0.8, 0.95], 40)
    now = Counterfactual(key="now", action="", score=score, threshold=0.9, label=label)
    found = saving(now, unit=np.arange(160) // 4, false_alarm=1.0, miss=1.0)
    assert (found.value, found.low, found.high) == pytest.approx((0.25, 0.25, 0.25))
    few = saving(now, unit=np.arange(160) // 40, false_alarm=1.0, miss=1.0)
    assert math.isnan(few.value)
