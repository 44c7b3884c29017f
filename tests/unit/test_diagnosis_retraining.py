"""A model fitted anew: on earlier rows, of units that do not return, judged on later ones; or why not."""

from dataclasses import replace

import numpy as np
import pytest

from harness.diagnosis.counterfactuals import Counterfactual, Impossible
from harness.diagnosis.remedies import gains
from harness.diagnosis.retraining import Training, fitted, parts_in_time, retrained
from tests.simulations.diagnosis.remedies import PARAMETERS, World, draw

MANY = 4000


def world() -> World:
    """Four thousand rows of a model that misses a feature."""
    return draw(np.random.default_rng(29), rows=MANY)


def training(made: World, *, rounds: int = 30, delay: int = 0) -> Training:
    """The features as served, day by day."""
    return Training(
        features=made.served, time_ns=made.day, parameters=PARAMETERS, rounds=rounds, delay_ns=delay
    )


def test_a_model_of_the_new_window_is_better_where_the_world_changed() -> None:
    """AUC rises surely on the later rows, and nearly as many rows are flagged as now."""
    made = world()
    then = retrained(made.now, training(made), unit=made.unit)
    assert isinstance(then, Counterfactual)
    found = gains(made.now, then, unit=made.unit)
    assert found.metrics["roc_auc"].lower > 0.0
    assert found.metrics["log_loss"].upper < 0.0
    assert abs(found.metrics["predicted_positive_rate"].value) < 0.05
    assert found.labelled == np.count_nonzero(made.day > np.quantile(made.day, 0.6, method="lower"))


def test_earlier_rows_train_and_later_rows_judge() -> None:
    """Labels of the later rows change no score; rows that are not later have none."""
    made = world()
    used, after = parts_in_time(made.now, training(made), unit=made.unit)
    assert made.day[used].max() < made.day[after].min()
    wrong = replace(made.now, label=np.where(after, 1.0 - made.label, made.label))
    one, other = (retrained(now, training(made), unit=made.unit) for now in (made.now, wrong))
    assert isinstance(one, Counterfactual)
    assert isinstance(other, Counterfactual)
    assert np.array_equal(one.score, other.score, equal_nan=True)
    assert np.array_equal(np.isnan(one.score), ~after)
    assert one.threshold == other.threshold


def test_units_of_the_later_part_are_not_trained_on() -> None:
    """Unless too few rows would be left: then they are, and the note says so."""
    made = world()
    rng = np.random.default_rng(2)
    some = np.where(rng.random(MANY) < 0.2, made.unit % 50, 1000 + made.unit)
    used, after = parts_in_time(made.now, training(made), unit=some)
    assert not set(some[used]) & set(some[after])
    then = retrained(made.now, training(made), unit=some)
    assert isinstance(then, Counterfactual)
    assert "units return" not in then.note
    every = retrained(made.now, training(made), unit=made.unit % 10)
    assert isinstance(every, Counterfactual)
    assert "units return" in every.note


def test_labels_that_had_not_come_are_not_trained_on() -> None:
    """With a delay of three days the three days before the split are left out."""
    made = world()
    early, _ = parts_in_time(made.now, training(made, delay=3), unit=made.unit)
    late, after = parts_in_time(made.now, training(made), unit=made.unit)
    assert made.day[early].max() == made.day[late].max() - 3
    assert made.day[late].max() + 1 == made.day[after].min()


def test_the_hyper_parameters_are_the_models_own() -> None:
    """One tree of two leaves gives two scores."""
    made = world()
    stump = replace(training(made, rounds=1), parameters={"num_leaves": 2})
    predict = fitted(made.now, stump, rows=np.ones(MANY, dtype=bool))
    assert np.unique(predict(made.served)).size == 2


@pytest.mark.parametrize(
    ("label", "why"),
    [
        (None, "no row has a label and a score"),
        (np.zeros(MANY), "the earlier part has 0 positive labels, fewer than 30"),
        (np.ones(MANY), "the earlier part has 0 negative labels, fewer than 30"),
        (np.where(np.arange(MANY) < 100, 1.0, np.nan), "the earlier part has"),
    ],
)
def test_too_few_labels_say_so(label: np.ndarray | None, why: str) -> None:
    """None, of one class, or few."""
    made = world()
    then = retrained(replace(made.now, label=label), training(made), unit=made.unit)
    assert isinstance(then, Impossible)
    assert then.why_not.startswith(why)


def test_one_moment_has_no_later_part() -> None:
    """All rows at one time."""
    made = world()
    then = retrained(made.now, replace(training(made), time_ns=np.zeros(MANY, dtype=np.int64)))
    assert isinstance(then, Impossible)
    assert then.why_not == "the later part has 0 rows, fewer than 200"


def test_nothing_flagged_now_is_nothing_flagged_then() -> None:
    """The threshold lies above all training scores."""
    made = world()
    then = retrained(replace(made.now, threshold=2.0), training(made), unit=made.unit)
    assert isinstance(then, Counterfactual)
    assert np.mean(then.flagged()) < 0.01
