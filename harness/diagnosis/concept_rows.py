"""The rows in which a concept shift is looked for, the holdout's model of them, and what is gained on it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import expit, logit

from harness.diagnosis.classifier import boost, cross_fit, fold_of
from harness.diagnosis.domain import balanced
from harness.stats import kish_effective
from harness.weighting import alike

if TYPE_CHECKING:
    import numpy.typing as npt

    from harness.diagnosis.domain import Rows

    Floats = npt.NDArray[np.float64]
    Codes = npt.NDArray[np.int64]

#: at most so many rows in all, half of each population
MOST_ROWS = 100_000
#: fewer rows of a class, in a population after weighting, say nothing
LEAST_CLASS = 50.0
HALVES = 2
#: few trees: what is looked for is a change, and more of them gain from noise
ROUNDS = 25
CLIP = 1e-6
SEED = 20230303


@dataclass(frozen=True, kw_only=True)
class Side:
    """One population's rows: what they are weighted by, and the log-odds that the holdout's model gives them.

    `features` (n, d), the others (n,); `quarter` deals the units of both populations out, 0 to 3.
    """

    features: Floats
    label: Floats
    unit: Codes
    weight: Floats
    start: Floats
    quarter: Codes

    @property
    def fold(self) -> Codes:
        """Which half of the holdout the row is judged with; the model is of the other, (n,)."""
        return self.quarter % HALVES

    @property
    def half(self) -> Codes:
        """Which half of its fold the row is in, (n,)."""
        return self.quarter // HALVES


def sampled(holdout: Rows, production: Rows) -> tuple[Side, Side]:
    """Labelled rows, as many of each population: the fewer rows a model has, the less it can gain."""
    chosen = [np.flatnonzero(rows.chosen() & ~np.isnan(rows.label)) for rows in (holdout, production)]
    many = min(*(one.size for one in chosen), MOST_ROWS // 2)
    rng = np.random.default_rng(SEED)
    sides: list[Side] = []
    for rows, one in zip((holdout, production), chosen, strict=True):
        kept = np.sort(rng.choice(one, size=many, replace=False))
        weight = rows.weighed(kept)
        sides.append(
            Side(
                features=rows.features[kept],
                label=rows.label[kept],
                unit=rows.unit[kept],
                weight=np.ones(many) if weight is None else weight,
                start=np.zeros(many),
                quarter=np.zeros(many, dtype=np.int64),
            )
        )
    there, here = sides
    quarter = fold_of(np.concatenate([there.unit, here.unit]), HALVES * HALVES)
    return replace(there, quarter=quarter[:many]), replace(here, quarter=quarter[many:])


def on_overlap(there: Side, here: Side) -> tuple[Side, Side]:
    """Each population weighted to where both are, mean 1."""
    source = np.repeat([0.0, 1.0], [there.label.size, here.label.size])
    kept = np.concatenate([there.weight, here.weight])
    told = cross_fit(
        np.concatenate([there.features, here.features]),
        source,
        unit=np.concatenate([there.unit, here.unit]),
        weight=None if alike(kept) else kept,
    )
    produced = balanced(told.inside, float(source.mean()))
    weights = produced[source == 0.0] * there.weight, (1.0 - produced[source == 1.0]) * here.weight
    one, other = (
        replace(side, weight=weight / (weight.mean() or 1.0))
        for side, weight in zip((there, here), weights, strict=True)
    )
    return one, other


def lacking(holdout: Rows, production: Rows) -> str:
    """Which population has too few labels of a class, as it came: sampled, the other one is as small."""
    short = [
        f"{name} has {many:,} {word} labels, fewer than {LEAST_CLASS:.0f}"
        for name, rows in (("the holdout", holdout), ("production", production))
        for value, word in ((0.0, "negative"), (1.0, "positive"))
        if (many := int(np.count_nonzero(rows.chosen() & (rows.label == value)))) < LEAST_CLASS
    ]
    return "; ".join(short)


def too_few(there: Side, here: Side) -> str:
    """Which population has too few rows of a class, by their effective number (Kish 1965), or units."""
    for name, side in (("the holdout", there), ("production", here)):
        for value, word in ((0.0, "negative"), (1.0, "positive")):
            weight = side.weight[side.label == value]
            many = kish_effective(weight) if weight.any() else 0.0
            if many < LEAST_CLASS:
                return f"{name} has {many:,.0f} {word} labels, fewer than {LEAST_CLASS:.0f}"
        for one in range(HALVES * HALVES):
            if np.unique(side.label[side.quarter == one]).size < HALVES:
                return f"{name} has too few units: a quarter of them has labels of one class only"
    return ""


def started(there: Side, here: Side) -> tuple[Side, Side]:
    """Log-odds by the model of the other half of the holdout: of either population no unit of that half."""
    starts = np.zeros(there.label.size), np.zeros(here.label.size)
    for one in range(HALVES):
        others = there.fold != one
        model = boost(there.features[others], there.label[others])
        for side, start in zip((there, here), starts, strict=True):
            mine = side.fold == one
            chance = np.clip(expit(model.logits(side.features[mine])), CLIP, 1.0 - CLIP)
            start[mine] = logit(chance)
    return replace(there, start=starts[0]), replace(here, start=starts[1])


def gain_parts(side: Side) -> Floats:
    """Each row's gain in log loss by a model that has not seen its unit, by feature, (n, d + 1)."""
    found = np.zeros((side.label.size, side.features.shape[1] + 1))
    for fold in range(HALVES):
        for one in range(HALVES):
            mine = (side.fold == fold) & (side.half == one)
            others = (side.fold == fold) & (side.half != one)
            if not mine.any() or np.unique(side.label[others]).size < HALVES:
                continue
            model = boost(
                side.features[others],
                side.label[others],
                start=side.start[others],
                weight=side.weight[others],
                rounds=ROUNDS,
            )
            parts = model.parts(side.features[mine])
            old = side.start[mine]
            found[mine] = parts * (side.label[mine] - _along(old, old + parts.sum(axis=1)))[:, None]
    return found


def _along(old: Floats, new: Floats) -> Floats:
    """The mean probability on the way from the one log-odds to the other."""
    step = new - old
    near = np.abs(step) < CLIP
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = (np.logaddexp(0.0, new) - np.logaddexp(0.0, old)) / step
    return np.where(near, expit(0.5 * (old + new)), mean)


def losses(label: Floats, log_odds: Floats) -> Floats:
    """The log loss of each row, (n,)."""
    return np.logaddexp(0.0, np.where(label == 1.0, -log_odds, log_odds))
