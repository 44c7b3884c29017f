"""Which ten of many requests tell most suspicions apart."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from harness.diff.probes.telling import telling
from tests.kit.probed import World

WORLD = World()


def test_rare_changes_are_among_the_ten() -> None:
    """A column is missing on six of 400 requests, and on none of the first: five of those are chosen."""
    made = WORLD.made.copy()
    made[:, [0, 4]] = np.nan_to_num(made[:, [0, 4]])
    rare = np.array([111, 150, 222, 255, 333, 390])
    made[rare, 0] = np.nan
    world = World(made=made)
    chosen = telling(world.model, world.offline, count=10)
    assert len(np.intersect1d(chosen, rare)) >= 5
    assert np.all(np.diff(chosen) > 0)
    assert len(chosen) == 10


def test_the_same_ten_every_time() -> None:
    """Nothing is drawn."""
    one, two = (telling(WORLD.model, WORLD.offline, count=10) for _ in range(2))
    assert one.tolist() == two.tolist()


def test_few_requests_and_a_model_that_does_not_fit() -> None:
    """All of them; and the first ones where nothing can be suspected."""
    few = World(made=WORLD.made[:4])
    assert telling(few.model, few.offline, count=10).tolist() == [0, 1, 2, 3]
    strange = replace(WORLD.model, levels=())
    assert telling(strange, WORLD.offline, count=10).tolist() == list(range(10))
