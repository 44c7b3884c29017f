"""Probes of the order of columns: usual ones, that of the request, two columns swapped, any that fits."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from itertools import combinations, permutations

import numpy as np
from numpy.typing import NDArray

from harness.diff.probes.model import Layout, Matrix, Scores
from harness.diff.probes.probe import Agree, Probe, Sample, columnwise
from harness.diff.sentences import listed

#: pairs of columns tried: all of them up to about 70 columns, then neighbours only
MOST_SWAPS = 2_500
#: columns up to which every order is tried, and up to which one is looked for
MOST_PERMUTED = 5
MOST_FITTED = 20
#: requests that an order is looked for on, vectors and trees that it may cost, orders that it starts from
FITTED_ON = 64
MOST_VECTORS = 400_000
MOST_WALKED = 60_000_000
STARTS = 60
#: share of the requests that may agree where the order of columns is wrong
MOST_ALIKE = 0.5

Order = NDArray[np.int64]


def order_probes(layout: Layout) -> Iterator[Probe]:
    """Orders that have a name, then every one where the columns are few."""
    k = len(layout.names)
    own = tuple(range(k))
    told = {own}
    for name, phrase, order in _named(layout):
        if order not in told:
            told.add(order)
            yield Probe(name, phrase, change=columnwise(partial(ordered, order=np.array(order))))
    if k <= MOST_PERMUTED:
        swaps = {tuple(_swap(np.arange(k), pair).tolist()) for pair in combinations(range(k), 2)}
        for order in permutations(own):
            if order not in told | swaps:
                yield _any(layout, np.array(order))


def _named(layout: Layout) -> Iterator[tuple[str, str, tuple[int, ...]]]:
    names, k = layout.names, len(layout.names)
    numbers, categories = layout.numbers.tolist(), layout.categories.tolist()
    yield "columns_reversed", "reads its columns in reverse order", tuple(range(k))[::-1]
    alphabetical = "reads its columns in alphabetical order"
    yield "columns_alphabetical", alphabetical, tuple(sorted(range(k), key=lambda j: names[j]))
    folded = tuple(sorted(range(k), key=lambda j: names[j].casefold()))
    yield "columns_alphabetical", f"{alphabetical}, capital or not", folded
    for words, order in layout.orders.items():
        yield "columns_by_position", f"reads its columns by position, {words}", order
    yield "categories_last", "reads its categories after its numbers", (*numbers, *categories)
    yield "categories_first", "reads its categories before its numbers", (*categories, *numbers)


def swap_probes(layout: Layout) -> Iterator[Probe]:
    """Two columns in each other's place."""
    k = len(layout.names)
    pairs = list(combinations(range(k), 2))
    if len(pairs) > MOST_SWAPS:
        pairs = [(j, j + 1) for j in range(k - 1)]
    for one, two in pairs:
        order = _swap(np.arange(k), (one, two))
        phrase = f"swaps the columns {layout.names[one]} and {layout.names[two]}"
        yield Probe("columns_swapped", phrase, cost=2, change=columnwise(partial(ordered, order=order)))


def fitted_order(sample: Sample, agree: Agree) -> list[Probe]:
    """The order that gives the served scores, found by the swap that comes nearest to them, again and again.

    Only where most requests of the pair differ, as with a wrong order they do. A descent ends where no swap
    helps, so it is no search of all orders: of random ones it found, on models of 100 trees, 6 of 6 of 10
    columns, 5 of 6 of 12 and 2 of 6 of 15 from ten scores, and 6, 6 and 3 from 64.
    """
    layout, pair = sample.case.layout, sample.case.pair
    k = len(layout.names)
    alike = np.mean(agree(pair.left.scores, pair.right.scores))
    if not MOST_PERMUTED < k <= MOST_FITTED or alike > MOST_ALIKE:
        return []
    few = sample.case.at(sample.places[:FITTED_ON])
    rng = np.random.default_rng(0)  # its own, so that every comparison of one run finds the same
    starts = [np.arange(k), np.arange(k)[::-1], *(rng.permutation(k) for _ in range(STARTS - 2))]
    left = min(MOST_VECTORS, MOST_WALKED // max(1, sample.case.model.trees))
    for start in starts:
        order, cost = _descended(few, start, agree=agree, most=left)
        left -= cost
        if order is not None:
            return [_any(layout, order)]
    return []


def _descended(few: Sample, order: Order, *, agree: Agree, most: int) -> tuple[Order | None, int]:
    """The order that a descent from this one ends in, None where it is not it, and the vectors it took."""
    pairs, wanted = list(combinations(range(len(order)), 2)), _odds(few.served)
    error, spent, predict = np.inf, 0, few.case.model.predict
    while spent < most:
        tried = [_swap(order, pair) for pair in pairs]
        vectors = np.concatenate([few.vectors[:, each] for each in tried])
        scores = predict(vectors).reshape(len(tried), len(few))
        spent += len(vectors)
        errors = np.square(_odds(scores) - wanted).sum(axis=1)
        best = int(np.argmin(errors))
        if not errors[best] < error:
            break
        order, error = tried[best], float(errors[best])
        if agree(scores[best], few.served).all():
            return order, spent
    return None, spent


def _odds(scores: Scores) -> Scores:
    """Log-odds of probabilities, in which trees add up; other scores as they are."""
    if not np.all((scores >= 0) & (scores <= 1)):
        return scores
    inside = np.clip(scores, 1e-12, 1 - 1e-12)
    return np.asarray(np.log(inside / (1 - inside)))


def _any(layout: Layout, order: Order) -> Probe:
    """An order without a name: what stands in the place of each of the model's columns."""
    names = listed([layout.names[j] for j in order])
    phrase = f"reads its columns in another order ({names} where the model's stand)"
    return Probe("columns_reordered", phrase, cost=3, change=columnwise(partial(ordered, order=order)))


def _swap(order: Order, pair: Sequence[int]) -> Order:
    swapped = order.copy()
    swapped[[pair[0], pair[1]]] = order[[pair[1], pair[0]]]
    return swapped


def ordered(vectors: Matrix, *, order: Order) -> Matrix:
    """The vectors with column `order[j]` in the place of column j."""
    return vectors[:, order]
