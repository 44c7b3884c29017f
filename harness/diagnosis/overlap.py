"""Where holdout and production overlap: the metrics there, which part covariate shift from concept shift.

Between the two lies the overlap S with density proportional to p q / (p + q) (Cai, Namkoong, Yadlowsky,
"Diagnosing model performance under distribution shift", 2023). With r the probability that a row is of
production, both being equally frequent, it is the holdout weighted by r and production weighted by 1 - r:
weights between 0 and 1 that cannot explode. The features of both are alike there, so what differs
between them is the label given the features: concept shift.

A classifier's r has errors, and cross-fitting alone does not keep them out of the metric. To first order an
error h of r moves the weighted metric by the mean of h times the expected influence m of a row given its
features, so the same is measured on rows that tell production from holdout, and taken away: an orthogonal
score (Chernozhukov et al., "Double/debiased machine learning", Econometrics Journal 21, 2018). As influence
depends on score and label only, m needs one model of the label given the features, for all metrics. The
rows of the correction are counted in the interval, so this is also how r's own uncertainty comes in.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from harness.diagnosis.influence import NAMES, expected_influence, merged, table, unit_influence

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

    from harness.diagnosis.influence import Grid

    Floats = npt.NDArray[np.float64]
    Codes = npt.NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Half:
    """One population, n rows: what it is measured by, and how far each row lies towards the other.

    `toward` is the overlap weight of this population's own functional (1 - r in production) and `backward`
    that of the other's, 1 - `toward`; `label_own` and `label_other` are the probabilities of a positive
    label given the features here and there, or None. Rows of weight 0 are not used.
    """

    scores: Grid
    label: Floats
    weight: Floats
    toward: Floats
    label_own: Floats | None
    label_other: Floats | None
    unit: Codes
    units: int


@dataclass(frozen=True)
class Weighed:
    """The metrics of one population weighted to the overlap, and the influence of both populations' units.

    `values` (8,), `own` (8, its units), `other` (8, the other's units); `empty` as in `Table`.
    """

    values: Floats
    own: Floats
    other: Floats
    empty: dict[str, str]


def overlap_metrics(before: Half, now: Half, *, threshold: float) -> tuple[Weighed, Weighed]:
    """The metrics of both populations on their overlap, the holdout's first."""
    left, right = merged(before.scores, now.scores)
    return _weighed(before, now, grids=(left, right), threshold=threshold), _weighed(
        now, before, grids=(right, left), threshold=threshold
    )


def _weighed(own: Half, other: Half, *, grids: tuple[Grid, Grid], threshold: float) -> Weighed:
    """One population on the overlap; `grids` are both populations' places among the scores of both."""
    weight = own.weight * own.toward
    made = table(grids[0], own.label, weight=weight, threshold=threshold)
    sums = unit_influence(made, grids[0], label=own.label, weight=weight, unit=own.unit, size=own.units)
    if own.label_own is None or other.label_other is None or not made.total:
        return Weighed(made.values, sums, np.zeros((len(NAMES), other.units)), made.empty)
    mean = made.total / own.weight.sum()
    mine = expected_influence(made, place=grids[0].place, positive=own.label_own)
    theirs = expected_influence(made, place=grids[1].place, positive=other.label_other)
    less = _corrections(mine, own, factor=own.toward * (1.0 - own.toward) / mean)
    more = _corrections(theirs, other, factor=np.square(other.toward) / mean)
    return Weighed(made.values + more[0] - less[0], sums - less[1], more[1], made.empty)


def _corrections(expected: Iterator[Floats], half: Half, *, factor: Floats) -> tuple[Floats, Floats]:
    """The weighted mean over one population of its rows' corrections (8,), and each unit's part in it."""
    share = half.weight / half.weight.sum()
    size = np.bincount(half.unit, weights=share, minlength=half.units)
    means, sums = np.empty(len(NAMES)), np.empty((len(NAMES), half.units))
    for metric, rows in enumerate(expected):
        row = rows * factor * share
        means[metric] = row.sum()
        sums[metric] = np.bincount(half.unit, weights=row, minlength=half.units) - means[metric] * size
    return means, sums
