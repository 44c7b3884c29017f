"""Counterfactual of a model fitted anew on the earlier part of production, judged on the later part.

The split is by time, as it would be in life; a random one would let the model see the days it is judged on.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import expit

from harness.diagnosis._arrays import aligned, codes_of
from harness.diagnosis.classifier import boost, fold_of
from harness.diagnosis.counterfactuals import Impossible

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import numpy.typing as npt

    from harness.diagnosis.counterfactuals import Counterfactual

    Floats = npt.NDArray[np.float64]
    Mask = npt.NDArray[np.bool_]
    Codes = npt.NDArray[np.int64]
    Made = Counterfactual | Impossible
    Predict = Callable[[Floats], Floats]

RETRAIN, ACTION = "retrain", "fit the model again on the newer rows, as served"
#: the share of the labelled rows, the earlier ones, that the model is fitted on
EARLIER = 0.6
#: fewer rows or labels of a class on either side say nothing
LEAST_ROWS, LEAST_CLASS = 200, 30
FOLDS = 3
LEFT_OUT = "not on rows whose labels come after the split, nor on units of the later part"


@dataclass(frozen=True, kw_only=True)
class Training:
    """How the model is made: LightGBM's `parameters` and the number of trees, `rounds`.

    `features` (n, d) are those that were served, `time_ns` (n,) when; labels come `delay_ns` later, so rows
    that late before the split are not trained on: their labels would not have been there.
    """

    features: Floats
    time_ns: Codes
    parameters: Mapping[str, object]
    rounds: int
    delay_ns: int = 0


def retrained(now: Counterfactual, training: Training, *, unit: npt.ArrayLike | None = None) -> Made:
    """The later rows scored by a model of the earlier ones, at the threshold that flags as many as now.

    That threshold is chosen on the training rows, scored out of fold. Rows of units that are in the later
    part too are not trained on; where too few would be left they are, and the note says that units return.
    """
    aligned(scores=now.score, features=training.features, times=training.time_ns)
    codes = np.arange(now.score.size) if unit is None else codes_of(unit, "units")
    aligned(scores=now.score, units=codes)
    if not now.known().any():
        return _impossible("no row has a label and a score")
    used, after = parts_in_time(now, training, unit=codes)
    later = after & now.known()
    for part, rows in (("earlier", used), ("later", later)):
        if why := _too_few(now, rows):
            left_out = f"; {LEFT_OUT}" if part == "earlier" and training.delay_ns else ""
            return _impossible(f"the {part} part has {why}{left_out}")
    threshold = _same_share(now, training, rows=used, fold=fold_of(codes, FOLDS))
    if math.isnan(threshold):
        return _impossible("the units of the earlier part are too few to choose a threshold out of fold")
    score = np.full(now.score.size, np.nan)
    score[after] = fitted(now, training, rows=used)(training.features[after])
    return replace(
        now,
        key=RETRAIN,
        action=ACTION,
        score=score,
        rank=None,
        threshold=threshold,
        note=_note(
            used,
            later,
            earlier=now.known() & ~after,
            returning=bool(np.isin(codes[used], codes[later]).any()),
            threshold=threshold,
        ),
    )


def parts_in_time(now: Counterfactual, training: Training, *, unit: Codes) -> tuple[Mask, Mask]:
    """The labelled rows to train on, and all rows after the split, (n,) each; some row has a label."""
    known = now.known()
    split = int(np.quantile(training.time_ns[known], EARLIER, method="lower"))
    after = training.time_ns > split
    earlier = known & (training.time_ns <= split - training.delay_ns)
    fresh = earlier & ~np.isin(unit, unit[known & after])
    return (earlier if _too_few(now, fresh) else fresh), after


def fitted(now: Counterfactual, training: Training, *, rows: Mask) -> Predict:
    """The probability by features (k, d), from a model of these rows."""
    model = boost(
        training.features[rows],
        now.labels()[rows],
        parameters=training.parameters,
        rounds=training.rounds,
    )
    return lambda features: np.asarray(expit(model.logits(features)), np.float64)


def _same_share(now: Counterfactual, training: Training, *, rows: Mask, fold: Codes) -> float:
    """The threshold at which the model, out of fold, flags as many of its training rows as now; or nan."""
    out = np.full(now.score.size, np.nan)
    truth = now.labels()
    for one in range(FOLDS):
        mine, others = rows & (fold == one), rows & (fold != one)
        if mine.any() and np.unique(truth[others]).size > 1:
            out[mine] = fitted(now, training, rows=others)(training.features[mine])
    score = np.sort(out[np.isfinite(out)])
    if not score.size:
        return math.nan
    flagged = round(float(now.flagged()[rows].mean()) * score.size)
    return float(score[score.size - flagged]) if flagged else float(np.nextafter(score[-1], np.inf))


def _too_few(now: Counterfactual, rows: Mask) -> str:
    """What there is too little of among these rows; nothing where it is enough."""
    many, positives = int(np.count_nonzero(rows)), int(now.labels()[rows].sum())
    for found, least, what in (
        (many, LEAST_ROWS, "rows"),
        (positives, LEAST_CLASS, "positive labels"),
        (many - positives, LEAST_CLASS, "negative labels"),
    ):
        if found < least:
            return f"{found:,} {what}, fewer than {least}"
    return ""


def _note(used: Mask, later: Mask, *, earlier: Mask, returning: bool, threshold: float) -> str:
    of, many = np.count_nonzero(earlier), np.count_nonzero(used)
    part = f"{many:,}" if many == of else f"{many:,} of {of:,}"
    told = f"fitted on {part} earlier rows, judged on {np.count_nonzero(later):,} later ones"
    told = told if many == of else f"{told}; {LEFT_OUT}"
    units = "; units return: some of the later ones are in training" if returning else ""
    return f"{told}{units}; threshold {threshold:.6g}"


def _impossible(why: str) -> Impossible:
    return Impossible(key=RETRAIN, action=ACTION, why_not=why)
