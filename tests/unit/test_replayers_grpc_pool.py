"""Codes of gRPC as states of a try; the calls themselves are in tests/integration."""

from __future__ import annotations

import pytest

from harness.records import State
from harness.replay.arm import Try
from replayers.grpc_pool import failed

BEGUN = Try(state=State.ABANDONED, submit_ns=1, written_ns=2, done_ns=3)


@pytest.mark.parametrize(
    ("code", "details", "state", "status"),
    [
        ("DEADLINE_EXCEEDED", "", State.TIMEOUT, None),
        ("CANCELLED", "shed", State.HTTP_ERROR, 499),
        ("UNAVAILABLE", "", State.CONNECTION_ERROR, None),
        ("RESOURCE_EXHAUSTED", "Received message larger than max (9 vs. 8)", State.BAD_BODY, 200),
        ("RESOURCE_EXHAUSTED", "quota", State.HTTP_ERROR, 429),
        ("INVALID_ARGUMENT", "3 columns", State.HTTP_ERROR, 400),
        ("NOT_FOUND", "Model nope not found", State.HTTP_ERROR, 404),
        ("INTERNAL", "boom", State.HTTP_ERROR, 500),
        ("SOMETHING_NEW", "", State.HTTP_ERROR, 500),
    ],
)
def test_a_code_is_a_state_with_the_status_of_gateways(
    code: str, details: str, state: State, status: int | None
) -> None:
    """And keeps the stamps."""
    last = failed(BEGUN, code=code, details=details)
    assert (last.state, last.status, last.written_ns, last.done_ns) == (state, status, 2, 3)
    assert (details in last.body.decode()) or state is not State.HTTP_ERROR


def test_only_what_we_cancelled_is_abandoned() -> None:
    """A build that cancels its calls fails them."""
    assert failed(BEGUN, code="CANCELLED", ours=True).state is State.ABANDONED
    assert failed(BEGUN, code="INTERNAL", ours=True).state is State.HTTP_ERROR
