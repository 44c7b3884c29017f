"""Where and when requests differ: first and last seen, units, segments, and the first few of them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from harness.columns import Pair
from harness.diff.profiles import time_bins
from harness.diff.sentences import LONGEST
from harness.diff.texts import Texts, codes_of
from harness.records import Exemplar, TimeBins

EXEMPLARS = 5
TOP_LEVELS = 5
#: a bug seen within this share of the requests was there from the start
START = 0.01


@dataclass(frozen=True)
class Places:
    """The surroundings of n requests, coded once: a request without a unit is its own."""

    pair: Pair
    unit: NDArray[np.int64]
    segments: dict[str, Texts]

    @cached_property
    def _bins(self) -> tuple[TimeBins | None, NDArray[np.int64]]:
        return time_bins(self.pair.event_time_ns)

    @property
    def times(self) -> TimeBins | None:
        """The time of the requests in bins; None where there is none, or all are of one moment."""
        return self._bins[0]

    def by_time(self, rows: NDArray[np.int64]) -> tuple[int, ...]:
        """How many of some requests are in each bin; nothing where there are no bins, or no requests."""
        bins, place = self._bins
        if bins is None or not len(rows):
            return ()
        return tuple(np.bincount(place[rows], minlength=len(bins.compared)).tolist())

    @classmethod
    def of(cls, pair: Pair) -> Places:
        """The surroundings of a pair's requests."""
        codes, _ = codes_of(_named(pair))
        return cls(pair, codes, {name: Texts.of(levels) for name, levels in pair.segments.items()})

    @property
    def asking(self) -> pa.StringArray:
        """The unit of each request by name; a request without one is its own."""
        return _named(self.pair)

    def first_seen(self, rows: NDArray[np.int64]) -> str | None:
        """The earliest event time of some requests, RFC 3339 UTC."""
        return rfc3339(int(self.pair.event_time_ns[rows].min())) if len(rows) else None

    def last_seen(self, rows: NDArray[np.int64]) -> str | None:
        """The latest event time of some requests, RFC 3339 UTC."""
        return rfc3339(int(self.pair.event_time_ns[rows].max())) if len(rows) else None

    def since(self, rows: NDArray[np.int64]) -> str:
        """Since when, for a sentence: the first request where under 1 % of the requests came before."""
        first = self.pair.event_time_ns[rows].min()
        before = int(np.count_nonzero(self.pair.event_time_ns < first))
        if before < max(1.0, START * len(self.pair.seq)):
            return "since the first request"
        return f"since {rfc3339(int(first))}"

    def units(self, rows: NDArray[np.int64]) -> int:
        """How many distinct units some requests touch."""
        return len(np.unique(self.unit[rows]))

    def by_segment(self, rows: NDArray[np.int64]) -> dict[str, dict[str, int]]:
        """The counts of the five most frequent levels of each segment, most frequent first."""
        return {name: texts[rows].top(TOP_LEVELS) for name, texts in self.segments.items()}

    def exemplars(
        self, rows: NDArray[np.int64], *, left: list[str | None], right: list[str | None]
    ) -> tuple[Exemplar, ...]:
        """The first requests of some rows, with the JSON text of both sides; `rows` ascend by seq."""
        return tuple(
            Exemplar(
                seq=int(self.pair.seq[row]),
                request_id=str(self.pair.request_id[row]),
                left=shown(a),
                right=shown(b),
            )
            for row, a, b in zip(rows[:EXEMPLARS].tolist(), left, right, strict=False)
        )


def _named(pair: Pair) -> pa.StringArray:
    return pc.coalesce(pa.array(pair.unit, pa.string()), pa.array(pair.request_id, pa.string()))


def rfc3339(ns: int) -> str:
    """A time as RFC 3339 in UTC, to the second or as exact as it is; 0 reads 1970-01-01T00:00:00Z."""
    text = str(np.datetime_as_string(np.datetime64(ns, "ns"), unit="ns"))
    return f"{text.rstrip('0').rstrip('.') if ns % 10**9 else text[:19]}Z"


def shown(text: str | None) -> str:
    """A cell for a reader: `missing` where the field is left out, cut where it would fill the page."""
    if text is None:
        return "missing"
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"
