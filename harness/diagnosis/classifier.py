"""The only place of the harness that fits a model: LightGBM, cross-fitted by unit or on top of log-odds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from harness.diagnosis.intervals import dense

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Codes = npt.NDArray[np.int64]

FOLDS = 5
ROUNDS = 60
#: shallow trees with many rows a leaf: the probability is wanted, not the last point of AUC
PARAMETERS = {
    "objective": "binary",
    "num_leaves": 8,
    "learning_rate": 0.1,
    "min_data_in_leaf": 50,
    "lambda_l2": 1.0,
    "max_bin": 63,
    "verbosity": -1,
    "num_threads": 1,
    "deterministic": True,
    "force_row_wise": True,
    "seed": 1,
}


@dataclass(frozen=True, kw_only=True)
class Boosted:
    """A fitted model: `logits` takes features (n, d) to log-odds (n,), beside those that it started from.

    `parts` takes them to what each feature adds to the log-odds, and in the last column what all rows get
    alike, (n, d + 1); they sum to the logits (TreeSHAP: Lundberg, Erion, Lee, arXiv 1802.03888).
    """

    logits: Callable[[Floats], Floats]
    parts: Callable[[Floats], Floats]


@dataclass(frozen=True, kw_only=True)
class CrossFit:
    """`inside` (n,) are probabilities of the fitted rows by models that did not see their unit.

    `outside` (k,) are the mean over the models of the probabilities of rows that none of them saw, `gain` is
    how much each feature was used, (features,).
    """

    inside: Floats
    outside: Floats
    gain: Floats


def cross_fit(
    features: Floats,
    target: Floats,
    *,
    unit: Codes,
    outside: Floats | None = None,
    weight: Floats | None = None,
    folds: int = FOLDS,
) -> CrossFit:
    """The probability that `target` (n,) is 1 given `features` (n, d), NaN allowed, without overfitting.

    All rows of a unit are in one fold; `weight` (n,) is what each row counts, None alike. The same rows give
    the same numbers, to the last bit. With one class only the probability is that class everywhere, a row
    that no other unit tells of gets .5.
    """
    import lightgbm

    others = np.zeros((0, features.shape[1])) if outside is None else outside
    fold = fold_of(unit, folds)
    inside, beyond, gain = np.empty(len(target)), np.zeros(len(others)), np.zeros(features.shape[1])
    for one in range(folds):
        mine = fold == one
        if mine.all():  # all rows are of one unit
            inside[mine], beyond = 0.5, beyond + 0.5 / folds
            continue
        if target[~mine].min() == target[~mine].max():
            inside[mine] = target[~mine][0]
            beyond += target[~mine][0] / folds
            continue
        data = lightgbm.Dataset(
            features[~mine], target[~mine], weight=None if weight is None else weight[~mine]
        )
        model = lightgbm.train(PARAMETERS, data, num_boost_round=ROUNDS)
        inside[mine] = np.asarray(model.predict(features[mine]))
        if len(others):
            beyond += np.asarray(model.predict(others)) / folds
        gain += model.feature_importance("gain")
    return CrossFit(inside=inside, outside=beyond, gain=gain)


def boost(
    features: Floats,
    target: Floats,
    *,
    start: Floats | None = None,
    weight: Floats | None = None,
    parameters: Mapping[str, object] = PARAMETERS,
    rounds: int = ROUNDS,
) -> Boosted:
    """A model of `target` (n,), zeros and ones of which both are there, on top of the log-odds `start` (n,).

    `parameters` are LightGBM's; one thread, deterministic, whatever they say. Its own seed, when they have
    one.
    """
    import lightgbm

    fixed = {"verbosity": -1, "num_threads": 1, "deterministic": True, "force_row_wise": True}
    told = {"seed": 1, **parameters, **fixed, "objective": "binary"}
    data = lightgbm.Dataset(features, target, weight=weight, init_score=start)
    model = lightgbm.train(told, data, num_boost_round=rounds)
    return Boosted(
        logits=lambda rows: np.asarray(model.predict(rows, raw_score=True), np.float64),
        parts=lambda rows: np.asarray(model.predict(rows, pred_contrib=True), np.float64),
    )


def fold_of(unit: Codes, folds: int) -> Codes:
    """The fold of each row: units are shuffled, always alike, and dealt in turn; (n,) from 0."""
    found, place = dense(unit)
    shuffled: Codes = np.random.default_rng(1974).permutation(np.arange(found.size) % folds)[place]
    return shuffled
