"""A model of stumps in numpy that can be asked in other ways, and a pair whose offline arm it is."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from harness.columns import Column, Kind, Pair, Side
from harness.diff.probes import Batches, Other, Probed
from harness.diff.scores import as_column

N, STUMPS = 400, 60
NAMES = ("size", "lang", "age", "rate", "agent")
LEVELS = (("Go", "Py", "Rs", "Ts"), ("ann", "Bob", "Cy"))
#: where the categories are
LANG, AGENT = 1, 4
Vectors = NDArray[np.float64]


@dataclass(frozen=True)
class Stumps:
    """Sums of stumps over float64 (n, k): raw scores or probabilities; missing goes its own way."""

    seed: int = 3
    stumps: int = STUMPS

    @cached_property
    def drawn(self) -> tuple[NDArray[np.int64], Vectors, Vectors]:
        """Feature (t,), threshold (t,), and three leaves (t, 3) of each stump: below, above, missing."""
        rng = np.random.default_rng(self.seed)
        feature = np.arange(STUMPS) % len(NAMES)
        low, high = np.array([-25.0, 0.0, 0.0, 0.0, 0.0]), np.array([25.0, 3.0, 60.0, 1.0, 2.0])
        threshold = rng.uniform(low[feature], high[feature])
        return feature, threshold, rng.normal(0, 0.25, (STUMPS, 3))

    def __call__(
        self,
        matrix: Vectors,
        *,
        raw: bool = False,
        first: int = 0,
        trees: int | None = None,
        stop: tuple[int, float] | None = None,
    ) -> Vectors:
        """As `Predict` says."""
        feature, threshold, leaves = self.drawn
        x = matrix[:, feature]
        way = np.where(np.isnan(x) | (x < -900), 2, (x > threshold).astype(int))
        parts = leaves[np.arange(STUMPS), way][:, first : self.stumps if trees is None else first + trees]
        sums = np.cumsum(parts, axis=1)
        total = sums[:, -1]
        if stop is not None:
            checks = sums[:, stop[0] - 1 :: stop[0]]
            wide = 2 * np.abs(checks) > stop[1]
            total = np.where(wide.any(axis=1), checks[np.arange(len(x)), wide.argmax(axis=1)], total)
        return total if raw else np.asarray(1 / (1 + np.exp(-total)))


def vectors(n: int = N) -> Vectors:
    """Mixed vectors: sizes with both signs, a fifth missing, two categories, whole ages, rates."""
    rng = np.random.default_rng(7)
    made = np.column_stack(
        [
            rng.normal(0, 10, n),
            rng.integers(0, 4, n),
            rng.integers(0, 60, n),
            rng.random(n),
            rng.integers(0, 3, n),
        ]
    ).astype(float)
    made[::5, 0] = np.nan
    made[3::9, AGENT] = np.nan
    return made


def features(made: Vectors) -> dict[str, Column]:
    """Vectors as the columns of an arm."""
    columns = {name: as_column(made[:, j]) for j, name in enumerate(NAMES)}
    for j, levels in zip((LANG, AGENT), LEVELS, strict=True):
        texts = np.array([None if np.isnan(code) else levels[int(code)] for code in made[:, j]], object)
        kinds = np.where(np.isnan(made[:, j]), Kind.NULL, Kind.VALUE).astype(np.uint8)
        columns[NAMES[j]] = Column("category", texts, kinds)
    return columns


@dataclass(frozen=True)
class World:
    """Vectors with their offline scores, and the model to ask."""

    made: Vectors = field(default_factory=vectors)
    batches: Batches | None = None
    others: dict[str, Other] = field(default_factory=dict)
    stumps: Stumps = field(default_factory=Stumps)

    @cached_property
    def model(self) -> Probed:
        """The model as findings get it."""
        return Probed(
            rescore=lambda columns: np.full(len(columns["age"].values), np.nan),
            predict=self.stumps,
            name="v7",
            features=features(self.made),
            names=NAMES,
            levels=LEVELS,
            trees=self.stumps.stumps,
            others=self.others,
            batches=self.batches,
        )

    @cached_property
    def offline(self) -> Vectors:
        """The offline scores."""
        return self.stumps(self.made)

    def pair(self, served: Vectors) -> Pair:
        """Offline against what is served."""
        n = len(self.made)
        return Pair(
            left=Side("offline:v7", self.offline, features(self.made)),
            right=Side("challenger", served, features(self.made)),
            seq=np.arange(n),
            request_id=np.array([f"r{i}" for i in range(n)], object),
            ts_ns=np.arange(n),
            event_time_ns=np.arange(n),
            unit=np.array(["u"] * n, object),
            segments={},
            unstable=np.zeros(n, bool),
        )
