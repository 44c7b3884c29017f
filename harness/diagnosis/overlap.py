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

from harness.diagnosis.influence import NAMES, Table, grid, table

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Codes = npt.NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Half:
    """One population, n rows: what it is measured by, and how far each row lies towards the other.

    `toward` is the overlap weight of this population's own functional (1 - r in production) and `backward`
    that of the other's, 1 - `toward`; `label_own` and `label_other` are the probabilities of a positive
    label given the features here and there, or None. Rows of weight 0 are not used.
    """

    score: Floats
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
    pooled = grid(np.concatenate([before.score, now.score]))
    places = pooled.place[: before.score.size], pooled.place[before.score.size :]
    found = []
    for own, other, here, there in ((before, now, *places), (now, before, *places[::-1])):
        where = here + pooled.distinct.size * (own.label == 1.0)
        weight = own.weight * own.toward
        made = table(pooled, where, weight=weight, threshold=threshold)
        share = weight / (made.total or np.nan)
        sums = _by_unit((row.take(where) * share for row in made.influence), own)
        if own.label_own is None or other.label_other is None:
            found.append(Weighed(made.values, sums, np.zeros((len(NAMES), other.units)), made.empty))
            continue
        mean = made.total / own.weight.sum()
        mine = _expected(made, here, own.label_own)
        theirs = _expected(made, there, other.label_other)
        less = _corrections(mine, own, factor=own.toward * (1.0 - own.toward) / mean)
        more = _corrections(theirs, other, factor=np.square(other.toward) / mean)
        values = made.values + more[0] - less[0]
        found.append(Weighed(values, sums - less[1], more[1], made.empty))
    return found[0], found[1]


def _expected(made: Table, place: Codes, positive: Floats) -> Floats:
    """The expected influence of each row given its features, (8, n)."""
    tables = made.influence.reshape(len(NAMES), 2, -1)
    return np.stack([zero.take(place) * (1.0 - positive) + one.take(place) * positive for zero, one in tables])


def _corrections(expected: Floats, half: Half, *, factor: Floats) -> tuple[Floats, Floats]:
    """The weighted mean over one population of its rows' corrections (8,), and each unit's part in it."""
    share = half.weight / half.weight.sum()
    rows = expected * factor
    means: Floats = rows @ share
    return means, _by_unit(((row - mean) * share for row, mean in zip(rows, means, strict=True)), half)


def _by_unit(rows: Iterable[Floats], half: Half) -> Floats:
    return np.stack([np.bincount(half.unit, weights=row, minlength=half.units) for row in rows])
