"""How vectors are laid out: codes of levels, what is missing, and when a model does not fit."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from harness.diff.probes.model import LAID_OUT_ROWS, codes_of, layout_of
from tests.kit.probed import LEVELS, NAMES, World, features, vectors

WORLD = World()


def test_vectors_come_back_from_columns() -> None:
    """Levels as codes in the model's order, null as NaN, only the rows asked for."""
    columns = features(WORLD.made)
    layout = layout_of(WORLD.model)
    assert layout is not None
    rows = np.array([0, 3, 5, 399])
    np.testing.assert_array_equal(layout.matrix(columns, rows), WORLD.made[rows])
    assert layout.categories.tolist() == [1, 4]
    assert layout.numbers.tolist() == [0, 2, 3]
    assert layout.levels == (None, LEVELS[0], None, None, LEVELS[1])
    assert layout.holed.tolist() == [True, False, False, False, True]


def test_the_middle_of_a_column_leaves_what_is_missing_out() -> None:
    """Medians, means and quantiles of what is there; 0 where nothing is."""
    made = WORLD.made.copy()
    made[:, 3] = np.nan
    layout = layout_of(World(made=made).model)
    assert layout is not None
    assert layout.medians[0] == np.nanmedian(made[:, 0])
    assert layout.means[0] == pytest.approx(np.nanmean(made[:, 0]))
    assert (layout.medians[3], layout.means[3], layout.quantiles[3].max()) == (0.0, 0.0, 0.0)
    assert layout.quantiles[0][[0, -1]].tolist() == [np.nanmin(made[:, 0]), np.nanmax(made[:, 0])]


def test_a_long_column_is_looked_at_in_part() -> None:
    """The levels of a million requests are not read to find a median."""
    made = vectors(LAID_OUT_ROWS * 2)
    made[1::2, 3] = np.nan
    layout = layout_of(World(made=made).model)
    assert layout is not None
    assert layout.holed[3]


def test_levels_are_seen_in_the_order_of_their_first_requests() -> None:
    """Levels nobody asked for are not there."""
    made = vectors(8)
    made[:, 1] = [2, 2, 0, 2, 0, 3, 3, 0]
    layout = layout_of(World(made=made).model)
    assert layout is not None
    assert layout.seen[1] == (2, 0, 3)
    assert layout.seen[0] == ()


def test_features_that_do_not_fit_the_model_have_no_layout() -> None:
    """A feature that is not there, or other categories than the model has."""
    columns = features(WORLD.made)
    few = {name: columns[name] for name in NAMES[:-1]}
    assert layout_of(replace(WORLD.model, features=few)) is None
    assert layout_of(replace(WORLD.model, levels=LEVELS[:1])) is None
    assert layout_of(replace(WORLD.model, features=columns | {"lang": columns["age"]})) is None


def test_codes_of_texts() -> None:
    """NaN for null and for a level that the model does not know."""
    found = codes_of(np.array(["b", None, "c", "a"], object), ["a", "b"])
    np.testing.assert_array_equal(found, [1, np.nan, np.nan, 0])


def test_a_probed_model_scores_columns_when_called() -> None:
    """So it stands where a rescorer is wanted."""
    model = replace(WORLD.model, rescore=lambda columns: columns["age"].values * 2)
    np.testing.assert_array_equal(model(features(WORLD.made)), WORLD.made[:, 2] * 2)
