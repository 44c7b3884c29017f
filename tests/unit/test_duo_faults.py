"""Faults by configuration: parsing, and where the extra time of `slow` is spent."""

import anyio
import pytest

from scenarios.duo_acceptance.faults import parse_fault, parse_faults
from scenarios.duo_acceptance.serving_features import read_event_time

EVENT = read_event_time({"event_time": "2025-06-03T15:00:12-01:00"})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("slwo:ms=25,mode=block", "unknown fault 'slwo'; known: event_time_early, history_stale, slow"),
        ("slow:ms=25,mode=nap", "mode: expected block or wait, found 'nap'"),
        ("slow:ms=25", "missing 1 required keyword-only argument: 'mode'"),
        ("history_stale:minutes=3", "unexpected keyword argument 'minutes'"),
        ("history_stale:hours=many", "could not convert string to float: 'many'"),
        ("history_stale:hours=1,since=2025-03-03T09:00:00", "since: expected a time with an offset"),
    ],
)
def test_a_fault_that_cannot_be_meant_is_refused(text: str, message: str) -> None:
    """One line that names the word and what is known."""
    with pytest.raises(ValueError, match=message):
        parse_fault(text)


@pytest.mark.parametrize(
    ("fault", "ran_meanwhile"),
    [
        ("slow:ms=5,mode=block", False),
        ("slow:ms=5,mode=wait", True),
        ("slow:ms=5,mode=wait,since=2026-01-01T00:00:00Z", False),
    ],
    ids=["block", "wait", "not yet"],
)
def test_blocking_work_holds_the_event_loop_and_waiting_does_not(fault: str, *, ran_meanwhile: bool) -> None:
    """Another task gets its turn during `wait`, and none during `block`."""
    ran: list[bool] = []

    async def other() -> None:
        ran.append(True)

    async def scene() -> list[bool]:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(other)
            await parse_faults([fault]).delay(EVENT)
            meanwhile = list(ran)
            tasks.cancel_scope.cancel()
        return meanwhile

    assert anyio.run(scene) == [True] * ran_meanwhile
