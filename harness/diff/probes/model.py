"""An offline model that can be asked in other ways than it is: what a probe works with."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from harness.columns import Column
from harness.diff.damage import Rescore

#: about so many rows tell medians, quantiles, and what is missing somewhere
LAID_OUT_ROWS = 200_000
#: which quantiles of a column stand for its values
QUANTILES = np.linspace(0, 1, 65)

Matrix = NDArray[np.float64]
Scores = NDArray[np.float64]


class Predict(Protocol):
    """Float64 scores (n,) of vectors float64 (n, k) in the model's order, categories as codes.

    NaN is missing. `raw` leaves the link function out; `first` trees are skipped and then `trees` used (None:
    as many as offline); `stop`, every so many trees a row's stop where its margin is wider than that.
    """

    def __call__(
        self,
        matrix: Matrix,
        *,
        raw: bool = False,
        first: int = 0,
        trees: int | None = None,
        stop: tuple[int, float] | None = None,
    ) -> Scores:
        """The scores."""


@dataclass(frozen=True)
class Other:
    """Another registered model: `scores` of requests by seq, by its first trees where a number is given."""

    scores: Callable[[NDArray[np.int64], int | None], Scores]
    trees: int


@dataclass(frozen=True)
class Batches:
    """Which requests came as rows of one batch: int64 (requests,) by seq, the batch (−1: alone) and row."""

    batch: NDArray[np.int64]
    row: NDArray[np.int64]


@dataclass(frozen=True)
class Probed:
    """A model by its name that scores feature columns when called, and can be asked in other ways.

    `features` are the offline ones of all captured requests, by seq, whatever an arm was asked to show;
    `levels` are the level texts of each categorical feature in the model's order, `trees` how many it uses.
    `orders` are orders that a request may give the features in, by their words ("as the request has them");
    `absent` says by feature which requests leave it out, bool (requests,), once it is asked.
    """

    rescore: Rescore
    predict: Predict
    name: str
    features: Mapping[str, Column]
    names: tuple[str, ...]
    levels: Sequence[Sequence[str]]
    trees: int
    others: Mapping[str, Other] = field(default_factory=dict)
    batches: Batches | None = None
    orders: Mapping[str, Sequence[str]] = field(default_factory=dict)
    absent: Callable[[], Mapping[str, NDArray[np.bool_]]] = dict

    def __call__(self, columns: dict[str, Column]) -> Scores:
        """The scores of feature columns, as the model gives them."""
        return self.rescore(columns)


@dataclass(frozen=True)
class Layout:
    """How the vectors of a model are laid out, and what the captured requests hold.

    `levels` by column, None for a number; `medians`, `means` (k,) and `quantiles` (k, q) of what is there,
    codes of categories;
    `holed` bool (k,): the column is missing somewhere; `seen` the codes of a category as they first appear.
    `orders` by their words: which column of the model stands in each place of a request; `absent` by place
    which requests leave a column out, bool (requests,).
    """

    names: tuple[str, ...]
    levels: tuple[tuple[str, ...] | None, ...]
    medians: Matrix
    means: Matrix
    quantiles: Matrix
    holed: NDArray[np.bool_]
    seen: tuple[tuple[int, ...], ...]
    orders: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    absent: Mapping[int, NDArray[np.bool_]] = field(default_factory=dict)

    @property
    def categories(self) -> NDArray[np.int64]:
        """The places of the categorical columns."""
        return np.array([j for j, levels in enumerate(self.levels) if levels is not None], dtype=np.int64)

    @property
    def numbers(self) -> NDArray[np.int64]:
        """The places of the other columns."""
        return np.array([j for j, levels in enumerate(self.levels) if levels is None], dtype=np.int64)

    def matrix(self, features: Mapping[str, Column], rows: NDArray[np.int64]) -> Matrix:
        """The vectors of some rows: float64 (rows, k), missing and unseen levels NaN."""
        made = np.empty((len(rows), len(self.names)))
        for j, (name, levels) in enumerate(zip(self.names, self.levels, strict=True)):
            values = features[name].values[rows]
            made[:, j] = values if levels is None else codes_of(values, levels)
        return made


def layout_of(model: Probed) -> Layout | None:
    """The layout of a model over its features; None where they do not fit it."""
    columns = [model.features.get(name) for name in model.names]
    known = [column for column in columns if column is not None]
    if len(known) < len(columns) or sum(c.dtype == "category" for c in known) != len(model.levels):
        return None
    given = iter(model.levels)
    levels = tuple(tuple(next(given)) if c.dtype == "category" else None for c in known)
    values = [_numbers(c, its) for c, its in zip(known, levels, strict=True)]
    return Layout(
        names=model.names,
        levels=levels,
        medians=np.array([_middle(v, np.median) for v in values]),
        means=np.array([_middle(v, np.mean) for v in values]),
        quantiles=np.stack([_quantiles(v) for v in values]),
        holed=np.array([bool(np.isnan(v).any()) for v in values], dtype=bool),
        seen=tuple(_first_seen(v) if its is not None else () for v, its in zip(values, levels, strict=True)),
        orders={words: at for words, names in model.orders.items() if (at := _places(names, model.names))},
        absent={model.names.index(name): mask for name, mask in model.absent().items()},
    )


def _places(names: Sequence[str], model: Sequence[str]) -> tuple[int, ...]:
    """Which column of the model each name is, in their order; nothing unless they are the model's."""
    known = [name for name in names if name in set(model)]
    return tuple(model.index(name) for name in known) if len(set(known)) == len(known) == len(model) else ()


def codes_of(texts: NDArray[Any], levels: Sequence[str]) -> Matrix:
    """The places of texts among levels; NaN for what is not one of them."""
    places = pc.index_in(pa.array(texts, pa.string()), value_set=pa.array(list(levels), pa.string()))
    return np.asarray(places.cast(pa.float64()).to_numpy(zero_copy_only=False), dtype=np.float64)


def _numbers(column: Column, levels: Sequence[str] | None) -> Matrix:
    """The values or codes of a column; of a long one some, evenly spread."""
    some = column.values[:: 1 + len(column.values) // LAID_OUT_ROWS]
    return some.astype(np.float64) if levels is None else codes_of(some, levels)


def _middle(values: Matrix, middle: Callable[[Matrix], Any]) -> float:
    there = values[np.isfinite(values)]
    return float(middle(there)) if len(there) else 0.0


def _quantiles(values: Matrix) -> Matrix:
    there = values[np.isfinite(values)]
    return np.quantile(there, QUANTILES) if len(there) else np.zeros(len(QUANTILES))


def _first_seen(codes: Matrix) -> tuple[int, ...]:
    found, first = np.unique(codes[~np.isnan(codes)], return_index=True)
    return tuple(int(code) for code in found[np.argsort(first)])
