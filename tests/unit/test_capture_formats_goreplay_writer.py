"""What we write as `.gor` is what goreplay reads."""

from __future__ import annotations

from typing import Any

import pytest

from harness.capture.formats.goreplay import SEPARATOR
from harness.capture.formats.goreplay_writer import changed, record_of
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


@pytest.mark.parametrize(
    ("fields", "answer", "told"),
    [
        ({}, {"latency_ns": 5, "latency_kind": "service", "headers": {"A": "1"}}, []),
        ({"request_id": "a b"}, None, ["request_id"]),
        ({"request_id": "r" * 201}, None, ["request_id"]),
        ({"row_index": 3}, None, ["request_id"]),
        ({"ts_resolution_ns": 10**9}, None, ["ts_resolution_ns"]),
        ({"path": "/ü"}, None, ["path"]),
        ({"path": "http://h/p#there"}, None, ["path"]),
        ({"method": "A B"}, None, ["method"]),
        ({"method": ""}, None, ["method", "path", "headers", "body"]),
        ({"headers": {"Content-Length": "9", "A": "1"}}, None, ["headers"]),
        ({"headers": {"A": "1", "a": "2"}}, None, ["headers"]),
        ({"headers": {"A": " 1\n"}}, None, ["headers"]),
        ({}, {"latency_ns": 5, "latency_kind": "wait"}, ["recorded_latency_kind"]),
        ({}, {"latency_ns": 0, "latency_kind": "service"}, ["recorded_latency_ns"]),
        ({}, {"headers": {"Transfer-Encoding": "chunked"}}, ["recorded_headers"]),
    ],
)
def test_what_comes_back_otherwise_is_named(
    fields: dict[str, Any], answer: dict[str, Any] | None, told: list[str]
) -> None:
    """Ids with spaces or rows, headers of the framing, odd targets, how a latency was measured."""
    response = None if answer is None else RecordedResponse(status=200, body=b"k", **answer)
    given = {"seq": 0, "request_id": "r", "ts_ns": 5, "body": b"x", "recorded_response": response, **fields}
    assert changed(CapturedRequest(**given)) == told
