"""Worlds: random requests of random users with features of many shapes, all drawn from one seed.

Nothing is fixed but the list of shapes: sizes, distributions, levels, segments and dates are drawn anew for
each world.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from harness.columns import Column
from harness.diff.causes import Surroundings
from tests.benchmarks.causes.history import DAY_NS, Floats, History, Ints
from tests.benchmarks.causes.shapes import SHAPES, Feature, numbers

DAYS: Final = 14
#: instants, in seconds, at which clocks in Berlin or New York changed
CLOCK_CHANGES: Final = (1_761_440_400, 1_762_063_200, 1_772_953_200, 1_774_746_000)
SCORE: Final = "score"


@dataclass(frozen=True, eq=False)
class World:
    """n requests sorted by time, and what each feature ought to be on them."""

    unit: Ints
    time_ns: Ints
    service_ns: Floats
    segments: dict[str, NDArray[np.object_]]
    keys: dict[str, Ints]
    label: Floats
    features: dict[str, Feature]
    score: Column
    history: History
    clock_change_ns: int | None
    #: the one feature that bugs are wanted for, or none
    wanted: str | None = None

    @property
    def n(self) -> int:
        """How many requests there are."""
        return len(self.unit)

    @cached_property
    def around(self) -> Surroundings:
        """What a hypothesis may consult."""
        return Surroundings(
            unit=self.unit,
            time_ns=self.time_ns,
            columns={name: feature.column for name, feature in self.features.items()},
            segments=self.segments,
            service_ns=self.service_ns,
            keys=self.keys,
            label=self.label,
        )

    def left(self, name: str) -> Column:
        """The offline column of this name, the score's too."""
        return self.score if name == SCORE else self.features[name].column

    def shape(self, name: str) -> str:
        """The shape of the feature of this name."""
        return self.features[name].shape

    def of_shape(self, *shapes: str) -> list[str]:
        """The names of the features of these shapes, of the one that is wanted where one is."""
        named = self.features if self.wanted is None else [self.wanted]
        return [name for name in named if self.features[name].shape in shapes]


def make_world(seed: int, n: int = 100_000) -> World:
    """The world of this seed: n requests over two weeks, which may see the clocks change."""
    rng = np.random.default_rng([seed, n])
    change = int(rng.choice(CLOCK_CHANGES)) * 10**9 if rng.random() < 0.7 else None
    start = _start(rng, change)
    time_ns = _times(rng, n) + start
    units = max(40, n // int(rng.integers(8, 40)))
    unit = _users(rng, n=n, units=units)
    label = (rng.random(n) < rng.uniform(0.08, 0.5)).astype(np.float64)
    label[time_ns > time_ns[-1] - int(rng.uniform(0, 3) * DAY_NS)] = np.nan
    history = History.of(unit, time_ns)
    named = _names(rng)
    features = {name: Feature(shape, *SHAPES[shape][0](rng, history)) for name, shape in named.items()}
    return World(
        unit=unit,
        time_ns=time_ns,
        service_ns=rng.lognormal(rng.uniform(2, 4), rng.uniform(0.2, 0.6), n) * 1e6,
        segments=_segments(rng, n),
        keys={name: rng.permutation(units)[_users(rng, n=n, units=units)] for name in ("payee", "device")},
        label=label,
        features=features,
        score=numbers(rng.beta(rng.uniform(0.5, 3), rng.uniform(1, 6), n)),
        history=history,
        clock_change_ns=change,
    )


def _names(rng: Generator) -> dict[str, str]:
    """Names of features, a stem and a number that say nothing, and the shape of each.

    The columns of a vector share a stem, as they do in life; others that share one have nothing in common.
    """
    others = [shape for shape, (_, copies) in SHAPES.items() for _ in range(copies) if shape != "vector"]
    stems = [f"{a}{b}" for a in "bdfgklmnprstvz" for b in "aeiou"]
    vector, *shared = (str(stem) for stem in rng.permutation(stems)[:17])
    named = {f"{vector}_{k}": "vector" for k in range(int(rng.integers(3, 9)))}
    taken: dict[str, int] = {}
    for shape in rng.permutation(others):
        stem = str(rng.choice(shared))
        taken[stem] = taken.get(stem, -1) + 1
        named[f"{stem}_{taken[stem]}"] = str(shape)
    return named


def _start(rng: Generator, change: int | None) -> int:
    if change is not None:
        return change - int(rng.uniform(3, 11) * DAY_NS)
    return 1_767_225_600 * 10**9 + int(rng.integers(0, 35)) * DAY_NS + int(rng.integers(0, DAY_NS))


def _times(rng: Generator, n: int) -> Ints:
    """Times of day with a night in them."""
    days = rng.integers(0, DAYS, 2 * n) + rng.random(2 * n)
    awake = rng.random(2 * n) < 1 + rng.uniform(0, 0.8) * np.sin(2 * np.pi * days)
    kept = days[awake][:n] if int(awake.sum()) >= n else days[:n]
    return np.sort((kept * DAY_NS).astype(np.int64))


def _users(rng: Generator, *, n: int, units: int) -> Ints:
    """Users of whom a few are much more active than the rest."""
    weight = rng.lognormal(0, rng.uniform(0.3, 1.3), units)
    return rng.choice(units, n, p=weight / weight.sum()).astype(np.int64)


def _segments(rng: Generator, n: int) -> dict[str, NDArray[np.object_]]:
    """Where a request came from and what answered it."""
    levels: dict[str, list[str]] = {
        "country": ["US", "DE", "IN", "BR", "JP", "FR", "GB", "MX"][: int(rng.integers(3, 9))],
        "host": [f"web-{k:02}" for k in range(int(rng.integers(3, 25)))],
        "build": [f"2026.{k}" for k in range(int(rng.integers(2, 5)))],
    }
    return {name: _levels(rng, n, names=names) for name, names in levels.items()}


def _levels(rng: Generator, n: int, *, names: list[str]) -> NDArray[Any]:
    return np.array(names, object)[rng.choice(len(names), n, p=rng.dirichlet(np.full(len(names), 3.0)))]
