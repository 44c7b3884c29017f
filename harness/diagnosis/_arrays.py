"""What every function of this room demands of its input; a failure is a HarnessError with the column."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from harness.errors import HarnessError

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Mask = npt.NDArray[np.bool_]
    Codes = npt.NDArray[np.int64]

_NUMERIC_KINDS = "biuf"


def numbers(values: npt.ArrayLike, name: str) -> Floats:
    """Return `values` as a one-dimensional float64 array; NaN and infinities stay."""
    array = np.asarray(values)
    if array.ndim != 1 or array.dtype.kind not in _NUMERIC_KINDS:
        raise HarnessError(
            "is no column of numbers",
            where=name,
            found=f"shape {array.shape}, dtype {array.dtype}",
            expected="one dimension of numbers",
        )
    return array.astype(np.float64, copy=False)


def finite(values: npt.ArrayLike, name: str) -> Floats:
    """Return `values` as float64 without NaN and infinities."""
    column = numbers(values, name)
    _refuse(column, ~np.isfinite(column), name=name, expected="finite numbers")
    return column


def outcomes(labels: npt.ArrayLike, name: str = "labels") -> Floats:
    """Return labels as float64 zeros and ones."""
    column = numbers(labels, name)
    _refuse(column, (column != 0.0) & (column != 1.0), name=name, expected="0 or 1")
    return column


def probabilities(scores: npt.ArrayLike, name: str = "scores") -> Floats:
    """Return scores as float64 between 0 and 1."""
    column = numbers(scores, name)
    _refuse(column, ~((column >= 0.0) & (column <= 1.0)), name=name, expected="probabilities")
    return column


def scored(labels: npt.ArrayLike, scores: npt.ArrayLike) -> tuple[Floats, Floats]:
    """Labels of 0 and 1, and a probability for each."""
    truth, score = outcomes(labels), probabilities(scores)
    aligned(labels=truth, scores=score)
    return truth, score


def codes_of(values: npt.ArrayLike, name: str) -> Codes:
    """Each row's unit, day or segment as a dense code, in the order of the values."""
    column = np.asarray(values)
    if column.ndim != 1:
        raise HarnessError(
            "is no column", where=name, found=f"shape {column.shape}", expected="one dimension"
        )
    _, codes = np.unique(column.astype(str) if column.dtype == object else column, return_inverse=True)
    return codes.astype(np.int64, copy=False)


def aligned(**columns: npt.NDArray[np.generic]) -> None:
    """Raise HarnessError unless all columns have the same number of rows."""
    sizes = {name: len(column) for name, column in columns.items()}
    if len(set(sizes.values())) > 1:
        raise HarnessError("columns have different lengths", found=sizes, expected="one length")


def _refuse(column: Floats, bad: Mask, *, name: str, expected: str) -> None:
    rows = np.flatnonzero(bad)
    if rows.size:
        raise HarnessError(
            f"row {rows[0]} cannot be used",
            where=name,
            found=f"{column[rows[0]]:g} ({rows.size:,} such rows of {column.size:,})",
            expected=expected,
        )
