"""Holdout against production: nothing to tell where they are alike, the feature where they are not."""

from dataclasses import replace

import numpy as np
import pytest

from harness.diagnosis.domain import Rows, balanced, compare
from harness.errors import HarnessError
from tests.simulations.diagnosis.worlds import FEATURES, World, chance, draw, true_overlap


def drawn(world: World) -> tuple[Rows, Rows]:
    """Three thousand rows a side."""
    made = draw(world, np.random.default_rng(1), rows=3000)
    return made.before, made.now


def test_alike_populations_cannot_be_told_apart() -> None:
    """The interval of the AUC holds .5 or lies below, and nearly every row is overlap."""
    found = compare(*drawn(World(name="nothing")), names=FEATURES)
    assert found.auc.lower < 0.5
    assert min(found.effective) > 0.95


def test_the_feature_that_moved_is_named_first() -> None:
    """A new region: told apart well, by the region."""
    found = compare(*drawn(World(name="new", newcomers=0.4)), names=FEATURES)
    assert found.auc.lower > 0.55
    assert next(iter(found.gain)) == "region"
    assert sum(found.gain.values()) == pytest.approx(1.0)
    assert list(found.gain.values()) == sorted(found.gain.values(), reverse=True)


def test_the_weights_are_near_the_true_ones() -> None:
    """Under a shift of two features, on average within .06 of the true probability."""
    world = World(name="shift", shift=0.6)
    before, now = drawn(world)
    found = compare(before, now, names=FEATURES)
    for overlap, rows in ((found.holdout, before), (found.production, now)):
        assert np.abs(overlap.produced - true_overlap(world, rows.features).produced).mean() < 0.06


def test_the_label_models_are_each_of_their_own_side() -> None:
    """Where the concept turned, both sides' rows are judged by what either side's labels were."""
    world = World(name="concept", concept=1.0)
    before, now = drawn(world)
    found = compare(before, now, names=FEATURES)
    for overlap, rows in ((found.holdout, before), (found.production, now)):
        for column, concept in ((overlap.label_before, 0.0), (overlap.label_now, world.concept)):
            assert column is not None
            assert np.abs(column - chance(rows.features, concept)).mean() < 0.07


def test_rows_that_are_not_to_be_used_tell_nothing() -> None:
    """They get a half, and what their labels are changes no weight."""
    before, now = drawn(World(name="nothing"))
    used = np.arange(3000) >= 500
    found = compare(replace(before, used=used), now, names=FEATURES)
    spoiled = replace(before, used=used, label=np.where(used, before.label, 1.0))
    again = compare(spoiled, now, names=FEATURES)
    assert set(found.holdout.produced[:500]) == {0.5}
    for one, other in ((found.holdout, again.holdout), (found.production, again.production)):
        assert np.array_equal(one.produced, other.produced)
        assert np.array_equal(one.label_before, other.label_before)  # type: ignore[arg-type]  # both are there


def test_rows_without_labels_are_weighed_all_the_same() -> None:
    """Drift needs no labels; the label models use the rows that have one, or none at all."""
    before, now = drawn(World(name="nothing"))
    for label in (np.where(np.arange(3000) < 1500, np.nan, now.label), np.full(3000, np.nan)):
        found = compare(before, replace(now, label=label), names=FEATURES)
        assert found.production.label_now is not None
        assert found.production.produced.shape == (3000,)


def test_nothing_to_compare_is_an_error() -> None:
    """One line that says on which side."""
    before, now = drawn(World(name="nothing"))
    with pytest.raises(HarnessError, match="no row of the holdout to compare"):
        compare(replace(before, used=np.zeros(3000, dtype=bool)), now, names=FEATURES)


def test_a_probability_is_balanced() -> None:
    """80 % where 80 % of the rows are of production is as likely as not; sure stays sure."""
    assert balanced(np.array([0.8, 0.0, 1.0]), 0.8) == pytest.approx([0.5, 0.0, 1.0])
