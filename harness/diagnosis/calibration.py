"""Are the probabilities right: by bin, in one number, by a test, and what wrong ones cost in log loss.

A served score of .3 should be followed by a positive in 30 % of such rows. Plug-in calibration errors are
above zero for a perfect model too, so the debiased one is shown beside, and tests decide.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import chdtrc, ndtr, xlogy

from harness.diagnosis._arrays import codes_of, scored
from harness.diagnosis.intervals import grouped_bootstrap, grouped_counts
from harness.diagnosis.recalibrators import CLIP, FOLDS, cross_fitted, folds_of, logistic_fit
from harness.metrics import log_loss

if TYPE_CHECKING:
    import numpy.typing as npt

    from harness.diagnosis._arrays import Codes, Floats

BINS = 10
_Z95 = 1.959963984540054


@dataclass(frozen=True, kw_only=True)
class Reliability:
    """By bin, ascending: the mean score, the share of positives with its 95 % interval (Wilson), the rows."""

    mean_score: Floats
    positive_rate: Floats
    low: Floats
    high: Floats
    rows: Codes


@dataclass(frozen=True, kw_only=True)
class CalibrationError:
    """How far scores lie from the shares of positives, over equal-mass bins.

    `ece` is the mean absolute gap (plug-in, above 0 by chance), `squared` the mean squared gap, `debiased`
    that without what chance adds, possibly below 0, and `root` its square root, 0 where it is below.
    """

    ece: float
    squared: float
    debiased: float
    root: float


@dataclass(frozen=True, kw_only=True)
class Tested:
    """A statistic and its two-sided p; nan where the rows do not allow it."""

    value: float
    p: float


@dataclass(frozen=True, kw_only=True)
class Line:
    """The recalibration line logit P(y) = intercept + slope logit(score), against the ideal 0 and 1.

    `in_the_large` is the intercept at slope 1: above 0 the scores are too low on the whole. `test` is the
    likelihood ratio of the line against the ideal, 2 degrees of freedom (Cox, Biometrika 45, 1958).
    """

    intercept: float
    slope: float
    intercept_se: float
    slope_se: float
    in_the_large: float
    test: Tested


@dataclass(frozen=True, kw_only=True)
class LogLossParts:
    """Log loss = `miscalibration` + `refinement`; refinement = `base_rate` entropy - `discrimination`; nats.

    Miscalibration is what a monotone map would give back without a new model: recalibrate. Refinement is
    what only a better model gives. The base rate's entropy is what a constant would cost.
    """

    log_loss: float
    miscalibration: float
    refinement: float
    discrimination: float
    base_rate: float


def reliability(labels: npt.ArrayLike, scores: npt.ArrayLike, *, bins: int = BINS) -> Reliability:
    """The curve over equal-mass bins, as many as there are rows for."""
    truth, score = scored(labels, scores)
    parts = equal_mass(score, bins=bins)
    rows = np.array([part.size for part in parts], np.int64)
    rate = np.array([truth[part].mean() for part in parts])
    low, high = _wilson(rate, rows)
    return Reliability(
        mean_score=np.array([score[part].mean() for part in parts]),
        positive_rate=rate,
        low=low,
        high=high,
        rows=rows,
    )


def calibration_error(labels: npt.ArrayLike, scores: npt.ArrayLike, *, bins: int = BINS) -> CalibrationError:
    """The error over equal-mass bins, plug-in and debiased; nan without rows.

    ECE: Naeini, Cooper, Hauskrecht, AAAI 2015. Equal mass is less biased than equal width (Roelofs et al.,
    AISTATS 2022). Debiased: Kumar, Liang, Ma, NeurIPS 2019: from each squared gap, rate (1 - rate) /
    (rows - 1) is taken off. Bins of one row have no spread and keep their bias.
    """
    curve = reliability(labels, scores, bins=bins)
    if not curve.rows.size:
        return CalibrationError(ece=math.nan, squared=math.nan, debiased=math.nan, root=math.nan)
    share, gap = curve.rows / curve.rows.sum(), curve.mean_score - curve.positive_rate
    noise = curve.positive_rate * (1.0 - curve.positive_rate) / np.maximum(curve.rows - 1, 1)
    debiased = float(share @ (np.square(gap) - noise))
    return CalibrationError(
        ece=float(share @ np.abs(gap)),
        squared=float(share @ np.square(gap)),
        debiased=debiased,
        root=math.sqrt(max(0.0, debiased)),
    )


def error_interval(
    labels: npt.ArrayLike, scores: npt.ArrayLike, *, units: npt.ArrayLike | None = None, bins: int = BINS
) -> tuple[float, float]:
    """The 95 % percentile interval of the debiased error's root, groups of units resampled; nan for no rows.

    The error has no influence values, so 400 groups of units are drawn anew 1,000 times from their histograms
    (`intervals.grouped_bootstrap`); bins, and the mean score of either outcome within each, stay as found. A
    right model's interval begins at 0.
    """
    truth, score = scored(labels, scores)
    if not truth.size:
        return math.nan, math.nan
    codes = np.arange(truth.size) if units is None else codes_of(units, "units")
    cell = np.empty(truth.size, np.int64)
    for place, part in enumerate(equal_mass(score, bins=bins)):
        cell[part] = 2 * place + (truth[part] == 1.0)
    cells = 2 * (int(cell.max()) // 2 + 1)
    rows = np.bincount(cell, minlength=cells)
    mean = np.bincount(cell, score, minlength=cells) / np.maximum(rows, 1)
    counts = grouped_counts(codes, cell, cells=cells)
    found = grouped_bootstrap(counts, lambda many: _roots(many, mean), rng=np.random.default_rng(2019))
    return found[1], found[2]


def _roots(counts: Floats, mean: Floats) -> Floats:
    """The debiased root error of each histogram, (draws, cells) to (draws,)."""
    rows = counts[:, ::2] + counts[:, 1::2]
    many = np.maximum(rows, 1.0)
    rate = counts[:, 1::2] / many
    gap = (counts[:, ::2] * mean[::2] + counts[:, 1::2] * mean[1::2]) / many - rate
    noise = rate * (1.0 - rate) / np.maximum(rows - 1.0, 1.0)
    weight = rows / rows.sum(axis=1, keepdims=True)
    squared: Floats = (weight * (np.square(gap) - noise)).sum(axis=1)
    return np.sqrt(np.maximum(squared, 0.0))


def spiegelhalter(labels: npt.ArrayLike, scores: npt.ArrayLike) -> Tested:
    """Whether the Brier score is what the scores themselves promise (Spiegelhalter, Stat. Med. 5, 1986).

    z = sum (y - s)(1 - 2 s) / sqrt(sum (1 - 2 s)^2 s (1 - s)); rows independent. nan where every score is 0,
    1 or .5, since then nothing is promised.
    """
    truth, score = scored(labels, scores)
    lean = 1.0 - 2.0 * score
    variance = float((np.square(lean) * score * (1.0 - score)).sum())
    if variance <= 0.0:
        return Tested(value=math.nan, p=math.nan)
    z = float(((truth - score) * lean).sum()) / math.sqrt(variance)
    return Tested(value=z, p=float(2.0 * ndtr(-abs(z))))


def recalibration_line(
    labels: npt.ArrayLike, scores: npt.ArrayLike, *, units: npt.ArrayLike | None = None
) -> Line:
    """Intercept and slope by maximum likelihood, errors by unit where units are given; nan for one class.

    Slope below 1: scores too extreme. The likelihood ratio takes rows as independent.
    """
    truth, score = scored(labels, scores)
    if not 0.0 < truth.sum() < truth.size or np.ptp(score) == 0.0:
        nothing = Tested(value=math.nan, p=math.nan)
        return Line(**dict.fromkeys(_LINE, math.nan), test=nothing)
    kept = np.clip(score, CLIP, 1.0 - CLIP)
    logit = np.log(kept) - np.log1p(-kept)
    design = np.column_stack([np.ones_like(logit), logit])
    beta = logistic_fit(truth, design)
    large = logistic_fit(truth, design[:, :1], offset=logit)
    ratio = 2.0 * (_log_likelihood(truth, design @ beta) - _log_likelihood(truth, logit))
    se = _errors(truth, design, beta=beta, units=units)
    return Line(
        intercept=float(beta[0]),
        slope=float(beta[1]),
        intercept_se=float(se[0]),
        slope_se=float(se[1]),
        in_the_large=float(large[0]),
        test=Tested(value=ratio, p=float(chdtrc(2, max(ratio, 0.0)))),
    )


_LINE = ("intercept", "slope", "intercept_se", "slope_se", "in_the_large")


def log_loss_parts(
    labels: npt.ArrayLike, scores: npt.ArrayLike, *, units: npt.ArrayLike | None = None, folds: int = FOLDS
) -> LogLossParts:
    """Log loss split by an isotonic map fitted out of fold, so that the parts do not flatter the map.

    CORP of Dimitriadis, Gneiting, Jordan, PNAS 118 (2021), with cross-fitting: miscalibration may then be
    slightly below 0 for a calibrated model. Parts add up exactly; nan for one class.
    """
    truth, score = scored(labels, scores)
    codes = np.arange(truth.size) if units is None else codes_of(units, "units")
    fold = folds_of(codes, folds=folds)
    whole = log_loss(truth, score)
    if any(np.unique(truth[fold != one]).size < 2 for one in np.unique(fold)) or not truth.size:
        return LogLossParts(
            log_loss=whole,
            miscalibration=math.nan,
            refinement=math.nan,
            discrimination=math.nan,
            base_rate=math.nan,
        )
    refined = log_loss(truth, cross_fitted("isotonic", truth, scores=score, fold=fold))
    rate = float(truth.mean())
    entropy = -float(xlogy(rate, rate) + xlogy(1.0 - rate, 1.0 - rate))
    return LogLossParts(
        log_loss=whole,
        miscalibration=whole - refined,
        refinement=refined,
        discrimination=entropy - refined,
        base_rate=entropy,
    )


def equal_mass(scores: Floats, *, bins: int) -> list[Codes]:
    """The rows of each bin: in order of score, cut into `bins` equal parts, fewer where rows are few."""
    order = np.argsort(scores, kind="stable")
    return [part for part in np.array_split(order, max(1, bins)) if part.size]


def _wilson(rate: Floats, rows: Codes) -> tuple[Floats, Floats]:
    """Wilson, JASA 22 (1927), 95 %."""
    z2 = _Z95 * _Z95 / rows
    middle = (rate + z2 / 2.0) / (1.0 + z2)
    half = _Z95 * np.sqrt(rate * (1.0 - rate) / rows + z2 / (4.0 * rows)) / (1.0 + z2)
    return middle - half, middle + half


def _log_likelihood(truth: Floats, logit: Floats) -> float:
    return -float(np.logaddexp(0.0, np.where(truth == 1.0, -logit, logit)).sum())


def _errors(truth: Floats, design: Floats, *, beta: Floats, units: npt.ArrayLike | None) -> Floats:
    """Standard errors: of the information, or of the scores summed by unit (the sandwich)."""
    p = 1.0 / (1.0 + np.exp(-(design @ beta)))
    bread = np.linalg.inv((design.T * (p * (1.0 - p))) @ design)
    if units is None:
        return np.asarray(np.sqrt(np.diag(bread)), np.float64)
    codes = codes_of(units, "units")
    sums = np.stack([np.bincount(codes, column * (truth - p)) for column in design.T])
    many = sums.shape[1]
    if many < 2:  # one unit cannot tell how far units differ
        return np.full(len(beta), math.nan)
    meat = sums @ sums.T * many / (many - 1)
    return np.asarray(np.sqrt(np.diag(bread @ meat @ bread)), np.float64)
