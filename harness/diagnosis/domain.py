"""How far holdout and production can be told apart by their features, and the overlap weights that follow.

A classifier that tells rows of one from rows of the other on rows it has not seen is a test of whether they
differ in any way at all (Lopez-Paz, Oquab, "Revisiting classifier two-sample tests", ICLR 2017). Its AUC
is .5 when they do not.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from harness.diagnosis.classifier import FOLDS, cross_fit
from harness.diagnosis.influence import grid, table, unit_influence
from harness.diagnosis.intervals import Interval, contrasts, covariance, dense
from harness.diagnosis.rows import Overlap
from harness.errors import HarnessError
from harness.stats import kish_effective
from harness.weighting import alike

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt
    from numpy.typing import NDArray

    Floats = npt.NDArray[np.float64]
    Mask = npt.NDArray[np.bool_]
    Codes = npt.NDArray[np.int64]

#: what rows get that are not compared
UNUSED = 0.5


@dataclass(frozen=True, kw_only=True)
class Rows:
    """One population's `features` (n, d), `label` (n,) with NaN where there is none, and `unit` (n,) codes.

    `used` (n,) are the rows to compare, None all; of the holdout those that are leak-free. `weight` (n,) is
    what each row stands for, mean 1, None one each.
    """

    features: Floats
    label: Floats
    unit: Codes
    used: Mask | None = None
    weight: Floats | None = None

    def chosen(self) -> Mask:
        """The rows to compare, (n,) bool."""
        return np.ones(len(self.label), dtype=bool) if self.used is None else self.used

    def weighed(self, rows: NDArray[Any]) -> Floats | None:
        """What some rows stand for, mean 1 over them; None where all stand for the same."""
        mine = None if self.weight is None else self.weight[rows]
        return None if mine is None or alike(mine) else mine / mine.mean()


@dataclass(frozen=True, kw_only=True)
class Domain:
    """Holdout against production: weights for the ladder, and how different they are.

    `auc` is that of the domain classifier, with its interval by unit. `gain` is each feature's share of what
    the classifier used, largest first. `effective` is the share of the rows that the overlap weights leave,
    in the holdout and in production (Kish 1965): near 1 all is overlap, near 0 nothing is.
    """

    holdout: Overlap
    production: Overlap
    auc: Interval
    gain: dict[str, float]
    effective: tuple[float, float]


def compare(holdout: Rows, production: Rows, *, names: Sequence[str], folds: int = FOLDS) -> Domain:
    """Fit the classifiers and weigh both populations; features in the same columns, `names` theirs, (d,).

    Cross-fitted by unit: no row is judged by a model that saw its unit, in whichever population. Rows not to
    compare get .5. Raises HarnessError where a side has no row to compare.
    """
    there, here = holdout.chosen(), production.chosen()
    for name, rows in (("holdout", there), ("production", here)):
        if not rows.any():
            raise HarnessError(f"there is no row of the {name} to compare", expected="at least one")
    features = np.concatenate([holdout.features[there], production.features[here]])
    source = np.repeat([0.0, 1.0], [there.sum(), here.sum()])
    unit = np.concatenate([holdout.unit[there], production.unit[here]])
    weight = together(holdout.weighed(there), production.weighed(here), sizes=(there.sum(), here.sum()))
    told = cross_fit(features, source, unit=unit, weight=weight, folds=folds)
    produced = balanced(told.inside, float(source.mean()))
    before, now = _positive(holdout, production, folds=folds), _positive(production, holdout, folds=folds)
    size = int(there.sum())
    total = told.gain.sum() or 1.0
    return Domain(
        holdout=Overlap(produced=_spread(produced[:size], there), label_before=before[0], label_now=now[1]),
        production=Overlap(produced=_spread(produced[size:], here), label_before=before[1], label_now=now[0]),
        auc=told_apart(told.inside, source, unit=unit, weight=weight),
        gain={names[k]: float(told.gain[k] / total) for k in np.argsort(-told.gain, kind="stable")},
        effective=(
            kish_effective(_times(produced[:size], holdout.weighed(there))) / size,
            kish_effective(_times(1.0 - produced[size:], production.weighed(here))) / (source.size - size),
        ),
    )


def together(one: Floats | None, other: Floats | None, *, sizes: tuple[int, int]) -> Floats | None:
    """Weights of two sides, one after the other; None where neither has any."""
    if one is None and other is None:
        return None
    sides = [np.ones(n) if w is None else w for w, n in zip((one, other), sizes, strict=True)]
    return np.concatenate(sides)


def _times(values: Floats, weight: Floats | None) -> Floats:
    return values if weight is None else values * weight


def balanced(probability: Floats, share: float) -> Floats:
    """The probability of production were both equally frequent, from one fitted where its share is `share`.

    To check: .8 where 80 % of the rows are of production gives .5.
    """
    mine, theirs = probability * (1.0 - share), (1.0 - probability) * share
    result: Floats = mine / (mine + theirs)
    return result


def _positive(rows: Rows, others: Rows, *, folds: int) -> tuple[Floats, Floats]:
    """The probability of a positive label as these rows show it: for them, cross-fitted, and for others."""
    known = rows.chosen() & ~np.isnan(rows.label)
    if not known.any():
        return np.full(len(rows.label), UNUSED), np.full(len(others.label), UNUSED)
    fit = cross_fit(
        rows.features[known],
        rows.label[known],
        unit=rows.unit[known],
        outside=others.features,
        weight=rows.weighed(known),
        folds=folds,
    )
    return _spread(fit.inside, known), fit.outside


def _spread(values: Floats, rows: Mask) -> Floats:
    """Values of some rows, and a half for the others, which the ladder does not use."""
    spread = np.full(rows.size, UNUSED)
    spread[rows] = values
    return spread


def told_apart(probability: Floats, source: Floats, *, unit: Codes, weight: Floats | None = None) -> Interval:
    """The AUC of the domain classifier; DeLong's components summed by unit."""
    scores, weight = grid(probability), np.ones(source.size) if weight is None else weight
    made = table(scores, source, weight=weight, threshold=1.0)
    found, place = dense(unit)
    sums = unit_influence(made, scores, label=source, weight=weight, unit=place, size=found.size)[:1]
    parts = covariance(sums, np.zeros((1, 0)), shared=np.zeros((2, 0), dtype=np.int64))
    return contrasts(made.values[:1], parts, weights=np.ones((1, 1)), sizes=(found.size, 0))[0]
