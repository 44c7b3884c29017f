"""Which labelled requests may be compared at a time.

"Labels so far" is a trap: positives are known early, negatives only when the window closes, so two equal
models differ. A request counts once its event time plus the delay has passed, and not before.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from harness.join import LabelEvents

DAY_NS = 86_400 * 10**9
NEVER = np.iinfo(np.int64).max


@dataclass(frozen=True)
class Arms:
    """The two arms that are compared, by name in `Cohort.scores`."""

    champion: str
    challenger: str


@dataclass(frozen=True)
class Cohort:
    """Columns over all captured requests, aligned by seq: what quality needs to know of each.

    `event_ns` int64, `exposed` and `in_scope` bool, `unit` int64 codes, `label` float64 (NaN: none known),
    `label_ns` int64, `weight` float64 (the sampling weight, times 1 / propensity where `weighted` by it),
    `scores` float64 (n,) by arm with NaN for none. `events` are all labels, in the order they became known,
    where some were revised (None: each request has one label). `assumed` bool marks requests taken as exposed
    because nothing says whether they were; `partial` bool those with a propensity that is not used, because
    others have none. `most` is the largest weight that any request of the traffic may have (None: only those
    seen are known). `sampled` says that requests were kept with unequal probabilities. `segments` are object
    arrays of str (n,), or None, by the name of the segment.
    """

    event_ns: NDArray[np.int64]
    exposed: NDArray[np.bool_]
    in_scope: NDArray[np.bool_]
    unit: NDArray[np.int64]
    label: NDArray[np.float64]
    label_ns: NDArray[np.int64]
    weight: NDArray[np.float64]
    weighted: bool
    scores: dict[str, NDArray[np.float64]]
    events: LabelEvents | None = None
    assumed: NDArray[np.bool_] | None = None
    partial: NDArray[np.bool_] | None = None
    most: float | None = None
    sampled: bool = False
    segments: dict[str, NDArray[np.object_]] | None = None

    def label_on(self, day_ns: int) -> NDArray[np.float64]:
        """Each request's label as it was known at a time, before any later revision (NaN: none)."""
        label = np.where(self.label_ns <= day_ns, self.label, np.nan)
        if self.events is not None:
            known = int(np.searchsorted(self.events.at_ns, day_ns, side="right"))
            label[self.events.seq[:known]] = self.events.label[:known]
        return label

    def entries_ns(self, rows: NDArray[np.bool_], delay_days: float) -> NDArray[np.int64]:
        """Every time at which some of these requests enter, or enter again with a revised label."""
        first = self.entry_ns(delay_days)[rows & ~np.isnan(self.label)]
        if self.events is None:
            return first
        mine = rows[self.events.seq]
        ripe = self.ripe_ns(delay_days)[self.events.seq[mine]]
        return np.concatenate([first, np.maximum(ripe, self.events.at_ns[mine])])

    def eligible(self) -> NDArray[np.bool_]:
        """Requests whose label can come: in scope, and exposed to the decision."""
        return self.in_scope & self.exposed

    def ripe_ns(self, delay_days: float) -> NDArray[np.int64]:
        """When each request's label window closes."""
        return self.event_ns + np.int64(delay_days * DAY_NS)

    def entry_ns(self, delay_days: float) -> NDArray[np.int64]:
        """When each request may be compared: its window has closed and its label is known (`NEVER`: none)."""
        entry = np.maximum(self.ripe_ns(delay_days), self.label_ns)
        return np.where(np.isnan(self.label), NEVER, entry)

    def known(self, as_of_ns: int) -> NDArray[np.bool_]:
        """Requests whose label is known at `as_of`."""
        return ~np.isnan(self.label) & (self.label_ns <= as_of_ns)

    def answered(self, arms: Arms) -> NDArray[np.bool_]:
        """Requests that both arms scored."""
        return ~(np.isnan(self.scores[arms.champion]) | np.isnan(self.scores[arms.challenger]))


def stamp(ns: int) -> str:
    """RFC 3339 in UTC, to the second."""
    return f"{np.datetime64(ns // 10**9, 's')}Z"
