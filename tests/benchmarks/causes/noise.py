"""Columns with no bug in them: what may differ in the last bits, and noise that has no cause to be named."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np
from numpy.random import Generator

from harness.columns import Column
from harness.diff.bands import SHIPPED_SCORE
from harness.diff.cells import judge, mismatch
from harness.diff.tolerance import Tolerance, Tolerances
from tests.benchmarks.causes.bugs import VARIED, pick
from tests.benchmarks.causes.history import Floats
from tests.benchmarks.causes.worlds import World

KINDS: Final = ("added", "replaced", "multiplied")


def benign(world: World, rng: Generator) -> tuple[int, int]:
    """How many of the columns were compared with themselves or nearly so, and how many of them differ."""
    found = [_differs(column, rng) for column in (f.column for f in world.features.values())]
    narrow = world.score.values.astype(np.float32).astype(np.float64)
    scores = mismatch(world.score, replace(world.score, values=narrow), tolerance=SHIPPED_SCORE)
    return len(found) + 1, sum(found) + int(scores.any())


def _differs(column: Column, rng: Generator) -> bool:
    """Whether a column differs from itself, from its neighbours in float64, or from its declared decimals."""
    tolerances, other = Tolerances(), column
    if column.dtype == "number":
        how = rng.integers(0, 3)
        if how == 1:
            towards = np.where(rng.random(len(column.values)) < 0.5, -np.inf, np.inf)
            other = replace(column, values=np.nextafter(column.values, towards))
        elif how == 2:
            decimals = int(rng.integers(1, 6))
            rule = Tolerance(atol=0.5 * 10.0**-decimals * (1 + 1e-9), reason="declared decimals")
            tolerances = Tolerances(features={"x": rule})
            other = replace(column, values=np.round(column.values, decimals))
    return len(judge(column, other, name="x", tolerances=tolerances).rows) > 0


def noisy(world: World, rng: Generator, *, kind: str) -> tuple[str, Column]:
    """A feature, and its column with noise for which no cause can be given."""
    name = pick(world, rng, *VARIED, "count", "windowed")
    column = world.left(name)
    values = {"added": _added, "replaced": _replaced, "multiplied": _multiplied}[kind](column.values, rng)
    return name, replace(column, values=np.where(column.kind == 0, values, np.nan))


def _added(values: Floats, rng: Generator) -> Floats:
    size = float(np.nanstd(values)) * np.exp(rng.uniform(np.log(1e-3), 0))
    return np.asarray(values + rng.normal(0, size, len(values)))


def _replaced(values: Floats, rng: Generator) -> Floats:
    """Numbers of another distribution, whole ones for whole ones."""
    size = float(np.nanmean(np.abs(values))) + 1
    if np.all(np.floor(values) == values):
        return rng.poisson(size * rng.uniform(1, 5), len(values)).astype(np.float64)
    return rng.gamma(rng.uniform(1, 5), size, len(values)) - size * rng.uniform(0, 2)


def _multiplied(values: Floats, rng: Generator) -> Floats:
    return np.asarray(values * rng.lognormal(0, rng.uniform(0.5, 1.5), len(values)))
