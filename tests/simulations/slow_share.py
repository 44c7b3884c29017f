"""False rulings and power of the p95 gate when the latencies of a pass depend on each other."""

import numpy as np
import numpy.typing as npt
from scipy.signal import lfilter
from scipy.special import ndtri

from harness.stats import SlowShareTest


def slow_requests(
    rng: np.random.Generator, *, runs: int, n: int, share: float, phi: float
) -> npt.NDArray[np.bool_]:
    """Which of the `n` requests of each of `runs` passes are slow, (runs, n).

    Latency is a stationary Gaussian AR(1) with coefficient `phi`; a request is slow above the quantile that
    exactly `share` of requests exceed.
    """
    start = rng.normal(size=(runs, 1))
    shocks = rng.normal(size=(runs, n)) * np.sqrt(1.0 - phi * phi)
    latency, _ = lfilter([1.0], [1.0, -phi], shocks, axis=1, zi=phi * start)
    slow: npt.NDArray[np.bool_] = latency > ndtri(1.0 - share)
    return slow


def slow_counts(
    rng: np.random.Generator, *, runs: int, n: int, share: float, phi: float
) -> npt.NDArray[np.int64]:
    """The number of slow requests in each of `runs` passes of `n` requests, (runs,)."""
    counts: npt.NDArray[np.int64] = slow_requests(rng, runs=runs, n=n, share=share, phi=phi).sum(axis=1)
    return counts


def rulings(counts: npt.NDArray[np.int64], n: int, *, rule: SlowShareTest | None = None) -> dict[str, int]:
    """How many passes with these slow counts are ruled within, over and undecided."""
    rule = rule or SlowShareTest()
    found = [rule.judge(int(slow), n).ruling for slow in counts]
    return {ruling: found.count(ruling) for ruling in ("within", "over", "undecided")}
