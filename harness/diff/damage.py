"""What served values do to the score: put them into the offline vector and score again."""

from __future__ import annotations

from collections.abc import Callable, Collection

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
    after = rescore(_substituted(pair, fields, rows=rows))
    with np.errstate(invalid="ignore", over="ignore"):
        moved = np.abs(after - before)
    moved = moved[np.isfinite(moved)]
    return Damage(
        rows=len(rows),
        mean_abs=float(moved.mean()) if len(moved) else 0.0,
        max_abs=float(moved.max(initial=0.0)),
        flips=int(np.count_nonzero(flipped(before, after, threshold=threshold))),
    )


def _substituted(pair: Pair, fields: Collection[str], *, rows: NDArray[np.int64]) -> dict[str, Column]:
    offline, served = pair.left.features or {}, pair.right.features or {}
    vector = {}
    for name, column in offline.items():
        if name not in fields:
            vector[name] = take(column, rows)
        elif name in served and served[name].dtype == column.dtype:
            vector[name] = _scorable(take(served[name], rows))
        else:
            vector[name] = _empty(column, len(rows))
    return vector


def _scorable(column: Column) -> Column:
    usable = column.kind <= Kind.NULL
    return Column(column.dtype, column.values, np.where(usable, column.kind, Kind.NULL).astype(np.uint8))


def _empty(like: Column, n: int) -> Column:
    values = np.full(n, np.nan) if like.dtype == "number" else np.full(n, None, dtype=object)
    return Column(like.dtype, values, np.full(n, Kind.NULL, np.uint8))
