"""Eight metrics of one score column at once, and what each row does to each of them.

A metric that weighs rows is a function of the weighted sample. Its influence function says how it changes
when one row weighs more, and the sum of squares of those changes over independent rows is its variance (Hampel, JASA 69,
1974; for AUC they are DeLong's components, Biometrics 44, 1988). For all eight, a row's influence depends on
nothing but its score and its label, so it is looked up in a table with two entries for each distinct score:
one sort serves all metrics, all labels and all weights of a column. Of the average precision

    AP = sum over positives j of precision(s_j) / positives,

the influence of a row with score s and label y is, in shares of the total weight, with G(t) the share at
or above t and p the share of positives,

    ( y (precision(s) - AP) + sum over positives j with s_j <= s of (y - precision(s_j)) / G(s_j) ) / p .
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from harness.metrics import LOG_LOSS_CLIP

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]

#: the eight metrics in the order of every array of values
NAMES = (
    "roc_auc",
    "pr_auc",
    "log_loss",
    "brier",
    "precision",
    "recall",
    "f1",
    "predicted_positive_rate",
)


@dataclass(frozen=True)
class Grid:
    """A score column sorted once: its `distinct` finite scores ascending (g,), and each row's `place` (n,).

    `known` are the rows that have a score; the place of others is 0 and must not be used. `loss` (2, 2, g) is
    log loss and squared error at each score, under label 0 and under label 1.
    """

    distinct: Floats
    place: npt.NDArray[np.int64]
    known: npt.NDArray[np.bool_]
    loss: Floats


@dataclass(frozen=True)
class Table:
    """Metrics on a weighted sample: `values` (8,), and the influence (8, 2 g), label 0 first, then label 1.

    Influences are of a row's share of the total weight, so that their weighted mean is 0. `total` is the
    total weight, `empty` says by metric why it is undefined; its value and influence are nan.
    """

    values: Floats
    influence: Floats
    total: float
    empty: dict[str, str]


def grid(score: Floats) -> Grid:
    """The column sorted, with the losses that every sample on it needs."""
    known = np.isfinite(score)
    distinct, found = np.unique(score[known] if not known.all() else score, return_inverse=True)
    place = found
    if not known.all():
        place = np.zeros(score.size, dtype=np.int64)
        place[known] = found
    loss = np.full((2, 2, distinct.size), np.nan)
    if distinct.size and distinct[0] >= 0.0 and distinct[-1] <= 1.0:
        kept = np.clip(distinct, LOG_LOSS_CLIP, 1.0 - LOG_LOSS_CLIP)
        loss[0] = -np.log1p(-kept), -np.log(kept)
        loss[1] = np.square(distinct), np.square(1.0 - distinct)
    return Grid(distinct, place, known, loss)


def cells(scores: Grid, label: Floats) -> npt.NDArray[np.int64]:
    """Where each row stands in a table, (n,): its score's place, and for a positive that many more."""
    return scores.place + scores.distinct.size * (label == 1.0)


def table(scores: Grid, where: npt.NDArray[np.int64], *, weight: Floats, threshold: float) -> Table:
    """The metrics of a weighted sample and their influence; `where` from `cells`, `weight` (n,) >= 0.

    To check: scores .1 .4 .35 .8, labels 0 0 1 1, threshold .38: .75, .83333, .47229, .158125, .5, .5, .5,
    .5.
    """
    size = scores.distinct.size
    mass = np.bincount(where, weights=weight, minlength=2 * size).reshape(2, size)
    total = float(mass.sum())
    if total == 0.0:
        nothing = dict.fromkeys(NAMES, "there are no rows")
        return Table(np.full(len(NAMES), np.nan), np.full((len(NAMES), 2 * size), np.nan), 0.0, nothing)
    mass /= total
    influence = np.empty((len(NAMES), 2, size))
    values = np.empty(len(NAMES))
    with np.errstate(divide="ignore", invalid="ignore"):
        values[0] = _roc_auc(mass, influence[0])
        values[1] = _pr_auc(mass, influence[1])
        for row, loss in zip((2, 3), scores.loss, strict=True):
            values[row] = (mass * loss).sum()
            influence[row] = loss - values[row]
        values[4:] = _decisions(mass, scores.distinct >= threshold, out=influence[4:])
    empty = _undefined(mass, bool((scores.distinct >= threshold) @ mass.sum(axis=0)), values)
    values[[name in empty for name in NAMES]] = np.nan
    return Table(values, influence.reshape(len(NAMES), 2 * size), total, empty)


def _roc_auc(mass: Floats, out: Floats) -> float:
    negative, positive = mass
    shares = mass.sum(axis=1)
    below = np.cumsum(negative) - 0.5 * negative
    above = shares[1] - (np.cumsum(positive) - 0.5 * positive)
    value = float(positive @ below / (shares[0] * shares[1]))
    out[1] = (below / shares[0] - value) / shares[1]
    out[0] = (above / shares[1] - value) / shares[0]
    return value


def _pr_auc(mass: Floats, out: Floats) -> float:
    positive = mass[1]
    share = positive.sum()
    found = np.cumsum(positive[::-1])[::-1]
    flagged = np.cumsum(mass.sum(axis=0)[::-1])[::-1]
    # Above every row that carries weight nothing is flagged; a row put there would be the first.
    precision = np.where(flagged > 0.0, found / flagged, 1.0)
    drawn = np.where(flagged > 0.0, positive / flagged, 0.0)
    value = float(positive @ precision / share)
    out[0] = -np.cumsum(drawn * precision) / share
    out[1] = out[0] + (precision - value + np.cumsum(drawn)) / share
    return value


def _decisions(mass: Floats, flagged: npt.NDArray[np.bool_], *, out: Floats) -> Floats:
    """Precision, recall, F1 and predicted positive rate: ratios of means, by the delta method."""
    flag = flagged.astype(np.float64)
    false, true = mass @ flag
    positive, rate = float(mass[1].sum()), false + true
    precision, recall, f1 = true / rate, true / positive, 2.0 * true / (rate + positive)
    out[0] = -flag * precision / rate, flag * (1.0 - precision) / rate
    out[1] = np.zeros_like(flag), (flag - recall) / positive
    out[2] = -f1 * flag / (rate + positive), (2.0 * flag - f1 * (flag + 1.0)) / (rate + positive)
    out[3] = flag - rate
    return np.array([precision, recall, f1, rate])


def _undefined(mass: Floats, any_flagged: bool, values: Floats) -> dict[str, str]:  # noqa: FBT001  -- private
    negative, positive = mass.sum(axis=1) > 0.0
    why = {}
    if not positive:
        why |= dict.fromkeys(("roc_auc", "pr_auc", "recall"), "no label is positive")
    if not negative:
        why |= {"roc_auc": "no label is negative"}
    if not any_flagged:
        why |= {"precision": "no row is predicted positive"}
        why |= {} if positive else {"f1": "no row is positive or predicted so"}
    if np.isnan(values[NAMES.index("log_loss")]):
        why |= dict.fromkeys(("log_loss", "brier"), "the scores are no probabilities between 0 and 1")
    return why
