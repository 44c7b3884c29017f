"""Values in the wrong place: another feature's, another unit's."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from harness.columns import Column, Kind
from harness.diff.causes.history import History, Ledger
from harness.diff.causes.model import Candidate, Evidence, Hypothesis, Mask, same_value
from harness.diff.some_rows import evenly

#: other features compared, those nearest in order, and rows that each is glanced at
_MOST_OTHERS: Final = 500
_GLANCE: Final = 64
#: the share of glanced rows that another feature must explain to be tried
LIKELY: Final = 0.05
#: the share of the values that makes a lattice theirs, and the decimals that it may have
_MOST: Final = 0.9
MOST_DECIMALS: Final = 6
#: where more numbers than this are somebody's value, that a served one is too says nothing
_MOST_CROWDED: Final = 0.5
#: lattice steps away at which a served value is looked up again, to see how crowded the values are
_STEPS: Final = (-7, -5, -3, -2, -1, 1, 2, 3, 5, 7)


def swapped(evidence: Evidence) -> Iterator[Candidate]:
    """The served value is the offline one of another feature."""
    glance = glanced(evidence)
    held = glance.right_kind == Kind.VALUE
    names, values = others(glance)
    if not names or not held.any():
        return
    likely = np.mean(held & (values == glance.b), axis=1) >= LIKELY
    for name in (names[k] for k in np.flatnonzero(likely)):
        column = evidence.around.columns[name]
        yield Candidate(
            "swapped",
            f"serves {name} as {evidence.label}",
            _taken_from(column, evidence),
            cost=0.015,
            parameters={"from": name},
            chance=_same_by_luck(column, evidence),
        )


def by_key(evidence: Evidence) -> Iterator[Candidate]:
    """The served value is one that another request with the same value of a further key had."""
    for name, history in evidence.around.by_key.items():
        ledger = evidence.whole.ledger(f"key {name}", history)
        if ledger is None:
            continue
        phrase = f"looks {evidence.label} up by {name}"
        parameters: dict[str, float | str] = {"key": name}
        yield from _of_that_unit(evidence, name, phrase=phrase)
        yield Candidate("wrong_key", phrase, _previous(history), cost=0.006, parameters=parameters)
        yield Candidate("wrong_key", phrase, _held_before(ledger), cost=0.008, parameters=parameters)
        yield Candidate("wrong_key", phrase, _held_ever(ledger), cost=0.010, parameters=parameters)


def another_row(evidence: Evidence) -> Iterator[Candidate]:
    """The served value is some other request's: told where few numbers are anybody's value.

    Chance is how many numbers next to the served ones, on the same lattice, are a value of the feature too.
    """
    if not evidence.numbers or len(evidence.whole.values) < 50:
        return
    crowded = _crowded(evidence)
    if crowded > _MOST_CROWDED:
        return
    yield Candidate(
        "wrong_key",
        f"serves another request's {evidence.label}, looked up by a wrong key",
        lambda some: np.asarray(some.both & (some.b_id >= 0)),
        cost=0.05,
        chance=crowded,
        inputs=5,
    )


def _of_that_unit(evidence: Evidence, name: str, *, phrase: str) -> Iterator[Candidate]:
    """The key is taken for the unit: the latest value of the unit that bears the key's code."""
    history = evidence.around.by_unit
    if history is None:
        return
    codes = evidence.around.keys[name]

    def test(some: Evidence) -> Mask:
        return same_value(some, history.latest(codes[some.rows], some.rows))

    yield Candidate("wrong_key", phrase, test, cost=0.005, parameters={"key": name})


def glanced(evidence: Evidence) -> Evidence:
    """The same evidence on a few rows, evenly picked."""
    return evidence.at(evenly(evidence.rows, _GLANCE))


def others(evidence: Evidence) -> tuple[list[str], NDArray[Any]]:
    """The other features of the type, nearest in order, and their values on the rows: (features, rows)."""
    columns = evidence.around.columns
    same = [name for name, c in columns.items() if c.dtype == evidence.left.dtype and name != evidence.label]
    if len(same) > _MOST_OTHERS:
        places = {name: place for place, name in enumerate(columns)}
        here = places.get(evidence.label, 0)
        same = sorted(same, key=lambda name: abs(places[name] - here))[:_MOST_OTHERS]
    if not same:
        return [], np.empty((0, len(evidence.rows)))
    return same, np.stack([columns[name].values[evidence.rows] for name in same])


def _taken_from(column: Column, evidence: Evidence) -> Callable[[Evidence], Mask]:
    levels = np.array([*evidence.whole.levels, None], object) if not evidence.numbers else None

    def test(some: Evidence) -> Mask:
        served: NDArray[Any] = some.b if levels is None else levels[some.b_id]
        held = (column.kind[some.rows] == Kind.VALUE) & (some.right_kind == Kind.VALUE)
        return np.asarray(held & (column.values[some.rows] == served), bool)

    return test


def _same_by_luck(column: Column, evidence: Evidence) -> float:
    """How often the served values are the other feature's of any other request."""
    generator = np.random.default_rng(5)
    served = generator.permutation(len(evidence.rows))[:2_000]
    rows = generator.integers(0, len(column.values), len(served))
    same = column.values[rows] == evidence.b[served]
    return float((np.count_nonzero(same) + 0.5) / (len(served) + 1))


def _previous(history: History) -> Callable[[Evidence], Mask]:
    def test(some: Evidence) -> Mask:
        return same_value(some, history.before(some.rows, 1))

    return test


def _held_before(ledger: Ledger) -> Callable[[Evidence], Mask]:
    return lambda some: np.asarray(ledger.earlier(some.rows, some.b_id) >= 0)


def _held_ever(ledger: Ledger) -> Callable[[Evidence], Mask]:
    return lambda some: np.asarray(
        (ledger.earlier(some.rows, some.b_id) >= 0) | (ledger.later(some.rows, some.b_id) >= 0)
    )


def _crowded(evidence: Evidence) -> float:
    both = np.flatnonzero(evidence.both)[:1_000]
    decimals = _mostly_on(evidence.whole.crowd)
    if decimals is None or not len(both):
        return 0.5 / (1 + len(both))
    b = evidence.b[both]
    near = np.concatenate([np.round(b + step * 10.0**-decimals, decimals) for step in _STEPS])
    return float((np.count_nonzero(evidence.whole.ids(near) >= 0) + 0.5) / (len(near) + 1))


def _mostly_on(crowd: NDArray[np.float64]) -> int | None:
    """The decimals of the lattice of most values: shares of the last hundred, but for short pasts."""
    if not len(crowd):
        return None
    return next((d for d in range(MOST_DECIMALS + 1) if np.mean(np.round(crowd, d) == crowd) >= _MOST), None)


JOINS: Final[tuple[Hypothesis, ...]] = (swapped, by_key)
BROAD_JOINS: Final[tuple[Hypothesis, ...]] = (another_row,)
