"""Recalibration maps: they find a known distortion, and their threshold means the same."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import isotonic_regression
from scipy.special import expit, logit

from harness.diagnosis.recalibrators import (
    Isotonic,
    Logistic,
    equivalent_threshold,
    fit,
    folds_of,
    logistic_fit,
    recalibrations,
)
from harness.errors import HarnessError


def world(n: int, *, seed: int, a: float = 1.0, b: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """Labels, and scores s for which logit P(y) = a logit s + b."""
    rng = np.random.default_rng(seed)
    scores = expit(rng.normal(0.0, 1.5, n))
    return (rng.random(n) < expit(a * logit(scores) + b)).astype(float), scores


def test_platt_finds_the_distortion() -> None:
    """Slope .5 and intercept 1 of 40,000 rows."""
    labels, scores = world(40_000, seed=1, a=0.5, b=1.0)
    map_ = fit("platt", labels=labels, scores=scores)
    assert isinstance(map_, Logistic)
    assert (map_.a, map_.b, map_.c) == pytest.approx((0.5, 0.5, 1.0), abs=0.05)


def test_beta_holds_platt() -> None:
    """Its log likelihood is at least Platt's; neither exponent is negative."""
    labels, scores = world(5_000, seed=2, a=0.7)
    beta, platt = (fit(kind, labels=labels, scores=scores) for kind in ("beta", "platt"))
    losses = [-np.mean(np.log(np.where(labels == 1, m(scores), 1 - m(scores)))) for m in (beta, platt)]
    assert losses[0] <= losses[1] + 1e-12
    upside_down = fit("beta", labels=1.0 - labels, scores=scores)
    assert isinstance(upside_down, Logistic)
    assert min(upside_down.a, upside_down.b) == 0.0
    rate = 1.0 - labels.mean()
    assert upside_down(scores).mean() == pytest.approx(rate, abs=1e-6)  # fitted anew, not cut off


def test_isotonic_is_pooled_adjacent_violators() -> None:
    """Labels 0 1 0 1 at .1 .2 .3 .4: 0, .5, .5, 1; straight between, flat outside."""
    map_ = fit("isotonic", labels=[0, 1, 0, 1], scores=[0.1, 0.2, 0.3, 0.4])
    assert isinstance(map_, Isotonic)
    assert map_.values.tolist() == [0.0, 0.5, 0.5, 1.0]
    assert map_([0.0, 0.15, 0.35, 1.0]).tolist() == pytest.approx([0.0, 0.25, 0.75, 1.0])


def test_the_best_out_of_fold_is_first() -> None:
    """A distorted score gains beyond its error; a right one keeps "as served" within error of the best."""
    distorted = recalibrations(*world(6_000, seed=3, a=0.4, b=-0.8), threshold=0.5)
    assert distorted[0].kind in {"platt", "beta"}
    assert distorted[0].gain > 5 * distorted[0].gain_se
    right = recalibrations(*world(6_000, seed=4))
    served = next(one for one in right if one.kind == "as served")
    assert served.log_loss <= right[0].log_loss + 2 * right[0].gain_se
    assert served.gain == 0.0


def test_rows_of_a_unit_share_a_fold() -> None:
    """And the folds are of about the same size."""
    units = np.random.default_rng(1).integers(0, 2_000, 10_000)
    fold = folds_of(units, folds=5)
    assert all(len(set(fold[units == unit])) <= 1 for unit in range(100))
    assert np.bincount(fold).min() > 1_500


@settings(max_examples=30, deadline=None)
@given(a=st.floats(0.2, 3.0), b=st.floats(-2.0, 2.0), wanted=st.floats(0.05, 0.95))
def test_the_equivalent_threshold_decides_the_same(a: float, b: float, wanted: float) -> None:
    """Raw scores at it, recalibrated scores at the probability: the same decisions."""
    map_ = Logistic(b, a, a)
    scores = np.linspace(0.001, 0.999, 500)
    raw = equivalent_threshold(map_, wanted)
    same = (scores >= raw) == (map_(scores) >= wanted)
    assert same[np.abs(map_(scores) - wanted) > 1e-9].all()


def test_a_probability_that_is_never_reached_has_no_threshold() -> None:
    """Above the highest value nan; at or below the lowest 0."""
    map_ = Isotonic(np.array([0.2, 0.8]), np.array([0.3, 0.6]))
    assert math.isnan(equivalent_threshold(map_, 0.7))
    assert equivalent_threshold(map_, 0.3) == 0.0
    assert equivalent_threshold(map_, 0.45) == pytest.approx(0.5)


def test_separated_labels_have_a_finite_fit() -> None:
    """The likelihood has no maximum there; the fit stays finite and ranks rightly."""
    beta = logistic_fit(np.array([0.0, 0.0, 1.0, 1.0]), np.column_stack([np.ones(4), [-2.0, -1.0, 1.0, 2.0]]))
    assert np.isfinite(beta).all()
    assert beta[1] > 5


def test_one_class_cannot_be_recalibrated() -> None:
    """A single map raises; the list of maps is empty, and so it is without rows."""
    with pytest.raises(HarnessError, match="cannot be recalibrated"):
        fit("platt", labels=[1, 1], scores=[0.2, 0.4])
    assert recalibrations([1, 1], [0.2, 0.4]) == ()
    assert recalibrations([], []) == ()


def test_an_isotonic_map_keeps_the_ends_of_its_flat_parts() -> None:
    """Everywhere it is the line through all fitted rows, from far fewer points."""
    rng = np.random.default_rng(11)
    scores = np.round(rng.random(5_000), 3)
    labels = (rng.random(5_000) < scores).astype(float)
    distinct, place, rows = np.unique(scores, return_inverse=True, return_counts=True)
    means = np.bincount(place, labels) / rows
    every = isotonic_regression(means, weights=rows).x
    map_ = fit("isotonic", labels=labels, scores=scores)
    assert isinstance(map_, Isotonic)
    assert map_.scores.size < distinct.size / 5
    at = np.linspace(0.0, 1.0, 10_007)
    assert (map_(at) == np.interp(at, distinct, every)).all()
    assert map_(distinct).tolist() == every.tolist()
