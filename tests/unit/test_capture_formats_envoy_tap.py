"""Traces of Envoy's tap filter, in both spellings."""

from __future__ import annotations

import base64
from pathlib import Path

from harness.capture.formats import Asked, Dropped
from tests.kit import captures


def test_envoy_spells_its_words_in_two_ways_and_may_know_times(tmp_path: Path) -> None:
    """Snake and camel case; a socket trace is no whole request."""
    asked = {"headers": [{"key": ":path"}], "headersReceivedTime": "2025-01-01T00:00:00.000000001Z"}
    answered = {
        "headers": [{"key": ":status", "value": "500"}],
        "headersReceivedTime": "2025-01-01T00:00:01Z",
    }
    trace = {"httpBufferedTrace": {"request": asked, "response": answered}}
    found = captures.pieces("envoy-tap", tmp_path / "t.json", trace, {"socketBufferedTrace": {}})
    assert isinstance(found[0], Asked)
    answer = found[0].request.recorded_response
    assert answer is not None
    assert (found[0].request.path, answer.status, answer.latency_ns) == ("/", 500, 999_999_999)
    assert isinstance(found[1], Dropped)
    assert found[1].reason == "not a single request"


def test_a_header_as_bytes_is_read(tmp_path: Path) -> None:
    """Newer versions of Envoy write `raw_value` in base64 instead of `value`."""
    pairs = {":path": "/score?q=1", ":method": "PUT", "x-a": "b"}
    for name in ("raw_value", "rawValue"):
        raw = [{"key": key, name: base64.b64encode(text.encode()).decode()} for key, text in pairs.items()]
        (found,) = captures.pieces(
            "envoy-tap", tmp_path / "t.json", {"httpBufferedTrace": {"request": {"headers": raw}}}
        )
        assert isinstance(found, Asked)
        asked = found.request
        assert (asked.method, asked.path, asked.headers) == ("PUT", "/score?q=1", {"x-a": "b"})
    spoiled = {"request": {"headers": [{"key": ":path", "raw_value": "?"}]}}
    (lost,) = captures.pieces("envoy-tap", tmp_path / "t.json", {"httpBufferedTrace": spoiled})
    assert isinstance(lost, Dropped)
    assert lost.reason == "wrong value"
