"""How often intervals of Shapley shares, and of what lies between them and the ladder, hold the truth."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from harness.diagnosis.shapley import shares
from tests.simulations.diagnosis.worlds import WORLDS, World, draw
from tests.simulations.figures import Goal, Measured, generator, row

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.diagnosis.intervals import Interval
    from harness.diagnosis.shapley import Share

    Rows = list[dict[str, object]]

TIMES, ROWS, TRUTH_ROWS = 10, 10_000, 400_000
SHARES = Goal(
    id="share_coverage",
    figure="Shapley shares of all eight metrics, without those 0 by construction, whose 95 % interval holds "
    "the truth",
    unit="%",
    better="higher",
    floor=92,
    aim=94,
)
DIFFERENCES = Goal(
    id="share_interaction_coverage",
    figure="the same of the difference between ladder and share, which flags an interaction",
    unit="%",
    better="higher",
    floor=92,
    aim=94,
)


def toggled(world: World) -> bool:
    """Whether anything that Shapley turns on and off is wrong in this world."""
    return any((world.bug, world.stale, world.raised, world.strict, world.delay))


def found(world: World, rng: np.random.Generator, *, rows: int, clustered: bool = True) -> tuple[Share, ...]:
    """The shares of one draw of the world's production."""
    made = draw(world, rng, rows=rows, clustered=clustered)
    return shares(made.production, thresholds=world.thresholds, unit=made.now.unit)


def coverage(worlds: Sequence[World], *, times: int, rows: int, truth_rows: int) -> tuple[list[float], ...]:
    """The percentage of shares, and of differences, that hold the truth in each draw."""
    covered: tuple[list[float], ...] = ([], [])
    for world in worlds:
        rng = generator(f"shares {world.name}")
        truth = found(world, rng, rows=truth_rows, clustered=False)
        for _ in range(times):
            made = found(world, rng, rows=rows)
            for into, pick in zip(covered, (_share, _difference), strict=True):
                held = [
                    pick(one).covers(pick(true).value)
                    for one, true in zip(made, truth, strict=True)
                    if pick(one).se > 0.0
                ]
                into.extend([100.0 * float(np.mean(held))] if held else [])
    return covered


def share_rows() -> Rows:
    """The rows of results/simulations/diagnosis.json about shares."""
    worlds = [world for world in WORLDS if toggled(world)]
    made = coverage(worlds, times=TIMES, rows=ROWS, truth_rows=TRUTH_ROWS)
    return [
        row(
            goal,
            Measured(
                value=float(np.mean(held)),
                spread=float(np.std(held, ddof=1) / np.sqrt(len(held))),
                runs=len(held),
            ),
        )
        for goal, held in zip((SHARES, DIFFERENCES), made, strict=True)
    ]


def _share(one: Share) -> Interval:
    return one.share


def _difference(one: Share) -> Interval:
    return one.difference
