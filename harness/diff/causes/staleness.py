"""Old values: an earlier value of the same unit, or everything as of one fixed day."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from harness.diff.causes.history import History, Ledger
from harness.diff.causes.model import Candidate, Evidence, Hypothesis, Mask, same_value
from harness.diff.causes.wording import age
from harness.diff.places import rfc3339

#: rows back that are tried one by one, before any earlier value of the unit counts
_LAGS: Final = 5
#: rows whose history is searched for one common time, and rows of a unit looked at for each
_SEARCHED: Final = 1_000
_DEEP: Final = 64
#: share of the rows that must fit one time before it is tried at all
_LEAST: Final = 0.05
_SEED: Final = 11
_LONG_AGO: Final = np.iinfo(np.int64).min


def stale(evidence: Evidence) -> Iterator[Candidate]:
    """The served value is an earlier one of the same unit."""
    history = evidence.around.by_unit
    if history is None:
        return
    for lag in range(1, _LAGS + 1):
        sources = history.before(evidence.rows, lag)
        hits = same_value(evidence, sources)
        if not hits.any():
            continue
        seconds = _age(evidence, history, sources=sources, hits=hits)
        nth = "previous value" if lag == 1 else f"value {lag} requests before"
        yield Candidate(
            "stale",
            f"serves the {nth} of the same unit for {evidence.label}{_old(evidence, seconds)}",
            _lagged(history, lag),
            cost=0.003 + 0.0002 * (lag - 1),
            parameters={"lag": float(lag), "age_s": seconds},
        )
    yield from _any_age(evidence, history)


def snapshot(evidence: Evidence) -> Iterator[Candidate]:
    """The served value is the one that the same unit had at one fixed time."""
    history = evidence.around.by_unit
    ledger = None if history is None else _ledger(evidence, history)
    if history is None or ledger is None or evidence.around.time_ns is None:
        return
    some = evidence.at(evidence.rows[:: -(-len(evidence.rows) // _SEARCHED)])
    when, _ = _common_time(some, history, ledger=ledger)
    if when is None:
        return
    # the best time for served values dealt out anew: what the search finds in any values
    dealt = np.random.default_rng(_SEED).permutation(len(some.rows))
    served = some.b if evidence.numbers else some.b_id
    luck = _common_time(some.at(some.rows, served[dealt]), history, ledger=ledger)[1]
    date = rfc3339(when)
    yield Candidate(
        "snapshot",
        f"serves {evidence.label} as of {date}, whatever the time of the request",
        lambda some: same_value(some, history.as_of(some.rows, when)),
        cost=0.004,
        parameters={"time_ns": float(when), "time": date},
        chance=min(1.0, luck + 0.5 / (1 + len(some.rows))),
    )


def _any_age(evidence: Evidence, history: History) -> Iterator[Candidate]:
    ledger = _ledger(evidence, history)
    if ledger is None:
        return

    def test(some: Evidence) -> Mask:
        return np.asarray(ledger.earlier(some.rows, some.b_id) >= 0)

    sources = ledger.earlier(evidence.rows, evidence.b_id)
    hits = sources >= 0
    if not hits.any():
        return
    seconds = _age(evidence, history, sources=sources, hits=hits)
    lags = history.place[evidence.rows[hits]] - history.place[sources[hits]]
    yield Candidate(
        "stale",
        f"serves an earlier value of the same unit for {evidence.label}{_old(evidence, seconds)}",
        test,
        cost=0.03,
        parameters={"lag": float(np.median(lags)), "age_s": seconds},
    )


def _ledger(evidence: Evidence, history: History) -> Ledger | None:
    return evidence.whole.ledger("unit", history)


def _lagged(history: History, lag: int) -> Callable[[Evidence], Mask]:
    return lambda some: same_value(some, history.before(some.rows, lag))


def _age(evidence: Evidence, history: History, *, sources: NDArray[np.int64], hits: Mask) -> float:
    """The median age in seconds of the values served."""
    if evidence.around.time_ns is None:
        return float("nan")
    served, held = evidence.rows[hits], sources[hits]
    return float(np.median(history.time_ns[served] - history.time_ns[held]) / 1e9)


def _old(evidence: Evidence, seconds: float) -> str:
    return "" if evidence.around.time_ns is None else f", median age {age(seconds)}"


def _common_time(some: Evidence, history: History, *, ledger: Ledger) -> tuple[int | None, float]:
    """The time at which most rows' units held just what is served, and their share; None for few.

    Each row that held a value did so until the next row of its unit; the first row since ever. Of all these
    spans, the moment that most rows' spans cover is found by a sweep.
    """
    asks, sources = ledger.held(some.rows, some.b_id, at_most=_DEEP)
    if not len(asks):
        return None, 0.0
    begins = np.where(history.first(sources), _LONG_AGO, history.time_ns[sources])
    ends = history.until(sources)
    times = np.concatenate([ends, begins])
    steps = np.concatenate([np.full(len(ends), -1), np.full(len(begins), 1)])
    order = np.argsort(times, kind="stable")
    covered = np.cumsum(steps[order])
    best = int(np.argmax(covered))
    share = float(covered[best]) / len(some.rows)
    if share < _LEAST or best + 1 >= len(order):
        return None, share
    return _within(int(times[order][best]), int(times[order][best + 1]), history=history), share


def _within(low: int, high: int, *, history: History) -> int:
    """The middle of a span of times, kept inside of what the capture covers."""
    first, last = int(history.time_ns.min()), int(history.time_ns.max())
    low = max(low, first)
    return low + (min(high, last + 1) - 1 - low) // 2 if high > low else low


STALENESS: Final[tuple[Hypothesis, ...]] = (stale, snapshot)
