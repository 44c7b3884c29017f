"""Captures given out whole or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.capture.exporting import OTHERS, OURS, Unsaid, write_capture
from harness.errors import CaptureError
from harness.records import CapturedRequest

REQUEST = CapturedRequest(seq=0, request_id="r", ts_ns=0, body=b"1")


@pytest.mark.parametrize("ending", [*OURS, *OTHERS])
def test_what_fails_midway_leaves_nothing(tmp_path: Path, ending: str) -> None:
    """Neither the file nor a part of it; what was there before stays."""

    def failing() -> Iterator[CapturedRequest]:
        yield REQUEST
        raise CaptureError("too much is lost")

    path = tmp_path / f"c{ending}"
    path.write_bytes(b"before")
    with pytest.raises(CaptureError, match="too much"):
        write_capture(failing(), path, known=(ending,))
    assert [one.read_bytes() for one in tmp_path.iterdir()] == [b"before"]
    assert write_capture([REQUEST], path, known=(ending,)) == 1


def test_what_a_message_cannot_say_is_counted() -> None:
    """By field, over the requests that have it."""
    unsaid = Unsaid()
    assert list(unsaid.watched([REQUEST])) == [REQUEST]
    assert unsaid.sentence() == ""
    list(unsaid.watched([CapturedRequest(seq=0, request_id="r", ts_ns=0, truncated=True, unit="u")]))
    assert unsaid.sentence() == "truncated of 1, unit of 1"
