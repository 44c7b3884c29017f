"""The same changes in all orders: each toggle's share of what production does to a metric (Shapley 1953).

The ladder gives a change what it does after all before it; another order gives it something else when
changes interact. Over all orders that can be computed each toggle's share is the mean of what it does,
and the shares add up to the same total. Where share and ladder differ beyond chance, changes interact.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import permutations
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from harness.diagnosis.influence import NAMES
from harness.diagnosis.intervals import Interval, contrasts, covariance, dense
from harness.diagnosis.rungs import measured
from harness.diagnosis.samples import offline_sample, optional_grid

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

    from harness.diagnosis.rows import Production, Thresholds
    from harness.diagnosis.rungs import Measured
    from harness.diagnosis.samples import Sample

    Floats = npt.NDArray[np.float64]
    Codes = npt.NDArray[np.int64]

#: what can be turned on and off on the same rows, in the order of the ladder
TOGGLES = ("served_features", "served_scores", "serving_threshold", "label_definition", "label_maturity")
#: more units than this are added up in so many groups; their variance is then known to 1 %
MOST_UNITS = 4096
Cell = frozenset[str]
THRESHOLD = frozenset({"serving_threshold"})
T = TypeVar("T")
#: less than this between ladder and share is rounding
ROUNDING = 1e-12


@dataclass(frozen=True, kw_only=True)
class Share:
    """One toggle of one metric: its `share` over all orders, the `ladder`'s part, and what lies between.

    `difference` is ladder minus share; `interaction` is whether its interval leaves out 0. `orders` counts
    the orders that could be computed.
    """

    toggle: str
    metric: str
    share: Interval
    ladder: Interval
    difference: Interval
    interaction: bool
    orders: int


def shares(production: Production, *, thresholds: Thresholds, unit: Codes) -> tuple[Share, ...]:
    """The exact Shapley share of each toggle that is there, metric after metric; `unit` are (n,) codes.

    Columns that are not there take toggles away or, needed only off the ladder's order, orders.
    """
    made = _cells(production, thresholds)
    present = tuple(toggle for toggle in TOGGLES if any(toggle in cell for cell in made))
    orders = [order for order in permutations(present) if all(cell in made for cell in _path(order))]
    if not present or not orders:
        return ()
    group = dense(unit)[1] % MOST_UNITS
    size = int(group.max(initial=0)) + 1
    # Cells that differ in the threshold only stand side by side, for they share their work.
    cells = tuple(
        sorted({cell for order in orders for cell in _path(order)}, key=lambda cell: sorted(cell - THRESHOLD))
    )
    found: list[Measured] = []
    for cell in cells:
        found.append(measured(made[cell], group, size=size, like=found[-1] if found else None))
    values, sums = np.stack([one.values for one in found]), np.stack([one.sums for one in found])
    if size == 1:
        sums[:] = np.nan  # a single unit cannot tell how far units differ
    weights = _weights(present, orders=orders, cells=cells)
    return tuple(
        replace(share, metric=metric, orders=len(orders))
        for row, metric in enumerate(NAMES)
        if np.isfinite(values[:, row]).all()
        for share in _metric(values[:, row], sums[:, row], weights=weights, toggles=present)
    )


def _cells(production: Production, thresholds: Thresholds) -> dict[Cell, Sample]:
    """Every combination of toggles whose columns are there."""
    offline = offline_sample(production, thresholds)
    scores = _pairs(
        ("served_features", "served_scores"),
        offline.scores,
        first=optional_grid(production.served_features_score),
        second=optional_grid(production.served_model_score),
        both=optional_grid(production.served_score),
    )
    labels = _pairs(
        ("label_definition", "label_maturity"),
        production.label,
        first=production.production_label,
        second=production.early_label,
        both=production.seen_label,
    )
    cuts = {frozenset[str](): thresholds.offline, THRESHOLD: thresholds.serving}
    return {
        by_score | by_label | by_cut: replace(offline, scores=column, label=label, threshold=cut)
        for by_score, column in scores.items()
        for by_label, label in labels.items()
        for by_cut, cut in cuts.items()
        if column is not None and label is not None and cut is not None
    }


def _pairs(
    names: tuple[str, str], neither: T | None, *, first: T | None, second: T | None, both: T | None
) -> dict[Cell, T | None]:
    """A column by two toggles; without the first of them alone, both are the second, as on the ladder."""
    if first is None:
        return {frozenset(): neither, frozenset(names[1:]): both}
    return {
        frozenset(): neither,
        frozenset(names[:1]): first,
        frozenset(names[1:]): second,
        frozenset(names): both,
    }


def _path(order: tuple[str, ...]) -> list[Cell]:
    return [frozenset(order[:k]) for k in range(len(order) + 1)]


def _weights(present: tuple[str, ...], *, orders: list[tuple[str, ...]], cells: tuple[Cell, ...]) -> Floats:
    """What each cell counts, (2, toggles, cells): in the mean over the orders, and in the ladder's order."""
    place = {cell: k for k, cell in enumerate(cells)}
    weights = np.zeros((2, len(present), len(cells)))
    for target, some in ((weights[0], orders), (weights[1], [present])):
        for order in some:
            for toggle, before, after in zip(order, _path(order), _path(order)[1:], strict=False):
                row = target[present.index(toggle)]
                row[place[before]] += 1.0 / len(some)
                row[place[after]] -= 1.0 / len(some)
    return weights


def _metric(values: Floats, sums: Floats, *, weights: Floats, toggles: tuple[str, ...]) -> Iterator[Share]:
    """The shares of one metric from its value in each cell and its units' influence there, (cells, units)."""
    parts = covariance(np.zeros((len(values), 0)), sums, shared=np.zeros((2, 0), dtype=np.int64))
    share, ladder, difference = (
        contrasts(values, parts, weights=one, sizes=(0, sums.shape[1]))
        for one in (weights[0], weights[1], weights[1] - weights[0])
    )
    for place, toggle in enumerate(toggles):
        apart = difference[place]
        yield Share(
            toggle=toggle,
            metric="",
            share=share[place],
            ladder=ladder[place],
            difference=apart,
            interaction=abs(apart.value) > ROUNDING and (apart.lower > 0.0 or apart.upper < 0.0),
            orders=0,
        )
