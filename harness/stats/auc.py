"""The area under the ROC curve of two arms on the same rows: its difference, and each row's part in it.

DeLong, DeLong, Clarke-Pearson, Biometrics 44 (1988), with the rank form of Sun, Xu, IEEE Signal Processing
Letters 21 (2014): O(n log n). The structural components make the difference a mean over rows, so that it goes
through units (`unit_sums`) and the asymptotic confidence sequence like any other loss. Asymptotic: wait for
100 units and 30 rows of the rarer outcome.
"""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.stats import rankdata

from harness.stats._checks import Floats, check_at_least, finite_vector, weight_vector
from harness.stats.confseq import Side
from harness.stats.normal_mixture import best_rho, log_mixture

MIN_OF_EACH_OUTCOME = 2


@dataclass(frozen=True, kw_only=True)
class AucDifference:
    """Challenger minus champion: `difference` of the AUCs, its standard error, and each row's `influence`.

    `influence` is (rows,) float64; its plain mean is the difference, its spread over units that of the
    difference.
    """

    champion: float
    challenger: float
    difference: float
    se: float
    influence: Floats


def auc_difference(
    labels: npt.ArrayLike,
    *,
    champion: npt.ArrayLike,
    challenger: npt.ArrayLike,
    weight: npt.ArrayLike | None = None,
) -> AucDifference:
    """The difference of the AUCs of two scores on the same rows, ties counted half.

    `labels` is (rows,) of 0 and 1, the scores (rows,) finite numbers of any scale, `weight` (rows,) numbers
    above 0 by which each row stands for as many (None: one each); the difference is then the weighted mean of
    `influence`. Raises ValueError for other shapes or values, or fewer than 2 rows of either outcome.
    To check: labels 0 0 1 1, champion .1 .4 .35 .8, challenger .1 .2 .3 .4: AUC .75 and 1, difference .25, se
    .353553; weights 1 3 1 1 make the champion's AUC .625.
    """
    truth = _outcomes(labels)
    if weight is not None:
        return _weighted(truth, champion=champion, challenger=challenger, weight=weight)
    old, new = (
        _components(truth, finite_vector(s, name))
        for s, name in ((champion, "champion"), (challenger, "challenger"))
    )
    parts = new - old
    positives, negatives = parts[truth], parts[~truth]
    difference = float(positives.mean())
    variance = float(positives.var(ddof=1)) / positives.size + float(negatives.var(ddof=1)) / negatives.size
    share = np.where(truth, truth.mean(), 1.0 - truth.mean())
    return AucDifference(
        champion=float(old[truth].mean()),
        challenger=float(new[truth].mean()),
        difference=difference,
        se=math.sqrt(variance),
        influence=difference + (parts - difference) / share,
    )


def _weighted(
    truth: npt.NDArray[np.bool_],
    *,
    champion: npt.ArrayLike,
    challenger: npt.ArrayLike,
    weight: npt.ArrayLike,
) -> AucDifference:
    """The same of rows that stand for several: Mann and Whitney's pairs weigh as the product of both weights.

    The standard error is that of the weighted mean of the influences, rows independent.
    """
    w = weight_vector(weight, "weight")
    if w.shape != truth.shape or w.min() <= 0.0:
        raise ValueError(f"weight: found shape {w.shape}, least {w.min(initial=0):g}, expected all above 0")
    old, new = (
        _weighted_components(truth, finite_vector(s, name), weight=w)
        for s, name in ((champion, "champion"), (challenger, "challenger"))
    )
    parts, total = new - old, w.sum()
    aucs = [float(np.average(one[truth], weights=w[truth])) for one in (old, new)]
    difference = float(np.average(parts[truth], weights=w[truth]))
    share = np.where(truth, w[truth].sum(), w[~truth].sum()) / total
    moved = (parts - difference) / share
    return AucDifference(
        champion=aucs[0],
        challenger=aucs[1],
        difference=difference,
        se=math.sqrt(float(np.square(moved * w / total).sum())),
        influence=difference + moved,
    )


def z_log_e(z: float, n: int, *, side: Side, n_opt: float, alpha: float) -> float:
    """The log evidence of a z value on `n` units: estimate minus null over its standard error, at any look.

    The sum it stands for is s = z sqrt(n); the evidence is the normal mixture tuned at `n_opt` units,
    rejecting at log(1/alpha). Asymptotic, as in `AsymptoticCS`. n = 0 is no evidence, 0.0. Raises ValueError
    for n < 0 or a z that is not a number. To check: z = 0 is never evidence; z = 4, n = n_opt = 500, alpha =
    .05, "greater": 6.605561.
    """
    check_at_least(n, "n", least=0)
    if math.isnan(z):
        raise ValueError("z: found NaN, expected a number")
    if n == 0:
        return 0.0
    rho = best_rho(n_opt, alpha, sides=2 if side == "two-sided" else 1)
    towards = -z if side == "less" else z
    return log_mixture(towards * math.sqrt(n), n, rho=rho, sides=2 if side == "two-sided" else 1)


def _outcomes(labels: npt.ArrayLike) -> npt.NDArray[np.bool_]:
    values = np.asarray(labels)
    if values.ndim != 1 or not np.isin(values, (0, 1)).all():
        raise ValueError(
            f"labels: found shape {values.shape}, dtype {values.dtype}, expected a vector of 0 and 1"
        )
    truth = values.astype(bool)
    rarer = int(min(truth.sum(), (~truth).sum()))
    if rarer < MIN_OF_EACH_OUTCOME:
        raise ValueError(
            f"labels: found {rarer} rows of the rarer outcome, expected at least {MIN_OF_EACH_OUTCOME}"
        )
    return truth


def _components(truth: npt.NDArray[np.bool_], scores: Floats) -> Floats:
    """By row: the share of rows of the other outcome that it is ranked rightly against, ties counted half."""
    if scores.shape != truth.shape:
        raise ValueError(f"scores: found shape {scores.shape}, expected {truth.shape} as the labels")
    everywhere = rankdata(scores)
    parts = np.empty(scores.size)
    for outcome in (True, False):
        mine = truth == outcome
        below = (everywhere[mine] - rankdata(scores[mine])) / float((~mine).sum())
        parts[mine] = below if outcome else 1.0 - below
    return parts


def _weighted_components(truth: npt.NDArray[np.bool_], scores: Floats, *, weight: Floats) -> Floats:
    """By row: the share, by weight, of rows of the other outcome that it is ranked rightly against."""
    if scores.shape != truth.shape:
        raise ValueError(f"scores: found shape {scores.shape}, expected {truth.shape} as the labels")
    _, place = np.unique(scores, return_inverse=True)
    parts = np.empty(scores.size)
    for outcome in (True, False):
        others = np.bincount(place, weights=weight * (truth != outcome))
        below = ((np.cumsum(others) - 0.5 * others) / others.sum())[place[truth == outcome]]
        parts[truth == outcome] = below if outcome else 1.0 - below
    return parts
