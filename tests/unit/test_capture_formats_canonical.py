"""Our own captures are a format like any: recognised by their words, bad lines told in their place."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.capture.exporting import write_capture
from harness.capture.formats import Asked, Dropped, Head
from harness.capture.formats.canonical import detects, read
from harness.errors import CaptureError
from harness.records import CapturedRequest

GOOD = '{{"request_id": "{}", "ts_ns": 5, "body": 1.50}}\n'


@pytest.mark.parametrize(
    ("keys", "ours"),
    [
        ({"request_id", "ts", "body"}, True),
        ({"request_id", "ts_ns", "body_base64", "unit"}, True),
        ({"request_id", "ts_ns", "body_text"}, True),
        ({"request_id", "ts"}, False),
        ({"request_id", "body"}, False),
        ({"ts", "body"}, False),
    ],
)
def test_an_id_a_time_and_a_body_show_it(keys: set[str], *, ours: bool) -> None:
    """Two of the three are not enough: other logs have an id and a body, too."""
    assert detects(Head("c", b"{", frozenset(keys))) is ours
    assert not detects(Head("c.csv", b"request_id,ts,body", frozenset(keys)))


def test_bad_lines_come_in_their_place(tmp_path: Path) -> None:
    """Before, between and behind the requests, with the number of the line; the rest is read."""
    path = tmp_path / "c.jsonl"
    path.write_text("no\n" + GOOD.format("a") + GOOD.format("a") + GOOD.format("b") + '{"ts_ns": 5}\n')
    found = list(read(path))
    told = [one.request.request_id if isinstance(one, Asked) else one for one in found]
    assert [(one.offset, one.reason) if isinstance(one, Dropped) else one for one in told] == [
        (1, "not JSON"),
        "a",
        (3, "duplicate request_id"),
        "b",
        (5, "wrong field"),
    ]
    assert {one.file for one in found if isinstance(one, Dropped)} == {"c.jsonl"}


@pytest.mark.parametrize("ending", [".jsonl", ".jsonl.gz", ".parquet"])
def test_what_we_wrote_is_read_as_it_was(tmp_path: Path, ending: str) -> None:
    """In each of our files, byte for byte."""
    request = CapturedRequest(seq=0, request_id="r", ts_ns=5, body=b'{"a": NaN}')
    write_capture([request], tmp_path / f"c{ending}")
    (found,) = read(tmp_path / f"c{ending}")
    assert isinstance(found, Asked)
    assert (found.request.body, found.request.ts_ns, found.request.request_id) == (b'{"a": NaN}', 5, "r")


def test_another_ending_cannot_be_read(tmp_path: Path) -> None:
    """The ending says how our own files are packed, so it has to be one of ours."""
    path = tmp_path / "c.txt"
    path.write_text(GOOD.format("a"))
    with pytest.raises(CaptureError, match=r"unknown kind of file.*\.jsonl"):
        list(read(path))
