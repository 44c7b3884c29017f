"""The area under the ROC curve of one score with its standard error, by DeLong's components."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from scipy.special import ndtri
from scipy.stats import rankdata

from harness.diagnosis._arrays import aligned, finite, outcomes

if TYPE_CHECKING:
    import numpy.typing as npt


@dataclass(frozen=True, kw_only=True)
class Auc:
    """An area, its standard error, its interval on the logit scale, and the rows of either outcome.

    `value` is nan unless both outcomes are there, `se` unless both have two rows.
    """

    value: float
    se: float
    low: float
    high: float
    positives: int
    negatives: int


def delong(labels: npt.ArrayLike, scores: npt.ArrayLike, *, level: float = 0.95) -> Auc:
    """The area and its standard error, rows independent; scores are finite numbers of any scale.

    DeLong, DeLong, Clarke-Pearson, Biometrics 44 (1988), ranks of Sun, Xu, IEEE SPL 21 (2014).
    To check: labels 0 0 1 1, scores .1 .4 .35 .8: .75, se .353553.
    """
    truth, score = outcomes(labels) == 1.0, finite(scores, "scores")
    aligned(labels=truth, scores=score)
    positives, negatives = int(truth.sum()), int((~truth).sum())
    if not positives or not negatives:
        return Auc(
            value=math.nan, se=math.nan, low=math.nan, high=math.nan, positives=positives, negatives=negatives
        )
    ranks = rankdata(score)
    above = (ranks[truth] - rankdata(score[truth])) / negatives
    below = 1.0 - (ranks[~truth] - rankdata(score[~truth])) / positives
    value = float(above.mean())
    se = math.nan
    if min(positives, negatives) > 1:
        se = math.sqrt(float(above.var(ddof=1)) / positives + float(below.var(ddof=1)) / negatives)
    low, high = _on_logit(value, se, level=level)
    return Auc(value=value, se=se, low=low, high=high, positives=positives, negatives=negatives)


def _on_logit(value: float, se: float, *, level: float) -> tuple[float, float]:
    """The interval that stays within 0 and 1; at 0 and 1 itself nothing is known of the spread."""
    if not 0.0 < value < 1.0 or math.isnan(se):
        return math.nan, math.nan
    middle, half = (
        math.log(value / (1.0 - value)),
        float(ndtri(0.5 + level / 2)) * se / (value * (1.0 - value)),
    )
    return tuple(1.0 / (1.0 + math.exp(-(middle + side * half))) for side in (-1, 1))  # type: ignore[return-value]
