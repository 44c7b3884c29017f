"""Stamps become percentiles: failures are over the budget, losses and missing stamps count nowhere."""

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from numpy.typing import NDArray

from harness import columns
from harness.evidence.latency import MAX_POINTS, arrivals, curve, spread, summarise, thin, thin_load
from harness.records import LatencySummary, State

MS = 10**6
Row = dict[str, Any]


def row(state: State = State.OK, *, due: int | None = 0, lag: float = 0.0, took: float | None = 5.0) -> Row:
    """One outcome: due at a second, written `lag` ms later, done `took` ms after that."""
    start = None if due is None else due * 1000 * MS
    written = int(((due or 0) * 1000 + lag) * MS)
    return {
        "seq": 0,
        "phase": "rush",
        "target": "challenger",
        "state": str(state),
        "attempts": 1,
        "due_ns": start,
        "submit_ns": (due or 0) * 1000 * MS,
        "written_ns": written,
        "done_ns": None if took is None else written + int(took * MS),
    }


def found(*rows: Row, budget: float = 120.0) -> LatencySummary:
    """The summary of these outcomes."""
    table = pa.Table.from_pylist(list(rows), schema=columns.OUTCOMES)
    return summarise(table, phase="rush", target="challenger", pace="recorded", judged=True, budget_ms=budget)


def test_response_time_counts_from_when_a_request_was_due() -> None:
    """A request that is sent 30 ms late and takes 100 took 130: over the budget of 120."""
    summary = found(row(lag=30, took=100))
    assert (summary.response.p50, summary.service.p50, summary.send_lag.p50) == (130.0, 100.0, 30.0)
    assert summary.over_budget == 1
    assert found(row(lag=20, took=100)).over_budget == 0


@pytest.mark.parametrize("state", [State.HTTP_ERROR, State.CONNECTION_ERROR, State.TIMEOUT, State.BAD_BODY])
def test_a_failed_request_is_over_the_budget(state: State) -> None:
    """However fast the error came, or without any stamp at all."""
    for failed in (row(state, took=1), row(state, took=None)):
        summary = found(row(), failed)
        assert (summary.over_budget, summary.failed, summary.lost) == (1, 1, 0)
        assert (summary.response.n, summary.response.p50, summary.response.max) == (2, 5.0, None)


@pytest.mark.parametrize("state", [State.SHED, State.NOT_SENT, State.ABANDONED])
def test_what_the_harness_lost_counts_nowhere(state: State) -> None:
    """It is neither fast nor slow, and it is reported."""
    summary = found(row(), row(state, took=None))
    assert (summary.requests, summary.lost, summary.over_budget, summary.response.n) == (2, 1, 0, 1)


def test_an_answer_without_stamps_is_lost_not_fast() -> None:
    """A time that is not known is not within the budget."""
    summary = found(row(), row(took=None))
    assert (summary.lost, summary.over_budget, summary.response.n, summary.send_lag.n) == (1, 0, 1, 1)


def test_in_a_closed_loop_the_moment_of_sending_stands_in() -> None:
    """Nothing is due there, so nothing is late."""
    summary = found(row(due=None, took=7))
    assert (summary.response.p50, summary.lost) == (7.0, 0)


def test_nothing_sent_is_a_summary_of_nothing() -> None:
    """An empty phase has no percentile, and no warning."""
    summary = found()
    assert (summary.requests, summary.response.n, summary.response.p95) == (0, 0, None)
    assert (summary.rate, summary.points, summary.target) == ((), (), "challenger")


@pytest.mark.parametrize("failed", [0, 1, 4, 5, 6, 50])
def test_a_percentile_on_a_failed_request_is_beyond_the_last_answer(failed: int) -> None:
    """Of 100 requests, p95 is known while at most 5 failed, and p50 while at most 50 did."""
    summary = found(*[row(took=float(i)) for i in range(1, 101 - failed)], *[row(State.TIMEOUT)] * failed)
    assert summary.response.p95 == (95.0 if failed <= 5 else None)
    assert summary.response.p50 == 50.0


def test_percentiles_are_order_statistics() -> None:
    """Of 1..100, p95 is 95: a value that was measured, with 95 % at or below it."""
    found = spread(np.arange(100.0, 0.0, -1.0))
    assert (found.n, found.p50, found.p95, found.p99, found.max) == (100, 50.0, 95.0, 99.0, 100.0)


