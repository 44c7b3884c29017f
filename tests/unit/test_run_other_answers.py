"""Answers of another capture, paired with the requests of this one."""

from __future__ import annotations

import gzip
from pathlib import Path

import msgspec
import pytest

from harness.errors import CaptureError
from harness.records import CapturedRequest
from harness.run.other_answers import OTHER_BODY, Answers, answered_in

LINES = """\
{"request_id": "b", "ts_ns": 2, "body": 1, "recorded_response": {"status": 200, "body": {"score": 0.5}}, \
"online_features": {"f": 2}}
{"request_id": "a", "ts_ns": 1, "body": 1, "recorded_response": {"status": 503}, \
"tags": {"answer_truncated": "true"}}
{"request_id": "c", "ts_ns": 3, "body": 1, "tags": {"proxy": "timeout"}}
{"request_id": "b", "ts_ns": 4, "body": 1, "recorded_response": {"status": 500}}
{"request_id": "d", "ts_ns": 4, "bo
"""


def requests(names: str, *, body: bytes = b"") -> list[CapturedRequest]:
    """A request by each of these letters."""
    return [CapturedRequest(seq=seq, request_id=name, ts_ns=seq, body=body) for seq, name in enumerate(names)]


def written(path: Path, *bodies: str, names: str = "abcdefghij") -> Path:
    """A capture with an answer for each of these bodies."""
    lines = [
        f'{{"request_id": "{name}", "ts_ns": 1, "body": {body}, "recorded_response": {{"status": 200}}}}\n'
        for name, body in zip(names, bodies, strict=False)
    ]
    path.write_text("".join(lines))
    return path


def test_each_request_gets_the_answer_of_its_id(tmp_path: Path) -> None:
    """In any order; its own recorded answer does not count, and what is missing there is missing."""
    folder = tmp_path / "captures-mirror"
    folder.mkdir()
    (folder / "capture-1.jsonl").write_text(LINES)
    (folder / "_counts-1.json").write_text('{"dropped": {"queue full": 2}}')
    own = {"online_features": b'{"f":1}', "tags": {"answer_truncated": "true", "proxy": "http request error"}}
    mine = [msgspec.structs.replace(one, **own) for one in requests("abcde")]
    answers = Answers(folder, max_bad_share=0.4)
    answered = list(answered_in(mine, answers))
    assert answers.sentence() == (
        "3 of 5 requests are in captures-mirror; 4 answers are lost: "
        "duplicate request_id 1, not JSON 1, recorder: queue full 2"
    )
    found = [one.recorded_response for one in answered]
    assert [one.online_features for one in answered] == [None, b'{"f": 2}', None, None, None]
    assert [one.status if one else None for one in found] == [503, 200, None, None, None]
    assert [one.answer_truncated for one in answered] == [True, False, False, False, False]
    assert [one.tags.get("proxy") for one in answered] == [None, None, "timeout", None, None]
    assert found[1] is not None
    assert found[1].body == b'{"score": 0.5}'


def test_a_capture_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    """Not an arm without answers."""
    with pytest.raises(CaptureError, match="no such file"):
        list(answered_in([], Answers(tmp_path / "nowhere", max_bad_share=0.0)))


def test_what_was_redacted_is_that_of_the_answer(tmp_path: Path) -> None:
    """The other capture's note, not that of the requests; so is the id that the request said."""
    path = tmp_path / "m.jsonl"
    path.write_text(
        '{"request_id": "a", "ts_ns": 1, "body": 1, "tags": {"redacted": "[\\"features:f\\"]"}}\n'
        '{"request_id": "b", "row_index": 3, "ts_ns": 1, "body": 1, "headers": {"x-request-id": "b"}}\n'
    )
    tags, said = {"redacted": '["body:x"]', "kept": "1"}, {"X-Request-Id": "other", "h": "1"}
    mine = [
        CapturedRequest(seq=0, request_id="a", ts_ns=1, tags=tags, headers=said),
        CapturedRequest(seq=1, request_id="b", ts_ns=1, row_index=3, tags=tags, headers=said),
    ]
    first, second = answered_in(mine, Answers(path, max_bad_share=0.0))
    assert first.tags == {"redacted": '["features:f"]', "kept": "1"}
    assert (second.tags, second.headers) == ({"kept": "1"}, {"h": "1", "x-request-id": "b"})
    assert first.headers == {"h": "1"}


def test_two_answers_to_one_request_are_bad_lines(tmp_path: Path) -> None:
    """Which of them is the build's nobody knows: more than may be bad is refused, whoever comes first."""
    path = written(tmp_path / "m.jsonl", *"1111", names="aabb")
    with pytest.raises(CaptureError, match="2 of 4 lines of the answers are bad") as caught:
        list(answered_in(requests("ab"), Answers(path, max_bad_share=0.49)))
    assert "duplicate request_id" in str(caught.value)
    assert len(list(answered_in(requests("ab"), Answers(path, max_bad_share=0.5)))) == 2


@pytest.mark.parametrize(("there", "found"), [("xyz", "request_id x"), ("", "no request")])
def test_a_capture_of_other_requests_is_refused(tmp_path: Path, there: str, found: str) -> None:
    """With an id of each side, for they may only be spelled otherwise."""
    path = written(tmp_path / "m.jsonl", *["1"] * len(there), names=there)
    with pytest.raises(CaptureError, match="none of the 2 requests is in the answers") as caught:
        list(answered_in(requests("ab"), Answers(path, max_bad_share=1.0)))
    assert caught.value.found == found
    assert str(caught.value.expected).endswith("such as a")


def test_rows_are_no_batches(tmp_path: Path) -> None:
    """The same id with and without a row is told apart, in words too."""
    path = written(tmp_path / "m.jsonl", "1")
    rows = [msgspec.structs.replace(one, row_index=0) for one in requests("a")]
    with pytest.raises(CaptureError, match="such as a, row 0"):
        list(answered_in(rows, Answers(path, max_bad_share=1.0)))


def test_an_answer_to_another_body_is_none(tmp_path: Path) -> None:
    """Counted, and refused where more than may be bad; how JSON is laid out or packed does not count."""
    path = written(tmp_path / "m.jsonl", *['{"b":2,"a":1}'] * 3, '{"a": 1}', names="abcd")
    mine = requests("abcd", body=b'{ "a": 1, "b": 2 }')
    mine[0] = msgspec.structs.replace(mine[0], body=gzip.compress(mine[0].body))
    answers = Answers(path, max_bad_share=0.25)
    answered = list(answered_in(mine, answers))
    assert [one.recorded_response is None for one in answered] == [False, False, False, True]
    assert answers.lost == {OTHER_BODY: 1}
    with pytest.raises(CaptureError, match="1 of 4 requests have another body") as caught:
        list(answered_in(mine, Answers(path, max_bad_share=0.24)))
    assert caught.value.found == "another body of request d"


@pytest.mark.parametrize(
    "change",
    [{"body": b""}, {"truncated": True}, {"tags": {"redacted": '["body:user.name"]'}}],
    ids=["none", "cut", "redacted"],
)
def test_a_body_that_is_not_as_it_was_sent_is_not_compared(tmp_path: Path, change: dict[str, object]) -> None:
    """The rules of redaction may be of one side only."""
    path = written(tmp_path / "m.jsonl", "2")
    (request,) = requests("a", body=b"1")
    (found,) = answered_in([msgspec.structs.replace(request, **change)], Answers(path, max_bad_share=0.0))
    assert found.recorded_response is not None
