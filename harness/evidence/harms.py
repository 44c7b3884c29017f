"""How much worse the challenger did than the champion on each request, by the metric of an outcome."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from harness.evidence.outcomes import BINARY
from harness.metrics import brier_rows, log_loss_rows
from harness.stats import auc_difference, kish_effective
from harness.weighting import alike

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt
    from numpy.typing import NDArray

    from harness.evidence.outcomes import Plan

#: How far the paired log loss keeps both arms' probabilities from 0 and 1. The metric read-out clips at
#: 1e-15, where one sure and wrong row costs 34.5 nats; so heavy a tail breaks the normal approximation of the
#: test, and 1e-6 (13.8 nats), the same for both arms, does not.
PAIRED_CLIP = 1e-6
#: rows of the rarer label below which the normal approximation of an AUC promises too much
FEWEST_OF_EACH = 30

_LOSSES: dict[str, Callable[[npt.ArrayLike, npt.ArrayLike], NDArray[np.float64]]] = {
    "log_loss": partial(log_loss_rows, clip=PAIRED_CLIP),
    "brier": brier_rows,
}


def harm(
    plan: Plan,
    label: NDArray[np.float64],
    *,
    champion: NDArray[np.float64],
    challenger: NDArray[np.float64],
    weight: NDArray[np.float64] | None = None,
) -> NDArray[np.float64]:
    """How much worse the challenger did on each request, float64 (rows,), by the outcome's metric.

    log_loss, brier: the loss of the challenger minus that of the champion. auc: minus each row's part in the
    difference of the AUCs (DeLong), by `weight` (rows,), where rows weigh unequally. correct: 1 where the
    champion alone decides right, −1 where the challenger alone does. value: the label's number where one
    arm alone decides for the request, positive where that is to the challenger's disadvantage. Known: label
    1, scores .4 (champion) and .6, threshold .5: correct −1; value 3, higher is better: −3.
    """
    metric, threshold = plan.outcome.metric, plan.threshold
    if metric in _LOSSES:
        loss = _LOSSES[metric]
        return np.asarray(loss(label, challenger) - loss(label, champion), np.float64)
    if metric == "auc":
        uneven = None if weight is None or alike(weight) else weight
        found = auc_difference(label, champion=champion, challenger=challenger, weight=uneven)
        return np.asarray(-found.influence, np.float64)
    if metric == "correct":
        truth = label == 1.0
        right = [((score >= threshold) == truth).astype(np.float64) for score in (champion, challenger)]
        return np.asarray(right[0] - right[1])
    gained = (challenger >= threshold).astype(np.float64) - (champion >= threshold)
    return np.asarray(label * (-gained if plan.outcome.better == "higher" else gained))


def undefined(plan: Plan, scores: NDArray[np.float64]) -> int:
    """Rows of which an arm's score leaves the metric without a value: no loss of what is no probability.

    `scores` is float64 (arms, rows).
    """
    return beyond(scores, least=0.0) if plan.outcome.metric in _LOSSES else 0


def clipped(plan: Plan, scores: NDArray[np.float64]) -> int:
    """Rows with a score so near to 0 or 1 that the paired log loss clips it in one arm or both."""
    return beyond(scores, least=PAIRED_CLIP) if plan.outcome.metric == "log_loss" else 0


def beyond(scores: NDArray[np.float64], *, least: float) -> int:
    """Rows with a score below `least` or above 1 − `least` in any arm; `scores` is (arms, rows)."""
    return int(np.count_nonzero(((scores < least) | (scores > 1.0 - least)).any(axis=0)))


def unfit(plan: Plan, label: NDArray[np.float64], *, weight: NDArray[np.float64]) -> str:
    """Why the metric cannot be had of these labels at this look, or nothing; `weight` is float64 (rows,)."""
    if plan.outcome.metric in BINARY and not np.isin(label, (0.0, 1.0)).all():
        return f"{plan.outcome.metric} needs labels of 0 and 1, and column {plan.name} has others"
    if plan.outcome.metric != "auc":
        return ""
    rarer = int(min(np.count_nonzero(label == 1.0), np.count_nonzero(label == 0.0)))
    if rarer < FEWEST_OF_EACH:
        return f"{rarer:,} labels of the rarer kind, AUC needs {FEWEST_OF_EACH}"
    worth = min(kish_effective(weight[label == value]) for value in (0.0, 1.0))
    if not alike(weight) and worth < FEWEST_OF_EACH:
        return f"labels of the rarer kind are worth {worth:.1f} of equal weight, AUC needs {FEWEST_OF_EACH}"
    return ""
