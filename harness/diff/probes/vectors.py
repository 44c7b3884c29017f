"""Probes of the vectors: the order of columns, missing values, the type of numbers, a column lost."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from itertools import product

import numpy as np
from numpy.typing import NDArray

from harness.diff.probes.model import Layout, Matrix
from harness.diff.probes.orders import order_probes, swap_probes
from harness.diff.probes.probe import Agree, Probe, Sample, columnwise
from harness.diff.sentences import listed, number

FILLS = (0.0, -1.0, -999.0)
#: columns with missing values for which constants are looked for
MOST_HOLED = 20
#: how a cast of NaN to int64 comes out on common processors
_LEAST_INT = float(np.iinfo(np.int64).min)


def vector_probes(layout: Layout) -> Iterator[Probe]:
    """Every probe that changes the vectors and is not about categories, the simplest first."""
    yield from _types(layout)
    yield from batch_probes()
    yield from order_probes(layout)
    yield from _absent(layout)
    yield from _missing(layout)
    yield from _emptied(layout)
    yield from _shifted(layout)
    yield from swap_probes(layout)


def batch_probes() -> Iterator[Probe]:
    """What a service does to a batch as a whole, and to no request alone."""
    phrase = "reads the batch column by column instead of row by row"
    yield _of_batch(
        "column_major", phrase, change=lambda batch: batch.ravel().reshape(batch.shape, order="F")
    )
    phrase = "answers the rows of a batch in reverse order"
    yield _of_batch("batch_reversed", phrase, change=lambda batch: batch[::-1])
    phrase = "answers every row of a batch with the score of its first row"
    yield _of_batch("batch_first_row", phrase, change=lambda batch: np.broadcast_to(batch[0], batch.shape))


def _of_batch(name: str, phrase: str, *, change: Callable[[Matrix], Matrix]) -> Probe:
    """A change of the rows of a batch together; alone, a request is a batch."""
    return Probe(name, phrase, change=lambda sample: by_batch(sample, change))


def _types(layout: Layout) -> Iterator[Probe]:
    yield Probe("float32_input", "reads its features as float32", change=columnwise(_float32))
    numbers = layout.numbers
    for missing in (np.nan, 0.0, _LEAST_INT):
        cut = columnwise(partial(_cut, columns=numbers, missing=missing))
        yield Probe("truncated_input", "cuts its features to whole numbers", change=cut)
    for decimals in (0, 1, 2, 3, 4, 6):
        rounded = columnwise(partial(_rounded, columns=numbers, decimals=decimals))
        to = f"{decimals} decimals" if decimals > 1 else ("whole numbers", "1 decimal")[decimals]
        yield Probe("rounded_input", f"rounds its features to {to}", cost=1, change=rounded)


def _absent(layout: Layout) -> Iterator[Probe]:
    """What a request leaves out is missing to the service, whatever the offline pipeline puts there."""
    names = [layout.names[j] for j in layout.absent]
    if len(names) > 1:
        phrase = f"reads {listed(names)} as missing where a request leaves it out"
        yield Probe("missing_key_filled", phrase, change=partial(_left_out, columns=tuple(layout.absent)))
    for j, name in zip(layout.absent, names, strict=True):
        phrase = f"reads {name} as missing where a request leaves it out"
        cost = int(len(names) > 1)
        yield Probe("missing_key_filled", phrase, cost, change=partial(_left_out, columns=(j,)))


def _missing(layout: Layout) -> Iterator[Probe]:
    """Missing read as a number, in all columns of numbers, in all columns, then in one; and the other way."""
    numbers, every = layout.numbers, np.arange(len(layout.names))
    holed = [j for j in numbers.tolist() if layout.holed[j]]
    bare = bool(layout.holed[layout.categories].any())
    for words, values, middle in _fills(layout):
        for columns in (numbers,) if middle or not bare else (numbers, every):
            change = columnwise(partial(_filled, columns=columns, values=values))
            also = " in categories too" if len(columns) > len(numbers) else ""
            yield Probe("missing_filled", f"reads missing values as {words}{also}", change=change)
        for j in holed if len(holed) > 1 else ():
            change = columnwise(partial(_filled, columns=np.array([j]), values=values))
            yield Probe(
                "missing_filled", f"reads missing {layout.names[j]} as {words}", cost=1, change=change
            )
    for value, columns in product(FILLS, (numbers, every)):
        phrase = (
            f"reads {number(value)} as missing{' in categories too' if len(columns) > len(numbers) else ''}"
        )
        change = columnwise(partial(_made_missing, columns=columns, value=value))
        yield Probe("made_missing", phrase, change=change)


def _fills(layout: Layout) -> Iterator[tuple[str, Matrix, bool]]:
    """In words, by column, and whether it is a middle of numbers, which categories have none of."""
    for value in FILLS:
        yield number(value), np.full(len(layout.names), value), False
    yield "the median", layout.medians, True
    yield "the mean", layout.means, True


def _emptied(layout: Layout) -> Iterator[Probe]:
    """Everything lost, then one column."""
    every = np.arange(len(layout.names))
    for words, value in (("missing", np.nan), ("0", 0.0)):
        change = columnwise(partial(_constant, columns=every, value=value))
        yield Probe("all_lost", f"reads every feature as {words}", change=change)
    for j in layout.numbers.tolist():
        for words, value in (("missing", np.nan), ("0", 0.0)):
            change = columnwise(partial(_constant, columns=np.array([j]), value=value))
            yield Probe("column_lost", f"reads {layout.names[j]} as {words}", cost=1, change=change)


def _shifted(layout: Layout) -> Iterator[Probe]:
    """One column too few or too many: those after it are read in the wrong place."""
    for j, name in enumerate(layout.names):
        gone = columnwise(partial(_without, column=j))
        yield Probe("column_left_out", f"leaves out the column {name}, so that later ones shift", 1, gone)
        for words, value in (("0", 0.0), ("a missing value", np.nan)):
            more = columnwise(partial(_with_one_more, column=j, value=value))
            yield Probe(
                "column_added", f"reads {words} before the column {name}, so that later ones shift", 1, more
            )


def _float32(vectors: Matrix) -> Matrix:
    with np.errstate(over="ignore"):
        return vectors.astype(np.float32).astype(np.float64)


def _cut(vectors: Matrix, *, columns: NDArray[np.int64], missing: float) -> Matrix:
    part = np.trunc(vectors[:, columns])
    vectors[:, columns] = np.where(np.isnan(part), missing, part)
    return vectors


def _rounded(vectors: Matrix, *, columns: NDArray[np.int64], decimals: int) -> Matrix:
    vectors[:, columns] = np.round(vectors[:, columns], decimals)
    return vectors


def _left_out(sample: Sample, *, columns: tuple[int, ...]) -> Matrix:
    vectors = sample.vectors.copy()
    for j in columns:
        vectors[sample.case.layout.absent[j][sample.seq], j] = np.nan
    return vectors


def _filled(vectors: Matrix, *, columns: NDArray[np.int64], values: Matrix) -> Matrix:
    part = vectors[:, columns]
    vectors[:, columns] = np.where(np.isnan(part), values[columns], part)
    return vectors


def _made_missing(vectors: Matrix, *, columns: NDArray[np.int64], value: float) -> Matrix:
    part = vectors[:, columns]
    vectors[:, columns] = np.where(part == value, np.nan, part)
    return vectors


def _constant(vectors: Matrix, *, columns: NDArray[np.int64], value: float) -> Matrix:
    vectors[:, columns] = value
    return vectors


def _without(vectors: Matrix, *, column: int) -> Matrix:
    """What is not given at the end LightGBM reads as 0."""
    return np.hstack([np.delete(vectors, column, axis=1), np.zeros((len(vectors), 1))])


def _with_one_more(vectors: Matrix, *, column: int, value: float) -> Matrix:
    return np.insert(vectors, column, value, axis=1)[:, :-1]


def by_row(sample: Sample, change: Callable[[Matrix], Matrix]) -> Matrix:
    """Every request's vector after `change` of it alone: float64 (m, k)."""
    return np.concatenate([sample.vectors[:0], *(change(vector[None, :]) for vector in sample.vectors)])


