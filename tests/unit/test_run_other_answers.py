"""Answers of another capture, paired with the requests of this one."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from harness.errors import CaptureError
from harness.records import CapturedRequest
from harness.run.other_answers import answered_in

LINES = """\
{"request_id": "b", "ts_ns": 2, "body": 1, "recorded_response": {"status": 200, "body": {"score": 0.5}}, \
"online_features": {"f": 2}}
{"request_id": "a", "ts_ns": 1, "body": 1, "recorded_response": {"status": 503}, \
"tags": {"answer_truncated": "true"}}
{"request_id": "c", "ts_ns": 3, "body": 1, "tags": {"proxy": "timeout"}}
{"request_id": "b", "ts_ns": 4, "body": 1, "recorded_response": {"status": 500}}
{"request_id": "d", "ts_ns": 4, "bo
"""


def test_each_request_gets_the_answer_of_its_id(tmp_path: Path) -> None:
    """In any order; its own recorded answer does not count, and what is missing there is missing."""
    folder = tmp_path / "captures-mirror"
    folder.mkdir()
    (folder / "capture-1.jsonl").write_text(LINES)
    (folder / "_counts-1.json").write_text('{"dropped": {"queue full": 2}}')
    own = b'{"f":1}'
    requests = [
        CapturedRequest(
            seq=n, request_id=name, ts_ns=n, online_features=own, tags={"answer_truncated": "true"}
        )
        for n, name in enumerate("abcde")
    ]
    lost: Counter[str] = Counter()
    answered = list(answered_in(folder, requests, lost=lost))
    assert lost.total() == 4
    assert lost["recorder: queue full"] == 2
    found = [one.recorded_response for one in answered]
    assert [one.online_features for one in answered] == [None, b'{"f": 2}', None, None, None]
    assert [one.status if one else None for one in found] == [503, 200, None, None, None]
    assert [one.answer_truncated for one in answered] == [True, False, False, False, False]
    assert found[1] is not None
    assert found[1].body == b'{"score": 0.5}'


def test_a_capture_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    """Not an arm without answers."""
    with pytest.raises(CaptureError, match="no such file"):
        list(answered_in(tmp_path / "nowhere", [], lost=Counter()))


def test_what_was_redacted_is_that_of_the_answer(tmp_path: Path) -> None:
    """The other capture's note, not that of the requests."""
    path = tmp_path / "m.jsonl"
    path.write_text(
        '{"request_id": "a", "ts_ns": 1, "body": 1, "tags": {"redacted": "[\\"features:f\\"]"}}\n'
        '{"request_id": "b", "row_index": 3, "ts_ns": 1, "body": 1}\n'
    )
    tags = {"redacted": '["body:x"]', "kept": "1"}
    requests = [
        CapturedRequest(seq=0, request_id="a", ts_ns=1, tags=tags),
        CapturedRequest(seq=1, request_id="b", ts_ns=1, row_index=3, tags=tags),
    ]
    first, second = answered_in(path, requests, lost=Counter())
    assert first.tags == {"redacted": '["features:f"]', "kept": "1"}
    assert second.tags == {"kept": "1"}
