"""What a sampled capture says of the traffic that it was taken from, beside counts of what was replayed."""

from __future__ import annotations

import msgspec

from harness.records.evidence import Estimate


class Sampled(msgspec.Struct, frozen=True, kw_only=True):
    """How the capture stands for its traffic: each request for `low` to `high` of it, for `mean` on average.

    `effective` is how many requests of equal weight the `requests` are worth (Kish 1965), `most` the largest
    weight that any request of the traffic may have, None where only those of the capture are known.
    """

    requests: int
    low: float
    high: float
    mean: float
    effective: float
    most: float | None = None

    @property
    def uneven(self) -> bool:
        """Whether requests stand for unequally many, so that a share of the traffic is no plain share.

        So do those of a capture that kept only light ones of a traffic with heavier.
        """
        return self.low != self.high or (self.most or 0.0) > self.high


class PairTraffic(msgspec.Struct, frozen=True, kw_only=True):
    """Shares of the traffic in which two arms differ, each request by its weight.

    None: not judged, or the requests that were weigh alike. `fields` are those of the features that differ.
    """

    features: Estimate | None
    scores: Estimate | None
    flips: Estimate | None
    fields: dict[str, float] = {}


class ThinLoad(msgspec.Struct, frozen=True, kw_only=True):
    """A phase of a sampled capture: the arrivals were thinned, which no weight mends.

    `factor` is how many times too few requests arrived (None: the pace was declared, not recorded), `slow`
    the share of the traffic over the budget (None: all weights are equal).
    """

    factor: float | None
    slow: float | None
