"""Calibration: right scores pass, distorted ones fail, the parts of log loss add up, undefined stays nan."""

import math

import numpy as np
import pytest
from scipy.special import expit, logit

from harness.diagnosis.calibration import (
    calibration_error,
    log_loss_parts,
    recalibration_line,
    reliability,
    spiegelhalter,
)
from harness.errors import HarnessError


def world(n: int, *, seed: int, slope: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """Labels, and scores s for which logit P(y) = slope logit s."""
    rng = np.random.default_rng(seed)
    scores = expit(rng.normal(0.0, 1.5, n))
    return (rng.random(n) < expit(slope * logit(scores))).astype(float), scores


def test_the_curve_by_hand() -> None:
    """Four rows in two bins: mean scores .15 and .85, rates 0 and .5, Wilson's interval for 1 of 2."""
    found = reliability([0, 0, 0, 1], [0.1, 0.2, 0.8, 0.9], bins=2)
    assert found.mean_score == pytest.approx([0.15, 0.85])
    assert found.positive_rate.tolist() == [0.0, 0.5]
    assert found.rows.tolist() == [2, 2]
    assert (found.low[1], found.high[1]) == pytest.approx((0.0945, 0.9055), abs=1e-4)


def test_the_debiased_error_of_a_right_model_is_about_nothing() -> None:
    """Plug-in is above 0 by what chance adds, the mean of the debiased over 60 worlds is not."""
    found = [calibration_error(*world(1_000, seed=seed)) for seed in range(60)]
    squared, debiased = (np.array([getattr(one, name) for one in found]) for name in ("squared", "debiased"))
    assert squared.mean() > 5 * squared.std() / math.sqrt(60)
    assert abs(debiased.mean()) < 3 * debiased.std() / math.sqrt(60)


@pytest.mark.parametrize(("slope", "holds"), [(1.0, True), (0.6, False)])
def test_both_tests_agree_on_clear_cases(slope: float, *, holds: bool) -> None:
    """4,000 rows: a right score passes, an over-sharp one fails both."""
    labels, scores = world(4_000, seed=5, slope=slope)
    line = recalibration_line(labels, scores)
    assert (spiegelhalter(labels, scores).p > 0.01) is holds
    assert (line.test.p > 0.01) is holds
    assert abs(line.slope - slope) < 4 * line.slope_se


def test_the_tests_hold_their_level() -> None:
    """Of 400 right worlds about 5 % are rejected at .05, within 4 standard errors."""
    p = np.array(
        [
            (spiegelhalter(*pair).p, recalibration_line(*pair).test.p)
            for pair in (world(400, seed=seed) for seed in range(400))
        ]
    )
    assert ((p < 0.05).mean(axis=0) < 0.05 + 4 * 0.011).all()
    assert ((p < 0.05).mean(axis=0) > 0.01).all()


def test_rows_that_come_four_times_have_twice_the_error_by_unit() -> None:
    """The same rows under their own unit: the information counts them four times, the sandwich does not."""
    labels, scores = world(2_000, seed=6)
    once = recalibration_line(labels, scores, units=np.arange(2_000))
    four = [np.repeat(one, 4) for one in (labels, scores, np.arange(2_000))]
    by_row, by_unit = recalibration_line(*four[:2]), recalibration_line(*four[:2], units=four[2])
    assert by_unit.slope_se == pytest.approx(once.slope_se, rel=1e-6)
    assert by_unit.slope_se == pytest.approx(2 * by_row.slope_se, rel=0.1)


def test_parts_of_log_loss_add_up() -> None:
    """Whatever the scores; an over-sharp score has more to win by recalibration than a right one."""
    right, sharp = (log_loss_parts(*world(4_000, seed=7, slope=slope)) for slope in (1.0, 0.3))
    for one in (right, sharp):
        assert one.log_loss == pytest.approx(one.miscalibration + one.refinement, abs=1e-15)
        assert one.refinement == pytest.approx(one.base_rate - one.discrimination, abs=1e-15)
    assert abs(right.miscalibration) < 0.02
    assert sharp.miscalibration > 0.05


def test_a_monotone_change_of_scores_changes_miscalibration_only() -> None:
    """Refinement sees ranks alone."""
    labels, scores = world(3_000, seed=8)
    one, other = log_loss_parts(labels, scores), log_loss_parts(labels, scores**3)
    assert other.refinement == pytest.approx(one.refinement, abs=1e-3)
    assert other.miscalibration > one.miscalibration + 0.1


@pytest.mark.parametrize("labels", [[], [1.0, 1.0], [0.0, 0.0]], ids=["no rows", "positives", "negatives"])
def test_one_class_leaves_nan(labels: list[float]) -> None:
    """Nothing raises; what one class allows is given."""
    scores = [0.3, 0.6][: len(labels)]
    assert math.isnan(recalibration_line(labels, scores).slope)
    assert math.isnan(log_loss_parts(labels, scores).miscalibration)
    error = calibration_error(labels, scores)
    assert math.isnan(error.ece) is (not labels)


def test_scores_that_promise_nothing_have_no_z() -> None:
    """All at .5, or all at 0 and 1."""
    for scores in ([0.5, 0.5], [0.0, 1.0]):
        assert math.isnan(spiegelhalter([0, 1], scores).value)
    assert math.isnan(recalibration_line([0, 1], [0.3, 0.3]).slope)


def test_what_is_no_probability_is_refused() -> None:
    """And labels that are missing, and other lengths."""
    with pytest.raises(HarnessError, match="scores: row 1"):
        spiegelhalter([0, 1], [0.5, 1.5])
    with pytest.raises(HarnessError, match="labels: row 0"):
        reliability([math.nan, 1], [0.5, 0.5])
    with pytest.raises(HarnessError, match="different lengths"):
        reliability([0, 1], [0.5])
