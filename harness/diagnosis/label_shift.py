"""Label shift: only the share of positives moved, scores given the label did not. Two tests say whether.

Under label shift ROC-AUC, recall and the false positive rate stay as they are, so it can explain a change of
precision, log loss or predicted positives, never one of the AUC. It is named only where both Kolmogorov
tests, of the scores of positives and of the scores of negatives, find no difference and the base rates do.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import ndtr

from harness.diagnosis._arrays import finite, outcomes
from harness.diagnosis.drift import kolmogorov_p
from harness.diagnosis.drift_null import unit_inflation
from harness.diagnosis.ecdf import distances
from harness.errors import HarnessError

if TYPE_CHECKING:
    import numpy.typing as npt

    from harness.diagnosis._arrays import Codes, Floats, Mask

#: fewer rows of an outcome than this, and a test that passes says nothing
ENOUGH = 30
#: Kolmogorov's 95 % quantile
KS_95 = 1.358


@dataclass(frozen=True, kw_only=True)
class LabelShift:
    """Base rates then and now with their p, the p of scores given each label, and whether label shift holds.

    `apart` is how far scores of positives, and of negatives, may lie apart at most: the 95 % upper limit of
    the Kolmogorov-Smirnov distance. `weights` are those that turn the reference into today (negative,
    positive): None unless `holds`; `why_not` says what speaks against it.
    """

    base_rates: tuple[float, float]
    base_rate_p: float
    positives_p: float
    negatives_p: float
    apart: tuple[float, float] = (math.nan, math.nan)
    holds: bool
    weights: tuple[float, float] | None
    why_not: str


@dataclass(frozen=True, kw_only=True)
class Scored:
    """Labels of 0 and 1 with the scores that the same rows got, both (rows,), and units if rows have any."""

    labels: npt.ArrayLike
    scores: npt.ArrayLike
    units: Codes | None = None


def label_shift(reference: Scored, current: Scored, *, alpha: float = 0.05) -> LabelShift:
    """Whether only the share of positives moved between two samples with mature labels.

    All tests are as much wider as rows come in units. To check: the same scores with every positive
    twice hold; scores of positives that moved do not.
    """
    then, now = _split(reference), _split(current)
    inflation = _inflation((reference, then), (current, now))
    rates = then[0].mean() if then[0].size else math.nan, now[0].mean() if now[0].size else math.nan
    rate_p = _rates_p(then[0], now[0], inflation=inflation)
    tested = [_conditional(then, now, outcome=outcome, inflation=inflation) for outcome in (1.0, 0.0)]
    conditional = [p for p, _ in tested]
    why_not = _against(rate_p, conditional, alpha=alpha)
    holds = not why_not
    weights = ((1 - rates[1]) / (1 - rates[0]), rates[1] / rates[0]) if holds else None
    return LabelShift(
        base_rates=(float(rates[0]), float(rates[1])),
        base_rate_p=rate_p,
        positives_p=conditional[0],
        negatives_p=conditional[1],
        apart=(tested[0][1], tested[1][1]),
        holds=holds,
        weights=weights,
        why_not=why_not,
    )


@dataclass(frozen=True, kw_only=True)
class BlackBox:
    """Weights by label (negative, positive) and the share of positives that they imply."""

    weights: tuple[float, float]
    positive_rate: float


def black_box_shift(reference: Scored, current_scores: npt.ArrayLike, *, threshold: float) -> BlackBox:
    """The share of positives among rows without labels, had only that share moved.

    BBSE of Lipton, Wang, Smola, ICML 2018: solve C w = mu, C the joint shares of decision and label of the
    reference, mu the shares of decisions now. Use it only where `label_shift` holds on mature rows: under
    any other shift it is wrong (on the vectors it says .842, the truth is .499). Raises HarnessError where
    the decisions do not depend on the labels, so that nothing can be told from them.
    """
    truth, score = _split(reference)
    flagged, now = score >= threshold, finite(current_scores, "current scores") >= threshold
    if not truth.size or not now.size:
        raise HarnessError("has no rows", where="scores", expected="rows on both sides")
    joint = np.array([[np.mean((flagged == said) & (truth == label)) for label in (0, 1)] for said in (0, 1)])
    if abs(np.linalg.det(joint)) < 1e-12:  # noqa: PLR2004  -- singular up to rounding
        raise HarnessError(
            "decisions do not tell the labels apart",
            where="reference",
            expected="decisions that depend on them",
        )
    weights = np.linalg.solve(joint, [1.0 - now.mean(), now.mean()])
    rate = weights[1] * truth.mean()
    return BlackBox(weights=(float(weights[0]), float(weights[1])), positive_rate=float(np.clip(rate, 0, 1)))


def _split(side: Scored) -> tuple[Floats, Floats]:
    truth, score = outcomes(side.labels), finite(side.scores, "scores")
    if truth.size != score.size:
        raise HarnessError("columns have different lengths", found=(truth.size, score.size))
    return truth, score


def _rates_p(then: Floats, now: Floats, *, inflation: float) -> float:
    if not then.size or not now.size:
        return math.nan
    pooled = (then.sum() + now.sum()) / (then.size + now.size)
    se = math.sqrt(inflation * pooled * (1 - pooled) * (1 / then.size + 1 / now.size))
    return float(2.0 * ndtr(-abs(then.mean() - now.mean()) / se)) if se > 0.0 else 1.0


def _conditional(
    then: tuple[Floats, Floats], now: tuple[Floats, Floats], *, outcome: float, inflation: float
) -> tuple[float, float]:
    """The p of scores of one outcome being the same, and how far apart they may be at most."""
    one, other = (score[_is(truth, outcome)] for truth, score in (then, now))
    if min(one.size, other.size) < ENOUGH:
        return math.nan, math.nan
    ks = distances(one, other).ks
    furthest = ks + KS_95 * math.sqrt(inflation * (1.0 / one.size + 1.0 / other.size))
    return kolmogorov_p(one, other, ks=ks, inflation=inflation), min(1.0, furthest)


def _inflation(*sides: tuple[Scored, tuple[Floats, Floats]]) -> float:
    """The larger design effect of labels and of scores, each by its part in the variance 1/n + 1/m."""
    if any(side.units is None or not truth.size for side, (truth, _) in sides):
        return 1.0
    edges = np.unique(
        np.quantile(np.concatenate([score for _, (_, score) in sides]), np.linspace(0.1, 0.9, 9))
    )
    effects = []
    for side, (truth, score) in sides:
        _, unit = np.unique(side.units if side.units is not None else (), return_inverse=True)
        bins = truth.astype(np.int64), np.searchsorted(edges, score, side="right")
        effects.append(max(unit_inflation(one, unit) for one in bins))
    return float(np.average(effects, weights=[1.0 / truth.size for _, (truth, _) in sides]))


def _is(truth: Floats, outcome: float) -> Mask:
    return np.asarray(truth == outcome)


def _against(rate_p: float, conditional: list[float], *, alpha: float) -> str:
    if math.isnan(rate_p):
        return "no labels on one side"
    for name, p in zip(("positives", "negatives"), conditional, strict=True):
        if math.isnan(p):
            return f"fewer than {ENOUGH} {name} on one side"
        if p <= alpha:
            return f"scores of {name} moved (p {p:.2g})"
    return "" if rate_p <= alpha else f"the share of positives did not move beyond chance (p {rate_p:.2g})"
