"""Two definitions of a label on the same ids, and what missing labels could do at worst."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import ndtri

from harness.diagnosis._arrays import aligned, numbers, outcomes, probabilities
from harness.errors import HarnessError
from harness.metrics import brier_rows, log_loss_rows

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    from harness.diagnosis._arrays import Floats


@dataclass(frozen=True, kw_only=True)
class Agreement:
    """Two labels of the same rows: `table[a][b]` counts, agreement, Cohen's kappa and its 95 % interval.

    `only_one` and `only_other` count ids that the other side does not have.
    """

    table: tuple[tuple[int, int], tuple[int, int]]
    rows: int
    agree: float
    kappa: float
    low: float
    high: float
    only_one: int
    only_other: int


@dataclass(frozen=True, kw_only=True)
class Bounds:
    """The least and greatest value that a metric takes, over all ways to fill in the missing labels."""

    low: float
    high: float


@dataclass(frozen=True, kw_only=True)
class WorstCase:
    """Bounds by metric, with the share of rows whose label is missing; nothing is assumed of why."""

    missing: float
    bounds: dict[str, Bounds]


def label_agreement(
    one: npt.ArrayLike, other: npt.ArrayLike, *, one_ids: npt.ArrayLike, other_ids: npt.ArrayLike
) -> Agreement:
    """The confusion of two label definitions on the ids that both have, with kappa.

    Cohen, EPM 20 (1960); standard error of Fleiss, Cohen, Everitt, Psychological Bulletin 72 (1969). kappa
    is nan where both sides are one class. Raises HarnessError for an id that a side has twice.
    To check: counts 20 5 / 10 15: agreement .7, kappa .4.
    """
    first, second = outcomes(one, "one"), outcomes(other, "other")
    ids, more = np.asarray(one_ids), np.asarray(other_ids)
    for name, column in (("one_ids", ids), ("other_ids", more)):
        if np.unique(column).size != column.size:
            raise HarnessError("an id is there twice", where=name, expected="each id once")
    aligned(one=first, one_ids=ids)
    aligned(other=second, other_ids=more)
    _, mine, theirs = np.intersect1d(ids, more, assume_unique=True, return_indices=True)
    cells = (2 * first[mine] + second[theirs]).astype(np.int64)
    table = np.bincount(cells, minlength=4).reshape(2, 2)
    kappa, se = _kappa(table)
    half = float(ndtri(0.975)) * se
    return Agreement(
        table=((int(table[0, 0]), int(table[0, 1])), (int(table[1, 0]), int(table[1, 1]))),
        rows=mine.size,
        agree=float(np.trace(table)) / mine.size if mine.size else math.nan,
        kappa=kappa,
        low=max(-1.0, kappa - half) if not math.isnan(half) else math.nan,
        high=min(1.0, kappa + half) if not math.isnan(half) else math.nan,
        only_one=ids.size - mine.size,
        only_other=more.size - mine.size,
    )


def worst_case(labels: npt.ArrayLike, scores: npt.ArrayLike, *, threshold: float) -> WorstCase:
    """How far the metrics could be off were the missing labels (NaN) the worst or the best ones.

    Manski, Partial Identification of Probability Distributions (2003). Each metric has its own worst case;
    all bounds are attained, that of the AUC by a cut through the missing rows' scores. With no label missing
    both ends are the metric. To check: labels 1 0 NaN, scores .9 .1 .5, threshold .4: precision .5 to 1,
    recall 1, base rate 1/3 to 2/3, AUC 1.
    """
    truth, score = numbers(labels, "labels"), probabilities(scores)
    aligned(labels=truth, scores=score)
    gone = np.isnan(truth)
    known = outcomes(truth[~gone])
    flagged = score >= threshold
    up, lost_up = known[flagged[~gone]].sum(), int((gone & flagged).sum())
    rows_up = int(flagged.sum())
    missed, lost_down = known[~flagged[~gone]].sum(), int((gone & ~flagged).sum())
    bounds = {
        "precision": _bounds(_share(up, rows_up), _share(up + lost_up, rows_up)),
        "recall": _bounds(_share(up, up + missed + lost_down), _share(up + lost_up, up + lost_up + missed)),
        "base_rate": _bounds(_share(known.sum(), truth.size), _share(known.sum() + gone.sum(), truth.size)),
        "log_loss": _mean_bounds(log_loss_rows, truth=truth, score=score),
        "brier": _mean_bounds(brier_rows, truth=truth, score=score),
        "roc_auc": _bounds(_least_auc(truth, score), 1.0 - _least_auc(truth, -score)),
    }
    return WorstCase(missing=float(gone.mean()) if gone.size else math.nan, bounds=bounds)


def _kappa(table: npt.NDArray[np.int64]) -> tuple[float, float]:
    n = table.sum()
    if not n:
        return math.nan, math.nan
    p = table / n
    rows, columns = p.sum(axis=1), p.sum(axis=0)
    agree, chance = float(np.trace(p)), float(rows @ columns)
    if chance == 1.0:
        return math.nan, math.nan
    kappa = (agree - chance) / (1.0 - chance)
    diagonal = float(np.diag(p) @ np.square(1.0 - (rows + columns) * (1.0 - kappa)))
    off = p * np.square(columns[:, None] + rows[None, :])
    crossed = (1.0 - kappa) ** 2 * float(off.sum() - np.trace(off))
    variance = (diagonal + crossed - (kappa - chance * (1.0 - kappa)) ** 2) / (n * (1.0 - chance) ** 2)
    return kappa, math.sqrt(max(0.0, float(variance)))


def _share(above: float, below: float) -> float:
    return float(above / below) if below > 0 else math.nan


def _bounds(low: float, high: float) -> Bounds:
    return Bounds(low=low, high=high)


def _mean_bounds(loss: Callable[[Floats, Floats], Floats], *, truth: Floats, score: Floats) -> Bounds:
    if not truth.size:
        return _bounds(math.nan, math.nan)
    ends = np.sort([loss(np.where(np.isnan(truth), fill, truth), score) for fill in (0.0, 1.0)], axis=0)
    return _bounds(float(ends[0].mean()), float(ends[1].mean()))


def _least_auc(truth: Floats, score: Floats) -> float:
    """The least AUC over all ways to fill in the missing labels.

    With k missing rows positive the least is had by the k lowest, by exchange; so all k are tried, each one
    row away from the last.
    """
    positives, negatives = np.sort(score[truth == 1.0]), np.sort(score[truth == 0.0])
    lost = np.sort(score[np.isnan(truth)])
    place = np.arange(lost.size)
    earlier = place - np.searchsorted(lost, lost, side="left")
    later = np.searchsorted(lost, lost, side="right") - place - 1
    above = positives.size - _below(positives, lost)
    change = _below(negatives, lost) - above + 0.5 * (later - earlier)
    start = _below(negatives, positives).sum() + _below(lost, positives).sum()
    k = np.arange(lost.size + 1)
    pairs = (positives.size + k) * (negatives.size + lost.size - k)
    wins = start + np.append(0.0, np.cumsum(change))
    valid = pairs > 0
    return float((wins[valid] / pairs[valid]).min()) if valid.any() else math.nan


def _below(ordered: Floats, at: Floats) -> Floats:
    """How many of `ordered` lie below each, ties counted half."""
    left, right = (np.searchsorted(ordered, at, side=side) for side in ("left", "right"))
    return np.asarray(0.5 * (left + right), np.float64)
