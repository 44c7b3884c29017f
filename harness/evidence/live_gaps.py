"""What the log of a live canary does not tell: who answered, what became of it, how long it took.

Above the declared share, what is not recorded rules nothing: it could all have been the canary's fault.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.evidence.live import CHALLENGER, CHAMPION, unmeasured
from harness.weighting import alike

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from harness.evidence.live import LiveConfig, LiveLog


def unnamed(log: LiveLog, config: LiveConfig) -> str:
    """Why nobody's requests compare or judge the arms, or nothing: a failed answer may name no arm."""
    return _too_many(log.neither, len(log.arm) + log.neither, what="requests name neither arm", config=config)


def unlogged(log: LiveLog, config: LiveConfig, *, arms: tuple[int, ...] = (CHAMPION, CHALLENGER)) -> str:
    """Why it is not known what failed, or nothing: each arm's requests have a status."""
    for arm in arms:
        mine, name = log.arm == arm, "challenger" if arm == CHALLENGER else "champion"
        lacking, total = int(log.unlogged[mine].sum()), int(mine.sum())
        if why := _too_many(
            lacking, total, what=f"requests of the {name} have no recorded status", config=config
        ):
            return why
    return ""


def untimed(log: LiveLog, config: LiveConfig) -> str:
    """Why it is not known what was slow, or nothing."""
    canary = log.arm == CHALLENGER
    lacking, total = int(unmeasured(log)[canary].sum()), int(canary.sum())
    return _too_many(lacking, total, what="answers of the challenger have no recorded latency", config=config)


def uneven(log: LiveLog, rows: NDArray[np.bool_], *, what: str) -> str:
    """Why counts of a sampled log are none of its traffic, or nothing: these requests weigh unequally."""
    weight = None if log.weight is None else log.weight[rows]
    if weight is None or alike(weight):
        return ""
    times = weight.max() / weight.min()
    return (
        f"the log is a sample in which {what} stand for unequally many (one for {times:.3g} times as many as "
        "another), and this test counts them alike: keep all, or all equally often"
    )


def _too_many(found: int, total: int, *, what: str, config: LiveConfig) -> str:
    if found <= config.max_missing_share * total:
        return ""
    return f"{found:,} of {total:,} {what}, at most {100.0 * config.max_missing_share:g} % may"
