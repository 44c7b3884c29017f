"""What we write as `.gor` is what goreplay reads."""

from __future__ import annotations

from harness.capture.formats.goreplay import SEPARATOR
from harness.capture.formats.goreplay_writer import record_of
from harness.records import CapturedRequest, RecordedResponse


def test_a_request_and_its_answer_are_two_records_of_one_id() -> None:
    """The id has no spaces, the answer comes when it came, and no header breaks out of its line."""
    request = CapturedRequest(
        seq=0,
        request_id="a b",
        row_index=2,
        ts_ns=5,
        headers={"X": "1\r\nY: 2"},
        body=b"abc",
        recorded_response=RecordedResponse(status=200, body=b"k", latency_ns=7),
    )
    first, second, end = record_of(request).split(SEPARATOR)
    assert first == b"1 a%20b-2 5 0\nPOST / HTTP/1.1\r\nX: 1  Y: 2\r\nContent-Length: 3\r\n\r\nabc"
    assert second == b"2 a%20b-2 12 0\nHTTP/1.1 200 recorded\r\nContent-Length: 1\r\n\r\nk"
    assert end == b""
