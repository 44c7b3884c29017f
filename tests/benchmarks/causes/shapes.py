"""The shapes that features come in: each makes one column of a world from its requests and random numbers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from harness.columns import Column, Kind
from tests.benchmarks.causes.history import Floats, History, Ints

#: letters of names, some of which have a case, an accent, or a space
SYLLABLES: Final = (
    *("ba", "ko", "Ri", "ten", "MAL", "su", "Vo", "ny", "del", "Ara"),
    *("é", "ü", "ñ", "ça", "Ö", "å", " ", "-", "str", "ium"),
)


@dataclass(frozen=True, eq=False)
class Feature:
    """One offline column, its shape, and what it was made with."""

    shape: str
    column: Column
    made_with: dict[str, Any]


Made = tuple[Column, dict[str, Any]]
Shape = Callable[[Generator, History], Made]


def numbers(values: Floats, kind: NDArray[np.uint8] | None = None) -> Column:
    """A column of numbers, whole where nothing else is said."""
    kinds = np.zeros(len(values), np.uint8) if kind is None else kind
    return Column("number", np.asarray(values, np.float64), kinds)


def levels_of(names: list[str], codes: Ints) -> Column:
    """A column of categories."""
    return Column("category", np.array(names, object)[codes], np.zeros(len(codes), np.uint8))


def money(rng: Generator, history: History) -> Made:
    """Amounts with two decimals."""
    n = len(history.unit)
    return numbers(np.round(rng.lognormal(rng.uniform(2, 6), rng.uniform(0.5, 1.3), n) + 0.01, 2)), {}


def lognormal(rng: Generator, history: History) -> Made:
    """Positive numbers of all sizes."""
    return numbers(rng.lognormal(rng.uniform(-1, 6), rng.uniform(0.3, 1.2), len(history.unit))), {}


def count(rng: Generator, history: History) -> Made:
    """Small whole numbers, many of them zero."""
    n = len(history.unit)
    return numbers(rng.poisson(rng.gamma(rng.uniform(0.5, 2), rng.uniform(2, 8), n)).astype(float)), {}


def running(rng: Generator, history: History) -> Made:
    """The user's requests to date, from where they began."""
    units = int(history.unit.max()) + 1
    ranks = history.place - history.place[history.first]
    base = rng.integers(0, int(rng.integers(1, 400)), units)
    return numbers((ranks + base[history.unit]).astype(float)), {}


def event_epoch(rng: Generator, history: History) -> Made:
    """When the request came, in whole seconds or with their fractions."""
    seconds = history.time_ns / 1e9
    return numbers(np.floor(seconds) if rng.random() < 0.7 else np.round(seconds, 3)), {}


def epoch(rng: Generator, history: History) -> Made:
    """When the user joined, in whole seconds."""
    units = int(history.unit.max()) + 1
    joined = history.time_ns[0] / 1e9 - rng.exponential(rng.uniform(0.2, 3) * 3e7, units)
    return numbers(np.floor(joined)[history.unit]), {}


def epoch_ms(rng: Generator, history: History) -> Made:
    """When the user was seen before, in ms."""
    ago = rng.exponential(rng.uniform(0.1, 20) * 86_400, len(history.unit))
    return numbers(np.floor(history.time_ns / 1e6 - ago * 1000)), {}


def hour(rng: Generator, history: History) -> Made:
    """The hour of the day in some zone."""
    zone = int(rng.integers(-8, 10))
    return numbers(np.floor(history.time_ns / 3.6e12 + zone) % 24), {}


def weekday(rng: Generator, history: History) -> Made:
    """The day of the week, 0 to 6."""
    return numbers(np.floor(history.time_ns / 8.64e13 + int(rng.integers(0, 7))) % 7), {}


def normal(rng: Generator, history: History) -> Made:
    """What was standardised, more or less."""
    return numbers(rng.normal(rng.uniform(-0.5, 0.5), rng.uniform(0.5, 2), len(history.unit))), {}


def ratio(rng: Generator, history: History) -> Made:
    """A share between 0 and 1."""
    return numbers(rng.beta(rng.uniform(1, 5), rng.uniform(1, 8), len(history.unit))), {}


def nullable(rng: Generator, history: History) -> Made:
    """Positive numbers, some of them missing."""
    n = len(history.unit)
    empty = rng.random(n) < rng.uniform(0.1, 0.4)
    values = rng.gamma(rng.uniform(1, 4), rng.uniform(0.5, 30), n)
    values = np.round(values, int(rng.integers(0, 5))) if rng.random() < 0.3 else values
    blank = Kind.NAN if rng.random() < 0.5 else Kind.NULL
    return numbers(np.where(empty, np.nan, values), np.where(empty, blank, 0).astype(np.uint8)), {}


