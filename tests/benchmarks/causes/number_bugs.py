"""Bugs in how numbers are computed: units, transforms, clocks, precision (1 to 12, 30, 31, 34, 37)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from tests.benchmarks.causes.bugs import POSITIVE, VARIED, Bug, Unsuitable, changed, makes, pick, served
from tests.benchmarks.causes.history import Floats
from tests.benchmarks.causes.worlds import SCORE, World

FACTORS: Final = (
    *(1000.0, 100.0, 60.0, 3600.0, 24.0, 7.0, 12.0, 1024.0, 1024.0**2, 10.0),
    *(2.54, 1.609344, 0.3048, 0.45359237, 28.349523125, np.pi / 180, 4.184, 3.785411784),
)
TRANSFORMS: Final[dict[str, tuple[Callable[[Floats], NDArray[Any]], tuple[str, ...]]]] = {
    "log": (np.log, POSITIVE),
    "log1p": (np.log1p, POSITIVE),
    "log2": (np.log2, POSITIVE),
    "log10": (np.log10, POSITIVE),
    "exp": (np.exp, ("normal", "ratio")),
    "expm1": (np.expm1, ("normal", "ratio")),
    "exp2": (np.exp2, ("normal", "ratio")),
    "sqrt": (np.sqrt, POSITIVE),
    "square": (np.square, VARIED),
    "cube": (lambda a: a**3, VARIED),
    "sigmoid": (lambda a: 1 / (1 + np.exp(-a)), ("normal", "vector")),
    "logit": (lambda a: np.log(a / (1 - a)), ("ratio",)),
    "reciprocal": (lambda a: 1 / a, ("money", "lognormal", "slow")),
}


@makes(1)
def unit_scale(world: World, rng: Generator) -> Bug:
    """Another unit."""
    factor = float(rng.choice(FACTORS))
    name = pick(world, rng, *VARIED, "count", "windowed")
    if rng.random() < 0.5:
        return changed(world, name, lambda a: a * factor, number=1, said=("scale",), factor=factor)
    return changed(world, name, lambda a: a / factor, number=1, said=("scale",), factor=1 / factor)


@makes(2)
def epoch_scale(world: World, rng: Generator) -> Bug:
    """Seconds for milliseconds and the like."""
    name = pick(world, rng, "event_epoch", "epoch", "epoch_ms")
    factor = float(rng.choice([1e-3, 1e3, 1e6] if world.shape(name) == "epoch_ms" else [1e3, 1e6, 1e9]))
    return changed(world, name, lambda a: a * factor, number=2, said=("scale",), factor=factor)


@makes(3)
def affine(world: World, rng: Generator) -> Bug:
    """Fahrenheit, or a standardisation too many or too few."""
    name = pick(world, rng, *VARIED, "count")
    values = world.left(name).values
    mean, sd = float(np.nanmean(values)), float(np.nanstd(values))
    units = ((1.8, 32.0), (5 / 9, -160 / 9), (1.0 / sd, -mean / sd), (sd, mean))
    slope, by = (*units, (rng.uniform(0.2, 5), rng.normal(0, 30)))[int(rng.integers(0, 5))]
    return changed(
        world, name, lambda a: a * slope + by, number=3, said=("affine",), slope=slope, intercept=by
    )


@makes(4)
def sign(world: World, rng: Generator) -> Bug:
    """The sign turned round, or lost."""
    if rng.random() < 0.5:
        return changed(world, pick(world, rng, *VARIED), lambda a: -a, number=4, said=("sign",))
    return changed(world, pick(world, rng, "normal", "latitude"), np.abs, number=4, said=("absolute",))


@makes(5)
def transform(world: World, rng: Generator) -> Bug:
    """A transform too many."""
    function = str(rng.choice(list(TRANSFORMS)))
    change, shapes = TRANSFORMS[function]
    return changed(world, pick(world, rng, *shapes), change, number=5, said=("transform",), function=function)


@makes(6)
def time_zone(world: World, rng: Generator) -> Bug:
    """Local time for UTC."""
    name = pick(world, rng, "event_epoch", "epoch", "epoch_ms")
    hours = float(rng.choice([-8, -7, -5, -3.5, -3, 1, 2, 3, 5.5, 5.75, 8, 9, 9.5, 10]))
    unit = 1000 if world.shape(name) == "epoch_ms" else 1
    by = hours * 3600 * unit
    ways = (by, by / unit)
    return changed(world, name, lambda a: a + by, number=6, said=("time_shift",), by=ways)


@makes(7)
def clock_face(world: World, rng: Generator) -> Bug:
    """An hour or weekday off, round the clock."""
    name = pick(world, rng, "hour", "weekday")
    modulus = 24 if world.shape(name) == "hour" else 7
    by = float(rng.integers(1, modulus))
    ways, said = (by, by - modulus), ("modular_shift",)
    return changed(
        world, name, lambda a: (a + by) % modulus, number=7, said=said, by=ways, modulus=float(modulus)
    )


@makes(8)
def daylight_saving(world: World, rng: Generator) -> Bug:
    """One hour off on one side of a change of the clocks."""
    if world.clock_change_ns is None:
        raise Unsuitable
    name = pick(world, rng, "event_epoch")
    by = float(rng.choice([-3600, 3600]))
    late = (world.time_ns >= world.clock_change_ns) == (rng.random() < 0.5)
    said = ("daylight_saving", "time_shift")
    return changed(world, name, lambda a: np.where(late, a + by, a), number=8, said=said, by=by)


@makes(9)
def precision(world: World, rng: Generator) -> Bug:
    """A narrower type."""
    to = str(rng.choice(["float32", "float16", "bfloat16"]))
    name = pick(world, rng, "lognormal", "ratio", "normal", "slow", "latitude")
    return changed(world, name, NARROWED[to], number=9, said=(to,))


def _bfloat16(values: Floats) -> Floats:
    """Rounded to the upper 16 bits of a float32, halves to even."""
    bits = values.astype(np.float32).view(np.uint32)
    rounded = (bits + np.uint32(0x7FFF) + ((bits >> 16) & 1)) & np.uint32(0xFFFF0000)
    return rounded.astype(np.uint32).view(np.float32).astype(np.float64)


NARROWED: Final[dict[str, Callable[[Floats], Floats]]] = {
    "float32": lambda a: a.astype(np.float32).astype(np.float64),
    "float16": lambda a: a.astype(np.float16).astype(np.float64),
    "bfloat16": _bfloat16,
}


@makes(10)
def rounding(world: World, rng: Generator) -> Bug:
    """Decimals rounded, cut, or rounded one way."""
    name = pick(world, rng, "lognormal", "normal", "slow", "latitude", "money")
    how = str(rng.choice(["rounding", "truncation", "floor", "ceil"]))
    decimals = int(rng.integers(0, 2 if world.shape(name) == "money" else 4))
    whole = how in {"floor", "ceil"}
    power = 1.0 if whole else 10.0**decimals
    changes: dict[str, Callable[[Floats], NDArray[Any]]] = {
        "rounding": lambda a: np.round(a, decimals),
        "truncation": lambda a: np.trunc(a * power) / power,
        "floor": np.floor,
        "ceil": np.ceil,
    }
    known = {} if whole else {"decimals": float(decimals)}
    return changed(world, name, changes[how], number=10, said=(how,), **known)


@makes(11)
def clip(world: World, rng: Generator) -> Bug:
    """Cut off at a bound."""
    name = pick(world, rng, *VARIED, "windowed", "count", "running")
    values = world.left(name).values
    upper = rng.random() < 0.6
    bound = float(np.nanquantile(values, rng.uniform(0.4, 0.8) if upper else rng.uniform(0.2, 0.6)))
    bound = float(f"{bound:.3g}") if rng.random() < 0.5 else bound
    cut = np.minimum if upper else np.maximum
    return changed(world, name, lambda a: cut(a, bound), number=11, said=("clip",), bound=bound)


@makes(12)
def wrap(world: World, rng: Generator) -> Bug:
    """A whole number too large for its type."""
    name = pick(world, rng, "ident", "epoch_ms", "epoch", "running")
    bits = {"running": 8, "epoch_ms": 32}.get(world.shape(name), 16)
    to, said = np.dtype(f"{'int' if rng.random() < 0.5 else 'uint'}{bits}"), ("wrap",)
    return changed(
        world, name, lambda a: a.astype(np.int64).astype(to), number=12, said=said, bits=float(bits)
    )


@makes(30)
def decimal_mark(world: World, rng: Generator) -> Bug:
    """A comma for a point, or a point that a reader of another locale takes for nothing."""
    if rng.random() < 0.5:
        name = pick(world, rng, "decimal_text")
        texts = world.left(name).values
        mark = "," if rng.random() < 0.7 else ""
        levels = {text: text.replace(".", mark) for text in set(texts)}
        return Bug(30, {name: served(world.left(name), _each(texts, levels))}, frozenset({"decimal_mark"}))
    name = pick(world, rng, "money")
    if rng.random() < 0.5:
        said = ("decimal_mark",)
        return changed(world, name, lambda a: np.round(a * 100), number=30, said=said, decimals=2.0)
    return changed(world, name, _digits, number=30, said=("decimal_mark",))


def _digits(values: Floats) -> Floats:
    """The digits of the shortest text of each number, its point left out."""
    return np.array([float(repr(value).removesuffix(".0").replace(".", "")) for value in values.tolist()])


def _each(texts: NDArray[Any], levels: dict[str, str]) -> NDArray[Any]:
    return np.array([levels[text] for text in texts], object)


@makes(31)
def scale_by(world: World, rng: Generator) -> Bug:
    """Another unit in some countries, on some hosts or in some builds."""
    field = str(rng.choice(["country", "country", "build", "host"]))
    levels, codes = np.unique(world.segments[field], return_inverse=True)
    if len(levels) < 3:
        raise Unsuitable
    factors = np.round(rng.lognormal(0, 1.5, len(levels)), int(rng.integers(2, 6))) + 0.01
    same = rng.permutation(len(levels))[: int(rng.integers(0, max(1, len(levels) - 2)))]
    factors[same] = 1.0
    by = factors[codes]
    return changed(
        world, pick(world, rng, *POSITIVE), lambda a: a * by, number=31, said=("scale_by",), field=field
    )


@makes(34)
def score(world: World, rng: Generator) -> Bug:
    """A score cut off, rounded, or replaced by a fallback."""
    values = world.score.values
    low, high = (float(np.quantile(values, q)) for q in (0.3, 0.7))
    value = round(float(rng.uniform(low, high)), int(rng.integers(2, 4)))
    decimals = int(rng.integers(1, 4))
    bugs: tuple[tuple[str, Callable[[Floats], NDArray[Any]], dict[str, float]], ...] = (
        ("clip", lambda a: np.minimum(a, value), {"bound": value}),
        ("clip", lambda a: np.maximum(a, value), {"bound": value}),
        ("rounding", lambda a: np.round(a, decimals), {"decimals": float(decimals)}),
        ("constant", lambda a: np.full_like(a, value), {"value": value}),
    )
    said, change, known = bugs[int(rng.integers(0, len(bugs)))]
    return changed(world, SCORE, change, number=34, said=(said,), **known)


@makes(37)
def approximate(world: World, rng: Generator) -> Bug:
    """A sketch's estimate for an exact number."""
    name = pick(world, rng, "money", "lognormal", "slow", "profile")
    spread = float(np.exp(rng.uniform(np.log(0.003), np.log(0.06))))
    noise = 1 + spread * rng.standard_normal(world.n)
    bug = changed(world, name, lambda a: a * noise, number=37, said=("approximate",), relative_sd=spread)
    return Bug(37, bug.served, bug.names, bug.parameters, looseness=0.25)
