"""The circuit breaker trips on distress and not on findings, on either of its three measures."""

import pytest

from harness.records import State
from harness.replay.arm import Try
from harness.replay.breaker import Breaker, Tripwire, blamed, distress

MS = 1_000_000
S = 1_000 * MS
OK = Try(state=State.OK, status=200)
DOWN = Try(state=State.HTTP_ERROR, status=503)


def noted(breaker: Breaker, *tries: Try, step_ns: int = MS) -> list[str]:
    """What the tripwire says to each answer, one every step."""
    wire = Tripwire(breaker, target="challenger")
    return [wire.note(one, now_ns=k * step_ns, due_ns=None) for k, one in enumerate(tries)]


@pytest.mark.parametrize(
    ("state", "status", "expected"),
    [
        (State.OK, 200, False),
        (State.BAD_BODY, 200, False),
        (State.HTTP_ERROR, 422, False),
        (State.HTTP_ERROR, 302, False),
        (State.SHED, None, False),
        (State.HTTP_ERROR, 429, True),
        (State.HTTP_ERROR, 500, True),
        (State.CONNECTION_ERROR, None, True),
        (State.TIMEOUT, None, True),
    ],
)
def test_distress_is_what_load_does_to_a_service(state: State, status: int | None, *, expected: bool) -> None:
    """A wrong answer is a finding to be counted, not a reason to stop."""
    assert distress(Try(state=state, status=status)) is expected


def test_errors_in_a_row_trip_it() -> None:
    """The third of three, and one good answer starts the count again."""
    breaker = Breaker(consecutive=3, error_share=None)
    said = noted(breaker, DOWN, DOWN, OK, DOWN, DOWN, DOWN)
    assert said == [""] * 5 + ["circuit breaker: 3 errors of challenger in a row"]


def test_a_share_of_errors_trips_it_once_there_is_enough() -> None:
    """More than half of at least ten answers, not half of them and not all of nine."""
    breaker = Breaker(consecutive=None, error_share=0.5, min_answers=10)
    assert noted(breaker, *[DOWN] * 9) == [""] * 9
    assert noted(breaker, *[OK, DOWN] * 20) == [""] * 40
    assert (
        noted(breaker, *[OK, DOWN] * 5, DOWN)[-1]
        == "circuit breaker: 6 of the last 11 answers of challenger were errors"
    )


def test_errors_leave_the_window() -> None:
    """Errors a second apart, ten in all, are never two in a window of a second."""
    breaker = Breaker(consecutive=None, min_answers=2, window_s=1.0)
    assert set(noted(breaker, *[DOWN] * 10, step_ns=2 * S)) == {""}


@pytest.mark.parametrize(("slow_ms", "trips"), [(90, False), (110, True)])
def test_a_slow_p95_trips_it(slow_ms: int, *, trips: bool) -> None:
    """Looked at now and then, over the last answers, and only where a clock says when they were due."""
    wire = Tripwire(Breaker(p95_ms=100, min_answers=100), target="challenger")
    answer = Try(state=State.OK, status=200, done_ns=slow_ms * MS)
    said = [wire.note(answer, now_ns=k, due_ns=0) for k in range(100)]
    assert said[:99] == [""] * 99
    assert said[99] == (f"circuit breaker: p95 of challenger is {slow_ms} ms, above 100 ms" if trips else "")


def test_a_healthy_run_never_trips_the_defaults() -> None:
    """One in a hundred is a 500, each answer takes 120 ms: 5,000 answers and no word."""
    wire = Tripwire(Breaker(), target="champion")
    for k in range(5000):
        error = k % 100 == 99
        answer = Try(
            state=State.HTTP_ERROR if error else State.OK, status=500 if error else 200, done_ns=120 * MS
        )
        assert wire.note(answer, now_ns=k * MS, due_ns=0) == ""


@pytest.mark.parametrize(
    ("reason", "whom"),
    [
        ("circuit breaker: 3 errors of a in a row", "a"),
        ("circuit breaker: 6 of the last 11 answers of a-b were errors", "a-b"),
        ("circuit breaker: p95 of b is 6,000 ms, above 5,000 ms", "b"),
        ("the time limit of 5 s", ""),
        ("", ""),
    ],
)
def test_the_target_that_tripped_it_is_blamed(reason: str, whom: str) -> None:
    """By its whole name, and nobody for a time limit."""
    assert blamed(reason, ["a", "b", "a-b"]) == whom
