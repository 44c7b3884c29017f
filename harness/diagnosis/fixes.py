"""Counterfactuals that need no new model: recalibrate, mend features, serve another model, wait for labels.

Maps are fitted on other units than those they are judged on, so that they do not flatter themselves. Moved
thresholds are in `harness.diagnosis.rethresholding`, a model fitted anew in `harness.diagnosis.retraining`.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from harness.diagnosis._arrays import codes_of
from harness.diagnosis.classifier import fold_of
from harness.diagnosis.counterfactuals import Counterfactual, Impossible
from harness.diagnosis.recalibrators import FOLDS, KINDS, equivalent_threshold, fit
from harness.metrics import log_loss

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt

    from harness.diagnosis.recalibrators import Kind, Map

    Floats = npt.NDArray[np.float64]
    Codes = npt.NDArray[np.int64]
    Made = Counterfactual | Impossible

RECALIBRATE, RECALIBRATE_AND_DECIDE = "recalibrate", "recalibrate_and_decide"
FIX, FIX_ALL, SERVE = "fix_feature: ", "fix_features", "serve: "
JOIN, WAIT, JOIN_AND_WAIT = "mend_join", "wait_for_labels", "mend_join_and_wait"
_ACTIONS = {
    RECALIBRATE: "recalibrate the probabilities and move the threshold with them: decisions stay",
    RECALIBRATE_AND_DECIDE: "recalibrate the probabilities and keep the threshold: decisions change",
    JOIN: "join every row's label",
    WAIT: "wait until the labels are mature",
    JOIN_AND_WAIT: "join every row's label, once it is mature",
}


def recalibrated(now: Counterfactual, *, unit: npt.ArrayLike) -> tuple[Made, Made]:
    """With the best of Platt's, the isotonic and the beta map by cross-fit log loss: decisions kept, or not.

    In the first the threshold moves with the map, so only the probabilities mend; in the second it stays, so
    that another share is flagged. What ranks is the score as it was: one rising map moves no rank. A map
    that would turn the score around is not taken.
    """
    known, codes = now.known(), codes_of(unit, "units")
    truth, score, fold = now.labels()[known], now.score[known], fold_of(codes, FOLDS)
    if why := _why_not_recalibrated(truth, score, fold=fold[known], threshold=now.threshold):
        return _not_recalibrated(why)
    found = {kind: maps_by_fold(kind, truth, score=score, fold=fold[known]) for kind in KINDS}
    rising = {kind: maps for kind, maps in found.items() if all(_rises(one) for one in maps)}
    if not rising:
        return _not_recalibrated("positives do not have higher scores: no map that rises can mend that")
    scores = {kind: _mapped(maps, now.score, fold=fold, rows=truth.size) for kind, maps in rising.items()}
    best = min(scores, key=lambda kind: log_loss(truth, scores[kind][known]))
    cut = float(now.threshold)
    cuts = [_cut(one, cut) for one in rising[best]]
    last = _cut(rising[best][-1], cut)
    told = f"the {best} map, the best of {', '.join(scores)} out of fold"
    return (
        Counterfactual(
            key=RECALIBRATE,
            action=_ACTIONS[RECALIBRATE],
            score=scores[best],
            rank=now.ranking(),
            threshold=now.threshold,
            label=now.label,
            rows=now.rows,
            weight=now.weight,
            note=f"{told}; threshold {float(rising[best][-1]([cut])[0]):.6g} on the new probabilities",
        ),
        Counterfactual(
            key=RECALIBRATE_AND_DECIDE,
            action=_ACTIONS[RECALIBRATE_AND_DECIDE],
            score=scores[best],
            rank=now.ranking(),
            threshold=np.array(cuts)[fold],
            deployed=last,
            label=now.label,
            rows=now.rows,
            weight=now.weight,
            note=f"{told}; the same decisions as {last:.6g} on the score as it is",
        ),
    )


def features_fixed(
    now: Counterfactual, scores: Mapping[str, Floats], *, together: Floats | None = None
) -> tuple[Counterfactual, ...]:
    """With each feature as offline and the others as served, and with all: scores (n,) by feature."""
    found = [
        replace(now, key=f"{FIX}{name}", action=f"serve {name} as offline", score=score, rank=None)
        for name, score in scores.items()
    ]
    if together is not None:
        found.append(
            replace(now, key=FIX_ALL, action="serve all features as offline", score=together, rank=None)
        )
    return tuple(found)


def other_models(
    now: Counterfactual, scores: Mapping[str, Floats], *, thresholds: Mapping[str, float] | None = None
) -> tuple[Counterfactual, ...]:
    """With other models' scores on the served features, each at its threshold, or else at the present one."""
    own = thresholds or {}
    return tuple(
        replace(
            now,
            key=f"{SERVE}{name}",
            action=f"serve {name}",
            score=score,
            rank=None,
            threshold=own.get(name, now.threshold),
            note="" if name in own else "at the present threshold",
        )
        for name, score in scores.items()
    )


