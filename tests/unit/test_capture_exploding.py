"""Batches of a whole capture: counted as they pass, or taken apart with `seq` dense."""

from __future__ import annotations

from harness.capture.exploding import Batches, exploded
from harness.capture.formats import PASSED_OVER, Dropped
from harness.capture.table import to_table
from harness.records import CapturedRequest, RecordedResponse

BATCH = CapturedRequest(
    seq=1,
    request_id="b",
    ts_ns=0,
    body=b'{"instances":[1,2]}',
    recorded_response=RecordedResponse(status=200, body=b"[1]"),
)
ONE = CapturedRequest(seq=0, request_id="a", ts_ns=0, body=b'{"a":1}')


def test_batches_are_counted_and_named() -> None:
    """Nothing is said where there are none."""
    batches = Batches()
    batches.look(to_table([ONE]))
    assert batches.sentences() == []
    batches.look(to_table([BATCH, ONE]))
    assert (batches.requests, batches.rows) == (1, 2)
    assert "1 request holds 2 rows: import --explode" in batches.sentences()[0]


def test_rows_are_requests_and_an_answer_of_other_rows_is_told() -> None:
    """It is no loss of a request; the rows have no answer."""
    told: list[Dropped] = []
    found = list(exploded([ONE, BATCH, ONE], told.append))
    assert [(one.seq, one.request_id, one.row_index) for one in found] == [
        *((0, "a", None), (1, "b", 0), (2, "b", 1), (3, "a", None)),
    ]
    assert [one.recorded_response for one in found] == [None] * 4
    assert [one.reason for one in told] == ["answer not of these rows"]
    assert told[0].reason in PASSED_OVER
