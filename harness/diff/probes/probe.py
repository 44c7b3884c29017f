"""Probes as data: how the vectors are changed, how the model is asked, what is done to its score."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from harness.columns import Pair
from harness.diff.probes.model import Layout, Matrix, Probed, Scores

#: cells of vectors scored in one call: bounds the memory of many probes on few requests
AT_ONCE = 2_000_000


@dataclass(frozen=True)
class Case:
    """A pair whose left arm is offline, with the model that can be asked and the layout of its vectors."""

    pair: Pair
    model: Probed
    layout: Layout

    def at(self, places: NDArray[np.int64]) -> Sample:
        """Some requests by their places in the pair."""
        return Sample(self, places)

    def vectors(self, seq: NDArray[np.int64]) -> Matrix:
        """The offline vectors of some captured requests: float64 (seq, k)."""
        return self.layout.matrix(self.model.features, seq)


@dataclass(frozen=True)
class Sample:
    """m requests of a case; vectors float64 (m, k), scores float64 (m,)."""

    case: Case
    places: NDArray[np.int64]

    def __len__(self) -> int:
        """How many requests."""
        return len(self.places)

    @cached_property
    def vectors(self) -> Matrix:
        """What the offline model sees."""
        return self.case.vectors(self.seq)

    @property
    def offline(self) -> Scores:
        """The offline scores."""
        return self.case.pair.left.scores[self.places]

    @property
    def served(self) -> Scores:
        """The served scores."""
        return self.case.pair.right.scores[self.places]

    @property
    def seq(self) -> NDArray[np.int64]:
        """Which requests of the capture."""
        return self.case.pair.seq[self.places]


@dataclass(frozen=True)
class Call:
    """How a model is asked; without anything as it is asked offline."""

    raw: bool = False
    first: int = 0
    trees: int | None = None
    stop: tuple[int, float] | None = None


AS_OFFLINE = Call()
#: which predicted scores are as the served ones
Agree = Callable[[NDArray[np.float64], NDArray[np.float64]], NDArray[np.bool_]]
Change = Callable[[Sample], Matrix]


def unchanged(sample: Sample) -> Matrix:
    """The vectors as they are."""
    return sample.vectors


@dataclass(frozen=True)
class Probe:
    """One suspicion: with it the offline side is scored again, and exact hits on the served score counted.

    `cost` is how many things it chooses: of two that fit alike the one that chooses less is named.
    """

    name: str
    phrase: str
    cost: int = 0
    change: Change = unchanged
    call: Call = field(default=AS_OFFLINE)
    other: str = ""

    @property
    def stacks(self) -> bool:
        """Whether it can be scored in one call with others: it changes vectors and nothing else."""
        return self.call == AS_OFFLINE and not self.other


def columnwise(change: Callable[[Matrix], Matrix]) -> Change:
    """A change of the vectors that needs nothing but them; it gets a copy."""
    return lambda sample: change(sample.vectors.copy())


def predictions(probes: Sequence[Probe], sample: Sample) -> NDArray[np.float64]:
    """What each probe says is served: float64 (probes, m)."""
    made = np.full((len(probes), len(sample)), np.nan)
    stacked = [k for k, probe in enumerate(probes) if probe.stacks]
    for some in _groups(stacked, max(1, AT_ONCE // max(1, sample.vectors.size))):
        vectors = np.concatenate([probes[k].change(sample) for k in some])
        made[some] = sample.case.model.predict(vectors).reshape(len(some), len(sample))
    for k, probe in enumerate(probes):
        if not probe.stacks:
            made[k] = _alone(probe, sample)
    return made


def _alone(probe: Probe, sample: Sample) -> Scores:
    model = sample.case.model
    if probe.other:
        return model.others[probe.other].scores(sample.seq, None)
    call = probe.call
    return model.predict(
        probe.change(sample), raw=call.raw, first=call.first, trees=call.trees, stop=call.stop
    )


def _groups(items: Sequence[int], size: int) -> Iterable[list[int]]:
    return (list(items[start : start + size]) for start in range(0, len(items), size))
