"""How long the whole ladder takes on a million rows, and what stands beside it."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from harness.diagnosis.domain import compare
from harness.diagnosis.ladder import climb
from harness.diagnosis.shapley import shares
from tests.benchmarks.figures import Goal, Rows, row
from tests.simulations.diagnosis.worlds import FEATURES, World, draw, true_overlap

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.simulations.diagnosis.worlds import Draw

SIDE, FIT_SIDE, RUNS = 500_000, 50_000, 7
#: everything wrong at once, so that no step is empty
EVERYTHING = World(
    name="everything",
    leak=1.0,
    repeated=0.2,
    early=0.2,
    shift=0.5,
    newcomers=0.2,
    concept=0.5,
    bug=0.3,
    stale=0.2,
    raised=0.1,
    strict=0.1,
    delay=3.0,
    lost=0.2,
    hidden=0.4,
)
LADDER = Goal(
    id="ladder_s",
    figure="the ladder of 8 metrics, 13 steps, all intervals alone and at once, weights corrected: 1,000,000 "
    "rows (half of them holdout) in units of 3 on average, models fitted before",
    unit="s",
    better="lower",
    floor=5,
    aim=1.5,
)
SHAPLEY = Goal(
    id="shapley_s",
    figure="exact Shapley shares of 5 toggles, 8 metrics, with intervals: 32 cells on its 500,000 rows",
    unit="s",
    better="lower",
)
FIT = Goal(
    id="ladder_fit_s",
    figure="the classifiers of the overlap weights: 100,000 rows, 4 features, cross-fitted in 5 folds",
    unit="s",
    better="lower",
)


def ladder_rows() -> Rows:
    """The ladder, the shares beside it, and the fits before it, each alone on one thread."""
    made = weighed(draw(EVERYTHING, np.random.default_rng(1), rows=SIDE))
    few = draw(EVERYTHING, np.random.default_rng(2), rows=FIT_SIDE)
    unit, thresholds = made.now.unit, EVERYTHING.thresholds
    timed = {
        LADDER: lambda: climb(made.holdout, made.production, thresholds=thresholds),
        SHAPLEY: lambda: shares(made.production, thresholds=thresholds, unit=unit),
        FIT: lambda: compare(few.before, few.now, names=FEATURES),
    }
    return [measure(goal, call) for goal, call in timed.items()]


def weighed(made: Draw) -> Draw:
    """The draw with true weights, and with label models, so that all that is done with them is done."""
    before, now = (
        replace(overlap, label_before=overlap.produced, label_now=overlap.produced)
        for overlap in (true_overlap(EVERYTHING, rows.features) for rows in (made.before, made.now))
    )
    holdout = replace(made.holdout, overlap=before)
    return replace(made, holdout=holdout, production=replace(made.production, overlap=now))


def measure(goal: Goal, call: Callable[[], object]) -> dict[str, object]:
    """Processor seconds of so many runs; on a machine to itself they are the seconds one waits."""
    used, waited = [], []
    for _ in range(RUNS):
        started, began = time.process_time(), time.perf_counter()
        call()
        used.append(time.process_time() - started)
        waited.append(time.perf_counter() - began)
    told = f"processor time of one thread; waited {min(waited):.2f} s at best on this shared machine"
    return row(goal, used, told=told)
