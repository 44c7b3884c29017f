"""Probes of the categories: levels lost or spelled otherwise, codes of one request, codes reordered."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from itertools import product
from typing import Final

import numpy as np
from numpy.typing import NDArray

from harness.diff.probes.model import Layout, Matrix
from harness.diff.probes.probe import Agree, Probe, Sample, columnwise
from harness.diff.probes.vectors import by_batch

#: combinations of codes tried on each request to find which codes a service gives
MOST_COMBINATIONS = 600
#: requests on which they are tried
FITTED_ROWS = 96
#: how a level may be spelled otherwise
SPELLINGS: Final[Mapping[str, Callable[[str], str]]] = {
    "lower case": str.lower,
    "upper case": str.upper,
    "capitals": str.title,
    "no surrounding space": str.strip,
}
#: by column: the code that takes the place of each code, NaN for a level that is lost
Codes = dict[int, Matrix]


def category_probes(layout: Layout) -> Iterator[Probe]:
    """Every probe of categories that needs no fitting, those of all categories before those of one."""
    every = layout.categories
    if not len(every):
        return
    for columns, cost in ((every, 0), *((np.array([j]), 1) for j in every if len(every) > 1)):
        of = f" of {layout.names[columns[0]]}" if cost else ""
        lost = columnwise(partial(_lost, columns=columns))
        yield Probe("categories_lost", f"knows none of its category levels{of}", cost, lost)
        single = partial(by_batch, change=partial(_by_request, columns=columns))
        phrase = f"codes the category levels{of} by their place within one request"
        yield Probe("category_codes_by_request", phrase, cost, single)
        for words, codes in _numberings(layout, columns):
            phrase = f"codes the category levels{of} {words}"
            yield Probe("category_codes", phrase, cost, columnwise(partial(_coded, codes=codes)))
        for words, codes in _spelled(layout, columns):
            phrase = f"reads the category levels{of} in {words}"
            yield Probe("category_spelling", phrase, cost, columnwise(partial(_coded, codes=codes)))


def fitted_codes(sample: Sample, agree: Agree) -> list[Probe]:
    """The codes that a service gives, found from its scores: what reproduces most requests of each level.

    Tried are all combinations of codes of all categories, where those are few, and of each one alone.
    """
    layout, found = sample.case.layout, []
    every = tuple(layout.categories.tolist())
    for columns in dict.fromkeys((every, *((j,) for j in every))):
        sizes = [len(layout.levels[j] or ()) + 1 for j in columns]
        if not columns or np.prod(sizes) > MOST_COMBINATIONS:
            continue
        codes = _fitted(sample, columns, agree=agree)
        moved = sum(_differs(column) for column in codes.values())
        if moved:
            names = " and ".join(layout.names[j] for j in columns)
            phrase = f"codes the category levels of {names} in another order"
            change = columnwise(partial(_coded, codes=codes))
            found.append(Probe("category_codes", phrase, 1 + moved, change))
    return found


def _fitted(sample: Sample, columns: tuple[int, ...], *, agree: Agree) -> Codes:
    """By column, for each code the one that makes most of its requests come out as served; else itself."""
    choices = [[*range(len(sample.case.layout.levels[j] or ())), np.nan] for j in columns]
    votes = [np.zeros((len(each), len(each))) for each in choices]
    given = sample.vectors[:, list(columns)]
    for combination in product(*(range(len(each)) for each in choices)):
        vectors = sample.vectors.copy()
        vectors[:, list(columns)] = [each[k] for each, k in zip(choices, combination, strict=True)]
        hits = agree(sample.case.model.predict(vectors), sample.served)
        for place, chosen in enumerate(combination):
            own = given[hits, place]
            rows = np.where(np.isnan(own), len(choices[place]) - 1, own).astype(np.int64)
            votes[place][:, chosen] += np.bincount(rows, minlength=len(choices[place]))
    return {
        j: np.array([each[_most(vote[k], k)] for k in range(len(each) - 1)], dtype=np.float64)
        for j, each, vote in zip(columns, choices, votes, strict=True)
    }


def _most(votes: NDArray[np.float64], itself: int) -> int:
    """What most requests say; where as many say nothing changed, that."""
    return itself if votes[itself] == votes.max() else int(np.argmax(votes))


def _differs(codes: Matrix) -> int:
    return int(np.count_nonzero(codes != np.arange(len(codes))))


def _numberings(layout: Layout, columns: NDArray[np.int64]) -> Iterator[tuple[str, Codes]]:
    """Usual ways of numbering levels, where they are not the model's own."""
    ways: dict[str, Callable[[int], Matrix]] = {
        "in alphabetical order": lambda j: _ranks(sorted(_levels(layout, j)), _levels(layout, j)),
        "in reverse order": lambda j: np.arange(len(_levels(layout, j)), dtype=np.float64)[::-1],
        "in the order of their first requests": lambda j: _first_seen(layout, j),
        "from 1 on": lambda j: np.arange(1.0, len(_levels(layout, j)) + 1),
    }
    for words, way in ways.items():
        codes = {int(j): way(int(j)) for j in columns}
        if any(_differs(each) for each in codes.values()):
            yield words, codes


def _spelled(layout: Layout, columns: NDArray[np.int64]) -> Iterator[tuple[str, Codes]]:
    """Levels spelled otherwise are lost, unless that is another level's spelling."""
    for words, spell in SPELLINGS.items():
        codes = {int(j): _ranks(_levels(layout, j), [spell(t) for t in _levels(layout, j)]) for j in columns}
        if any(_differs(each) for each in codes.values()):
            yield words, codes


def _levels(layout: Layout, column: int | np.int64) -> tuple[str, ...]:
    return layout.levels[column] or ()


def _ranks(order: list[str] | tuple[str, ...], texts: list[str] | tuple[str, ...]) -> Matrix:
    """The place of each text in an order, NaN for what is not there."""
    places = {text: float(place) for place, text in enumerate(order)}
    return np.array([places.get(text, np.nan) for text in texts])


def _first_seen(layout: Layout, column: int) -> Matrix:
    codes = np.full(len(_levels(layout, column)), np.nan)
    codes[list(layout.seen[column])] = np.arange(len(layout.seen[column]))
    return codes


def _coded(vectors: Matrix, *, codes: Codes) -> Matrix:
    for j, column in codes.items():
        known = ~np.isnan(vectors[:, j])
        vectors[known, j] = column[vectors[known, j].astype(np.int64)]
    return vectors


def _lost(vectors: Matrix, *, columns: NDArray[np.int64]) -> Matrix:
    vectors[:, columns] = np.nan
    return vectors


def _by_request(vectors: Matrix, *, columns: NDArray[np.int64]) -> Matrix:
    """Codes counted within these rows only, in the order of the levels: 0 for all where there is one row."""
    made = vectors.copy()
    for j in columns:
        known = ~np.isnan(vectors[:, j])
        made[known, j] = np.unique(vectors[known, j], return_inverse=True)[1]
    return made
