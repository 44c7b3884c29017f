"""Answers find their requests in bounded memory, and none is lost without a word."""

from __future__ import annotations

from harness.capture.formats.pieces import Answered, Asked, Dropped, Piece, Place
from harness.capture.joining import Joined
from harness.records import CapturedRequest, RecordedResponse


def asked(name: str, *, waits: bool = True) -> Asked:
    """A request sent at 10."""
    return Asked(CapturedRequest(seq=0, request_id=name, ts_ns=5), waits=waits, sent_ns=10)


def answered(name: str, at_ns: int = 30) -> Answered:
    """An answer that came at `at_ns`."""
    return Answered(name, RecordedResponse(status=200), at_ns, Place("c", 7))


def joined(*pieces: Piece, most: int = 9) -> tuple[list[tuple[str, int | None]], list[str], int]:
    """Id and latency of each request, reasons of what was dropped, and how many are unanswered."""
    dropped: list[Dropped] = []
    join = Joined(on_dropped=dropped.append, on_label=lambda _: None)
    found = [
        (one.request_id, one.recorded_response.latency_ns if one.recorded_response else None)
        for one in join.requests(pieces, most=most)
    ]
    return found, [one.reason for one in dropped], join.unanswered


def test_answers_may_come_before_and_after_and_out_of_order() -> None:
    """The requests keep the order of the file."""
    found = joined(answered("a"), asked("a"), asked("b"), asked("c"), answered("c", 40), answered("b", 10))
    assert found == ([("a", 20), ("b", None), ("c", 30)], [], 0)


def test_an_answer_that_is_cut_is_known_to_be() -> None:
    """By the request, for it is replayed and the answer is not."""
    join = Joined(on_dropped=lambda _: None, on_label=lambda _: None)
    cut = Answered("a", RecordedResponse(status=200), 30, Place("c", 7), truncated=True)
    found = list(join.requests([asked("a"), cut, asked("b"), answered("b")]))
    assert [one.answer_truncated for one in found] == [True, False]


def test_an_answer_whose_format_keeps_no_status_is_known_to_be() -> None:
    """Its 200 is ours, and says that it was delivered."""
    join = Joined(on_dropped=lambda _: None, on_label=lambda _: None)
    bare = Answered("a", RecordedResponse(status=200), 30, Place("c", 7), delivered=True)
    found = list(join.requests([asked("a"), bare, asked("b"), answered("b")]))
    assert [one.tags for one in found] == [{"status_from": "assumed"}, {}]


def test_what_does_not_belong_together_is_counted() -> None:
    """A second request and a second answer of one id, an answer alone, a request alone."""
    found = joined(asked("a"), asked("a"), answered("x"), answered("x"), asked("b"), answered("b"))
    assert found == (
        [("a", None), ("b", 20)],
        ["duplicate request_id", "second answer", "answer without a request"],
        1,
    )


def test_memory_is_bounded() -> None:
    """A request does not wait for ever: its answer came too late, and is counted."""
    found, dropped, unanswered = joined(asked("a"), asked("b"), asked("c"), answered("a"), most=2)
    assert [name for name, _ in found] == ["a", "b", "c"]
    assert (dropped, unanswered) == (["answer without a request"], 3)


def test_a_request_that_has_its_answer_does_not_wait() -> None:
    """Whole records go through at once."""
    assert joined(asked("a", waits=False), most=0)[2] == 0
