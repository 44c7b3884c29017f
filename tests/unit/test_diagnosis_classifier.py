"""Cross-fitted probabilities: no row judged by a model that saw its unit, the same each time."""

import numpy as np
import pytest

from harness.diagnosis.classifier import boost, cross_fit, fold_of


def test_folds_keep_units_together_and_are_even() -> None:
    """Twenty units in five folds of four, all rows of one in one."""
    unit = np.repeat(np.arange(20), 3)
    fold = fold_of(unit, 5)
    assert all(np.unique(fold[unit == one]).size == 1 for one in range(20))
    assert np.bincount(fold).tolist() == [12] * 5
    assert np.array_equal(fold, fold_of(unit + 1000, 5))


def test_a_feature_that_tells_is_found_and_used() -> None:
    """High where the target is, by the first feature and not the second."""
    rng = np.random.default_rng(2)
    features = rng.standard_normal((2000, 2))
    target = (features[:, 0] > 0.0).astype(float)
    found = cross_fit(features, target, unit=np.arange(2000), outside=np.array([[3.0, 0.0], [-3.0, 0.0]]))
    assert found.inside[target == 1.0].mean() > 0.9
    assert found.inside[target == 0.0].mean() < 0.1
    assert found.gain[0] > 100.0 * found.gain[1]
    assert found.outside[0] > 0.9
    assert found.outside[1] < 0.1
    again = cross_fit(features, target, unit=np.arange(2000))
    assert np.array_equal(found.inside, again.inside)


def test_a_unit_cannot_vouch_for_itself() -> None:
    """A feature that names the unit, a target by unit: nothing is known of units that were not seen."""
    rng = np.random.default_rng(8)
    unit = np.repeat(np.arange(100), 20)
    target = rng.integers(0, 2, 100)[unit].astype(float)
    features = rng.standard_normal(100)[unit][:, None]
    by_unit = cross_fit(features, target, unit=unit).inside
    by_row = cross_fit(features, target, unit=np.arange(2000)).inside
    right = [np.mean((chance > 0.5) == (target == 1.0)) for chance in (by_unit, by_row)]
    assert right[0] < 0.65
    assert right[1] > 0.7


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_one_class_is_that_class(value: float) -> None:
    """No model is fitted to nothing."""
    found = cross_fit(np.zeros((20, 1)), np.full(20, value), unit=np.arange(20), outside=np.zeros((2, 1)))
    assert found.inside.tolist() == [value] * 20
    assert found.outside == pytest.approx([value] * 2)


def test_a_missing_value_is_a_value() -> None:
    """NaN where the target is 1 tells as well as any number."""
    target = np.tile([0.0, 1.0], 500)
    features = np.where(target == 1.0, np.nan, 0.0)[:, None]
    assert cross_fit(features, target, unit=np.arange(1000)).inside[1::2].mean() > 0.9


def test_boosting_starts_from_log_odds_and_its_parts_sum() -> None:
    """What the start knows already is not learnt again; parts by feature and for all sum to the logits."""
    rng = np.random.default_rng(6)
    features = rng.standard_normal((4000, 2))
    known = 2.0 * features[:, 0]
    target = (rng.random(4000) < 1.0 / (1.0 + np.exp(-known - features[:, 1]))).astype(float)
    model = boost(features, target, start=known, rounds=20)
    parts = model.parts(features)
    assert parts.shape == (4000, 3)
    assert parts.sum(axis=1) == pytest.approx(model.logits(features))
    assert np.abs(parts[:, 1]).mean() > 5.0 * np.abs(parts[:, 0]).mean()


def test_boosting_takes_the_parameters_and_weights_it_is_given() -> None:
    """One stump is one stump; rows of weight 0 are not there; twice is the same."""
    features = np.arange(200.0)[:, None]
    target = (features[:, 0] >= 100.0).astype(float)
    stump = {"num_leaves": 2, "min_data_in_leaf": 1, "learning_rate": 1.0}
    found = boost(features, target, parameters=stump, rounds=1).logits(features)
    assert np.unique(found).size == 2
    assert np.array_equal(found, boost(features, target, parameters=stump, rounds=1).logits(features))
    weight = (np.arange(200) % 2).astype(float)
    mixed = np.where(weight == 0.0, 1.0 - target, target)
    assert boost(features, mixed, weight=weight, parameters=stump, rounds=1).logits(features)[0] < 0.0
