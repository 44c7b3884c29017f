"""How long comparing and naming take, in this process, which runs on one core."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Final

import numpy as np

from harness.columns import Column, Kind
from harness.diff.causes import Evidence, name_causes
from harness.diff.cells import judge
from harness.diff.tolerance import Tolerances
from tests.benchmarks.causes.bugs import MAKERS, applied, struck
from tests.benchmarks.causes.goals import CAUSES_S, DIFF_S
from tests.benchmarks.causes.measuring import mismatching
from tests.benchmarks.causes.worlds import World, make_world
from tests.benchmarks.figures import Rows, row

FEATURES: Final = 50
RUNS: Final = 15
WIDE: Final = 1_000_000
#: classes of the five bugs, and on which share of the requests each is
BUGS: Final = {1: 0.001, 11: 0.01, 17: 0.01, 22: 1.0, 31: 1.0}
SEED: Final = 730_999


def causes_rows() -> Rows:
    """Fifty columns compared and five of them explained."""
    world = make_world(SEED)
    rng = np.random.default_rng(SEED)
    right: dict[str, Column] = {}
    for number, share in BUGS.items():
        bug = MAKERS[number](world, rng)
        while bug.feature in right:
            bug = MAKERS[number](world, rng)
        hit = struck(world, rng, bug=bug, share=share)
        right[bug.feature] = applied(world.left(bug.feature), bug.served[bug.feature], hit)
    others = [name for name in world.features if name not in right][: FEATURES - len(right)]
    columns = right | {name: world.left(name) for name in others}
    return [row(CAUSES_S, [_timed(lambda: _explain(world, columns)) for _ in range(RUNS)])]


def _explain(world: World, columns: dict[str, Column]) -> None:
    for name, right in columns.items():
        left = world.left(name)
        rows = mismatching(name, left, right)
        if len(rows):
            name_causes(Evidence(name, "offline", left, right, rows, world.around))


def diff_rows() -> Rows:
    """A million requests by fifty features, all of which differ."""
    rng = np.random.default_rng(SEED)
    pairs = [_narrowed(rng) for _ in range(FEATURES)]
    return [row(DIFF_S, [_timed(lambda: _diff(pairs)) for _ in range(RUNS)])]


def _narrowed(rng: np.random.Generator) -> tuple[Column, Column]:
    values = rng.lognormal(rng.uniform(-2, 6), 1, WIDE)
    empty = rng.random(WIDE) < 0.01
    kind = np.where(empty, Kind.NAN.value, Kind.VALUE.value).astype(np.uint8)
    values[empty] = np.nan
    narrow = values.astype(np.float32).astype(np.float64)
    return Column("number", values, kind), Column("number", narrow, kind.copy())


def _diff(pairs: list[tuple[Column, Column]]) -> None:
    tolerances = Tolerances()
    for k, (left, right) in enumerate(pairs):
        judge(left, right, name=f"x{k}", tolerances=tolerances)


def _timed(work: Callable[[], None]) -> float:
    """CPU seconds that it takes on one core: what else the machine does meanwhile is not counted."""
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(allowed)})
    try:
        started = time.process_time()
        work()
        return time.process_time() - started
    finally:
        os.sched_setaffinity(0, allowed)
