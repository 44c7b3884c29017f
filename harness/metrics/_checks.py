"""What every metric demands of its input; a failure is a ValueError that names the column and the row."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

_NUMERIC_KINDS = "biuf"


def checked(
    labels: npt.ArrayLike, scores: npt.ArrayLike, *, weight: npt.ArrayLike | None
) -> tuple[Floats, Floats, Floats]:
    """Return labels (0 or 1), scores (finite) and weights (finite, >= 0; None is ones), of one length."""
    truth, score = column(labels, "labels"), column(scores, "scores")
    weights = np.ones_like(score) if weight is None else column(weight, "weight")
    for name, other in (("labels", truth), ("weight", weights)):
        if other.size != score.size:
            raise ValueError(f"{name}: found {other.size} rows, expected {score.size} as the scores")
    _reject(truth, (truth != 0.0) & (truth != 1.0), name="labels", expected="0 or 1")
    _reject(score, ~np.isfinite(score), name="scores", expected="finite numbers")
    unusable = ~(np.isfinite(weights) & (weights >= 0.0))
    _reject(weights, unusable, name="weight", expected="finite numbers of at least 0")
    return truth, score, weights


def checked_probabilities(
    labels: npt.ArrayLike, scores: npt.ArrayLike, *, weight: npt.ArrayLike | None
) -> tuple[Floats, Floats, Floats]:
    """Return what `checked` does, for scores that must be probabilities in [0, 1]."""
    truth, score, weights = checked(labels, scores, weight=weight)
    outside = (score < 0.0) | (score > 1.0)
    _reject(score, outside, name="scores", expected="probabilities between 0 and 1")
    return truth, score, weights


def column(values: npt.ArrayLike, name: str) -> Floats:
    """Return `values` as a one-dimensional float64 array, or raise ValueError."""
    array = np.asarray(values)
    if array.ndim != 1:
        raise ValueError(f"{name}: found an array of shape {array.shape}, expected one dimension")
    if array.dtype.kind not in _NUMERIC_KINDS:
        raise ValueError(f"{name}: found dtype {array.dtype}, expected numbers")
    return array.astype(np.float64, copy=False)


def _reject(values: Floats, bad: npt.NDArray[np.bool_], *, name: str, expected: str) -> None:
    rows = np.flatnonzero(bad)
    if rows.size:
        raise ValueError(
            f"{name}: found {values[rows[0]]:g} in row {rows[0]} "
            f"({rows.size:,} of {values.size:,} rows), expected {expected}"
        )
