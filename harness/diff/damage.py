"""What served values do to the score: put them into the offline vector and score again."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

import numpy as np
from numpy.typing import NDArray

from harness.columns import Column, Kind, Pair
from harness.diff.cells import take
from harness.diff.scores import flipped
from harness.records import Damage

#: features of some requests, in the model's order, to float64 scores (rows,)
Rescore = Callable[[dict[str, Column]], NDArray[np.float64]]


def damage(
    pair: Pair,
    fields: Collection[str],
    *,
    rows: NDArray[np.int64],
    threshold: float | None,
    rescore: Rescore,
) -> Damage:
    """How far the served values of `fields` alone move the left arm's score, on the rows where they differ.

    Every other feature stays as the left arm has it. What is missing or of the wrong type is scored as
    empty. A move to or from NaN counts as a flip where the decision changes, and not in the mean.
    """
    if len(rows) == 0:
        return Damage(rows=0, mean_abs=0.0, max_abs=0.0, flips=0)
    before = pair.left.scores[rows]
    after = rescore(mixed(pair, dict.fromkeys(fields, np.ones(len(rows), bool)), rows=rows))
    with np.errstate(invalid="ignore", over="ignore"):
        moved = np.abs(after - before)
    moved = moved[np.isfinite(moved)]
    return Damage(
        rows=len(rows),
        mean_abs=float(moved.mean()) if len(moved) else 0.0,
        max_abs=float(moved.max(initial=0.0)),
        flips=int(np.count_nonzero(flipped(before, after, threshold=threshold))),
    )


def mixed(
    pair: Pair, served: Mapping[str, NDArray[np.bool_]], *, rows: NDArray[np.int64]
) -> dict[str, Column]:
    """The left arm's features of some rows, with the right arm's in place where `served` (rows,) says so.

    What is missing or of the wrong type is empty.
    """
    offline = {name: take(column, rows) for name, column in (pair.left.features or {}).items()}
    return offline | {
        name: _either(offline[name], _served(pair, name, like=offline[name], rows=rows), where=where)
        for name, where in served.items()
        if name in offline
    }


def _either(offline: Column, served: Column, *, where: NDArray[np.bool_]) -> Column:
    if where.all():
        return served
    values = np.where(where, served.values, offline.values)
    return Column(offline.dtype, values, np.where(where, served.kind, offline.kind).astype(np.uint8))


def _served(pair: Pair, name: str, *, like: Column, rows: NDArray[np.int64]) -> Column:
    column = (pair.right.features or {}).get(name)
    if column is None or column.dtype != like.dtype:
        return _empty(like, len(rows))
    return _scorable(take(column, rows))


def _scorable(column: Column) -> Column:
    usable = column.kind <= Kind.NULL
    return Column(column.dtype, column.values, np.where(usable, column.kind, Kind.NULL).astype(np.uint8))


def _empty(like: Column, n: int) -> Column:
    values = np.full(n, np.nan) if like.dtype == "number" else np.full(n, None, dtype=object)
    return Column(like.dtype, values, np.full(n, Kind.NULL, np.uint8))
