"""HAR entries as different tools write them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from harness.capture.formats.har import HAR
from harness.capture.formats.pieces import Asked, Dropped, Piece
from harness.records import CapturedRequest

REQUEST: dict[str, Any] = {"method": "POST", "url": "https://h:1/p?q=1", "headers": []}
ENTRY: dict[str, Any] = {"startedDateTime": "2025-06-18T20:40:45.123-07:00", "request": REQUEST}


def piece(tmp_path: Path, entry: dict[str, Any]) -> Piece:
    """What the reader gives for one entry."""
    path = tmp_path / "c.har"
    path.write_text(json.dumps({"log": {"version": "1.2", "entries": [ENTRY | entry]}}))
    (found,) = HAR.read(path)
    return found


def request(tmp_path: Path, **changes: object) -> CapturedRequest:
    """The request of an entry whose request has these words."""
    found = piece(tmp_path, {"request": REQUEST | changes})
    assert isinstance(found, Asked)
    return found.request


@pytest.mark.parametrize(
    ("data", "size", "body", "truncated"),
    [
        (None, -1, b"", False),
        ({"mimeType": "", "text": "", "params": []}, 0, b"", False),
        ({"text": "é"}, 2, "é".encode(), False),
        ({"text": "/wA=", "encoding": "base64"}, 2, b"\xff\x00", False),
        ({"params": [{"name": "a b", "value": "&"}]}, 5, b"a+b=%26", False),
        (None, 9, b"", True),
    ],
)
def test_a_body_is_what_post_data_spells(
    tmp_path: Path, data: object, size: int, body: bytes, *, truncated: bool
) -> None:
    """Insomnia's empty one is none, and a size without a text was not recorded."""
    found = request(tmp_path, postData=data, bodySize=size)
    assert (found.body, found.truncated) == (body, truncated)


@pytest.mark.parametrize(
    ("content", "cut"), [({"size": 9}, True), ({"size": 0}, False), ({"size": 1, "text": "1"}, False)]
)
def test_an_answer_of_a_size_without_a_text_was_not_recorded(
    tmp_path: Path, content: dict[str, object], *, cut: bool
) -> None:
    """Browsers forget bodies; the build is not to blame for that."""
    found = piece(tmp_path, {"response": {"status": 200, "headers": [], "content": content}})
    assert isinstance(found, Asked)
    assert found.request.answer_truncated is cut


def test_ids_come_from_a_header_or_the_place(tmp_path: Path) -> None:
    """HAR has no ids of its own; HTTP/2's pseudo headers are no headers."""
    headers = [{"name": ":path", "value": "/"}, {"name": "X-Request-Id", "value": "r"}]
    assert request(tmp_path).request_id == "c.har:0"
    found = request(tmp_path, headers=headers)
    assert (found.request_id, found.headers) == ("r", {"X-Request-Id": "r"})
    assert (found.path, found.ts_ns, found.ts_resolution_ns) == ("/p?q=1", 1_750_304_445_123_000_000, 10**6)


@pytest.mark.parametrize(("wait", "latency_ns"), [(1.5, 1_500_000), (2, 2_000_000), (-1, None), ("x", None)])
def test_latency_is_the_wait(tmp_path: Path, wait: object, latency_ns: int | None) -> None:
    """−1 is not available."""
    found = piece(tmp_path, {"response": {"status": 200}, "timings": {"wait": wait}})
    assert isinstance(found, Asked)
    assert found.request.recorded_response is not None
    assert found.request.recorded_response.latency_ns == latency_ns


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        ({"startedDateTime": "2025-06-18T20:40:45"}, "bad time"),
        ({"startedDateTime": 7}, "bad time"),
        ({"request": 7}, "wrong type"),
        ({"request": {"method": "GET"}}, "wrong field"),
        ({"request": REQUEST | {"url": "http://[x"}}, "wrong value"),
        ({"response": {"status": 7}}, "wrong value"),
        ({"_resourceType": "websocket"}, "not a single request"),
        ({"_replaygate": {"request_id": "r"}}, "bad time"),
    ],
)
def test_what_is_no_request_is_told(tmp_path: Path, entry: dict[str, Any], reason: str) -> None:
    """In a stable word, the entry alone."""
    found = piece(tmp_path, entry)
    assert isinstance(found, Dropped)
    assert found.reason == reason
