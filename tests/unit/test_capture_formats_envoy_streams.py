"""Streamed traces: pieces put together by `trace_id`, in either spelling, and never more than is bounded."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.capture.formats import Asked, Dropped, Piece, envoy_streams
from harness.capture.formats.envoy_streams import Streams, body_of
from harness.capture.formats.pieces import Place
from harness.errors import CaptureError
from tests.kit import captures

HEADERS = {"headers": [{"key": ":method", "value": "POST"}]}


def segment(trace: int, **piece: object) -> dict[str, object]:
    """One piece of a trace."""
    return {"http_streamed_trace_segment": {"trace_id": str(trace), **piece}}


def read(tmp_path: Path, *segments: dict[str, object]) -> list[Piece]:
    """What the pieces give."""
    return captures.pieces("envoy-tap", tmp_path / "t.json", *segments)


def test_pieces_are_put_together_in_the_order_of_the_first(tmp_path: Path) -> None:
    """Bodies in parts, one of them cut by Envoy, traces within one another."""
    found = read(
        tmp_path,
        segment(1, request_headers=HEADERS),
        segment(2, requestHeaders=HEADERS),
        segment(2, requestBodyChunk={"asString": "b"}),
        segment(1, request_body_chunk={"as_bytes": "YWI="}),
        segment(1, request_body_chunk={"as_bytes": "Yw==", "truncated": True}),
    )
    asked = [one.request for one in found if isinstance(one, Asked)]
    assert [(one.body, one.truncated) for one in asked] == [(b"abc", True), (b"b", False)]


def test_an_answer_alone_and_a_piece_of_nothing_are_counted(tmp_path: Path) -> None:
    """With the offset of the first piece."""
    found = read(tmp_path, segment(1, response_headers=HEADERS), segment(2))
    assert [(one.reason, one.offset > 0) for one in found if isinstance(one, Dropped)] == [
        ("wrong field", True),
        ("cut short", False),
    ]


@pytest.mark.parametrize(("most", "held"), [(2, 1 << 20), (100, 200)])
def test_the_oldest_trace_is_closed_when_too_many_are_open(
    monkeypatch: pytest.MonkeyPatch, most: int, held: int
) -> None:
    """Bounded in number and in bytes; what is closed was whole so far."""
    monkeypatch.setattr(envoy_streams, "MOST_TRACES", most)
    monkeypatch.setattr(envoy_streams, "MAX_RECORD_BYTES", held // 2)
    streams = Streams()
    closed = []
    for trace in range(5):
        for piece in ({"request_headers": HEADERS}, {"request_body_chunk": {"as_string": "x" * 40}}):
            closed += list(streams.put({"trace_id": trace, **piece}, Place("f", trace)))
    assert [place.offset for place, _ in closed] == list(range(len(closed)))
    assert len(closed) >= 3
    assert closed[0][1]["request"]["body"]["bytes"] == b"x" * 40
    assert len(closed) + len(list(streams.rest())) == 5


def test_a_body_that_is_no_base64_is_refused() -> None:
    """As a wrong value."""
    assert body_of(None) == (b"", False)
    with pytest.raises(CaptureError, match="wrong value"):
        body_of({"as_bytes": "%"})
