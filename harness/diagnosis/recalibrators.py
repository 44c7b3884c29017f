"""Maps from a score to a probability, fitted on labels: what they give back, and the equivalent threshold.

Platt (1999): logit p = a + b logit s. Beta (Kull, Silva Filho, Flach, AISTATS 2017): logit p =
c + a log s - b log(1 - s), a and b not negative. Isotonic (Zadrozny, Elkan, KDD 2002): the best
non-decreasing step function, straight between its points. Which one is best is decided out of fold.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from scipy.optimize import isotonic_regression
from scipy.special import expit

from harness.diagnosis._arrays import aligned, codes_of, probabilities, scored
from harness.errors import HarnessError
from harness.metrics import log_loss_rows

if TYPE_CHECKING:
    import numpy.typing as npt

    from harness.diagnosis._arrays import Codes, Floats

Kind = Literal["as served", "platt", "beta", "isotonic"]
KINDS: tuple[Kind, ...] = ("platt", "isotonic", "beta")

CLIP = 1e-12
FOLDS = 5
_STEPS = 100
_DONE = 1e-12
#: keeps a fit finite where the score separates the labels completely
_RIDGE = 1e-10


@dataclass(frozen=True)
class Logistic:
    """p = expit(c + a log s - b log(1 - s)); Platt's map has a = b."""

    c: float
    a: float
    b: float

    def __call__(self, scores: npt.ArrayLike) -> Floats:
        """Return the probability for each score."""
        return np.asarray(expit(_design(probabilities(scores)) @ [self.c, self.a, self.b]), np.float64)


@dataclass(frozen=True)
class Isotonic:
    """Straight between the points (`scores`, `values`), both ascending; flat outside."""

    scores: Floats
    values: Floats

    def __call__(self, scores: npt.ArrayLike) -> Floats:
        """Return the probability for each score."""
        return np.interp(probabilities(scores), self.scores, self.values)


@dataclass(frozen=True)
class Unchanged:
    """The score is taken as the probability."""

    def __call__(self, scores: npt.ArrayLike) -> Floats:
        """Return the scores."""
        return probabilities(scores)


Map = Logistic | Isotonic | Unchanged


@dataclass(frozen=True, kw_only=True)
class Recalibration:
    """One map: fitted on all rows, and its log loss out of fold, which decides.

    `gain` is the log loss of the scores as served minus that; `gain_se` counts units. `scores` are the
    recalibrated scores out of fold, (rows,). `threshold` is the raw score at which the map reaches the
    probability that was asked for, nan where it never does.
    """

    kind: Kind
    map: Map
    log_loss: float
    gain: float
    gain_se: float
    scores: Floats
    threshold: float = math.nan


def fit(kind: Kind, *, labels: npt.ArrayLike, scores: npt.ArrayLike) -> Map:
    """The map of that kind fitted on these rows; raises HarnessError unless both outcomes are there."""
    truth, score = scored(labels, scores)
    if kind == "as served":
        return Unchanged()
    if not 0.0 < truth.sum() < truth.size:
        raise HarnessError("cannot be recalibrated", where="labels", found="one class", expected="both")
    if kind == "isotonic":
        return _isotonic(truth, score)
    return _platt(truth, score) if kind == "platt" else _beta(truth, score)


def recalibrations(
    labels: npt.ArrayLike,
    scores: npt.ArrayLike,
    *,
    units: npt.ArrayLike | None = None,
    threshold: float | None = None,
    folds: int = FOLDS,
) -> tuple[Recalibration, ...]:
    """Each map by cross-fit, best log loss first; "as served" is among them, and wins where nothing helps.

    Rows of one unit share a fold, so that no map is judged on a unit that it has seen. `threshold` is the
    probability at which one wants to decide. Nothing (an empty tuple) where a fold would have one class only.
    """
    truth, score = scored(labels, scores)
    codes = np.arange(truth.size) if units is None else codes_of(units, "units")
    aligned(labels=truth, units=codes)
    fold = folds_of(codes, folds=folds)
    if any(len(np.unique(truth[fold != one])) < 2 for one in range(folds)) or not truth.size:
        return ()
    before = log_loss_rows(truth, score)
    kinds: tuple[Kind, ...] = ("as served", *KINDS)
    found = [(kind, cross_fitted(kind, truth, scores=score, fold=fold)) for kind in kinds]
    rows = [(kind, out, before - log_loss_rows(truth, out)) for kind, out in found]
    made = [
        Recalibration(
            kind=kind,
            map=(last := fit(kind, labels=truth, scores=score)),
            log_loss=float(log_loss_rows(truth, out).mean()),
            gain=float(gain.mean()),
            gain_se=_se_by_unit(gain, codes),
            scores=out,
            threshold=math.nan if threshold is None else equivalent_threshold(last, threshold),
        )
        for kind, out, gain in rows
    ]
    return tuple(sorted(made, key=lambda one: one.log_loss))


