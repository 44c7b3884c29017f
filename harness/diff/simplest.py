"""Of the places that are sure the simplest that explains most, with bounds as round as the data allow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.diff.conditions import DISTINCT, Condition, Field, roundest
from harness.diff.scan import likelihood_ratio
from harness.diff.texts import Texts

#: what a second condition must add to the likelihood ratio, and what a rounder bound may take from it
SECOND_CONDITION, EDGE = 20.0, 4.0


@dataclass(frozen=True)
class Finalist:
    """The strongest place of one field or of two, with the dispersion of each field by its name."""

    number: int
    conditions: tuple[Condition, ...]
    strength: float
    dispersion: dict[str, float]


@dataclass(frozen=True)
class Ground:
    """The requests that places are weighed on: all mismatches, and what each row would have on average."""

    mismatch: NDArray[np.bool_]
    weights: NDArray[np.float64]
    fields: Mapping[str, Field]

    def ratio(self, conditions: tuple[Condition, ...]) -> float:
        """The likelihood ratio of a place."""
        inside = self.inside(conditions)
        found, expected = np.count_nonzero(self.mismatch & inside), self.weights[inside].sum()
        marks = float(np.count_nonzero(self.mismatch))
        return float(likelihood_ratio(np.array([float(found)]), np.array([expected]), marks=marks)[0])

    def inside(self, conditions: tuple[Condition, ...]) -> NDArray[np.bool_]:
        """Where all conditions hold."""
        inside = np.ones(len(self.mismatch), bool)
        for one in conditions:
            inside &= one.holds(self.fields[one.field])
        return inside

    def edge(
        self, free: Condition, others: tuple[Condition, ...], *, above: bool, spread: float
    ) -> float | None:
        """The best bound for the open side of a condition that holds together with others."""
        values = self.fields[free.field]
        if isinstance(values, Texts):
            return None
        rows = np.flatnonzero(self.inside((*others, free)) & ~np.isnan(values))
        edges = Edges.of(values[rows], self.mismatch[rows], weights=self.weights[rows], above=above)
        return edges.best(float(np.count_nonzero(self.mismatch)), spread=spread)


def simplest(finalists: list[Finalist], ground: Ground) -> Finalist:
    """The best place with one condition, or one with two where each adds enough to the other."""
    exact = [_sharpened(one, ground) for one in finalists]
    ratios = {one.number: ground.ratio(one.conditions) for one in exact}
    order = sorted(exact, key=lambda one: -ratios[one.number])
    singles = [one for one in order if len(one.conditions) == 1]
    pairs = [one for one in order if len(one.conditions) == 2 and _both_needed(one, ground, ratios=ratios)]
    if not singles or not pairs:
        return (singles or pairs or order)[0]
    single, pair = singles[0], pairs[0]
    return pair if ratios[pair.number] >= ratios[single.number] + SECOND_CONDITION else single


def _both_needed(pair: Finalist, ground: Ground, *, ratios: dict[int, float]) -> bool:
    whole = ratios[pair.number]
    one, other = pair.conditions
    return (
        whole - ground.ratio((one,)) >= SECOND_CONDITION * pair.dispersion[other.field]
        and whole - ground.ratio((other,)) >= SECOND_CONDITION * pair.dispersion[one.field]
    )


def _sharpened(finalist: Finalist, ground: Ground) -> Finalist:
    """The same place with its bounds where they fit best, as round as the data allow."""
    conditions = list(finalist.conditions)
    for at, condition in enumerate(finalist.conditions):
        others = tuple(one for index, one in enumerate(conditions) if index != at)
        spread = finalist.dispersion[condition.field]
        if condition.at_least is not None:
            free = replace(conditions[at], at_least=None)
            low = ground.edge(free, others, above=True, spread=spread)
            conditions[at] = replace(free, at_least=condition.at_least if low is None else low)
        if condition.below is not None:
            free = replace(conditions[at], below=None)
            high = ground.edge(free, others, above=False, spread=spread)
            conditions[at] = replace(free, below=condition.below if high is None else high)
    return replace(finalist, conditions=tuple(conditions))


@dataclass(frozen=True)
class Edges:
    """Every bound of a number: bound k lies above distinct value k and not above the next.

    `found` and `expected` are the marks in the place that it makes.
    """

    distinct: NDArray[np.float64]
    found: NDArray[Any]
    expected: NDArray[Any]

    @classmethod
    def of(
        cls,
        values: NDArray[np.float64],
        mismatch: NDArray[np.bool_],
        *,
        weights: NDArray[np.float64],
        above: bool,
    ) -> Edges:
        """The requests at or above the bound are inside (`above`), or those below it."""
        distinct, cell = np.unique(values, return_inverse=True)
        sums = [np.bincount(cell, one, minlength=len(distinct)) for one in (mismatch, weights)]
        if above:
            found, expected = (np.cumsum(one[::-1])[::-1][1:] for one in sums)
        else:
            found, expected = (np.cumsum(one)[:-1] for one in sums)
        return cls(distinct, found, expected)

    def best(self, marks: float, *, spread: float) -> float | None:
        """The bound with the highest likelihood ratio, or a rounder one hardly worse; None for none."""
        ratios = likelihood_ratio(self.found, self.expected, marks=marks)
        if ratios.max(initial=0.0) <= 0.0:
            return None
        best = int(np.argmax(ratios))
        first = last = best
        if len(self.distinct) > DISTINCT:
            worse = np.flatnonzero(ratios < ratios[best] - EDGE * spread)
            first = int(worse[worse < best].max(initial=-1)) + 1
            last = int(worse[worse > best].min(initial=len(ratios))) - 1
        low, near, high = self.distinct[[first, best + 1, last + 1]].tolist()
        return roundest(low, high, near=near)
