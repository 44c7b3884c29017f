"""The probes of categories: usual ways of coding them, and codes found from scores."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from harness.diff.probes.categories import category_probes, fitted_codes
from harness.diff.probes.model import Layout, layout_of
from harness.diff.probes.probe import Case, Sample
from tests.kit.probed import LANG, LEVELS, Stumps, World

WORLD = World()
MODEL = Stumps()


def sample(served: np.ndarray, layout: Layout | None = None) -> Sample:
    """All requests that differ."""
    found = layout or layout_of(WORLD.model)
    assert found is not None
    return Case(WORLD.pair(served), WORLD.model, found).at(np.flatnonzero(served != WORLD.offline))


def same(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """To the last bit."""
    return np.asarray(a == b)


def test_numbers_alone_have_no_probes() -> None:
    """Nor anything to fit."""
    layout = replace(sample(WORLD.offline + 1).case.layout, levels=(None,) * 5)
    assert list(category_probes(layout)) == []
    assert fitted_codes(sample(WORLD.offline + 1, layout), same) == []


def test_ways_that_change_nothing_are_left_out() -> None:
    """Sorted levels are in alphabetical order; of levels without capitals lower case says nothing."""
    layout = sample(WORLD.offline + 1).case.layout
    phrases = [probe.phrase for probe in category_probes(layout)]
    assert not [p for p in phrases if "lang in alphabetical" in p or "no surrounding space" in p]
    assert "reads the category levels of agent in lower case" in phrases
    assert "codes the category levels of agent in alphabetical order" in phrases  # Bob, Cy, ann
    assert len(phrases) == len(set(phrases))


@pytest.mark.parametrize("column", [LANG])
def test_lost_levels_are_missing(column: int) -> None:
    """All of one category, and nothing else."""
    all_ = sample(WORLD.offline + 1)
    probe = next(p for p in category_probes(all_.case.layout) if p.phrase.endswith(f"levels of {'lang'}"))
    changed = probe.change(all_)
    assert np.isnan(changed[:, column]).all()
    np.testing.assert_array_equal(np.delete(changed, column, 1), np.delete(WORLD.made, column, 1))


@pytest.mark.parametrize("codes", [[2.0, 3, 1, 0], [1.0, np.nan, 2, 0]])
def test_codes_are_found_from_scores(codes: list[float]) -> None:
    """Where they cannot be told from others, those give the same scores."""
    served = WORLD.made.copy()
    served[:, LANG] = np.array(codes)[served[:, LANG].astype(int)]
    scores = MODEL(served)
    one, *_ = fitted_codes(sample(scores), same)
    assert one.phrase == "codes the category levels of lang in another order"
    np.testing.assert_array_equal(MODEL(one.change(sample(scores))), scores[scores != WORLD.offline])


def test_scores_of_another_model_are_no_codes() -> None:
    """Nothing moves where nothing is reproduced."""
    assert fitted_codes(sample(Stumps(seed=31)(WORLD.made)), same) == []


def test_the_kit_has_levels_for_both_categories() -> None:
    """As many as the codes drawn."""
    assert [len(each) for each in LEVELS] == [4, 3]
