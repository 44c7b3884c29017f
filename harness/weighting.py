"""What each captured request stands for: the one place where the weight of a row is made.

A request that was kept with probability p stands for 1/p of the traffic (Horvitz and Thompson 1952). Every
share and mean here is a ratio of weighted sums (Hajek 1971), in which a constant cancels; so weights that are
all alike become ones, and a capture that was thinned evenly is read as one that was not.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from harness.records import Estimate, Sampled
from harness.stats import kish_effective, weighted_mean, weighted_mean_bounds

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

LEVEL = 0.95
#: the unit by which a share of the traffic is known beside exact counts
OF_TRAFFIC = "share of the traffic"


@dataclass(frozen=True)
class Weights:
    """By captured request, float64 (n,): `kept` is its sampling weight as captured.

    `traffic` is what it weighs among all requests, `exposed` among those that were shown: that times
    1 / propensity where every request has one (`by_propensity`). `partial` bool marks a propensity that is
    not used because other requests have none.
    """

    kept: Floats
    traffic: Floats
    exposed: Floats
    by_propensity: bool
    partial: NDArray[np.bool_]

    @property
    def uneven(self) -> bool:
        """Whether requests were kept with unequal probabilities."""
        return not alike(self.traffic)


def weights(capture: pa.Table) -> Weights:
    """The weights of a capture, by seq; a request that says nothing stands for itself.

    To check: sampling weights 1, 4 and propensities .5, .25 give 1, 4 of all traffic, 2, 16 of that shown.
    """
    kept = _floats(capture, "sampling_weight")
    kept = np.where(np.isnan(kept), 1.0, kept)
    propensity = _floats(capture, "propensity")
    given = ~np.isnan(propensity)
    used = bool(given.size) and bool(given.all())
    traffic = relative(kept)
    return Weights(
        kept=kept,
        traffic=traffic,
        exposed=relative(traffic / propensity) if used else traffic,
        by_propensity=used,
        partial=np.zeros_like(given) if used else given,
    )


def sampled(kept: Floats) -> Sampled | None:
    """How requests of these sampling weights stand for their traffic; None where each is one request of it.

    To check: weights 1, 1, 1, 97 stand for 100 requests, and are worth 1.0626 of equal weight.
    """
    if not kept.size or bool((kept == 1.0).all()):
        return None
    return Sampled(
        requests=kept.size,
        low=float(kept.min()),
        high=float(kept.max()),
        mean=float(kept.mean()),
        effective=kish_effective(relative(kept)),
    )


def traffic_share(name: str, hit: NDArray[np.bool_] | Floats, *, weight: Floats) -> Estimate | None:
    """The share of the traffic that is hit, with its upper bound; None where all requests weigh alike.

    `hit` (in [0, 1]: a request may be hit in part) and `weight` are (requests,), no request twice. The share
    is Hajek's; the bound is exact for requests that were kept independently, whatever their weights
    (`harness.stats.weighted`), and no normal approximation, which has no width where nothing is hit. To
    check: of weights 1, 1, 1, 97 one of weight 1 is hit: 1 %.
    """
    if alike(weight):
        return None
    level = 1.0 - LEVEL
    upper = weighted_mean_bounds(hit, weight, most=float(weight.max()), alpha=(level, level))[1]
    return Estimate(
        name=f"{name} of the traffic",
        value=weighted_mean(hit, weight),
        n=hit.size,
        count=int(np.count_nonzero(hit)),
        upper=upper,
        level=LEVEL,
        unit=OF_TRAFFIC,
        method="weighted share (Hajek 1971); upper bound by bets on weighted requests",
        note=f"n_eff {kish_effective(weight):,.0f} of {hit.size:,}",
    )


def relative(weight: Floats) -> Floats:
    """Weights of which only ratios count: ones where all are alike, so that nothing is changed by them."""
    return np.ones(weight.size) if alike(weight) else weight


def alike(weight: Floats) -> bool:
    """Whether all weights are the same; those of nothing are."""
    return not weight.size or bool((weight == weight[0]).all())


def _floats(capture: pa.Table, name: str) -> Floats:
    found: Floats = capture[name].to_numpy(zero_copy_only=False).astype(np.float64)
    return found
