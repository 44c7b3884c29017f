"""Fixes without a new model: maps out of fold, features and models by their scores, waiting for labels."""

from dataclasses import replace

import numpy as np
import pytest

from harness.diagnosis.classifier import fold_of
from harness.diagnosis.counterfactuals import Counterfactual, Impossible
from harness.diagnosis.fixes import (
    RECALIBRATE,
    RECALIBRATE_AND_DECIDE,
    features_fixed,
    maps_by_fold,
    other_models,
    recalibrated,
    relabelled,
)
from harness.diagnosis.recalibrators import FOLDS
from harness.diagnosis.remedies import gains
from tests.simulations.diagnosis.remedies import World, draw

MANY = 3000


def world() -> World:
    """Three thousand rows of an overconfident model."""
    return draw(np.random.default_rng(17), rows=MANY)


def both(made: World) -> tuple[Counterfactual, Counterfactual]:
    """The two recalibrations, which can be computed."""
    one, other = recalibrated(made.now, unit=made.unit)
    assert isinstance(one, Counterfactual)
    assert isinstance(other, Counterfactual)
    assert (one.key, other.key) == (RECALIBRATE, RECALIBRATE_AND_DECIDE)
    return one, other


def test_with_the_threshold_moved_only_the_probabilities_mend() -> None:
    """Log loss falls surely; ranks and decisions are exactly what they were."""
    made = world()
    found = gains(made.now, both(made)[0], unit=made.unit, day=made.day)
    assert found.metrics["log_loss"].upper < 0.0
    assert found.metrics["brier"].upper < 0.0
    rest = [one for name, one in found.metrics.items() if name not in {"log_loss", "brier"}]
    assert all((one.value, one.se) == (0.0, 0.0) for one in rest)
    assert found.queue is not None
    assert found.queue[0] == found.queue[1]


def test_with_the_threshold_kept_other_rows_are_flagged() -> None:
    """As many as reach it by the map; what would be served is one threshold on the score as it is."""
    made = world()
    _, then = both(made)
    reached = then.score >= made.now.threshold
    assert np.mean(reached == then.flagged()) > 0.995
    assert then.flagged().mean() < 0.5 * made.now.flagged().mean()
    assert then.deployed is not None
    assert np.mean(then.flagged() == then.served()) > 0.98
    assert "the same decisions as" in then.note


def test_a_map_has_not_seen_the_unit_that_it_maps() -> None:
    """Other labels in one fold change no probability there, and do elsewhere."""
    made = world()
    fold = fold_of(made.unit, FOLDS)
    wrong = replace(made.now, label=np.where(fold == 2, 1.0 - made.label, made.label))
    one, other = both(made)[0], both(replace(made, now=wrong))[0]
    if one.note.split(",")[0] == other.note.split(",")[0]:
        assert np.array_equal(one.score[fold == 2], other.score[fold == 2])
    maps = maps_by_fold("platt", made.label, score=made.now.score, fold=fold)
    again = maps_by_fold("platt", wrong.labels(), score=made.now.score, fold=fold)
    assert maps[2] == again[2]
    assert maps[0] != again[0]
    assert len(maps) == FOLDS + 1


def test_rows_without_a_label_are_mapped_too() -> None:
    """They are in the queue; rows without a score stay so."""
    made = world()
    label = np.where(np.arange(MANY) < 1000, np.nan, made.label)
    score = np.where(np.arange(MANY) % 10 == 0, np.nan, made.now.score)
    one, _ = recalibrated(replace(made.now, label=label, score=score), unit=made.unit)
    assert isinstance(one, Counterfactual)
    assert np.array_equal(np.isnan(one.score), np.isnan(score))


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"label": None}, "one class only"),
        ({"label": np.ones(MANY)}, "one class only"),
        ({"score": np.full(MANY, 2.0)}, "no probabilities"),
        ({"threshold": np.full(MANY, 0.5)}, "another by row"),
    ],
)
def test_a_recalibration_that_cannot_be_says_why(change: dict[str, object], why: str) -> None:
    """Both of them."""
    made = world()
    for one in recalibrated(replace(made.now, **change), unit=made.unit):  # type: ignore[arg-type]  # a table
        assert isinstance(one, Impossible)
        assert why in one.why_not


def test_one_unit_with_all_positives_is_no_cross_fit() -> None:
    """The folds without it have one class."""
    made = world()
    unit = np.where(made.label == 1.0, 0, np.arange(MANY) + 1)
    one, _ = recalibrated(made.now, unit=unit)
    assert isinstance(one, Impossible)
    assert one.why_not == "the rows of some units have labels of one class only"


def test_a_score_that_points_the_wrong_way_is_not_turned_around() -> None:
    """A map that rises cannot mend it."""
    made = world()
    backwards = replace(made.now, score=1.0 - made.now.score)
    one, _ = recalibrated(backwards, unit=made.unit)
    assert isinstance(one, Impossible)
    assert one.why_not.startswith("positives do not have higher scores")


def test_features_and_models_are_their_scores() -> None:
    """Keys by name; a model's own threshold where it has one, else the present one, which the note says."""
    made = world()
    score = made.now.score / 2.0
    one, every = features_fixed(made.now, {"b": score}, together=made.now.score)
    assert (one.key, every.key) == ("fix_feature: b", "fix_features")
    assert np.array_equal(one.score, score)
    assert len(features_fixed(made.now, {"b": score})) == 1
    old, offline = other_models(made.now, {"old": score, "offline": score}, thresholds={"old": 0.3})
    assert (old.key, old.threshold, old.note) == ("serve: old", 0.3, "")
    assert (offline.threshold, offline.note) == (made.now.threshold, "at the present threshold")


def test_waiting_changes_labels_and_rows_and_no_decision() -> None:
    """Measurement remedies: the queue is the same, the labels are others."""
    made = world()
    for then, rows in zip(
        relabelled(made.dashboard(), mature=made.label), (MANY, made.joined.sum(), MANY), strict=True
    ):
        assert isinstance(then, Counterfactual)
        found = gains(made.dashboard(), then, unit=made.unit, day=made.day)
        assert found.kind == "measurement"
        assert found.labelled == rows
        assert found.queue is not None
        assert found.queue[0] == found.queue[1]
    waited = gains(made.dashboard(), then, unit=made.unit)
    assert waited.after["precision"] == pytest.approx(made.label[made.now.flagged()].mean())


def test_waiting_needs_labels_and_joining_needs_the_join() -> None:
    """Each says which is missing; the others are there."""
    made = world()
    whys = [
        [one.why_not if isinstance(one, Impossible) else "" for one in relabelled(dashboard, mature=mature)]
        for dashboard, mature in ((made.dashboard(), None), (made.now, made.label))
    ]
    assert whys[0] == ["", "there are no mature labels", "there are no mature labels"]
    unknown = "it is not known which rows the dashboard joined"
    assert whys[1] == [unknown, "", unknown]
