"""Batches taken apart: every shape of body that servers take, answers alike, digits untouched."""

from __future__ import annotations

import json

import pytest

from harness.capture.formats.batches import MOST_ROWS, answers_of, bodies_of, rows_of
from harness.capture.formats.pieces import Dropped
from harness.records import CapturedRequest, RecordedResponse

CSV = "text/csv; charset=utf-8"


def tensor(shape: list[int], data: str, name: str = "a") -> str:
    """A tensor of the Open Inference Protocol."""
    sizes = ",".join(map(str, shape))
    return f'{{"name":"{name}","shape":[{sizes}],"datatype":"FP64","data":{data}}}'


@pytest.mark.parametrize(
    ("body", "kind", "rows"),
    [
        ('{"instances": [1.50, 2]}', "", ['{"instances":[1.50]}', '{"instances":[2]}']),
        (
            '{"rows": [{"a": 1}, {"a": 2}], "k": 0}',
            "",
            ['{"rows":[{"a": 1}],"k":0}', '{"rows":[{"a": 2}],"k":0}'],
        ),
        (
            '{"inputs": {"a": [1, 2], "b": [3, 4]}}',
            "",
            ['{"inputs":{"a":[1],"b":[3]}}', '{"inputs":{"a":[2],"b":[4]}}'],
        ),
        ('{"inputs": {"a": [1, 2], "b": [3]}}', "", []),
        (
            f'{{"id":"x","inputs":[{tensor([2, 2], "[1,2,3,4]")},{tensor([2], "[5,6.0]", "b")}]}}',
            "",
            [
                f'{{"id":"x","inputs":[{tensor([1, 2], "[1,2]")},{tensor([1], "[5]", "b")}]}}',
                f'{{"id":"x","inputs":[{tensor([1, 2], "[3,4]")},{tensor([1], "[6.0]", "b")}]}}',
            ],
        ),
        (
            f'{{"inputs":[{tensor([2, 2], "[[1,2],[3,4]]")}]}}',
            "",
            [f'{{"inputs":[{tensor([1, 2], "[[1,2]]")}]}}', f'{{"inputs":[{tensor([1, 2], "[[3,4]]")}]}}'],
        ),
        (f'{{"inputs":[{tensor([3, 2], "[1,2]")}]}}', "", []),
        (f'{{"inputs":[{tensor([1, 2], "[1,2]")}]}}', "", None),
        ('{"inputs": [[1], [2]]}', "", ['{"inputs":[[1]]}', '{"inputs":[[2]]}']),
        ("1,2\r\n3,4\r\n", CSV, ["1,2", "3,4"]),
        ("a,b\n1,2\n3,4", CSV, ["a,b\n1,2", "a,b\n3,4"]),
        ("x\ny\n", "text/csv;header=present", ["x\ny"]),
        ('1,"x\ny"\n2,z\n', CSV, ['1,"x\ny"', "2,z"]),
        ("1,2\n", CSV, []),
        ("1,2\n3,4\n", "text/plain", []),
        ('{"instances": [1, ', "", []),
        ('{"amount": 12.5}', "", []),
        ('["instances"]', "", []),
    ],
)
def test_bodies_by_row(body: str, kind: str, rows: list[str] | None) -> None:
    """As many bodies as rows; none for what is one row already, or of no shape that is known."""
    found = [one.decode() for one in bodies_of(body.encode(), kind)]
    assert found == ([body] if rows is None else rows)


@pytest.mark.parametrize(
    ("answer", "rows"),
    [
        ('{"predictions": [0.10, 2]}', ['{"predictions":[0.10]}', '{"predictions":[2]}']),
        (
            f'{{"outputs":[{tensor([2], "[0.1,0.2]")}]}}',
            [f'{{"outputs":[{tensor([1], "[0.1]")}]}}', f'{{"outputs":[{tensor([1], "[0.2]")}]}}'],
        ),
        ("[0.5, 1]", ["[0.5]", "[1]"]),
        ("0.5,1\n", ["0.5", "1"]),
        ("0.5\n1\n", ["0.5", "1"]),
        ("0.5\n1\n2", []),
        ('{"predictions": [1]}', []),
        ('{"score": 1}', []),
        ("{", []),
        ("", []),
    ],
)
def test_answers_by_row(answer: str, rows: list[str]) -> None:
    """A part for each of two rows, or nothing."""
    assert [one.decode() for one in answers_of(answer.encode(), 2)] == rows


def test_rows_know_where_they_come_from() -> None:
    """Number, batch and their own answer; how long the batch took is nobody's latency."""
    response = RecordedResponse(status=200, body=b"[1,2]", latency_ns=5, latency_kind="service")
    request = CapturedRequest(
        seq=0, request_id="r", ts_ns=0, body=b'{"instances":[1,2]}', recorded_response=response
    )
    told: list[Dropped] = []
    first, second = rows_of(request, told.append)
    assert (first.row_index, second.row_index, second.parent_id, told) == (0, 1, "r", [])
    assert second.recorded_response == RecordedResponse(status=200, body=b"[2]")


def test_too_many_rows_are_left_together() -> None:
    """A megabyte of commas must not become a gigabyte of requests."""
    assert bodies_of(json.dumps({"instances": [1] * (MOST_ROWS + 1)}).encode()) == []
    assert len(bodies_of(json.dumps({"instances": [1] * MOST_ROWS}).encode())) == MOST_ROWS
    beside = {"instances": [1] * MOST_ROWS, "note": "x" * 10_000}
    assert bodies_of(json.dumps(beside).encode()) == []
    assert bodies_of(b"1,2\n" * (MOST_ROWS + 1), "text/csv") == []


NAMES = ",".join(f"c{number}" for number in range(20_000))


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (NAMES + "\n" + "1,2\n" * 9_999, CSV),
        (f'{{"inputs":{{"{"n" * 10_000}":[{",".join("1" * 9_999)}]}}}}', ""),
        (f'{{"inputs":[{",".join([tensor([10_000, 0], "[]")] * 20_000)}]}}', ""),
        (f'{{"inputs":[{tensor([2, *[9] * 100_000], "[1,2]")}]}}', ""),
        ('"' + "\n" * (3 << 20), CSV),
    ],
)
def test_what_each_row_would_repeat_is_counted(body: str, kind: str) -> None:
    """A header, the name of a column, or thousands of empty tensors are not said once a row."""
    assert bodies_of(body.encode(), kind) == []


@pytest.mark.parametrize(
    ("status", "body", "each"),
    [(500, b"[1,2]", b"[1,2]"), (429, b"", b""), (503, b"x" * (17 << 20), b""), (200, b"?", None)],
)
def test_a_failed_batch_failed_for_each_row(status: int, body: bytes, each: bytes | None) -> None:
    """An error is the answer of every row, without its words where they would be many."""
    response = RecordedResponse(status=status, body=body, latency_ns=5, latency_kind="service")
    request = CapturedRequest(
        seq=0, request_id="r", ts_ns=0, body=b'{"instances":[1,2]}', recorded_response=response
    )
    told: list[Dropped] = []
    answers = [row.recorded_response for row in rows_of(request, told.append)]
    assert answers == [None if each is None else RecordedResponse(status=status, body=each)] * 2
    assert [one.reason for one in told] == (["answer not of these rows"] if each is None else [])
