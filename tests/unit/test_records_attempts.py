"""Tries and outcomes: one state each, whose fault it is, and the journal's line."""

import msgspec
import pytest

from harness.records import ANSWERED_FOR, TARGET_FAULTS, Attempt, Outcome, State


def test_every_state_is_the_targets_or_the_harnesss() -> None:
    """Answered, failed by the target, or lost by the harness: nothing else, and nothing twice."""
    lost = set(State) - ANSWERED_FOR
    assert {State.OK} | TARGET_FAULTS == ANSWERED_FOR
    assert lost == {State.SHED, State.NOT_SENT, State.ABANDONED, State.NOT_NEEDED}
    assert State.OK not in TARGET_FAULTS


def test_an_attempt_survives_json() -> None:
    """A line of the journal is read as it was written, the bytes of the answer too."""
    attempt = Attempt(
        seq=3, phase="parity", target="t", attempt=2, state=State.BAD_BODY, done_ns=9, body=b"\xff"
    )
    assert msgspec.json.decode(msgspec.json.encode(attempt), type=Attempt) == attempt


def test_an_outcome_spells_its_state_and_leaves_stamps_open() -> None:
    """The state is written by its value; a stamp that was never taken is None and not 0."""
    outcome = Outcome(seq=0, phase="parity", target="t", state=State.NOT_SENT)
    written = msgspec.to_builtins(outcome)
    assert written["state"] == "not_sent"
    assert {written[f"{stamp}_ns"] for stamp in ("due", "submit", "written", "first", "done")} == {None}


def test_a_state_that_does_not_exist_is_refused() -> None:
    """A damaged journal is no new way to end."""
    with pytest.raises(msgspec.ValidationError, match="state"):
        msgspec.convert({"seq": 0, "phase": "p", "target": "t", "attempt": 1, "state": "lost"}, Attempt)
