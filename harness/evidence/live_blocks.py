"""What live_p95 bets on: the canary's slow requests, in blocks that were declared before the first look."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from harness.evidence.live import CHALLENGER, periods, unmeasured
from harness.stats import block_means

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from harness.evidence.live import LiveConfig, LiveLog


@dataclass(frozen=True)
class Blocks:
    """What live_p95 bets on: the share of slow requests in each block, and when each was complete.

    `least` counts a request without a latency as fast, `most` as slow; `sizes` are requests a block.
    """

    least: NDArray[np.float64]
    most: NDArray[np.float64]
    at_ns: NDArray[np.int64]
    sizes: NDArray[np.int64]
    left: int

    def until(self, ns: int) -> int:
        """How many were complete before a time."""
        return int(np.searchsorted(self.at_ns, ns))


def measure(config: LiveConfig) -> str:
    """What live_p95 makes its claim about."""
    if config.blocks == "units":
        return f"share of a unit's requests in its first {config.every}, mean over units"
    return "share of the requests"


def rule(config: LiveConfig) -> str:
    """What live_p95 takes as independent."""
    if config.blocks == "units":
        return f"units, each by its first {config.every}"
    return f"blocks of {config.block} consecutive requests"


def slow_ones(log: LiveLog, *, budget_ms: float) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Of the canary's requests, in order: those that were slow or failed, and those that may have been."""
    canary = log.arm == CHALLENGER
    slow = (log.error | (log.latency_ms > budget_ms))[canary]
    return slow, slow | (unmeasured(log) | log.unlogged)[canary]


def blocks(log: LiveLog, config: LiveConfig, *, budget_ms: float) -> Blocks:
    """The canary's requests in the declared blocks; a failed one is slow, one without a latency may be."""
    rows = np.flatnonzero(log.arm == CHALLENGER)
    slow, maybe = slow_ones(log, budget_ms=budget_ms)
    if config.blocks == "units":
        return _by_unit(log.ts_ns[rows], log.unit[rows], slow=(slow, maybe), period_ns=config.period_ns)
    least, left = block_means(slow, block=config.block)
    most, _ = block_means(maybe, block=config.block)
    ends = rows[config.block - 1 :: config.block]
    return Blocks(least, most, log.ts_ns[ends], sizes=np.full(len(least), config.block), left=left)


def _by_unit(
    ts_ns: NDArray[np.int64],
    unit: NDArray[np.int64],
    *,
    slow: tuple[NDArray[np.bool_], NDArray[np.bool_]],
    period_ns: int,
) -> Blocks:
    """A value a unit: the share of slow requests in the day or hour it first came, known when that ends.

    What it sends later counts nowhere, so a look never changes a value and a unit has one.
    """
    period = periods(ts_ns, period_ns)
    _, first, code = np.unique(unit, return_index=True, return_inverse=True)
    early = period == period[first][code]
    sizes = np.bincount(code[early], minlength=len(first))
    order = np.argsort(period[first], kind="stable")
    least, most = (np.bincount(code[early], weights=x[early], minlength=len(first)) / sizes for x in slow)
    at_ns = period[first] * period_ns - 1
    left = int(np.count_nonzero(~early))
    return Blocks(least[order], most[order], at_ns[order], sizes=sizes[order], left=left)
