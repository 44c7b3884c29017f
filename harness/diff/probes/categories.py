"""Probes of the categories: levels lost or spelled otherwise, codes of one request, codes reordered."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from itertools import product
from typing import Final

import numpy as np
from numpy.typing import NDArray

from harness.diff.probes.model import Layout, Matrix
from harness.diff.probes.probe import AT_ONCE, Agree, Probe, Sample, columnwise
from harness.diff.probes.vectors import by_batch, by_row
from harness.diff.sentences import listed

#: combinations of codes of several categories that are tried, and on how many requests together
MOST_COMBINATIONS = 5_000
MOST_TRIED = 200_000
#: vectors scored to find the codes of one category
MOST_ALONE = 50_000
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
        within = partial(_within, columns=columns)
        phrase = f"codes the category levels{of} by their place within one request"
        yield Probe("category_codes_by_request", phrase, cost, partial(by_row, change=within))
        phrase = f"codes the category levels{of} by their place within one batch"
        yield Probe("category_codes_by_request", phrase, cost, partial(by_batch, change=within))
        for words, codes in _numberings(layout, columns):
            phrase = f"codes the category levels{of} {words}"
            yield Probe("category_codes", phrase, cost, columnwise(partial(_coded, codes=codes)))
        for words, codes in _spelled(layout, columns):
            phrase = f"reads the category levels{of} in {words}"
            yield Probe("category_spelling", phrase, cost, columnwise(partial(_coded, codes=codes)))


def fitted_codes(sample: Sample, agree: Agree) -> list[Probe]:
    """The codes that a service gives, found from its scores: what reproduces most requests of each level.

    One category alone first, then all together.
    """
    layout, found = sample.case.layout, []
    every = tuple(layout.categories.tolist())
    for columns in dict.fromkeys((*((j,) for j in every), every) if every else ()):
        codes = _fitted(sample, columns, agree=agree)
        moved = sum(_differs(column) for column in codes.values())
        if moved:
            names = listed([layout.names[j] for j in columns if _differs(codes[j])])
            phrase = f"codes the category levels of {names} in another order"
            found.append(Probe("category_codes", phrase, 1 + moved, columnwise(partial(_coded, codes=codes))))
    return found


def _fitted(sample: Sample, columns: tuple[int, ...], *, agree: Agree) -> Codes:
    """By column, for each code the one that makes most of its requests come out as served; else itself.

    All combinations are tried on few requests, then each column on all with the others as they were found.
    """
    sizes = {j: len(sample.case.layout.levels[j] or ()) for j in columns}
    codes: Codes = {j: np.arange(float(size)) for j, size in sizes.items()}
    count = int(np.prod([size + 1 for size in sizes.values()]))
    if len(columns) > 1 and count <= MOST_COMBINATIONS:
        few = sample.case.at(sample.places[:: max(1, len(sample) * count // MOST_TRIED)])
        chosen = product(*([*range(size), np.nan] for size in sizes.values()))
        trials = [dict(zip(columns, map(float, codes_), strict=True)) for codes_ in chosen]
        codes = _voted(few, codes, trials=trials, agree=agree)
    for j in (*columns, *columns) if len(columns) > 1 else columns:
        trials = [{j: float(code)} for code in (*range(sizes[j]), np.nan)]
        some = sample.case.at(sample.places[:: 1 + len(sample) * len(trials) // MOST_ALONE])
        codes = _voted(some, codes, trials=trials, agree=agree)
    return codes


def _voted(sample: Sample, codes: Codes, *, trials: list[dict[int, float]], agree: Agree) -> Codes:
    """The codes with those of the tried columns replaced by what most requests of each level say."""
    base = _coded(sample.vectors.copy(), codes=codes)
    votes = {j: np.zeros((len(codes[j]), len(codes[j]) + 1)) for j in trials[0]}
    step = max(1, AT_ONCE // max(1, sample.vectors.size))
    for some in range(0, len(trials), step):
        chunk = trials[some : some + step]
        vectors = np.tile(base, (len(chunk), 1, 1))
        for made, trial in zip(vectors, chunk, strict=True):
            made[:, list(trial)] = list(trial.values())
        scores = sample.case.model.predict(vectors.reshape(-1, base.shape[1])).reshape(
            len(chunk), len(sample)
        )
        for hits, trial in zip(agree(scores, sample.served), chunk, strict=True):
            for j, code in trial.items():
                own = sample.vectors[hits, j]
                own = own[~np.isnan(own)].astype(np.int64)
                votes[j][:, -1 if np.isnan(code) else int(code)] += np.bincount(own, minlength=len(codes[j]))
    return codes | {j: _most(vote, codes[j]) for j, vote in votes.items()}


def _most(votes: NDArray[np.float64], before: Matrix) -> Matrix:
    """What most requests of each level say; where as many say nothing changed, that."""
    choices = np.append(np.arange(float(len(votes))), np.nan)
    kept = np.where(np.isnan(before), len(votes), before).astype(np.int64)
    rows = np.arange(len(votes))
    stays = votes[rows, kept] == votes.max(axis=1)
    return np.where(stays, before, choices[np.argmax(votes, axis=1)])


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


def _within(vectors: Matrix, *, columns: NDArray[np.int64]) -> Matrix:
    """Codes counted within these rows only, in the order of the levels: 0 for all where there is one row."""
    made = vectors.copy()
    for j in columns:
        known = ~np.isnan(vectors[:, j])
        made[known, j] = np.unique(vectors[known, j], return_inverse=True)[1]
    return made