def relabelled(dashboard: Counterfactual, *, mature: Floats | None) -> tuple[Made, Made, Made]:
    """What the dashboard would show with every row joined, with mature labels (n,), and with both.

    `dashboard` has the labels as it saw them and, as `rows`, those that it joined. The model is the same.
    """
    found: list[Made] = []
    for key, every, ripe in ((JOIN, True, False), (WAIT, False, True), (JOIN_AND_WAIT, True, True)):
        if every and dashboard.rows is None:
            why = "it is not known which rows the dashboard joined"
        else:
            why = "there are no mature labels" if ripe and mature is None else ""
        if why:
            found.append(Impossible(key=key, action=_ACTIONS[key], why_not=why, kind="measurement"))
            continue
        found.append(
            replace(
                dashboard,
                key=key,
                action=_ACTIONS[key],
                kind="measurement",
                rows=None if every else dashboard.rows,
                label=mature if ripe else dashboard.label,
                note="the model and its decisions stay as they are",
            )
        )
    one, two, three = found
    return one, two, three


def maps_by_fold(kind: Kind, truth: Floats, *, score: Floats, fold: Codes) -> list[Map]:
    """The map of each fold, fitted on the rows of the others, and last that of all rows."""
    return [fit(kind, labels=truth[fold != one], scores=score[fold != one]) for one in range(FOLDS + 1)]


def _mapped(maps: list[Map], score: Floats, *, fold: Codes, rows: int) -> Floats:
    """Each row's score by the map that has not seen its unit; NaN stays; kept off 0 and 1."""
    out, there, least = np.full(score.size, np.nan), np.isfinite(score), 0.5 / (rows + 1.0)
    for one, found in enumerate(maps[:FOLDS]):
        mine = there & (fold == one)
        out[mine] = np.clip(found(score[mine]), least, 1.0 - least)
    return out


def _rises(found: Map) -> bool:
    low, high = found([0.0, 1.0])
    return bool(high > low)


def _cut(found: Map, probability: float) -> float:
    """The least score that the map takes to this probability; above all scores where none is."""
    cut = equivalent_threshold(found, probability)
    return math.inf if math.isnan(cut) else cut


def _not_recalibrated(why: str) -> tuple[Impossible, Impossible]:
    one, other = (
        Impossible(key=key, action=_ACTIONS[key], why_not=why)
        for key in (RECALIBRATE, RECALIBRATE_AND_DECIDE)
    )
    return one, other


def _why_not_recalibrated(truth: Floats, score: Floats, *, fold: Codes, threshold: float | Floats) -> str:
    if not truth.size or truth.min() == truth.max():
        return "the rows with labels have one class only"
    if score.min() < 0.0 or score.max() > 1.0:
        return "the scores are no probabilities between 0 and 1"
    if isinstance(threshold, np.ndarray):
        return "the present threshold is another by row"
    if not 0.0 <= threshold <= 1.0:
        return "the present threshold is no probability between 0 and 1"
    if any(np.unique(truth[fold != one]).size < 2 for one in range(FOLDS)):
        return "the rows of some units have labels of one class only"
    return ""