def equivalent_threshold(map_: Map, probability: float) -> float:
    """The least raw score whose recalibrated value reaches `probability`; nan where none does.

    Deciding on the raw score at this threshold is deciding on the recalibrated one at `probability`.
    """
    low, high = 0.0, 1.0
    if float(map_([high])[0]) < probability:
        return math.nan
    if float(map_([low])[0]) >= probability:
        return low
    for _ in range(_STEPS):
        middle = 0.5 * (low + high)
        low, high = (low, middle) if float(map_([middle])[0]) >= probability else (middle, high)
    return high


def cross_fitted(kind: Kind, labels: Floats, *, scores: Floats, fold: Codes) -> Floats:
    """Recalibrated scores out of fold, (rows,): each by the map of the other folds.

    A step at 0 or 1 that is wrong once would cost 34 nats, and n rows know no better than 1/2 in n + 1: what
    a map gives is kept that far from 0 and 1.
    """
    out = np.empty_like(scores)
    for one in np.unique(fold):
        mine = fold == one
        out[mine] = fit(kind, labels=labels[~mine], scores=scores[~mine])(scores[mine])
    least = 0.0 if kind == "as served" else 0.5 / (labels.size + 1.0)
    return np.clip(out, least, 1.0 - least)


def folds_of(units: Codes, *, folds: int) -> Codes:
    """A fold for each row: rows of one unit together, units dealt out by a fixed hash of their code."""
    mixed = (units.astype(np.uint64) + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
    return ((mixed >> np.uint64(33)) % np.uint64(folds)).astype(np.int64)


def logistic_fit(truth: Floats, design: Floats, *, offset: Floats | float = 0.0) -> Floats:
    """The maximum likelihood coefficients of a logistic regression, by Newton's method with halved steps."""
    beta = np.zeros(design.shape[1])
    loss = _loss(truth, design @ beta + offset)
    for _ in range(_STEPS):
        p = expit(design @ beta + offset)
        gradient = design.T @ (truth - p) - _RIDGE * beta
        hessian = (design.T * (p * (1.0 - p))) @ design + _RIDGE * np.eye(beta.size)
        step = np.linalg.solve(hessian, gradient)
        while (after := _loss(truth, design @ (beta + step) + offset)) > loss and np.abs(step).max() > _DONE:
            step = 0.5 * step
        beta, loss = beta + step, after
        if np.abs(step).max() <= _DONE * (1.0 + np.abs(beta).max()):
            break
    return beta


def _loss(truth: Floats, logit: Floats) -> float:
    return float(np.logaddexp(0.0, np.where(truth == 1.0, -logit, logit)).sum())


def _design(scores: Floats) -> Floats:
    kept = np.clip(scores, CLIP, 1.0 - CLIP)
    return np.column_stack([np.ones_like(kept), np.log(kept), -np.log1p(-kept)])


def _platt(truth: Floats, score: Floats) -> Logistic:
    columns = _design(score)
    c, slope = logistic_fit(truth, np.column_stack([columns[:, 0], columns[:, 1] + columns[:, 2]]))
    return Logistic(float(c), float(slope), float(slope))


def _beta(truth: Floats, score: Floats) -> Logistic:
    """The best fit with no negative exponent: of all, of either alone, or of neither."""
    columns = _design(score)
    best = logistic_fit(truth, columns)
    if min(best[1], best[2]) < 0.0:
        fits = [_fit_of(truth, columns, chosen=chosen) for chosen in ([0, 1], [0, 2], [0])]
        allowed = [one for one in fits if min(one[1], one[2]) >= 0.0]
        best = min(allowed, key=lambda one: _loss(truth, columns @ one))
    return Logistic(float(best[0]), float(best[1]), float(best[2]))


def _fit_of(truth: Floats, columns: Floats, *, chosen: list[int]) -> Floats:
    beta = np.zeros(columns.shape[1])
    beta[chosen] = logistic_fit(truth, columns[:, chosen])
    return beta


def _isotonic(truth: Floats, score: Floats) -> Isotonic:
    distinct, place, rows = np.unique(score, return_inverse=True, return_counts=True)
    means = np.bincount(place, truth) / rows
    values = np.asarray(isotonic_regression(means, weights=rows).x, np.float64)
    # Only the two ends of a flat part are points of the map: a few hundred instead of one a row.
    rises = values[1:] > values[:-1]
    ends = np.append(True, rises) | np.append(rises, True)
    return Isotonic(distinct[ends], values[ends])


def _se_by_unit(values: Floats, codes: Codes) -> float:
    sums = np.bincount(codes, values - values.mean())
    units = np.count_nonzero(np.bincount(codes))
    if units < 2:
        return math.nan
    return math.sqrt(float(np.square(sums).sum()) * units / (units - 1)) / values.size