def ident(rng: Generator, history: History) -> Made:
    """Whole numbers that name something."""
    return numbers(
        rng.integers(1, int(rng.integers(100_000, 3_000_000)), len(history.unit)).astype(float)
    ), {}


def latitude(rng: Generator, history: History) -> Made:
    """Degrees of the user's place, a little apart each time."""
    units = int(history.unit.max()) + 1
    home = rng.uniform(-60, 70, units)[history.unit]
    return numbers(np.round(home + rng.normal(0, 0.05, len(home)), int(rng.integers(4, 8)))), {}


def boolean(rng: Generator, history: History) -> Made:
    """0 or 1."""
    return numbers((rng.random(len(history.unit)) < rng.uniform(0.05, 0.6)).astype(float)), {}


def windowed(rng: Generator, history: History) -> Made:
    """The user's requests of some days, counted or added up in money."""
    days = int(rng.choice([2, 3, 5, 7]))
    n = len(history.unit)
    weights = np.ones(n) if rng.random() < 0.6 else np.round(rng.lognormal(3, 1, n), 2)
    return numbers(np.round(history.window(weights, days), 2)), {"days": days, "weights": weights}


def slow(rng: Generator, history: History) -> Made:
    """A value of the user's that changes now and then, or a little each time."""
    units, n = int(history.unit.max()) + 1, len(history.unit)
    step = np.where(rng.random(n) < rng.uniform(0.3, 1.0), rng.normal(0, rng.uniform(0.01, 0.2), n), 0.0)
    path = np.cumsum(step[history.order])[history.place]
    first = path[history.first]
    start = rng.lognormal(rng.uniform(1, 5), 1, units)[history.unit]
    values = start * np.exp(np.clip(path - first, -3, 3))
    return numbers(np.round(values, int(rng.integers(2, 9)))), {}


def profile(rng: Generator, history: History) -> Made:
    """A value of the user's that stays."""
    units = int(history.unit.max()) + 1
    return numbers(np.round(rng.gamma(2, rng.uniform(1, 50), units), 3)[history.unit]), {}


def vector(rng: Generator, history: History) -> Made:
    """One of several numbers that are one vector."""
    return numbers(rng.normal(0, rng.uniform(0.5, 2), len(history.unit))), {}


def category(rng: Generator, history: History) -> Made:
    """Names of 2 to 200 levels, some in other letters or with a space."""
    size = int(np.exp(rng.uniform(np.log(4), np.log(200))))
    names: dict[str, None] = {}
    while len(names) < size:
        word = "".join(rng.choice(SYLLABLES, int(rng.integers(2, 6)))).strip()
        names[word if len(word) > 1 else f"x{len(names)}"] = None
    return levels_of(list(names), _skewed(rng, n=len(history.unit), levels=size)), {}


def code(rng: Generator, history: History) -> Made:
    """Whole numbers as text."""
    size = int(rng.integers(3, 40))
    names = [str(k) for k in rng.choice(np.arange(1, 400), size, replace=False)]
    return levels_of(names, _skewed(rng, n=len(history.unit), levels=size)), {}


def flag(rng: Generator, history: History) -> Made:
    """0 or 1 as text."""
    return levels_of(["0", "1"], (rng.random(len(history.unit)) < rng.uniform(0.2, 0.7)).astype(np.int64)), {}


def decimal_text(rng: Generator, history: History) -> Made:
    """Decimals as text."""
    decimals = int(rng.integers(1, 4))
    size = int(rng.integers(10, 300))
    names = sorted({f"{x:.{decimals}f}" for x in rng.lognormal(2, 1, size)})
    return levels_of(names, _skewed(rng, n=len(history.unit), levels=len(names))), {"decimals": decimals}


def _skewed(rng: Generator, *, n: int, levels: int) -> Ints:
    """Levels of which some are common and some rare."""
    weight = rng.dirichlet(np.full(levels, rng.uniform(0.7, 3)))
    return rng.choice(levels, n, p=weight).astype(np.int64)


#: how each shape is made, and how many columns of it a world has
SHAPES: Final[dict[str, tuple[Shape, int]]] = {
    "money": (money, 3),
    "lognormal": (lognormal, 3),
    "count": (count, 3),
    "running": (running, 2),
    "event_epoch": (event_epoch, 1),
    "epoch": (epoch, 2),
    "epoch_ms": (epoch_ms, 2),
    "hour": (hour, 2),
    "weekday": (weekday, 2),
    "normal": (normal, 3),
    "ratio": (ratio, 3),
    "nullable": (nullable, 3),
    "ident": (ident, 2),
    "latitude": (latitude, 2),
    "boolean": (boolean, 2),
    "windowed": (windowed, 3),
    "slow": (slow, 3),
    "profile": (profile, 2),
    "vector": (vector, 5),
    "category": (category, 5),
    "code": (code, 2),
    "flag": (flag, 1),
    "decimal_text": (decimal_text, 2),
}
