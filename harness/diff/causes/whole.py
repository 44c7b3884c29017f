"""Two whole columns as hypotheses ask about them: values, codes, lattice, each found at most once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from harness.columns import Column, Kind
from harness.diff.causes.history import History, Ledger
from harness.diff.texts import codes_of

#: offline values that shares of the whole column are estimated on
_CROWD = 4_096
#: decimals that a lattice of numbers may have
_LATTICE: Final = range(7)


@dataclass(frozen=True, eq=False)
class Whole:
    """What hypotheses ask about two whole columns, each computed at most once."""

    left: Column
    right: Column

    @cached_property
    def numbers(self) -> bool:
        """Whether both columns hold numbers."""
        return self.left.dtype == "number" and self.right.dtype == "number"

    @cached_property
    def finite(self) -> NDArray[np.float64]:
        """The finite left values."""
        values = self.left.values[self.left.kind == Kind.VALUE].astype(np.float64)
        return np.asarray(values[np.isfinite(values)])

    @cached_property
    def values(self) -> NDArray[np.float64]:
        """The distinct finite left values, ascending."""
        return np.unique(self.finite)

    @cached_property
    def crowd(self) -> NDArray[np.float64]:
        """Finite left values evenly picked from all rows, at most 4,096."""
        return self.finite[:: -(-len(self.finite) // _CROWD) or 1]

    @cached_property
    def mean(self) -> float:
        """The mean of the finite left values."""
        return float(np.mean(self.finite)) if len(self.finite) else float("nan")

    @cached_property
    def median(self) -> float:
        """The median of the finite left values."""
        return float(np.median(self.finite)) if len(self.finite) else float("nan")

    @cached_property
    def whole_numbers(self) -> bool:
        """Whether the left column holds nothing but whole numbers below 2^53."""
        return self.decimals == 0

    @cached_property
    def decimals(self) -> int | None:
        """The decimals of the lattice that the left values lie on, at most 6; None for none."""
        if not len(self.crowd) or np.abs(self.crowd).max() > 2.0**53:
            return None
        return next((d for d in _LATTICE if np.all(np.round(self.crowd, d) == self.crowd)), None)

    @cached_property
    def left_ids(self) -> NDArray[np.int64]:
        """The left values as codes: int64 (n,), -1 for none."""
        if not self.numbers:
            return self._codes[0]
        ids = np.full(len(self.left.kind), -1)
        held = (self.left.kind == Kind.VALUE) & np.isfinite(self.left.values)
        ids[held] = np.unique(self.left.values[held], return_inverse=True)[1]
        return ids

    @cached_property
    def right_ids(self) -> NDArray[np.int64]:
        """The right levels in the codes of both columns: int64 (n,), -1 for none."""
        return self._codes[1]

    @cached_property
    def levels(self) -> list[str]:
        """The levels of both columns, in the order of their codes."""
        return self._codes[2]

    def heads(self, longest: int) -> list[str]:
        """The beginnings of the levels, in the order of their codes."""
        return [level[:longest] for level in self.levels]

    @cached_property
    def level_counts(self) -> NDArray[np.int64]:
        """How often each level is in the left column; (levels,)."""
        codes = self._codes[0]
        return np.bincount(codes[codes >= 0], minlength=len(self.levels))

    @property
    def size(self) -> int:
        """How many codes there are."""
        return len(self.values) if self.numbers else len(self.levels)

    def ids(self, values: NDArray[np.float64]) -> NDArray[np.int64]:
        """Numbers as codes of the left column's values, -1 where it has no such value."""
        if not len(self.values):
            return np.full(len(values), -1)
        places = np.searchsorted(self.values, values).clip(max=len(self.values) - 1)
        return np.where(self.values[places] == values, places, -1)

    def ledger(self, name: str, history: History) -> Ledger | None:
        """Where each group of a history, by its name, held which left value; sorted once."""
        if name not in self._ledgers:
            self._ledgers[name] = history.ledger(self.left_ids, self.size)
        return self._ledgers[name]

    @cached_property
    def _ledgers(self) -> dict[str, Ledger | None]:
        return {}

    @cached_property
    def _codes(self) -> tuple[NDArray[np.int64], NDArray[np.int64], list[str]]:
        both = [*self._texts(self.left), *self._texts(self.right)]
        codes, levels = codes_of(both)
        n = len(self.left.kind)
        return codes[:n], codes[n:], levels

    @staticmethod
    def _texts(column: Column) -> list[str | None]:
        held = (column.kind == Kind.VALUE).tolist()
        values = column.values.tolist()
        return [_text(value) if there else None for value, there in zip(values, held, strict=True)]


def distinct(values: NDArray[Any]) -> int:
    """How many different values there are, NaN and None counted as one."""
    return len(pc.unique(pa.array(values, from_pandas=True)))


def mode(values: NDArray[Any]) -> Any:  # noqa: ANN401  -- a number of numbers, a level of levels
    """The most frequent value, the smallest of those that tie."""
    counted = pc.value_counts(pa.array(values))
    counts = counted.field("counts").to_numpy()
    return min(counted.field("values").filter(pa.array(counts == counts.max())).to_pylist())


def _text(value: object) -> str:
    if isinstance(value, float):
        return repr(value)
    return str(value)
