"""What the harness says about itself, and when that voids the latency of a phase."""

import math

import pytest

from harness.records import Outcome, State
from harness.replay.calibrate import Calibration, calibrate, summarised, trustworthy
from harness.replay.clock import run_async
from replayers.hold import Hold, serve
from replayers.http import HttpArm, HttpTarget

MS = 1_000_000
GOOD: dict[str, float] = {
    "rate": 100,
    "bias_p50_ms": 0.1,
    "bias_p95_ms": 6.0,
    "send_lag_p99_ms": 10.0,
    "shed_share": 0.001,
    "rate_held": 100,
}


def outcome(k: int, *, state: State = State.OK, server_ns: int | None = 20 * MS) -> Outcome:
    """The k-th of a calibration: due each 10 ms, written 1 ms late, done 22 ms after it was due."""
    due = k * 10 * MS
    return Outcome(
        seq=k,
        phase="calibration",
        target="t",
        state=state,
        due_ns=due,
        written_ns=due + MS,
        done_ns=due + 22 * MS,
        server_ns=server_ns,
    )


def test_bias_is_what_is_reported_beyond_what_was_held() -> None:
    """20 ms held and 22 reported are 2 ms of bias, of which 1 ms was sending late; 100 a second were held."""
    found = summarised([outcome(k) for k in range(101)], rate=100)
    assert (found.bias_p50_ms, found.bias_p95_ms, found.send_lag_p99_ms) == pytest.approx((2, 2, 1))
    assert (found.requests, found.shed_share, found.note) == (101, 0, "")
    assert found.rate_held == pytest.approx(100)


def test_what_was_shed_or_not_answered_is_told() -> None:
    """As a share, and in words."""
    odd = [outcome(98, state=State.SHED), outcome(99, server_ns=None)]
    found = summarised([*(outcome(k) for k in range(98)), *odd], rate=100)
    assert found.shed_share == pytest.approx(0.01)
    assert found.note == "2 calibration requests were not answered with a server time"


def test_a_stub_that_cannot_keep_up_is_told() -> None:
    """Then part of the bias may be the stub's."""
    assert "the stub held 100 of 200" in summarised([outcome(k) for k in range(101)], rate=200).note


def test_nothing_measured_is_not_trusted() -> None:
    """NaN is above every limit."""
    nothing = summarised([], rate=100)
    assert math.isnan(nothing.bias_p95_ms)
    assert trustworthy(nothing, 120)[0] is False


@pytest.mark.parametrize(
    ("change", "trusted", "reason"),
    [
        ({}, True, "harness bias p95 6.00 ms, send lag p99 10.00 ms at 100/s"),
        ({"bias_p95_ms": 6.01}, False, "bias above 6.00 ms, 5 % of the budget"),
        ({"shed_share": 0.0011}, False, "0.11% shed, above 0.1 %"),
        ({"send_lag_p99_ms": 10.1}, False, "send lag above 10 ms"),
        ({"bias_p95_ms": 9.0, "shed_share": 0.5}, False, "and 50.00% shed"),
        ({"bias_p95_ms": float("nan")}, False, "bias above"),
    ],
)
def test_latency_is_judged_only_within_the_limits(
    change: dict[str, float], *, trusted: bool, reason: str
) -> None:
    """At a budget of 120 ms; each limit by itself, and exactly at the limit is still good."""
    values = GOOD | change
    found = Calibration(requests=100, **values)  # type: ignore[arg-type]  # a table of changes
    assert trustworthy(found, 120)[0] is trusted
    assert reason in trustworthy(found, 120)[1]


def test_two_arms_are_calibrated_against_the_stub() -> None:
    """Every request is answered and knows how long it was held; bias is a number."""

    async def main() -> Calibration:
        async with await serve(Hold(hold_ms=5)) as server:
            url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/score"
            arms = [HttpArm(HttpTarget(url=url), name=name, run_id="c") for name in ("a", "b")]
            return await calibrate(arms, 200, seconds=0.5, body=b"x" * 500)

    found = run_async(main)
    assert (found.requests, found.shed_share) == (200, 0)
    assert math.isfinite(found.bias_p95_ms)
    assert "not answered" not in found.note
