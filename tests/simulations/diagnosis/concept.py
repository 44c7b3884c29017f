"""How often a change of Y given X is seen where there is none, and named by its feature where there is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.diagnosis.concept import where_changed
from tests.simulations.diagnosis.worlds import FEATURES, World, draw
from tests.simulations.figures import Goal, Measured, generator, row, standard_error

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.diagnosis.concept import Concept

TIMES, ROWS = 20, 4000
STILL = (
    World(name="nothing"),
    World(name="shift", shift=0.9),
    World(name="region", newcomers=0.3),
)
TURNED, SLIGHT = World(name="turned", concept=0.5), World(name="slightly turned", concept=0.3)
FEATURE = "pace"

FALSE = Goal(
    id="changed_false",
    figure=f"draws of {ROWS:,} rows a side in which Y given X is said to have changed and only X has, or "
    "nothing",
    unit="%",
    better="lower",
    floor=5.0,
    aim=2.5,
)
NAMED = Goal(
    id="changed_named",
    figure=f"draws of {ROWS:,} rows a side in which a feature's effect went from 1 to .2 and it is "
    "named first",
    unit="%",
    better="higher",
    floor=80.0,
    aim=95.0,
)
SLIGHTLY = Goal(
    id="changed_slightly_named",
    figure=f"draws of {ROWS:,} rows a side in which a feature's effect went from 1 to .52 and it "
    "is named first",
    unit="%",
    better="higher",
)


def found(world: World, *, times: int, rows: int) -> list[Concept]:
    """What is found in so many draws of a world."""
    rng = generator(f"concept {world.name}")
    draws = (draw(world, rng, rows=rows) for _ in range(times))
    return [where_changed(one.before, one.now, names=FEATURES) for one in draws]


def named(one: Concept) -> bool:
    """Whether the feature that changed is named first."""
    return one.changed and one.features[0].name == FEATURE


def concept_rows() -> list[dict[str, object]]:
    """The rows of results/simulations/diagnosis.json about concept shift."""
    false = [one.changed for world in STILL for one in found(world, times=TIMES, rows=ROWS)]
    right, slightly = (
        [named(one) for one in found(world, times=TIMES, rows=ROWS)] for world in (TURNED, SLIGHT)
    )
    return [_share(FALSE, false), _share(NAMED, right), _share(SLIGHTLY, slightly)]


def _share(goal: Goal, hits: Sequence[bool]) -> dict[str, object]:
    share = sum(hits) / len(hits)
    spread = 100.0 * standard_error(share, len(hits))
    return row(goal, Measured(value=100.0 * share, spread=spread, runs=len(hits)))
