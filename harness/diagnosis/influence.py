"""Eight metrics of one score column at once, and what each row does to each of them.

A metric is a function of a weighted sample of rows. Its influence function says how it changes when one row
weighs more, and the sum of the squares of those changes over independent rows is its variance (Hampel, JASA
69, 1974; for AUC they are DeLong's components, Biometrics 44, 1988). For all eight, a row's influence depends
on nothing but its score and its label, so it is looked up in a table with two entries for each distinct
score: one sort serves all metrics, all labels and all weights of a column. Of the average precision

    AP = sum over positives j of precision(s_j) / positives,

the influence of a row with score s and label y is, in shares of the total weight, with G(t) the share at
or above t and p the share of positives,

    ( y (precision(s) - AP) + sum over positives j with s_j <= s of (y - precision(s_j)) / G(s_j) ) / p .
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from harness.metrics import LOG_LOSS_CLIP

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Codes = npt.NDArray[np.int64]

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
#: so many of them need the score itself, the others only whether it reaches the threshold
RANKED = 4


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
    """Metrics on a weighted sample: `values` (8,), and the influence of a row by its label and its score.

    `ranked` (4, 2, g) are the influences on the first four metrics at each distinct score, label 0 first;
    `decided` (4, 2, 2) those on the others, which need only know whether a row is predicted positive, as it
    is from the place `first` on. Influences are of a row's share of the total weight, so that their mean over
    `mass` (2, g), each cell's share, is 0. `total` is the total weight; `empty` says by metric why it is
    undefined, which makes its value and influence nan.
    """

    values: Floats
    ranked: Floats
    decided: Floats
    mass: Floats
    first: int
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
    if not distinct.size:
        distinct = np.array([np.nan])  # so that rows without a score have a place, of weight 0
    return Grid(distinct, place, known, _losses(distinct))


def merged(left: Grid, right: Grid) -> tuple[Grid, Grid]:
    """Both columns on one grid, that of the scores of either; their rows stay apart."""
    # A stable sort merges two sorted runs without sorting them again.
    both = np.sort(np.concatenate([left.distinct, right.distinct]), kind="stable")
    distinct = both[np.concatenate([[True], both[1:] != both[:-1]])]
    loss = _losses(distinct)
    first, second = (
        Grid(distinct, np.searchsorted(distinct, one.distinct)[one.place], one.known, loss)
        for one in (left, right)
    )
    return first, second


def _losses(distinct: Floats) -> Floats:
    """Log loss and squared error at each score, under both labels; nan where they are no probabilities."""
    loss = np.full((2, 2, distinct.size), np.nan)
    if distinct[0] >= 0.0 and distinct[-1] <= 1.0:
        kept = np.clip(distinct, LOG_LOSS_CLIP, 1.0 - LOG_LOSS_CLIP)
        loss[0] = -np.log1p(-kept), -np.log(kept)
        loss[1] = np.square(distinct), np.square(1.0 - distinct)
    return loss


def table(scores: Grid, label: Floats, *, weight: Floats, threshold: float) -> Table:
    """The metrics of a weighted sample and their influence; `label` (n,) is 1 or not, `weight` (n,) >= 0.

    To check: scores .1 .4 .35 .8, labels 0 0 1 1, threshold .38: .75, .83333, .47229, .158125, .5, .5, .5,
    .5.
    """
    size = scores.distinct.size
    where = scores.place + size * (label == 1.0)
    mass = np.bincount(where, weights=weight, minlength=2 * size).reshape(2, size).astype(float, copy=False)
    total = float(mass.sum())
    values, ranked = np.full(len(NAMES), np.nan), np.empty((RANKED, 2, size))
    decided, nothing = np.full((RANKED, 2, 2), np.nan), dict.fromkeys(NAMES, "there are no rows")
    if total == 0.0:
        ranked[:] = np.nan
        return Table(values, ranked, decided, mass, size, total, nothing)
    mass /= total
    with np.errstate(divide="ignore", invalid="ignore"):
        values[0] = _roc_auc(mass, ranked[0])
        values[1] = _pr_auc(mass, ranked[1])
    for row, loss in zip((2, 3), scores.loss, strict=True):
        values[row] = np.vdot(mass, loss)
        ranked[row] = loss - values[row]
    return at_threshold(Table(values, ranked, decided, mass, size, total, {}), scores, threshold=threshold)


def at_threshold(made: Table, scores: Grid, *, threshold: float) -> Table:
    """The same sample at another threshold: what needs the scores themselves is not made again."""
    if not made.total:
        return made
    first = int(np.searchsorted(scores.distinct, threshold))
    shares = np.stack([made.mass[:, :first].sum(axis=1), made.mass[:, first:].sum(axis=1)], axis=1)
    values = made.values.copy()
    with np.errstate(divide="ignore", invalid="ignore"):
        values[RANKED:], decided = _decisions(shares)
    empty = _undefined(shares, probabilities=bool(np.isfinite(scores.loss[0, 0, 0])))
    values[[name in empty for name in NAMES]] = np.nan
    return replace(made, values=values, decided=decided, first=first, empty=empty)


def unit_influence(
    made: Table, scores: Grid, *, label: Floats, weight: Floats, unit: Codes, size: int
) -> Floats:
    """What each of `size` units does to each metric, (8, size): the sum over its rows of their influence.

    `unit` (n,) are codes below `size`; the sample is that of the table. The squares sum to the variance.
    """
    if not made.total:
        return np.full((len(NAMES), size), np.nan)
    where = scores.place + scores.distinct.size * (label == 1.0)
    share = weight / made.total
    even = share.min() == share.max()
    ranked = np.empty((RANKED, size))
    for row, influence in zip(ranked, made.ranked, strict=True):
        found = influence.ravel().take(where)
        row[:] = np.bincount(unit, weights=found if even else found * share, minlength=size)
    if even:
        ranked *= share[0]
    decided = decision_influence(made, scores, label=label, weight=weight, unit=unit, size=size)
    return np.concatenate([ranked, decided])


def decision_influence(
    made: Table, scores: Grid, *, label: Floats, weight: Floats, unit: Codes, size: int
) -> Floats:
    """The last four rows of `unit_influence` alone, (4, size)."""
    if not made.total:
        return np.full((len(NAMES) - RANKED, size), np.nan)
    cell = 4 * unit + 2 * (label == 1.0) + (scores.place >= made.first)
    shares = np.bincount(cell, weights=weight, minlength=4 * size).reshape(size, 4) / made.total
    found: Floats = made.decided.reshape(-1, 4) @ shares.T
    return found


def expected_influence(made: Table, *, place: Codes, positive: Floats) -> Iterator[Floats]:
    """Metric by metric what to expect at these places when label 1 has this probability, (n,) each."""
    for zero, one in made.ranked:
        low = zero.take(place)
        yield low + (one.take(place) - low) * positive
    flagged = (place >= made.first).astype(np.int64)
    for zero, one in made.decided:
        low = zero[flagged]
        yield low + (one[flagged] - low) * positive


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


def _decisions(shares: Floats) -> tuple[Floats, Floats]:
    """Precision, recall, F1, predicted positive rate from shares by label and flag: ratios, delta method."""
    false, true = shares[:, 1]
    positive, rate = shares[1].sum(), false + true
    precision, recall, f1 = true / rate, true / positive, 2.0 * true / (rate + positive)
    label, flag = np.array([[0.0], [1.0]]), np.array([[0.0, 1.0]])
    decided = np.stack(
        [
            flag * (label - precision) / rate,
            label * (flag - recall) / positive,
            (2.0 * label * flag - f1 * (label + flag)) / (rate + positive),
            flag - rate + 0.0 * label,
        ]
    )
    return np.array([precision, recall, f1, rate]), decided


def _undefined(shares: Floats, *, probabilities: bool) -> dict[str, str]:
    """Why metrics are undefined, from the shares by label and flag."""
    negative, positive = shares.sum(axis=1) > 0.0
    why: dict[str, str] = {}
    if not positive:
        why |= dict.fromkeys(("roc_auc", "pr_auc", "recall"), "no label is positive")
    if not negative:
        why["roc_auc"] = "no label is negative"
    if not shares[:, 1].any():
        why["precision"] = "no row is predicted positive"
        if not positive:
            why["f1"] = "no row is positive or predicted so"
    if not probabilities:
        why |= dict.fromkeys(("log_loss", "brier"), "the scores are no probabilities between 0 and 1")
    return why