def by_batch(sample: Sample, change: Callable[[Matrix], Matrix]) -> Matrix:
    """Every request's vector after `change` of its whole batch: float64 (m, k); alone, it is a batch."""
    batches, made = sample.case.model.batches, by_row(sample, change)
    if batches is None:
        return made
    order = np.lexsort((batches.row, batches.batch))
    grouped, own = batches.batch[order], batches.batch[sample.seq]
    for batch in np.unique(own[own >= 0]):
        mates = order[np.searchsorted(grouped, batch, "left") : np.searchsorted(grouped, batch, "right")]
        changed = dict(zip(mates.tolist(), change(sample.case.vectors(mates)), strict=True))
        asked = np.flatnonzero(own == batch)
        made[asked] = [changed[seq] for seq in sample.seq[asked].tolist()]
    return made


def fitted_fills(sample: Sample, agree: Agree) -> list[Probe]:
    """The constants that a service reads missing numbers as, found from its scores.

    Trees cut a number into pieces, so that a constant is known to its piece only: one of the column's own
    quantiles, each tried with the other columns as they were found before.
    """
    layout = sample.case.layout
    holed = [j for j in layout.numbers.tolist() if layout.holed[j]]
    if not 0 < len(holed) <= MOST_HOLED:
        return []
    values = np.where(layout.holed, layout.medians, 0.0)
    for j in (*holed, *holed):
        missing = np.isnan(sample.vectors[:, j])
        if missing.any():
            tried = np.unique(np.append(layout.quantiles[j], [values[j], *FILLS]))
            vectors = _filled(sample.vectors[missing], columns=np.array(holed), values=values)
            stacked = np.tile(vectors, (len(tried), 1, 1))
            stacked[:, :, j] = tried[:, None]
            scores = sample.case.model.predict(stacked.reshape(-1, vectors.shape[1])).reshape(len(tried), -1)
            values[j] = _middle(tried, agree(scores, sample.served[missing]).sum(axis=1))
    told = listed([f"{layout.names[j]} as about {number(float(f'{values[j]:.3g}'))}" for j in holed])
    change = columnwise(partial(_filled, columns=np.array(holed), values=values))
    return [Probe("missing_filled", f"reads missing {told}", cost=len(holed), change=change)]


def _middle(tried: Matrix, hits: NDArray[np.int64]) -> float:
    """The middle one of those that hit most."""
    best = np.flatnonzero(hits == hits.max())
    return float(tried[best[len(best) // 2]])
