"""Traces of Envoy's tap filter, in both spellings."""

from __future__ import annotations

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
