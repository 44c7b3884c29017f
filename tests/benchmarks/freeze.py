"""A server that freezes for 2 s at 500 requests/s: who reports the p95 that its users saw?"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import numpy as np

from tests.benchmarks import peers
from tests.benchmarks.figures import Goal, Row, Rows, row, unmeasured
from tests.benchmarks.machine import NotHere, loudly, priority, run_module
from tests.benchmarks.open_loop import Asked, Found
from tests.benchmarks.servers import HoldServer, hold_server

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

ROUNDS = 3
RATE, SECONDS, FREEZE_AT_MS, FREEZE_MS = 500, 6.0, 2000, 2000

GOAL = Goal(
    id="freeze_p95",
    figure="2 s freeze of the server in 6 s at 500/s: error of the reported p95 against the schedule's truth",
    unit="%",
    better="lower",
    floor=3,
    aim=1.5,
)


def truth_p95_ms(found: Found, frozen: tuple[int, int]) -> float:
    """The p95 of a service that answers each request its hold after it was due, and nothing while frozen."""
    due, hold_ns = np.array(found.due_ns, np.int64), 1000 * np.array(found.hold_us, np.int64)
    return float(np.quantile(response_ns(due, hold_ns, frozen=frozen), 0.95)) / 1e6


def response_ns(
    due: NDArray[np.int64], hold_ns: NDArray[np.int64], *, frozen: tuple[int, int]
) -> NDArray[np.int64]:
    """What each must take: one due in the freeze starts when it ends, one held through it ends then."""
    start, stop = frozen
    begun = np.where((due >= start) & (due < stop), stop, due)
    ended = begun + hold_ns
    ended = np.where((begun < start) & (ended > start) & (ended < stop), stop, ended)
    return np.asarray(ended - due, np.int64)


def rows() -> Rows:
    """Ours against the truth of its own schedule; the peers' as how many times too low their p95 is."""
    try:
        runs = [_ours(seed) for seed in range(ROUNDS)]
    except NotHere as why:
        loudly(f"the freeze is not measured: {why}")
        return [unmeasured(GOAL, str(why))]
    truth = float(np.median([true for _, true in runs]))
    return [
        row(GOAL, [100 * abs(one - true) / true for one, true in runs], told=priority()),
        _peer("wrk", lambda url: peers.wrk(url, seconds=SECONDS), truth_ms=truth),
        _peer("hey", lambda url: peers.hey(url, seconds=SECONDS, connections=50, rate=RATE), truth_ms=truth),
        _peer("locust", lambda url: peers.locust(url, seconds=SECONDS, rate=RATE), truth_ms=truth),
    ]


def _server() -> contextlib.AbstractContextManager[HoldServer]:
    return hold_server(freeze_at_ms=FREEZE_AT_MS, freeze_ms=FREEZE_MS)


def _ours(seed: int) -> tuple[float, float]:
    """The p95 that we report, and the truth, in ms."""
    with _server() as server:
        asked = Asked(url=server.url, rate=RATE, seconds=SECONDS, seed=seed)
        found = run_module("open_loop", asked, answer=Found, prompt=True)
        if found.answered < found.requests:
            raise NotHere(f"only {found.answered} of {found.requests} requests were answered")
        return found.reported_p95, truth_p95_ms(found, server.frozen())


def _peer(name: str, ask: Callable[[str], peers.Peer], *, truth_ms: float) -> Row:
    """How many times too low a peer's p95 is."""
    goal = Goal(
        id=f"freeze_{name}",
        figure=f"the same freeze: the truth's p95 over the one that {name} reports",
        unit="times too low",
        better="lower",
    )
    low = []
    try:
        for _ in range(ROUNDS):
            with _server() as server:
                low.append(truth_ms / ask(server.url).p95_ms)
    except NotHere as why:
        loudly(f"{name} is not measured: {why}")
        return unmeasured(goal, str(why))
    return row(goal, low)
