"""What each captured request stands for: the one place where the weight of a row is made.

A request that was kept with probability p stands for 1/p of the traffic (Horvitz and Thompson 1952). Every
share and mean here is a ratio of weighted sums (Hajek 1971), in which a constant cancels; so weights that are
all alike become ones, and a capture that was thinned evenly is read as one that was not.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from harness.capture.live.sampling import TAG, most_weight
from harness.errors import CaptureError
from harness.records import Estimate, Sampled
from harness.stats import kish_effective, weighted_mean, weighted_mean_bounds

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from harness.capture import CaptureConfig

    Floats = NDArray[np.float64]

LEVEL = 0.95
#: the unit by which a share of the traffic is known beside exact counts
OF_TRAFFIC = "share of the traffic"
#: what a scenario says where no sampler did
STATED = "max_weight under [capture], and min_propensity where requests have one"
#: weights that are stated and captured differ by this much of themselves where decimals were cut off
_CUT_OFF = 1e-6


@dataclass(frozen=True)
class Weights:
    """By captured request, float64 (n,): `kept` is its sampling weight as captured.

    `traffic` is what it weighs among all requests, `exposed` among those that were shown: that times
    1 / propensity where every request has one (`by_propensity`). `partial` bool marks a propensity that is
    not used because other requests have none. `most` and `most_exposed` are the largest that `traffic` and
    `exposed` may be of any request, captured or not; None where only the largest seen are known.
    """

    kept: Floats
    traffic: Floats
    exposed: Floats
    by_propensity: bool
    partial: NDArray[np.bool_]
    most: float | None = None
    most_exposed: float | None = None

    @property
    def uneven(self) -> bool:
        """Whether requests were kept with unequal probabilities."""
        return not even(self.traffic, self.most)


def weights(capture: pa.Table, config: CaptureConfig | None = None) -> Weights:
    """The weights of a capture, by seq; a request that says nothing stands for itself.

    The largest that there may be is what `config` states, else what our own samplers wrote into the capture.
    To check: sampling weights 1, 4 and propensities .5, .25 give 1, 4 of all traffic, 2, 16 of that shown.
    """
    kept = _kept(capture)
    propensity = _floats(capture, "propensity")
    given = ~np.isnan(propensity)
    used = bool(given.size) and bool(given.all())
    traffic = relative(kept)
    shown = traffic / propensity if used else traffic
    most = _over(largest_kept(capture, config), unit=kept)
    least = (config.min_propensity if config else None) if used else 1.0
    return Weights(
        kept=kept,
        traffic=traffic,
        exposed=relative(shown),
        by_propensity=used,
        partial=np.zeros_like(given) if used else given,
        most=most,
        most_exposed=None if most is None or least is None else _over(most / least, unit=shown),
    )


def largest_kept(capture: pa.Table, config: CaptureConfig | None = None) -> float | None:
    """The largest sampling weight of any request of the traffic, captured or not; None where nobody says.

    Stated in the scenario, of the capture before its own `sample`; else the largest of what the tag `sampled`
    of our samplers says of each request, where it accounts for all of its weight.
    """
    if config is not None and config.max_weight is not None:
        return max(config.max_weight / config.sample, float(_kept(capture).max(initial=1.0)))
    if not {"tags", "sampling_weight"} <= set(capture.column_names):
        return None
    tag = pc.map_lookup(capture["tags"], TAG, "first")
    kinds = pa.table({"tag": tag, "kept": _kept(capture)}).group_by(["tag", "kept"]).aggregate([])
    said = [most_weight(one["tag"] or "", one["kept"]) for one in kinds.to_pylist()]
    known = [one for one in said if one is not None]
    return max(known, default=1.0) if len(known) == len(said) else None


def check(capture: pa.Table, config: CaptureConfig) -> None:
    """No request weighs more than the scenario states, or was shown more seldom; else CaptureError."""
    if config.max_weight is not None:
        kept = _kept(capture) * config.sample
        over = kept > config.max_weight * (1.0 + _CUT_OFF)
        _refuse(over, capture, found=kept, stated=("max_weight", "at most", config.max_weight))
    if config.min_propensity is not None:
        propensity = _floats(capture, "propensity")
        under = propensity < config.min_propensity * (1.0 - _CUT_OFF)
        _refuse(
            under, capture, found=propensity, stated=("min_propensity", "at least", config.min_propensity)
        )


def sampled(kept: Floats, most: float | None = None) -> Sampled | None:
    """How requests of these sampling weights stand for their traffic; None where each is one request of it.

    `most` is the largest weight that there may be, None where only those seen are known.
    To check: weights 1, 1, 1, 97 stand for 100 requests, and are worth 1.0626 of equal weight.
    """
    if not kept.size or (bool((kept == 1.0).all()) and (most or 1.0) == 1.0):
        return None
    return Sampled(
        requests=kept.size,
        low=float(kept.min()),
        high=float(kept.max()),
        mean=float(kept.mean()),
        effective=kish_effective(relative(kept)),
        most=most,
    )


def traffic_share(
    name: str, hit: NDArray[np.bool_] | Floats, *, weight: Floats, most: float | None = None
) -> Estimate | None:
    """The share of the traffic that is hit, with its upper bound; None where all requests weigh alike.

    `hit` (in [0, 1]: a request may be hit in part) and `weight` are (requests,), no request twice. The share
    is Hajek's; the bound is exact for requests that were kept independently (`harness.stats.weighted`), and
    no normal approximation, which has no width where nothing is hit. It holds for weights up to `most`;
    without one only up to the largest seen, and the note says so. To check: of weights 1, 1, 1, 97 one of
    weight 1 is hit: 1 %.
    """
    if even(weight, most):
        return None
    level, seen = 1.0 - LEVEL, float(weight.max())
    upper = weighted_mean_bounds(hit, weight, most=most or seen, alpha=(level, level))[1]
    assumed = f", none heavier than the {seen:g} seen" if most is None else ""
    return Estimate(
        name=f"{name} of the traffic",
        value=weighted_mean(hit, weight),
        n=hit.size,
        count=int(np.count_nonzero(hit)),
        upper=upper,
        level=LEVEL,
        unit=OF_TRAFFIC,
        method="weighted share (Hajek 1971); upper bound by bets on weighted requests",
        note=f"n_eff {kish_effective(weight):,.0f} of {hit.size:,}{assumed}",
    )


def relative(weight: Floats) -> Floats:
    """Weights of which only ratios count: ones where all are alike, so that nothing is changed by them."""
    return np.ones(weight.size) if alike(weight) else weight


def alike(weight: Floats) -> bool:
    """Whether all weights are the same; those of nothing are."""
    return not weight.size or bool((weight == weight[0]).all())


def even(weight: Floats, most: float | None) -> bool:
    """Whether all weights are the same, and that of no other request may be larger."""
    if not weight.size or most is None:
        return alike(weight)
    return alike(weight) and most <= float(weight[0]) * (1.0 + _CUT_OFF)


def _over(most: float | None, *, unit: Floats) -> float | None:
    """The largest weight as `relative` has those of `unit`, which are ones where all are alike."""
    if most is None or not unit.size:
        return most
    return max(1.0, most / float(unit[0])) if alike(unit) else max(most, float(unit.max()))


def _refuse(
    wrong: NDArray[np.bool_], capture: pa.Table, *, found: Floats, stated: tuple[str, str, float]
) -> None:
    """Nothing where no request is wrong, else an error that names the first and what was stated."""
    if wrong.any():
        first, (name, bound, value) = int(np.argmax(wrong)), stated
        raise CaptureError(
            f"a request contradicts `{name}` of the scenario",
            where=f"request {capture['request_id'][first].as_py()}",
            found=f"{found[first]:g}",
            expected=f"{bound} {value:g}",
            fix=f"State in `{name}` under [capture] what holds of all traffic, or mend the capture.",
        )


def _kept(capture: pa.Table) -> Floats:
    """The sampling weights; a request that has none stands for itself."""
    kept = _floats(capture, "sampling_weight")
    return np.where(np.isnan(kept), 1.0, kept)


def _floats(capture: pa.Table, name: str) -> Floats:
    found: Floats = capture[name].to_numpy(zero_copy_only=False).astype(np.float64)
    return found
