"""The queue before the disk: bounded, never waiting, every call counted once."""

from __future__ import annotations

import threading

from hypothesis import given
from hypothesis import strategies as st

from harness.capture.live.record import Record
from harness.capture.live.waiting import CLOSED, FULL, TOO_LARGE, Counts, Waiting


class Sized:
    """A call of a size."""

    def __init__(self, size: int) -> None:
        self.size = size

    def record(self) -> Record:
        """Any record."""
        return Record(request_id="r", ts_ns=1)


def test_what_does_not_fit_is_dropped_and_counted() -> None:
    """The room is never exceeded; one call that could never fit has a reason of its own."""
    waiting = Waiting(100)
    assert [waiting.put(Sized(size)) for size in (60, 101, 50, 40)] == [True, False, False, True]
    assert waiting.counts == Counts(offered=4, waiting=2, dropped={TOO_LARGE: 1, FULL: 1})
    assert waiting.crowded


def test_room_is_given_back_once_calls_are_settled() -> None:
    """Calls that were taken count as waiting, and keep their room, until they are on the disk."""
    waiting = Waiting(100)
    waiting.put(Sized(60))
    taken = waiting.take()
    assert taken is not None
    assert (taken[1], waiting.put(Sized(60))) == (60, False)
    waiting.settle(written=1, not_sampled=0, room=60)
    assert waiting.put(Sized(60))
    assert waiting.counts == Counts(offered=3, written=1, waiting=1, dropped={FULL: 1})
    assert waiting.take() is not None
    assert waiting.take() is None


def test_a_call_is_dropped_for_what_fills_the_queue() -> None:
    """While the disk is full, that is the reason, and not the queue."""
    waiting = Waiting(100)
    waiting.full_because = "disk full"
    waiting.put(Sized(100))
    waiting.put(Sized(100))
    assert waiting.counts.dropped == {"disk full": 1}
    assert waiting.give_up() == 1
    assert waiting.counts == Counts(offered=2, dropped={"disk full": 2})


def test_giving_up_counts_all_that_is_left() -> None:
    """What was taken and what was not: all is lost, and said to be."""
    waiting = Waiting(100)
    for _ in range(3):
        waiting.put(Sized(10))
    waiting.take()
    assert waiting.give_up() == 3
    assert waiting.give_up() == 0
    assert waiting.counts == Counts(offered=3, dropped={CLOSED: 3})
    assert not waiting.crowded


@given(st.lists(st.tuples(st.sampled_from(["put", "take", "drop", "give up"]), st.integers(0, 60))))
def test_every_call_is_counted_once(steps: list[tuple[str, int]]) -> None:
    """In whatever order calls come and go, the counts add up to what was offered and the room is kept."""
    waiting = Waiting(100)
    held = 0
    for step, size in steps:
        if step == "put":
            held += size if waiting.put(Sized(size)) else 0
        elif step == "give up":
            waiting.give_up()
            held = 0
        else:
            taken = waiting.take()
            if taken is None:
                continue
            held -= taken[1]
            if step == "drop":
                waiting.drop("why")
            waiting.settle(written=step != "drop", not_sampled=0, room=taken[1])
        counts = waiting.counts
        assert 0 <= held <= 100
        assert counts.offered == counts.written + counts.waiting + sum(counts.dropped.values())


def test_many_threads_lose_no_count() -> None:
    """A server's threads put at once, and each call is counted."""
    waiting = Waiting(1 << 30)
    threads = [threading.Thread(target=lambda: [waiting.put(Sized(1)) for _ in range(500)]) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert waiting.counts.waiting == waiting.counts.offered == 4_000
    assert sum(waiting.take() is not None for _ in range(5_000)) == 4_000


def test_counts_are_told_in_words() -> None:
    """The log is read by people: nothing that is zero, and the reasons of what is lost."""
    assert str(Counts(offered=2, written=2)) == "2 offered, 2 written"
    counts = Counts(offered=9, written=2, not_sampled=1, waiting=1, dropped={"queue full": 3, "disk full": 2})
    said = "9 offered, 2 written, 1 not sampled, 1 waiting, 5 dropped (disk full 2, queue full 3)"
    assert str(counts) == said


def test_what_a_service_attaches_cannot_fill_the_counts() -> None:
    """A hundred kinds are told apart, the rest are others; the first of each is the one to log."""
    waiting = Waiting(100)
    first = [waiting.refuse(f"feature: {k}") for k in range(150)]
    assert (sum(first), waiting.refuse("feature: 0")) == (100, False)
    counts = waiting.counts
    assert (len(counts.not_attached), counts.not_attached["others"]) == (101, 50)
    assert str(Counts(not_attached={"feature: set": 2})) == (
        "0 offered, 0 written, 2 not attached (feature: set 2)"
    )
