"""The model asked otherwise: fixed ways, and numbers of trees found from scores."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from harness.diff.probes import Other
from harness.diff.probes.asking import asking_probes, fitted_trees, told
from harness.diff.probes.model import layout_of
from harness.diff.probes.probe import Call, Case, Probe, Sample
from tests.kit.probed import Stumps, World

WORLD = World()
MODEL = Stumps()


def sample(served: np.ndarray, world: World = WORLD) -> Sample:
    """Sixty requests."""
    layout = layout_of(world.model)
    assert layout is not None
    return Case(world.pair(served), world.model, layout).at(np.arange(60))


def same(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """To the last bit."""
    return np.asarray(a == b)


def test_a_model_of_one_tree_cannot_lose_one() -> None:
    """It can serve its raw score."""
    assert [probe.name for probe in asking_probes(replace(WORLD.model, trees=1))] == ["raw_score"]
    assert len(list(asking_probes(WORLD.model))) == 4


@pytest.mark.parametrize("trees", [1, 17, 59])
def test_a_number_of_trees_is_found(trees: int) -> None:
    """The one that reproduces the scores, and no early stop."""
    (found,) = fitted_trees(sample(MODEL(WORLD.made, trees=trees)), same)
    assert (found.name, found.call) == ("fewer_trees", Call(trees=trees))


@pytest.mark.parametrize(("every", "margin"), [(10, 1.0), (4, 1.5), (7, 0.75)])
def test_an_early_stop_is_found(every: int, margin: float) -> None:
    """Its margin to the piece between the requests that stop and those that go on."""
    served = MODEL(WORLD.made, stop=(every, margin))
    found = next(p for p in fitted_trees(sample(served), same) if p.name == "early_stop")
    assert found.call.stop is not None
    assert found.call.stop[0] == every
    assert found.call.stop[1] == pytest.approx(margin, abs=0.1)


def test_what_no_trees_reproduce_is_not_fitted() -> None:
    """Nor a model of two trees, whose parts are probes already."""
    assert fitted_trees(sample(np.full(400, 0.123)), same) == []
    few = World(stumps=Stumps(stumps=2))
    assert fitted_trees(sample(few.offline, few), same) == []


@pytest.mark.parametrize(
    ("other", "name"),
    [(Stumps(), "all_trees"), (Stumps(seed=8), "another_model"), (Stumps(stumps=20), "another_model")],
)
def test_another_model_that_goes_on_is_this_one_with_all_its_trees(other: Stumps, name: str) -> None:
    """Only one with more trees whose first ones score as this one does."""
    asked = Other(lambda seq, trees: other(WORLD.made[seq], trees=trees), other.stumps)
    world = World(others={"x": asked}, stumps=Stumps(stumps=30))
    assert told(Probe("another_model", "words", other="x"), sample(world.offline, world))[0] == name
