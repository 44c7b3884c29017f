"""A compared pair as findings need it, and what is known of its requests beside the answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from harness.columns import Pair
from harness.diff.bands import Band
from harness.diff.cells import Judged
from harness.diff.damage import Rescore
from harness.diff.places import Places
from harness.diff.scores import Scored


@dataclass(frozen=True)
class Context:
    """What is known of the n requests of a pair beside the answers, all of it optional, NaN where unknown.

    `label` float64 is what came to be, `service_ns` float64 how long the right arm took from written to done.
    `tags` are what the log knows of a request, `answered_by` what the right arm said of itself: object
    arrays of str or None. `extra` counts requests by the name of a feature that the right arm shows and the
    left does not know. `hidden` bool (n,), by feature, are the cells that redaction changed. `weight`
    float64 is what each request stands for in the traffic, `most` the largest that any may, where that is
    known. `located` asks for where and since when the mismatches are.
    """

    label: NDArray[np.float64] | None = None
    service_ns: NDArray[np.float64] | None = None
    tags: Mapping[str, NDArray[np.object_]] = field(default_factory=dict)
    answered_by: Mapping[str, NDArray[np.object_]] = field(default_factory=dict)
    extra: Mapping[str, int] = field(default_factory=dict)
    hidden: Mapping[str, NDArray[np.bool_]] = field(default_factory=dict)
    weight: NDArray[np.float64] | None = None
    most: float | None = None
    located: bool = True


@dataclass(frozen=True)
class Case:
    """A compared pair as findings need it: `judged` has every feature, None where an arm shows none.

    `touched` int32 (n,) counts the mismatching features of each request, `flips` bool (n,) its decisions.
    """

    pair: Pair
    places: Places
    judged: tuple[Judged, ...] | None
    touched: NDArray[np.int32]
    scored: Scored
    flips: NDArray[np.bool_]
    threshold: float | None
    score_band: Band
    rescore: Rescore | None
    context: Context = field(default_factory=Context)

    @property
    def bad(self) -> tuple[Judged, ...]:
        """The features that differ somewhere."""
        return tuple(one for one in self.judged or () if len(one.rows))
