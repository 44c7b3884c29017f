"""The rows of the concept search: as many a side, halves by unit, weights, and a gain that is a log loss."""

from dataclasses import replace

import numpy as np
import pytest

from harness.diagnosis.concept_rows import (
    MOST_ROWS,
    gain_parts,
    losses,
    on_overlap,
    sampled,
    started,
    too_few,
)
from harness.diagnosis.domain import Rows
from tests.simulations.diagnosis.worlds import World, draw, true_overlap

WORLD = World(name="shift", shift=0.7)
MADE = draw(WORLD, np.random.default_rng(21), rows=3000)


def test_both_sides_get_as_many_rows() -> None:
    """Of those with a label that are to be compared; the fewer decide."""
    used = np.arange(3000) < 800
    there, here = sampled(replace(MADE.before, used=used), MADE.now)
    assert there.label.size == here.label.size == 800
    assert there.unit.tolist() == MADE.before.unit[:800].tolist()


def test_no_more_rows_than_the_limit() -> None:
    """Of a hundred and twenty thousand, half of the limit a side."""
    many = Rows(features=np.zeros((60_000, 1)), label=np.zeros(60_000), unit=np.arange(60_000))
    there, here = sampled(many, replace(many, unit=many.unit + 60_000))
    assert there.label.size + here.label.size == MOST_ROWS


def test_a_unit_is_in_one_quarter_on_both_sides() -> None:
    """So no model of a half has seen it."""
    there, here = sampled(MADE.before, replace(MADE.now, unit=MADE.before.unit))
    quarters: dict[int, int] = {}
    for side in (there, here):
        for unit, quarter in zip(side.unit.tolist(), side.quarter.tolist(), strict=True):
            assert quarters.setdefault(unit, quarter) == quarter
    assert np.bincount(there.quarter) == pytest.approx(np.full(4, 750), rel=0.1)
    assert set(zip(there.fold.tolist(), there.half.tolist(), strict=True)) == {
        (0, 0),
        (0, 1),
        (1, 0),
        (1, 1),
    }


def test_weighted_rows_have_the_same_features_on_both_sides() -> None:
    """Means of the two that shifted by .7 differ by less than .15, and the weights are near the true ones."""
    there, here = on_overlap(*sampled(MADE.before, MADE.now))
    means = [np.average(side.features[:, :2], axis=0, weights=side.weight) for side in (there, here)]
    assert means[0] == pytest.approx(means[1], abs=0.15)
    assert there.weight.mean() == pytest.approx(1.0)
    true = true_overlap(WORLD, there.features).produced
    assert np.abs(there.weight - true / true.mean()).mean() < 0.2


def test_too_few_of_a_class_are_told() -> None:
    """By the effective number of rows: equal weights count each, unequal ones fewer."""
    there, here = sampled(MADE.before, MADE.now)
    assert too_few(there, here) == ""
    skewed = replace(here, weight=np.where(np.arange(3000) < 10, 1.0, 0.0))
    assert "production has" in too_few(there, skewed)
    assert "the holdout has 0 positive labels" in too_few(replace(there, label=np.zeros(3000)), here)


def test_the_gain_of_a_row_is_its_log_loss_before_minus_after() -> None:
    """The parts sum to it, with probabilities by a model that has not seen the unit; it is 0 on no way."""
    _, here = started(*sampled(MADE.before, MADE.now))
    turned = replace(here, label=1.0 - here.label)
    parts = gain_parts(turned)
    assert parts.shape == (3000, 5)
    gained = parts.sum(axis=1)
    assert gained.mean() > 0.2
    assert (gained <= losses(turned.label, turned.start) + 1e-9).all()


def test_the_start_is_by_the_other_half_of_the_holdout() -> None:
    """Labels of the fold itself do not matter to it."""
    there, here = sampled(MADE.before, MADE.now)
    wrong = replace(there, label=np.where(there.fold == 0, 1.0 - there.label, there.label))
    one, other = started(there, here), started(wrong, here)
    for side, again in zip(one, other, strict=True):
        mine = side.fold == 0
        assert np.array_equal(side.start[mine], again.start[mine])
        assert not np.array_equal(side.start[~mine], again.start[~mine])
