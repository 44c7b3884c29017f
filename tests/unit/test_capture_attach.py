"""Labels joined to the capture: by id, by time, with their history."""

import pyarrow as pa
import pytest

from harness import columns
from harness.capture import PlacedLabel, check_against, to_table
from harness.capture.attach import attach
from harness.errors import LabelsError
from harness.records import CapturedRequest

SECOND = 10**9
CAPTURE = to_table(
    [
        CapturedRequest(seq=0, request_id="a", ts_ns=90 * SECOND, event_time_ns=50 * SECOND),
        CapturedRequest(seq=1, request_id="b", ts_ns=60 * SECOND),
        CapturedRequest(seq=2, request_id="c", row_index=0, ts_ns=60 * SECOND),
        CapturedRequest(seq=3, request_id="c", row_index=1, ts_ns=60 * SECOND),
    ]
)


def label(
    request_id: str, seconds: float, value: float = 1.0, row_index: int | None = None, *, revision: int = 0
) -> PlacedLabel:
    """A label that became known so many seconds after the epoch."""
    return PlacedLabel(
        request_id=request_id,
        label=value,
        label_at_ns=int(seconds * SECOND),
        row_index=row_index,
        revision=revision,
        file="l.csv",
        line=7,
    )


def test_labels_are_sorted_by_seq_and_time_with_their_history() -> None:
    """All labels of a request stay, and the later one is the last."""
    events = [
        label("b", 70),
        label("a", 99),
        label("a", 80, 0.0),
        label("a", 99.5, 0.0),
        label("c", 61, 1.0, 1),
    ]
    found = attach(events, CAPTURE)
    assert found.table.schema.equals(columns.LABELS)
    rows = found.table.to_pydict()
    assert rows["seq"] == [0, 0, 0, 1, 3]
    assert rows["request_id"] == ["a", "a", "a", "b", "c"]
    assert rows["label"] == [0.0, 1.0, 0.0, 1.0, 1.0]
    assert found.table["label_at"].cast(pa.int64()).to_pylist() == [
        80 * SECOND,
        99 * SECOND,
        99 * SECOND + SECOND // 2,
        70 * SECOND,
        61 * SECOND,
    ]
    assert (found.events, found.unknown, found.requests, found.superseded) == (5, 0, 3, 2)


def test_no_labels_are_an_empty_table() -> None:
    """Whether that is enough is for a gate to say."""
    found = attach([], CAPTURE)
    assert (found.table.num_rows, found.events, found.requests) == (0, 0, 0)
    assert found.table.schema.equals(columns.LABELS)


@pytest.mark.parametrize("stranger", [label("zzz", 99), label("c", 99), label("a", 99, row_index=0)])
def test_unknown_ids_are_counted_up_to_the_limit(stranger: PlacedLabel) -> None:
    """A label of no captured request, or of no row of it, is counted and left out."""
    found = attach([label("a", 99)] * 99 + [stranger], CAPTURE)
    assert (found.events, found.unknown, found.table.num_rows) == (100, 1, 99)


def test_too_many_unknown_ids_are_an_error_naming_the_first() -> None:
    """Labels of another capture do not pass as few labels; a sampled capture says that it expects them."""
    events = [label("a", 99), label("x", 99), label("y", 99)]
    with pytest.raises(LabelsError) as caught:
        attach(events, CAPTURE)
    assert str(caught.value).startswith(
        "l.csv:7: 2 of 3 labels are of requests that the capture does not hold; "
        "found first request_id 'x'; expected at most 1.00% unknown. "
    )
    assert attach(events, CAPTURE, max_unknown_share=1.0).unknown == 2


@pytest.mark.parametrize(
    ("event", "event_time"),
    [
        (label("a", 49.9), "1970-01-01T00:00:50Z"),
        (label("b", 59.9), "1970-01-01T00:01:00Z"),
    ],
    ids=["event time", "else the time of the request"],
)
def test_a_label_before_its_request_is_an_error(event: PlacedLabel, event_time: str) -> None:
    """File, line, id and both times are named: it is a wrong zone, or a leak."""
    with pytest.raises(LabelsError) as caught:
        attach([event], CAPTURE)
    message = str(caught.value)
    assert message.startswith(
        f"l.csv:7: the label of request {event.request_id!r} was known before the request"
    )
    assert f"expected no earlier than its event time {event_time}." in message
    assert "found label_at 1970-01-01T00:00:" in message


@pytest.mark.parametrize(("resolution_ns", "fits"), [(SECOND, True), (SECOND // 2, False), (1, False)])
def test_a_label_written_in_whole_seconds_may_share_the_second(resolution_ns: int, *, fits: bool) -> None:
    """12:00:05 means any moment of that second, so a request of 12:00:05.6 is not after it."""
    capture = to_table([CapturedRequest(seq=0, request_id="a", ts_ns=5_600_000_000)])
    event = PlacedLabel(request_id="a", label=1.0, label_at_ns=5 * SECOND, resolution_ns=resolution_ns)
    if fits:
        assert attach([event], capture).table.num_rows == 1
    else:
        with pytest.raises(LabelsError, match="known before the request"):
            attach([event], capture)


def test_labels_of_one_moment_that_contradict_each_other_are_refused() -> None:
    """Which of the two holds is not for us to guess; one that says the same again is only said twice."""
    with pytest.raises(LabelsError, match="two labels of request 'a' contradict each other"):
        attach([label("a", 99), label("b", 99), label("a", 99, 0.0)], CAPTURE)
    assert attach([label("a", 99), label("a", 99)], CAPTURE).superseded == 1


def test_outcomes_of_one_request_stand_beside_each_other() -> None:
    """Two outcomes of one moment do not contradict each other, and neither supersedes the other."""
    price = PlacedLabel(
        request_id="a", outcome="price", label=3.5, label_at_ns=99 * SECOND, file="l.csv", line=8
    )
    found = attach([price, label("a", 99)], CAPTURE)
    assert found.table["outcome"].to_pylist() == ["label", "price"]
    assert (found.requests, found.superseded) == (1, 0)


def test_labels_handed_in_later_may_revise_and_not_contradict() -> None:
    """A file that says otherwise of the same moment would replace what was said, silently."""
    known = attach([label("a", 99), label("b", 99)], CAPTURE).table
    check_against(known, attach([label("a", 99), label("b", 120, 0.0)], CAPTURE).table, where="more.csv")
    with pytest.raises(LabelsError, match=r"more\.csv: 1 labels contradict those that the run has"):
        check_against(known, attach([label("a", 99, 0.0)], CAPTURE).table, where="more.csv")


def test_of_several_revisions_at_one_time_the_last_counts() -> None:
    """None of the others was ever the last one known; within one revision two labels still contradict."""
    events = [label("b", 70, 1.0, revision=2), label("b", 70, 0.0), label("b", 80, 0.0)]
    found = attach(events, CAPTURE)
    assert found.table["label"].to_pylist() == [1.0, 0.0]
    assert (found.events, found.requests, found.superseded) == (3, 1, 2)
    with pytest.raises(LabelsError, match=r"contradict each other.*higher revision"):
        attach([*events, label("b", 70, 0.0, revision=2)], CAPTURE)
