"""Bugs in what is looked up and served: fills, stale values, keys, swaps, texts (classes 13 to 29)."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from typing import Any, Final

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from harness.columns import Column, Kind
from tests.benchmarks.causes.bugs import VARIED, Bug, Unsuitable, changed, makes, pick, served
from tests.benchmarks.causes.history import DAY_NS, Ints
from tests.benchmarks.causes.worlds import World

DEFAULTS: Final = (0.0, -1.0, -999.0, 999999.0, 0.5, 1.0, 100.0)
UNKNOWN: Final = ("__UNK__", "unknown", "other", "OTHER", "", "n/a")
EMPTY: Final = {"nan": Kind.NAN, "null": Kind.NULL, "missing": Kind.MISSING}
ANY: Final = (*VARIED, "count", "windowed", "category")


@makes(13)
def constant(world: World, rng: Generator) -> Bug:
    """A default in place of the value."""
    name, value = pick(world, rng, *VARIED, "windowed", "epoch"), float(rng.choice(DEFAULTS))
    return changed(world, name, lambda a: np.full_like(a, value), number=13, said=("constant",), value=value)


@makes(14)
def middle_fill(world: World, rng: Generator) -> Bug:
    """The mean or the median in place of the value."""
    name = pick(world, rng, "money", "lognormal", "ratio", "normal", "nullable")
    said, middle = (("mean_fill", np.nanmean), ("median_fill", np.nanmedian))[int(rng.integers(0, 2))]
    value = float(middle(world.left(name).values))
    return changed(world, name, lambda a: np.full_like(a, value), number=14, said=(said,), value=value)


@makes(15)
def timeout_fill(world: World, rng: Generator) -> Bug:
    """A default, or nothing, where the feature store was too slow."""
    name = pick(world, rng, *VARIED, "windowed")
    column, kind = (
        world.left(name),
        int(rng.choice([Kind.VALUE, Kind.VALUE, Kind.NAN, Kind.NULL, Kind.MISSING])),
    )
    value = float(rng.choice(DEFAULTS))
    right = served(column, np.full_like(column.values, value), kind)
    known = {"value": value} if kind == Kind.VALUE else {}
    return Bug(15, {name: right}, frozenset({"timeout_fill"}), known, strikes="slow")


@makes(16)
def empties(world: World, rng: Generator) -> Bug:
    """Nothing becomes a value, zero becomes nothing, or a value is lost."""
    which = int(rng.integers(0, 3))
    if which == 0:
        name, value = pick(world, rng, "nullable"), float(rng.choice([0.0, 0.0, -1.0, 999.0]))
        column = world.left(name)
        filled = np.where(column.kind == Kind.VALUE.value, column.values, value)
        return Bug(16, {name: served(column, filled, Kind.VALUE)}, frozenset({"fill"}), {"value": value})
    said = str(rng.choice(list(EMPTY)))
    if which == 1:
        name = pick(world, rng, "count", "boolean")
        column = world.left(name)
        kinds = np.where(column.values == 0, EMPTY[said], Kind.VALUE).astype(np.uint8)
        return Bug(16, {name: served(column, column.values, kinds)}, frozenset({"lost_zero"}))
    name = pick(world, rng, *VARIED, "category", "code", "running")
    column = world.left(name)
    return Bug(16, {name: served(column, column.values, EMPTY[said])}, frozenset({said}))


def _of_rows(column: Column, rows: Ints) -> Column:
    """The column with each cell taken from another row, its own where there is none (-1)."""
    return Column(
        column.dtype,
        np.where(rows >= 0, column.values[rows], column.values),
        np.where(rows >= 0, column.kind[rows], column.kind).astype(np.uint8),
    )


@makes(17)
def stale(world: World, rng: Generator) -> Bug:
    """What was right some requests, or some hours, ago."""
    name = pick(world, rng, "slow", "slow", "slow", "latitude")
    if rng.random() < 0.6:
        lag = int(rng.choice([1, 1, 1, 2, 3]))
        right = _of_rows(world.left(name), world.history.before(lag))
        return Bug(17, {name: right}, frozenset({"stale"}), {"lag": float(lag)})
    age = int(np.exp(rng.uniform(np.log(1 / 12), np.log(3))) * DAY_NS)
    right = _of_rows(world.left(name), world.history.as_of(world.unit, world.time_ns - age))
    return Bug(17, {name: right}, frozenset({"stale"}))


@makes(18)
def snapshot(world: World, rng: Generator) -> Bug:
    """What was right on one day, served ever after."""
    name = pick(world, rng, "slow", "slow", "latitude")
    on = int(world.time_ns[0] + rng.uniform(2, 10) * DAY_NS)
    rows = world.history.as_of(world.unit, np.full(world.n, on))
    right = _of_rows(world.left(name), np.where(world.time_ns > on, rows, -1))
    return Bug(18, {name: right}, frozenset({"snapshot"}), {"time_ns": float(on)}, looseness=DAY_NS / on)


@makes(19)
def off_by_one(world: World, rng: Generator) -> Bug:
    """The request itself counted in, or left out."""
    by = float(rng.choice([-1.0, -1.0, 1.0]))
    name = pick(world, rng, "running", "count")
    return changed(world, name, lambda a: a + by, number=19, said=("off_by_one",), by=by)


@makes(20)
def window(world: World, rng: Generator) -> Bug:
    """Another number of days added up."""
    name = pick(world, rng, "windowed")
    made = world.features[name].made_with
    # None that another column has: that column would be as good a cause.
    others = {world.features[other].made_with["days"] for other in world.of_shape("windowed")}
    days = float(rng.choice([d for d in (1, 2, 3, 4, 6, 7, 10) if d not in others]))
    values = np.round(world.history.window(made["weights"], days), 2)
    return Bug(20, {name: served(world.left(name), values)}, frozenset({"window"}), {"days": days})


@makes(21)
def lookahead(world: World, rng: Generator) -> Bug:
    """Offline, the value had already seen the outcome."""
    name = pick(world, rng, "normal", "lognormal", "money", "count")
    values = world.left(name).values
    known = np.nan_to_num(world.label) > 0
    size = float(np.std(values)) * rng.uniform(0.3, 2)
    leak = size * (rng.uniform(0.2, 1) + rng.random(world.n))
    leak = (
        np.ceil(leak)
        if world.shape(name) == "count"
        else np.round(leak, 2 if world.shape(name) == "money" else 12)
    )
    right = served(world.left(name), np.where(known, values - leak, values))
    return Bug(21, {name: right}, frozenset({"lookahead"}))


@makes(22)
def wrong_key(world: World, rng: Generator) -> Bug:
    """The value of somebody else: of another id in the request, or of nobody knows whom."""
    name = pick(world, rng, "profile", "slow", "latitude")
    key = str(rng.choice([*world.keys, "nobody"]))
    if key == "nobody":
        rows = rng.permutation(world.n)
        return Bug(22, {name: _of_rows(world.left(name), rows)}, frozenset({"wrong_key"}))
    rows = world.history.as_of(world.keys[key], world.time_ns)
    return Bug(22, {name: _of_rows(world.left(name), rows)}, frozenset({"wrong_key"}), {"key": key})


@makes(23)
def swapped(world: World, rng: Generator) -> Bug:
    """Another column."""
    shapes = ("category", "code") if rng.random() < 0.15 else (*VARIED, "windowed", "epoch")
    names = [name for name in world.of_shape(*shapes) if len(set(world.left(name).values[:2000])) > 8]
    if len(names) < 2:
        raise Unsuitable
    name, other = (str(one) for one in rng.choice(names, 2, replace=False))
    return Bug(23, {name: world.left(other)}, frozenset({"swapped"}), {"from": other})


@makes(24)
def vector(world: World, rng: Generator) -> Bug:
    """A vector in another order, or brought to length one."""
    names = world.of_shape("vector")
    columns = [world.left(name) for name in names]
    if rng.random() < 0.5:
        by = int(rng.integers(1, len(names)))
        turned = columns[by:] + columns[:by]
        order = turned if rng.random() < 0.5 else columns[::-1]
        kept = {n: c for n, c, was in zip(names, order, columns, strict=True) if c is not was}
        return Bug(24, kept, frozenset({"swapped"}))
    length = np.sqrt(np.sum([column.values**2 for column in columns], axis=0))
    right = {n: served(c, c.values / length) for n, c in zip(names, columns, strict=True)}
    return Bug(24, right, frozenset({"norm"}))


SPELLINGS: Final[dict[str, tuple[Callable[[str], str], ...]]] = {
    "case": (str.lower, str.upper, str.title, str.swapcase),
    "spaces": (lambda s: f"{s} ", lambda s: f" {s}", lambda s: f" {s} ", lambda s: s.replace(" ", "")),
    "unicode": (lambda s: unicodedata.normalize("NFD", s),),
}


@makes(25)
def spelling(world: World, rng: Generator) -> Bug:
    """Other letters, other spaces, or another form of the same letter."""
    said = str(rng.choice(list(SPELLINGS)))
    ways = SPELLINGS[said][:3]
    return _respelled(world, rng, way=ways[int(rng.integers(0, len(ways)))], number=25, said=said)


def _respelled(
    world: World,
    rng: Generator,
    *,
    way: Callable[[str], str],
    number: int,
    said: str,
    shapes: tuple[str, ...] = ("category",),
    **parameters: float,
) -> Bug:
    """Each level written another way, in a feature where at least three levels change."""
    names = [name for name in world.of_shape(*shapes) if _changing(world.left(name), way) >= 3]
    if not names:
        raise Unsuitable
    name = str(rng.choice(names))
    return Bug(number, {name: _written(world.left(name), way)}, frozenset({said}), parameters)


def _changing(column: Column, way: Callable[[str], str]) -> int:
    return sum(way(level) != level for level in set(column.values))


def _written(column: Column, way: Callable[[str], str]) -> Column:
    levels = {level: way(level) for level in set(column.values)}
    values: NDArray[Any] = np.array([levels[level] for level in column.values], object)
    return served(column, values)


@makes(26)
def text_cut(world: World, rng: Generator) -> Bug:
    """Cut after so many letters."""
    length = int(rng.integers(2, 6))
    return _respelled(world, rng, way=lambda s: s[:length], number=26, said="text_cut", length=float(length))


@makes(27)
def recoded(world: World, rng: Generator) -> Bug:
    """The codes of levels given out anew."""
    column = world.left(name := pick(world, rng, "category", "code"))
    levels = sorted(set(column.values))
    moved = [str(one) for one in rng.permutation(levels)[: int(rng.integers(3, len(levels) + 1))]]
    anew = dict(zip(moved, moved[1:] + moved[:1], strict=True)) if len(moved) > 2 else {}
    return Bug(27, {name: _written(column, lambda s: anew.get(s, s))}, frozenset({"recoded"}))


@makes(28)
def unknown_bucket(world: World, rng: Generator) -> Bug:
    """All levels put into one."""
    value = str(rng.choice(UNKNOWN))
    name = pick(world, rng, "category", "code")
    right = _written(world.left(name), lambda _: value)
    return Bug(28, {name: right}, frozenset({"unknown_bucket"}), {"value": value})


@makes(29)
def number_text(world: World, rng: Generator) -> Bug:
    """The same number spelled another way."""
    if rng.random() < 0.2:
        words = [("false", "true"), ("False", "True")][int(rng.integers(0, 2))]
        right = _written(world.left(name := pick(world, rng, "flag")), lambda s: words[int(s)])
        return Bug(29, {name: right}, frozenset({"number_text"}))
    ways: tuple[Callable[[str], str], ...] = (
        lambda s: f"{s}.0",
        lambda s: f"{int(s):03d}",
        lambda s: f"{float(s):.2f}",
        lambda s: f"{float(s):e}",
    )
    way = ways[int(rng.integers(0, len(ways)))]
    return _respelled(world, rng, way=way, number=29, said="number_text", shapes=("code",))
