"""Quality of a binary classifier against matured labels, row by row and in sum.

`labels` is (rows,) of 0, 1 or bool; `scores` (rows,), higher means more likely 1; `weight` (rows,) >= 0 or
None for equal weights. A metric that the data leave undefined (no rows, one class only, nothing predicted
positive) is nan, never a number and never an error. Invalid input (NaN score, another label, other lengths)
is a ValueError with the first bad row. A row is predicted positive when score >= threshold.
Definitions are those of scikit-learn 1.9; numbers to check are for scores .1 .4 .35 .8 with labels 0 0 1 1.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from harness.metrics._checks import checked, checked_probabilities, column

if TYPE_CHECKING:
    import numpy.typing as npt

    from harness.metrics._checks import Floats

#: how far log loss keeps a probability from 0 and 1: one sure and wrong row costs 34.5 nats, not infinity
LOG_LOSS_CLIP = 1e-15


def log_loss_rows(labels: npt.ArrayLike, scores: npt.ArrayLike, *, clip: float = LOG_LOSS_CLIP) -> Floats:
    """Each row's log loss in nats, -log(score) or -log(1 - score), scores clipped to [clip, 1 - clip].

    Raises ValueError unless 0 < clip < .5. To check: 0.10536, 0.51083, 1.04982, 0.22314.
    """
    if not 0.0 < clip < 0.5:  # noqa: PLR2004  -- the interval [clip, 1 - clip] must not be empty
        raise ValueError(f"clip: found {clip!r}, expected a number above 0 and below 0.5")
    truth, score, _ = checked_probabilities(labels, scores, weight=None)
    # log1p keeps the last digits of 1 - p for small p; 1 - clip itself would round.
    kept = np.clip(score, clip, 1.0 - clip)
    rows: Floats = -np.where(truth == 1.0, np.log(kept), np.log1p(-kept))
    return rows


def brier_rows(labels: npt.ArrayLike, scores: npt.ArrayLike) -> Floats:
    """Each row's squared error (score - label)^2, between 0 and 1. To check: .01, .16, .4225, .04."""
    truth, score, _ = checked_probabilities(labels, scores, weight=None)
    rows: Floats = np.square(score - truth)
    return rows


def log_loss(
    labels: npt.ArrayLike,
    scores: npt.ArrayLike,
    *,
    weight: npt.ArrayLike | None = None,
    clip: float = LOG_LOSS_CLIP,
) -> float:
    """The mean log loss in nats; lower is better. To check: 0.47229."""
    _, _, weights = checked_probabilities(labels, scores, weight=weight)
    return _weighted_mean(log_loss_rows(labels, scores, clip=clip), weights)


def brier(labels: npt.ArrayLike, scores: npt.ArrayLike, *, weight: npt.ArrayLike | None = None) -> float:
    """The mean squared error of the probability (Brier 1950); lower is better. To check: 0.158125."""
    truth, score, weights = checked_probabilities(labels, scores, weight=weight)
    return _weighted_mean(np.square(score - truth), weights)


def roc_auc(labels: npt.ArrayLike, scores: npt.ArrayLike, *, weight: npt.ArrayLike | None = None) -> float:
    """The probability that a random positive scores above a random negative, ties counting one half.

    Mann-Whitney form (Hanley, McNeil 1982), by one sort; nan unless both classes carry weight.
    To check: 0.75.
    """
    positives, negatives = _weight_by_score(labels, scores, weight=weight)
    pairs = positives.sum() * negatives.sum()
    if pairs == 0.0:
        return math.nan
    below = np.cumsum(negatives) - negatives
    return float(positives @ (below + 0.5 * negatives) / pairs)


def pr_auc(labels: npt.ArrayLike, scores: npt.ArrayLike, *, weight: npt.ArrayLike | None = None) -> float:
    """The average precision: the sum over distinct scores of (gain in recall) * precision, no interpolation.

    As `sklearn.metrics.average_precision_score`; nan without positives, 1.0 without negatives.
    To check: 0.83333.
    """
    positives, negatives = _weight_by_score(labels, scores, weight=weight)
    total = positives.sum()
    if total == 0.0:
        return math.nan
    positives, negatives = positives[::-1], negatives[::-1]
    found = np.cumsum(positives)
    flagged = found + np.cumsum(negatives)
    carries = flagged > 0.0
    return float(positives[carries] @ (found[carries] / flagged[carries]) / total)


def precision(
    labels: npt.ArrayLike, scores: npt.ArrayLike, *, threshold: float, weight: npt.ArrayLike | None = None
) -> float:
    """The share of positives among the rows predicted positive; nan when none is. At .38 to check: 0.5."""
    truth, score, weights = checked(labels, scores, weight=weight)
    return _weighted_mean(truth, weights * (score >= threshold))


def recall(
    labels: npt.ArrayLike, scores: npt.ArrayLike, *, threshold: float, weight: npt.ArrayLike | None = None
) -> float:
    """The share predicted positive among the positives; nan when there are none. At .38 to check: 0.5."""
    truth, score, weights = checked(labels, scores, weight=weight)
    return _weighted_mean((score >= threshold).astype(np.float64), weights * truth)


def predicted_positive_rate(
    scores: npt.ArrayLike, *, threshold: float, weight: npt.ArrayLike | None = None
) -> float:
    """The share of rows predicted positive; needs no labels, so it is known at once. At .38 to check: 0.5."""
    _, score, weights = checked(np.zeros_like(column(scores, "scores")), scores, weight=weight)
    return _weighted_mean((score >= threshold).astype(np.float64), weights)


def _weighted_mean(values: Floats, weights: Floats) -> float:
    total = weights.sum()
    return float(values @ weights / total) if total > 0.0 else math.nan


def _weight_by_score(
    labels: npt.ArrayLike, scores: npt.ArrayLike, *, weight: npt.ArrayLike | None
) -> tuple[Floats, Floats]:
    """The weight of positives and of negatives at each distinct score, in ascending order of score."""
    truth, score, weights = checked(labels, scores, weight=weight)
    distinct, place = np.unique(score, return_inverse=True)
    positives = np.bincount(place, weights=weights * truth, minlength=distinct.size)
    negatives = np.bincount(place, weights=weights * (1.0 - truth), minlength=distinct.size)
    return positives.astype(np.float64, copy=False), negatives.astype(np.float64, copy=False)
