"""How far holdout and production can be told apart by their features, and the overlap weights that follow.

A classifier that tells rows of one from rows of the other on rows it has not seen is a test of whether they
differ in any way at all (Lopez-Paz, Oquab, "Revisiting classifier two-sample tests", ICLR 2017). Its AUC
is .5 when they do not.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from harness.diagnosis.classifier import cross_fit
from harness.diagnosis.influence import cells, grid, table
from harness.diagnosis.intervals import Interval, contrasts, covariance, units
from harness.diagnosis.rows import Overlap
from harness.stats import kish_effective

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Codes = npt.NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Rows:
    """One population's `features` (n, d), `label` (n,) with NaN where there is none, and `unit` (n,) codes."""

    features: Floats
    label: Floats
    unit: Codes


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


def compare(holdout: Rows, production: Rows, *, names: Sequence[str], folds: int = 5) -> Domain:
    """Fit the classifiers and weigh both populations; features in the same columns, `names` theirs, (d,).

    Give the leak-free holdout rows. Cross-fitted by unit: no row is judged by a model that saw its unit. A
    unit in both populations is in one fold of both.
    """
    clusters = units(holdout.unit, production.unit)
    size = len(holdout.label)
    features = np.concatenate([holdout.features, production.features])
    source = np.repeat([0.0, 1.0], [size, len(production.label)])
    unit = np.concatenate([holdout.unit, production.unit])
    told = cross_fit(features, source, unit=unit, folds=folds)
    produced = balanced(told.inside, source.mean())
    before = _positive(holdout, production.features, folds=folds)
    now = _positive(production, holdout.features, folds=folds)
    there = Overlap(produced=produced[:size], label_before=before[0], label_now=now[1])
    here = Overlap(produced=produced[size:], label_before=before[1], label_now=now[0])
    total = told.gain.sum() or 1.0
    order = np.argsort(-told.gain, kind="stable")
    return Domain(
        holdout=there,
        production=here,
        auc=_auc(told.inside, source, units=(clusters.holdout, clusters.production), sizes=clusters.sizes),
        gain={names[k]: float(told.gain[k] / total) for k in order},
        effective=(
            kish_effective(there.produced) / size,
            kish_effective(1.0 - here.produced) / max(len(here.produced), 1),
        ),
    )


def balanced(probability: Floats, share: float) -> Floats:
    """The probability of production were both equally frequent, from one fitted where its share is `share`.

    To check: .8 where 80 % of the rows are of production gives .5.
    """
    mine, theirs = probability * (1.0 - share), (1.0 - probability) * share
    result: Floats = mine / (mine + theirs)
    return result


def _positive(rows: Rows, others: Floats, *, folds: int) -> tuple[Floats, Floats]:
    """The probability of a positive label as these rows show it: for them, cross-fitted, and for others."""
    known = ~np.isnan(rows.label)
    fit = cross_fit(
        rows.features[known], rows.label[known], unit=rows.unit[known], outside=others, folds=folds
    )
    mine = np.full(len(rows.label), 0.5)  # rows without a label are not used on the ladder
    mine[known] = fit.inside
    return mine, fit.outside


def _auc(probability: Floats, source: Floats, *, units: tuple[Codes, Codes], sizes: tuple[int, int]) -> Interval:
    """The AUC of the domain classifier; DeLong's components summed by unit."""
    scores = grid(probability)
    made = table(scores, cells(scores, source), weight=np.ones(source.size), threshold=1.0)
    rows = made.influence[0][cells(scores, source)] / made.total
    split = len(units[0])
    sums = [
        np.bincount(unit, weights=part, minlength=size)[None]
        for unit, part, size in zip(units, (rows[:split], rows[split:]), sizes, strict=True)
    ]
    parts = covariance(*sums, shared=np.zeros((2, 0), dtype=np.int64))
    return contrasts(made.values[:1], parts, np.ones((1, 1)), sizes=sizes)[0]
