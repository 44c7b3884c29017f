"""Response time, service time and send lag of one arm in one phase, from the journal's stamps."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from msgspec import UNSET, UnsetType

from harness.records import TARGET_FAULTS, LatencySummary, Spread, State, ThinLoad
from harness.stats import weighted_mean
from harness.weighting import alike

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

MAX_POINTS = 1500
#: upper edges of the buckets that latencies are counted in, in ms
EDGES_MS = (0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1e3, 2e3, 5e3, 1e4)
#: shares at which a distribution is kept
_ROUNDING = 1e-9
_LEVELS = np.concatenate([np.linspace(0.02, 0.9, 45), np.linspace(0.91, 0.99, 9), [0.995, 0.999, 1.0]])
_MS = 1e6


def summarise(
    outcomes: pa.Table, *, phase: str, target: str, pace: str, judged: bool, budget_ms: float
) -> LatencySummary:
    """The three latencies (ms) of one arm's outcomes in one phase.

    Response time is done − due: what the budget is about. A request that failed counts as over the budget;
    one that the harness lost (shed, not sent, abandoned, or answered without stamps) counts nowhere here and
    is reported as `lost`; one that was not needed for a FAIL, as `spared`.
    """
    states = outcomes["state"].to_numpy(zero_copy_only=False)
    failed = np.isin(states, [str(s) for s in TARGET_FAULTS])
    response = _responses(outcomes, failed)
    timed = ~failed & ~np.isnan(response)
    response = response[timed | failed]
    due = _stamp(outcomes, "due_ns")[timed | failed]
    spared = states == State.NOT_NEEDED
    seconds = (due - np.min(due, where=~np.isnan(due), initial=np.inf)) / 1e9
    return LatencySummary(
        phase=phase,
        target=target,
        pace=pace,
        judged=judged,
        requests=len(outcomes),
        over_budget=int(np.count_nonzero(response > budget_ms)),
        failed=int(failed.sum()),
        lost=int(np.count_nonzero(~(timed | failed | spared))),
        spared=int(np.count_nonzero(spared)),
        response=spread(response),
        service=spread(_ms(outcomes, since="written_ns", until="done_ns")[timed]),
        send_lag=spread(_ms(outcomes, since="due_ns", until="written_ns")[timed]),
        curve=curve(response),
        rate=arrivals(seconds),
        points=thin(seconds, response),
    )


def thin_load(
    outcomes: pa.Table, kept: NDArray[np.float64], *, speed: float | None, budget_ms: float
) -> ThinLoad | UnsetType:
    """What a thinned capture does to a phase: too few arrivals, and the share of the traffic that was slow.

    `kept` are the sampling weights of all captured requests, `speed` that of a recorded pace (None: another
    pace, whose rate is as declared). Unset where every request stands for itself. To check: weights 1 and 3
    at speed 1 are arrivals 2 times too few.
    """
    weight = kept[outcomes["seq"].to_numpy()]
    if not weight.size or bool((weight == 1.0).all()):
        return UNSET
    failed = np.isin(outcomes["state"].to_numpy(zero_copy_only=False), [str(s) for s in TARGET_FAULTS])
    response = _responses(outcomes, failed)
    known = ~np.isnan(response)
    slow = None
    if known.any() and not alike(weight[known]):
        slow = weighted_mean(response[known] > budget_ms, weight[known])
    return ThinLoad(factor=None if speed is None else float(weight.mean()) / speed, slow=slow)


def _responses(outcomes: pa.Table, failed: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Response times in ms: infinite where a request failed, NaN where it counts nowhere."""
    answered = outcomes["state"].to_numpy(zero_copy_only=False) == State.OK
    response = np.where(answered, _ms(outcomes, since="due_ns", until="done_ns"), np.nan)
    return np.where(failed, np.inf, response)


def spread(values: NDArray[np.float64]) -> Spread:
    """Percentiles as order statistics (the smallest value with at least that share at or below it), in ms.

    A percentile that falls on a failed request (infinite) is None. Known: of 1..100, p95 is 95.
    """
    clean = np.sort(values[~np.isnan(values)])
    counts = np.searchsorted(clean, EDGES_MS, side="right").tolist() if clean.size else []
    return Spread(
        n=int(clean.size),
        p50=_percentile(clean, 50),
        p95=_percentile(clean, 95),
        p99=_percentile(clean, 99),
        max=_percentile(clean, 100),
        buckets=tuple(zip(EDGES_MS, counts, strict=False)),
        sum_ns=int(np.rint(clean[np.isfinite(clean)] * _MS).astype(np.int64).sum()),
    )


def _percentile(ordered: NDArray[np.float64], percent: int) -> float | None:
    if not ordered.size:
        return None
    # Whole numbers: 0.07 * 100 is above 7 in floating point, and would take the next value.
    value = float(ordered[-(-percent * ordered.size // 100) - 1])
    return round(value, 4) if np.isfinite(value) else None


def curve(response: NDArray[np.float64]) -> tuple[tuple[float, float], ...]:
    """The distribution as (ms, share at or below), finest in the tail; failed requests (infinite) end it.

    Known: of 1..100 the last three points are (98, .98), (99, .99), (100, 1).
    """
    clean = np.sort(response[~np.isnan(response)])
    places: list[int] = np.unique(np.ceil(_LEVELS * clean.size - _ROUNDING).astype(np.int64)).tolist()
    return tuple(
        (round(float(clean[place - 1]), 4), place / clean.size)
        for place in places
        if place and np.isfinite(clean[place - 1])
    )


def arrivals(seconds: NDArray[np.float64]) -> tuple[tuple[float, float], ...]:
    """Requests due in each second of the phase: (second, count)."""
    counts = np.bincount(seconds[~np.isnan(seconds)].astype(np.int64))
    return tuple((float(second), float(count)) for second, count in enumerate(counts))


def thin(seconds: NDArray[np.float64], response: NDArray[np.float64]) -> tuple[tuple[float, float], ...]:
    """At most `MAX_POINTS` points (second due, response ms) for a picture; the slowest are never left out."""
    finite = np.isfinite(response) & ~np.isnan(seconds)
    seconds, response = seconds[finite], response[finite]
    if response.size > MAX_POINTS:
        by_speed = np.argsort(-response, kind="stable")
        slow = by_speed[: min(response.size // 20, MAX_POINTS // 2)]
        rest = np.setdiff1d(np.arange(response.size), slow)
        step = -(-rest.size // (MAX_POINTS - slow.size))
        keep = np.union1d(slow, rest[::step])
        seconds, response = seconds[keep], response[keep]
    return tuple((round(float(s), 3), round(float(r), 3)) for s, r in zip(seconds, response, strict=True))


def _stamp(outcomes: pa.Table, name: str) -> NDArray[np.float64]:
    """Stamps in ns, NaN where the attempt never got that far.

    Where nothing is due (a closed loop) the moment a request was submitted stands in.
    """
    found: NDArray[np.float64] = outcomes[name].to_numpy(zero_copy_only=False).astype(np.float64)
    if name != "due_ns":
        return found
    return np.where(np.isnan(found), _stamp(outcomes, "submit_ns"), found)


def _ms(outcomes: pa.Table, *, since: str, until: str) -> NDArray[np.float64]:
    """Milliseconds from one stamp to a later one."""
    return (_stamp(outcomes, until) - _stamp(outcomes, since)) / _MS
