"""The adjustment by an earlier covariate: least squares, what it may look at, and what it saves."""

import json

import numpy as np
import pytest

from harness.stats import Cuped


def test_theta_is_the_least_squares_slope() -> None:
    """Learned from 1, 2, 3 with covariates 10, 20, 30 it is .1; in general numpy's slope."""
    assert Cuped(covariate_mean=0.0).learn([1.0, 2.0, 3.0], [10.0, 20.0, 30.0]).theta == pytest.approx(0.1)
    rng = np.random.default_rng(2)
    covariate = rng.normal(3.0, 2.0, size=200)
    values = 0.4 * covariate + rng.normal(size=200)
    learned = Cuped(covariate_mean=3.0).learn(values[:90], covariate[:90]).learn(values[90:], covariate[90:])
    assert learned.theta == pytest.approx(np.polyfit(covariate, values, 1)[0], rel=1e-10)


def test_a_batch_is_adjusted_with_what_was_learned_before_it() -> None:
    """The first batch stays as it is; the second is adjusted by the first alone."""
    cuped = Cuped(covariate_mean=20.0)
    assert cuped.adjust([1.0, 2.0], [10.0, 30.0]).tolist() == [1.0, 2.0]
    cuped = cuped.learn([1.0, 2.0, 3.0], [10.0, 20.0, 30.0])
    assert cuped.adjust([5.0], [50.0]).tolist() == pytest.approx([2.0])


def test_the_adjusted_mean_is_the_same_and_its_spread_smaller() -> None:
    """At a correlation of .8 the variance falls to 1 - .64, and the mean stays unbiased."""
    rng = np.random.default_rng(4)
    covariate = rng.normal(size=20_000)
    values = 0.05 + 0.8 * covariate + 0.6 * rng.normal(size=20_000)
    cuped = Cuped(covariate_mean=0.0).learn(values[:5000], covariate[:5000])
    adjusted = cuped.adjust(values[5000:], covariate[5000:])
    assert adjusted.var() / values[5000:].var() == pytest.approx(0.36, abs=0.02)
    assert adjusted.mean() == pytest.approx(0.05, abs=0.02)


def test_without_spread_in_the_covariate_nothing_is_adjusted() -> None:
    """A constant covariate explains nothing."""
    cuped = Cuped(covariate_mean=7.0).learn([1.0, 5.0], [7.0, 7.0])
    assert cuped.theta == 0.0
    assert cuped.adjust([3.0], [9.0]).tolist() == [3.0]


def test_an_empty_batch_teaches_nothing() -> None:
    """And merging two that learned nothing learns nothing."""
    cuped = Cuped(covariate_mean=1.0)
    assert cuped.learn([], []) == cuped
    assert cuped.merge(cuped) == cuped


def test_state_survives_json_exactly() -> None:
    """What was learned, resumed from JSON, is the same."""
    cuped = Cuped(covariate_mean=1.0).learn([1.0, 2.5], [0.3, 0.7])
    assert Cuped.from_state(json.loads(json.dumps(cuped.state()))) == cuped


def test_other_covariates_do_not_merge() -> None:
    """Another known mean is another covariate."""
    with pytest.raises(ValueError, match="other tuning is another test"):
        Cuped(covariate_mean=1.0).merge(Cuped(covariate_mean=2.0))


@pytest.mark.parametrize(
    ("values", "covariates", "text"),
    [([1.0], [1.0, 2.0], "covariates: found shape"), ([float("nan")], [1.0], "values: found 1 NaN")],
)
def test_unusable_batches_are_refused(values: list[float], covariates: list[float], text: str) -> None:
    """One finite covariate a value."""
    with pytest.raises(ValueError, match=text):
        Cuped(covariate_mean=0.0).learn(values, covariates)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"n": -1}, "n: found -1"),
        ({"covariate_m2": -1.0}, "covariate_m2: found -1"),
        ({"mean": float("inf")}, "state: found 1 NaN or infinite"),
        ({"seed": 1.0}, "state: found the names"),
    ],
)
def test_a_damaged_state_is_refused_by_name(change: dict[str, float], text: str) -> None:
    """A value that no run can produce raises ValueError that names it."""
    with pytest.raises(ValueError, match=text):
        Cuped.from_state({**Cuped(covariate_mean=0.0).state(), **change})