@pytest.mark.parametrize("n", [1, 7, 19, 20, 21, 100, 700, 1999])
def test_every_percentile_has_its_share_at_or_below_it_and_no_smaller_value_has(n: int) -> None:
    """The definition, in whole numbers, for any n."""
    found = spread(np.arange(1.0, n + 1))
    for percent, value in ((50, found.p50), (95, found.p95), (99, found.p99)):
        assert value is not None
        assert 100 * value >= percent * n
        assert 100 * (value - 1) < percent * n


def test_arrivals_are_counted_by_second() -> None:
    """Seconds without a request count 0."""
    assert arrivals(np.array([0.0, 0.5, 2.1, np.nan])) == ((0.0, 2.0), (1.0, 0.0), (2.0, 1.0))


@pytest.mark.parametrize("n", [10, MAX_POINTS, MAX_POINTS + 1, 20 * MAX_POINTS])
def test_a_picture_has_few_points_and_the_slowest_ones(n: int) -> None:
    """Thinning drops fast requests; failed ones have no height and are not drawn."""
    seconds, response = np.arange(n, dtype=np.float64), np.arange(n, dtype=np.float64)[::-1] % 997
    response[3] = np.inf
    points = thin(seconds, response)
    assert len(points) <= MAX_POINTS
    assert max(height for _, height in points) == response[np.isfinite(response)].max()
    assert list(points) == sorted(points)
    assert len(points) >= min(n - 1, MAX_POINTS // 2)


def test_ties_do_not_flood_the_picture() -> None:
    """When all requests took equally long, no more than the limit are drawn."""
    assert len(thin(np.arange(5.0 * MAX_POINTS), np.full(5 * MAX_POINTS, 3.0))) <= MAX_POINTS


@pytest.mark.parametrize(
    ("response", "last"),
    [
        (np.arange(1.0, 101.0), ((98.0, 0.98), (99.0, 0.99), (100.0, 1.0))),
        (np.array([1.0, 2.0, np.inf, np.inf]), ((1.0, 0.25), (2.0, 0.5))),
        (np.array([np.inf]), ()),
        (np.zeros(0), ()),
    ],
)
def test_the_curve_is_the_distribution(
    response: NDArray[np.float64], last: tuple[tuple[float, float], ...]
) -> None:
    """Order statistics with their shares, ending where requests failed."""
    found = curve(response)
    assert found[len(found) - len(last) :] == last
    assert list(found) == sorted(found)


def loaded(kept: list[float], *rows: Row, speed: float | None = 1.0) -> Any:  # noqa: ANN401  -- or unset
    """What a thinned capture did to these outcomes, one a request."""
    numbered = [one | {"seq": seq} for seq, one in enumerate(rows)]
    table = pa.Table.from_pylist(numbered, schema=columns.OUTCOMES)
    return thin_load(table, np.array(kept), speed=speed, budget_ms=120.0)


def test_a_thinned_capture_sends_too_few_requests() -> None:
    """Of weights 1 and 3, twice too few; a slow request of weight 3 is three quarters of the traffic."""
    found = loaded([1.0, 3.0], row(), row(took=500.0))
    assert (found.factor, found.slow) == (2.0, 0.75)
    assert loaded([1.0, 3.0], row(), row(took=500.0), speed=2.0).factor == 1.0
    assert loaded([1.0, 3.0], row(), row(took=500.0), speed=None).factor is None


def test_a_failed_request_is_slow_traffic_and_a_lost_one_none() -> None:
    """As in the counts."""
    assert (
        loaded([1.0, 3.0, 4.0], row(), row(State.TIMEOUT, took=None), row(State.SHED, took=None)).slow == 0.75
    )


@pytest.mark.parametrize(("kept", "factor"), [([1.0, 1.0], None), ([4.0, 4.0], 4.0)])
def test_weights_that_are_alike_change_no_share(kept: list[float], factor: float | None) -> None:
    """A capture that was not sampled says nothing; one thinned evenly, only that arrivals were."""
    found = loaded(kept, row(), row(took=500.0))
    assert bool(found) is (factor is not None)
    if factor is not None:
        assert (found.factor, found.slow) == (factor, None)
