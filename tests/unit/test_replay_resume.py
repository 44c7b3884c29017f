"""What a cut run has still to send, and which pass of a phase counts."""

import msgspec
import numpy as np
import pytest

from harness.records import Attempt, State
from harness.replay.resume import Remaining, is_final, last_passes, pass_name, pending, remaining, torn_passes
from harness.replay.schedule import Phase, Recorded

SEQS = np.array([7, 3, 5], np.int64)
PARITY = Phase(name="parity")
LATENCY = Phase(name="latency", pace=Recorded())


def attempt(
    seq: int, state: State = State.OK, *, detail: str = "", phase: str = "parity", target: str = "a"
) -> Attempt:
    """A journal line."""
    return Attempt(seq=seq, phase=phase, target=target, attempt=1, state=state, detail=detail)


def whole(phase: str, *, target: str = "a") -> list[Attempt]:
    """Every request of the schedule answered."""
    return [attempt(seq, phase=phase, target=target) for seq in SEQS.tolist()]


@pytest.mark.parametrize(
    ("state", "detail", "final"),
    [
        *((state, "", True) for state in State if state not in {State.ABANDONED, State.NOT_NEEDED}),
        (State.NOT_NEEDED, "FAIL of errors was certain", False),
        (State.ABANDONED, "stopped while in flight", False),
        (State.NOT_SENT, "a captured body is not UTF-8", True),
        (State.NOT_SENT, "stopped before it was sent", False),
        (State.NOT_SENT, "stopped before it was sent (circuit breaker: 9 errors)", False),
        (State.CONNECTION_ERROR, "reset before an answer", True),
        (State.CONNECTION_ERROR, "stale keep-alive", False),
        (State.CONNECTION_ERROR, "closed after error", False),
    ],
)
def test_only_what_was_cut_is_sent_again(state: State, detail: str, *, final: bool) -> None:
    """Whatever the target or the guard decided stays decided; a first try without its second was torn off."""
    assert is_final(attempt(1, state, detail=detail)) is final


def test_pending_says_for_each_target_what_lacks_an_outcome() -> None:
    """In the order of the schedule, whatever that of the journal; strangers and other phases are nothing."""
    journal = [
        attempt(5),
        attempt(3, State.ABANDONED),
        attempt(99),
        attempt(7, phase="other"),
        attempt(3, State.TIMEOUT, target="b"),
        attempt(7, target="c"),
    ]
    left = pending(journal, SEQS, phase="parity", targets=["a", "b"])
    assert {name: mask.tolist() for name, mask in left.items()} == {
        "a": [True, True, False],
        "b": [True, False, True],
    }


def test_an_answer_after_an_abandoned_try_counts() -> None:
    """The journal of a resumed run holds both."""
    journal = [attempt(3, State.ABANDONED), attempt(3), attempt(5), attempt(7)]
    assert remaining(journal, PARITY, seqs=SEQS, targets=["a"]) is None


def test_nothing_journalled_is_the_whole_phase() -> None:
    """As for a phase that never began."""
    assert remaining(whole("latency"), PARITY, seqs=SEQS, targets=["a"]) == Remaining(PARITY, None)


def test_a_closed_loop_goes_on_where_it_was() -> None:
    """Under its own name, with what is left."""
    left = remaining(whole("parity")[:2], PARITY, seqs=SEQS, targets=["a", "b"])
    assert left is not None
    assert (left.phase, left.torn) == (PARITY, ())
    assert left.only is not None
    assert {name: mask.tolist() for name, mask in left.only.items()} == {
        "a": [False, False, True],
        "b": [True] * 3,
    }


def test_an_open_loop_that_was_cut_is_sent_whole_as_a_new_pass() -> None:
    """The torn passes are named, and a pass that is whole ends it."""
    journal = whole("latency")[:1]
    second = remaining(journal, LATENCY, seqs=SEQS, targets=["a"])
    assert second is not None
    assert (second.phase.name, second.only, second.torn) == ("latency~2", None, ("latency",))
    third = remaining([*journal, attempt(7, phase="latency~2")], LATENCY, seqs=SEQS, targets=["a"])
    assert third is not None
    assert (third.phase.name, third.torn) == ("latency~3", ("latency", "latency~2"))
    assert remaining([*journal, *whole("latency~3")], LATENCY, seqs=SEQS, targets=["a"]) is None


def test_the_last_pass_of_a_phase_counts_and_the_others_are_torn() -> None:
    """By number, not by the alphabet."""
    names = ["latency", "parity", *(pass_name("latency", k) for k in (2, 10, 9))]
    assert last_passes(names) == {"parity": "parity", "latency~10": "latency"}
    assert torn_passes(names) == ("latency", "latency~2", "latency~9")


def test_no_phase_can_be_named_like_a_pass() -> None:
    """The mark is not a character of names."""
    with pytest.raises(ValueError, match="name"):
        msgspec.convert({"name": pass_name("latency", 2)}, Phase)
