"""What the holdout knew that production does not: rows, units, time, columns, transforms, its own overuse.

Each check gives either rows to keep, so that the holdout can be evaluated again without them, or a number
with what it would have to be.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from harness.diagnosis._arrays import aligned, codes_of, finite, outcomes
from harness.diagnosis.bins import Category, column
from harness.diagnosis.delong import Auc, delong
from harness.errors import HarnessError
from harness.stats import auc_difference

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt

    from harness.diagnosis._arrays import Codes, Floats, Mask

#: a column that alone ranks this well is a label in disguise until shown otherwise
SUSPICIOUS_AUC = 0.95
#: or one that comes this near to the whole model
NEAR_MODEL = 0.02
#: below this share of later values that differ, a column counts as settled
SETTLED = 0.001
#: standard errors from chance that either of two signs exceeds once in twenty times
TWO_SIGNS = 2.24


@dataclass(frozen=True, kw_only=True)
class Kept:
    """Rows of the holdout to evaluate again, (rows,) bool, how many fall out, and the reason."""

    name: str
    keep: Mask
    dropped: int
    why: str


@dataclass(frozen=True, kw_only=True)
class Duplicates:
    """Rows of the holdout equal to one of training, and those equal to an earlier one of the holdout."""

    in_training: Mask
    repeated: Mask


@dataclass(frozen=True, kw_only=True)
class SingleColumn:
    """How well one column alone ranks the labels, in either direction; `leaks` is whether to look at it."""

    name: str
    auc: Auc
    leaks: bool
    why: str


@dataclass(frozen=True, kw_only=True)
class ChangedColumn:
    """One column as of the request and as known later: the share of rows that changed, and what that tells.

    `auc` is of "changed", or of the direction of the change, against the label: away from .5, the later value
    carries the label.
    """

    name: str
    changed: float
    auc: Auc
    leaks: bool


@dataclass(frozen=True, kw_only=True)
class FittedOnAll:
    """AUC of the holdout with transforms fitted on everything minus with those of training only, paired."""

    everything: float
    training_only: float
    gain: float
    se: float
    leaks: bool


@dataclass(frozen=True, kw_only=True)
class Use:
    """One use of a holdout: when (RFC 3339), which holdout (digest), and the decision taken with it."""

    at: str
    holdout: str
    decision: str


@dataclass(frozen=True, kw_only=True)
class Ledger:
    """How often a holdout has decided something, and by how much its best result may flatter by choice alone.

    `optimism` is in the metric's unit: the mean excess of the best of so many equally good candidates is at
    most se sqrt(2 log k).
    """

    holdout: str
    uses: int
    first: str
    last: str
    optimism: float


def duplicates(
    training: Mapping[str, npt.ArrayLike],
    holdout: Mapping[str, npt.ArrayLike],
    *,
    decimals: int | None = None,
) -> Duplicates:
    """Exact duplicates over the columns that both have, or near ones, numbers rounded to so many decimals.

    Missing equals missing.
    Raises HarnessError when they share no column. To check: training (1, a), holdout (1, a) (2, b) (2, b):
    the first is in training, the third repeats.
    """
    shared = [name for name in holdout if name in training]
    if not shared:
        raise HarnessError("share no column", where="training and holdout", expected="the same features")
    codes = [_joint_codes(training[name], holdout[name], name=name, decimals=decimals) for name in shared]
    rows = codes[0]
    for one in codes[1:]:
        rows = np.unique(rows * (int(one.max(initial=0)) + 1) + one, return_inverse=True)[1]
    size = len(np.asarray(training[shared[0]], object))
    theirs, mine = rows[:size], rows[size:]
    _, first = np.unique(mine, return_index=True)
    repeated = np.ones(mine.size, bool)
    repeated[first] = False
    return Duplicates(in_training=np.isin(mine, theirs), repeated=repeated)


def reevaluations(
    *,
    found: Duplicates | None = None,
    units: tuple[npt.ArrayLike, npt.ArrayLike] | None = None,
    times: tuple[npt.ArrayLike, npt.ArrayLike] | None = None,
) -> tuple[Kept, ...]:
    """The holdout without duplicates, without units of training, after training ended, and without all of it.

    `units` and `times` are (training, holdout). A check whose columns are not given is left out. Each is
    where the model has to be scored again; the drop of the metric is the part of that leak.
    """
    kept = []
    if found is not None:
        keep = ~(found.in_training | found.repeated)
        kept.append(_kept("no duplicates", keep, why="the row is in training, or there twice"))
    if units is not None:
        keep = ~np.isin(np.asarray(units[1]), np.asarray(units[0]))
        kept.append(_kept("new units", keep, why="the unit is in training"))
    if times is not None:
        before, after = (finite(one, "times") for one in times)
        keep = after > before.max(initial=-math.inf)
        kept.append(_kept("after training", keep, why="it happened before training ended"))
    if len(kept) > 1:
        aligned(**{one.name: one.keep for one in kept})
        together = np.logical_and.reduce([one.keep for one in kept])
        kept.append(_kept("all of these", together, why="any of these"))
    return tuple(kept)


def single_columns(
    columns: Mapping[str, npt.ArrayLike | Category],
    labels: npt.ArrayLike,
    *,
    model_auc: float = math.nan,
    units: npt.ArrayLike | None = None,
) -> tuple[SingleColumn, ...]:
    """Each column's own AUC, highest first: suspicious above .95, or within .02 of the whole model.

    A missing number ranks by how often such rows are positive; a category by its share of positives in the
    other half of the units, so that many levels do not rank their own labels.
    """
    truth = outcomes(labels)
    codes = np.arange(truth.size) if units is None else codes_of(units, "units")
    found = []
    for name, values in columns.items():
        own = _ranked(column(values, name), truth, half=codes % 2 == 1, name=name)
        auc = _either_way(delong(truth, own))
        why = _suspicion(auc.value, model_auc)
        found.append(SingleColumn(name=name, auc=auc, leaks=bool(why), why=why))
    return tuple(sorted(found, key=lambda one: -one.auc.value if one.auc.value == one.auc.value else 1.0))


def changed_columns(
    then: Mapping[str, npt.ArrayLike], later: Mapping[str, npt.ArrayLike], *, labels: npt.ArrayLike
) -> tuple[ChangedColumn, ...]:
    """Columns whose value as of the request differs from the one known later, on the same rows, most first.

    A column that changes after the request, and the more so for positives, or up for positives and down for
    the others, was filled in by the outcome. `auc` is that of the stronger of both signs.
    """
    truth = outcomes(labels)
    found = []
    for name in then:
        if name not in later:
            continue
        codes = _joint_codes(then[name], later[name], name=name)
        one, other = codes[: truth.size], codes[truth.size :]
        aligned(labels=truth, then=one, later=other)
        changed = (one != other).astype(np.float64)
        signs = [changed]
        if not any(isinstance(column(side[name], name), Category) for side in (then, later)):
            # Codes of numbers are in the order of the numbers.
            signs.append(np.sign(other - one).astype(np.float64))
        auc = max((delong(truth, sign) for sign in signs), key=_strength)
        tells = _strength(auc) > TWO_SIGNS
        share = float(changed.mean()) if changed.size else math.nan
        found.append(ChangedColumn(name=name, changed=share, auc=auc, leaks=share > SETTLED and tells))
    return tuple(sorted(found, key=lambda one: -one.changed))


def _strength(auc: Auc) -> float:
    """How many standard errors an area lies from chance; 0 where that is not known."""
    away = abs(auc.value - 0.5)
    return away / auc.se if auc.se > 0.0 else math.inf if away > 0.0 and auc.se == 0.0 else 0.0


def fitted_on_all(
    labels: npt.ArrayLike, *, everything: npt.ArrayLike, training_only: npt.ArrayLike
) -> FittedOnAll:
    """What it gave to fit transforms on the holdout too: both scores are of the same holdout rows."""
    found = auc_difference(labels, champion=training_only, challenger=everything)
    leaks = found.difference > 1.96 * found.se and found.difference > 0.0
    return FittedOnAll(
        everything=found.challenger,
        training_only=found.champion,
        gain=found.difference,
        se=found.se,
        leaks=leaks,
    )


def ledger(uses: Sequence[Use], *, holdout: str, se: float) -> Ledger:
    """What the uses of one holdout come to; `se` is the standard error of the metric on it.

    The bound is that of the largest of k sub-Gaussian means (Boucheron, Lugosi, Massart, Concentration
    Inequalities, 2013, section 2.5). To check: 10 uses at se .01: .02146; one use: 0.
    """
    mine = sorted((use for use in uses if use.holdout == holdout), key=lambda use: use.at)
    optimism = se * math.sqrt(2.0 * math.log(len(mine))) if mine else 0.0
    first, last = (mine[0].at, mine[-1].at) if mine else ("", "")
    return Ledger(holdout=holdout, uses=len(mine), first=first, last=last, optimism=optimism)


def _kept(name: str, keep: npt.NDArray[np.bool_], *, why: str) -> Kept:
    return Kept(name=name, keep=keep, dropped=int(np.count_nonzero(~keep)), why=why)


def _joint_codes(
    one: npt.ArrayLike, other: npt.ArrayLike, *, name: str, decimals: int | None = None
) -> Codes:
    """Both columns, one after the other, as codes of their values; missing is a value of its own."""
    first, second = column(one, name), column(other, name)
    if isinstance(first, Category) or isinstance(second, Category):
        texts = [np.asarray(side, object) for side in (one, other)]
        both = column(np.concatenate(texts), name)
        return (both.codes if isinstance(both, Category) else both).astype(np.int64) + 1
    both = np.concatenate([first, second])
    both = both if decimals is None else np.round(both, decimals)
    return np.unique(both, return_inverse=True)[1].astype(np.int64, copy=False)


def _ranked(values: Floats | Category, truth: Floats, *, half: Mask, name: str) -> Floats:
    aligned(**{"labels": truth, name: values.codes if isinstance(values, Category) else values})
    if isinstance(values, Category):
        return _other_half_rates(values.codes + 1, truth, half=half)
    gone = np.isnan(values)
    if not gone.any() or gone.all():
        return np.zeros(truth.size) if gone.all() else _finite(values)
    known = _finite(values)
    rate, rest = truth[gone].mean(), truth[~gone].mean()
    known[gone] = (known.max() + 1.0) if rate > rest else (known.min() - 1.0)
    return known


def _finite(values: Floats) -> Floats:
    """The ranks of the values: all that an AUC sees, and finite where they are not."""
    return np.unique(values, return_inverse=True)[1].astype(np.float64)


def _other_half_rates(codes: Codes, truth: Floats, *, half: Mask) -> Floats:
    out = np.full(truth.size, 0.5)
    for mine in (half, ~half):
        rows = np.bincount(codes[~mine], minlength=int(codes.max(initial=0)) + 1)
        positives = np.bincount(codes[~mine], truth[~mine], minlength=rows.size)
        rate = truth[~mine].mean() if (~mine).any() else 0.5
        out[mine] = ((positives + rate) / (rows + 1.0))[codes[mine]]
    return out


def _either_way(auc: Auc) -> Auc:
    if not auc.value < 0.5:  # noqa: PLR2004  -- as good as a coin
        return auc
    return Auc(
        value=1.0 - auc.value,
        se=auc.se,
        low=1.0 - auc.high,
        high=1.0 - auc.low,
        positives=auc.positives,
        negatives=auc.negatives,
    )


def _suspicion(auc: float, model_auc: float) -> str:
    if auc > SUSPICIOUS_AUC:
        return f"alone it ranks at {auc:.3f}, above {SUSPICIOUS_AUC}"
    if auc > model_auc - NEAR_MODEL:
        return f"alone it ranks at {auc:.3f}, the whole model at {model_auc:.3f}"
    return ""
