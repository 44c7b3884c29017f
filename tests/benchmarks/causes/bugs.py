"""A bug: what a feature is served as where the bug strikes, what may be said of it, and where it strikes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from harness.columns import Column, Kind
from tests.benchmarks.causes.history import Floats
from tests.benchmarks.causes.worlds import World

Bools = NDArray[np.bool_]
#: of a parameter that can be said in several ways, each of them
Parameters = Mapping[str, float | str | tuple[float, ...]]


@dataclass(frozen=True, eq=False)
class Bug:
    """One bug of a class: the columns as served were every request hit, and the truth about it.

    `names` are those that are right; `parameters` those that are known to the last bit, or, where a
    `looseness` is given, to that share. `strikes` says whether it hits requests at random or slow ones.
    """

    number: int
    served: Mapping[str, Column]
    names: frozenset[str]
    parameters: Parameters = field(default_factory=dict)
    looseness: float = 1e-6
    strikes: Literal["anywhere", "slow"] = "anywhere"

    @property
    def feature(self) -> str:
        """The feature, the first of several."""
        return next(iter(self.served))


Maker = Callable[[World, Generator], Bug]
#: the makers of each class of bugs, by its number
MAKERS: Final[dict[int, Maker]] = {}
#: numbers in which most bugs can be
VARIED: Final = ("money", "lognormal", "ratio", "normal", "slow", "profile", "latitude", "nullable")
POSITIVE: Final = ("money", "lognormal", "slow", "profile", "nullable")


def makes(number: int) -> Callable[[Maker], Maker]:
    """The function makes bugs of this class."""

    def registered(maker: Maker) -> Maker:
        MAKERS[number] = maker
        return maker

    return registered


class Unsuitable(Exception):  # noqa: N818  -- no failure: another bug is drawn instead
    """The world has no feature that this bug could be in."""


def pick(world: World, rng: Generator, *shapes: str) -> str:
    """A feature of one of these shapes, each shape as likely; raises Unsuitable where there is none."""
    there = [names for shape in shapes if (names := world.of_shape(shape))]
    if not there:
        raise Unsuitable
    return str(rng.choice(there[int(rng.integers(0, len(there)))]))


def served(like: Column, values: NDArray[Any], kind: int | NDArray[np.uint8] | None = None) -> Column:
    """The column with these values in place of its own, empty where it was unless a kind is given."""
    if kind is None:
        return Column(like.dtype, values, like.kind)
    kinds = np.broadcast_to(np.asarray(kind, np.uint8), like.kind.shape)
    blank: Any = np.nan if like.dtype == "number" else None
    return Column(like.dtype, np.where(kinds == Kind.VALUE.value, values, blank), kinds.copy())


def changed(
    world: World,
    name: str,
    change: Callable[[Floats], NDArray[Any]],
    *,
    number: int,
    said: tuple[str, ...],
    **parameters: float | str | tuple[float, ...],
) -> Bug:
    """The bug that serves f(value) for each value."""
    column = world.left(name)
    with np.errstate(all="ignore"):
        values = np.asarray(change(column.values), np.float64)
    return Bug(number, {name: served(column, values)}, frozenset(said), parameters)


def struck(world: World, rng: Generator, *, bug: Bug, share: float) -> Bools:
    """The requests that a bug hits, about this share of them: most often at random, else in one place."""
    if share >= 1.0:
        return np.ones(world.n, np.bool_)
    if bug.strikes == "slow":
        return np.asarray(world.service_ns >= np.quantile(world.service_ns, 1 - share))
    where = rng.random()
    if where < 0.15:
        return _in_one_segment(world, rng, share=share)
    if where < 0.3:
        return _of_some_users(world, rng, share=share)
    return np.asarray(rng.random(world.n) < share)


def _in_one_segment(world: World, rng: Generator, *, share: float) -> Bools:
    values = world.segments[str(rng.choice(sorted(world.segments)))]
    inside = values == rng.choice(values)
    return np.asarray(inside & (rng.random(world.n) < share / inside.mean()))


def _of_some_users(world: World, rng: Generator, *, share: float) -> Bools:
    """All requests of some users, of whom none alone is a fifth of it."""
    wanted = share * world.n
    requests = np.bincount(world.unit)
    users = rng.permutation(np.flatnonzero(requests <= max(wanted / 5, 1)))
    enough = int(np.searchsorted(np.cumsum(requests[users]), wanted)) + 1
    return np.isin(world.unit, users[:enough])


def applied(left: Column, right: Column, hit: Bools) -> Column:
    """What is served: the bug's column where it strikes, the offline one elsewhere."""
    values = np.where(hit, right.values, left.values)
    return Column(left.dtype, values, np.where(hit, right.kind, left.kind).astype(np.uint8))
