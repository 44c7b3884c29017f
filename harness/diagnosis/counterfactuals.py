"""Production's rows as they are or would be after a remedy: scores, threshold, labels; their metrics."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from harness.diagnosis._arrays import aligned
from harness.diagnosis.influence import NAMES, RANKED, grid, table, unit_influence

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Mask = npt.NDArray[np.bool_]
    Codes = npt.NDArray[np.int64]

Kind = Literal["model", "measurement"]


@dataclass(frozen=True, kw_only=True)
class Counterfactual:
    """Production's n rows as they are or as they would be; a row is flagged when its score is >= `threshold`.

    `score` (n,) is the probability, NaN where a row has none; `threshold` one number, or (n,) where it is
    chosen out of fold. `rank` (n,), where there is one, ranks and decides in place of the score. `label`
    (n,) is 0, 1 or NaN; `rows` (n,) are those that count, None all; `weight` (n,) is what each stands for in
    the traffic, None one each. `deployed` is the threshold that would be
    served, on `rank` or else on the score, where `threshold` is by row; the queue is counted at it.
    """

    key: str
    action: str
    score: Floats
    threshold: float | Floats
    label: Floats | None = None
    rows: Mask | None = None
    weight: Floats | None = None
    rank: Floats | None = None
    deployed: float | None = None
    kind: Kind = "model"
    note: str = ""

    def __post_init__(self) -> None:
        """Refuse columns of other lengths than the scores."""
        columns = {"threshold": self.threshold, "label": self.label, "rows": self.rows, "rank": self.rank}
        columns["weight"] = self.weight
        arrays = {name: one for name, one in columns.items() if isinstance(one, np.ndarray)}
        aligned(score=self.score, **arrays)

    def ranking(self) -> Floats:
        """What ranks and decides, (n,)."""
        return self.score if self.rank is None else self.rank

    def labels(self) -> Floats:
        """The labels, NaN where there are none, (n,)."""
        return np.full(self.score.size, np.nan) if self.label is None else self.label

    def known(self) -> Mask:
        """The rows that count and have a score and a label, (n,)."""
        known = np.isfinite(self.score) & np.isfinite(self.ranking()) & ~np.isnan(self.labels())
        return known if self.rows is None else known & self.rows

    def flagged(self) -> Mask:
        """The rows that would be flagged, out of fold where the threshold is, (n,)."""
        return np.asarray(self.ranking() >= self.threshold)

    def served(self) -> Mask:
        """The rows that would be flagged at the threshold that would be served, (n,)."""
        return self.flagged() if self.deployed is None else self.ranking() >= self.deployed


@dataclass(frozen=True, kw_only=True)
class Impossible:
    """A remedy that cannot be computed, and why not."""

    key: str
    action: str
    why_not: str
    kind: Kind = "model"


@dataclass(frozen=True, kw_only=True)
class Measured:
    """One side: the metrics (8,), each unit's influence on them (8, units), the units that are in it."""

    values: Floats
    sums: Floats
    seen: Mask
    labelled: int
    empty: dict[str, str]


def measured(one: Counterfactual, *, unit: Codes, only: Mask) -> Measured:
    """The metrics of a counterfactual on rows that count and have a label, and each unit's influence."""
    label, used = one.labels(), only & one.known()
    size = int(unit.max(initial=-1)) + 1
    code, truth = unit[used], label[used]
    weight = np.ones(int(np.count_nonzero(used))) if one.weight is None else one.weight[used]
    # The decision is a score of its own: its threshold may be another in every fold.
    columns = (one.score, one.ranking(), one.flagged().astype(np.float64))
    found = []
    for column, names in zip(columns, _BY_COLUMN, strict=True):
        scores = grid(column[used])
        made = table(scores, truth, weight=weight, threshold=0.5)
        sums = unit_influence(made, scores, label=truth, weight=weight, unit=code, size=size)
        found.append((names, made, sums))
    values, influence, empty = np.empty(len(NAMES)), np.empty((len(NAMES), size)), {}
    for names, made, sums in found:
        for name in names:
            row = NAMES.index(name)
            values[row], influence[row] = made.values[row], sums[row]
            empty.update({name: made.empty[name]} if name in made.empty else {})
    return Measured(
        values=values,
        sums=influence,
        seen=np.bincount(code, minlength=size) > 0,
        labelled=int(weight.size),
        empty=empty,
    )


#: the metrics that are of the probability, of what ranks, and of what is flagged
_BY_COLUMN = (("log_loss", "brier"), ("roc_auc", "pr_auc"), NAMES[RANKED:])
