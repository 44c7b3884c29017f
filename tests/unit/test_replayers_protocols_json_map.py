"""`json`: the body as it was captured, or its row in another form, inside the template of the target."""

from __future__ import annotations

import json

import msgspec
import pytest

from harness.records import Attempt, CapturedRequest, Outcome, State
from replayers.http import HttpArm, HttpTarget

BODY = b'{"b": 2, "a": 1.50}'


def arm(protocol: dict[str, object], **target: object) -> HttpArm:
    """An arm with this protocol."""
    plain = {
        "kind": "http",
        "url": "http://127.0.0.1:1/x",
        "protocol": {"kind": "json", **protocol},
        **target,
    }
    return HttpArm(msgspec.convert(plain, HttpTarget), name="t", run_id="run")


@pytest.mark.parametrize(
    ("protocol", "template", "sent"),
    [
        ({}, None, BODY),
        ({}, '{"x": $body}', b'{"x": {"b": 2, "a": 1.50}}'),
        ({"form": "object"}, None, b'{"b": 2, "a": 1.5}'),
        ({"form": "object", "columns": ["a", "b"]}, None, b'{"a": 1.5, "b": 2}'),
        ({"form": "list", "columns": ["a", "b"]}, '{"rows": [$body]}', b'{"rows": [[1.5, 2]]}'),
        ({"form": "columns", "columns": ["a", "b"]}, None, b'{"a": [1.5], "b": [2]}'),
    ],
)
def test_the_body_takes_its_form(protocol: dict[str, object], template: str | None, sent: bytes) -> None:
    """Byte for byte unless a form is declared."""
    request = CapturedRequest(seq=0, request_id="r", ts_ns=0, body=BODY)
    data = arm(protocol, template=template).prepare(request, features=False)
    assert data.partition(b"\r\n\r\n")[2] == sent


def outcome(protocol: dict[str, object], answer: object, **target: object) -> Outcome:
    """What an answer comes to."""
    attempt = Attempt(
        seq=0, phase="p", target="t", attempt=1, state=State.OK, status=200, body=json.dumps(answer).encode()
    )
    return arm(protocol, **target).parse(attempt)


@pytest.mark.parametrize(
    ("protocol", "answer", "score"),
    [
        ({}, {"score": 0.25}, 0.25),
        ({"transform": "1-p"}, {"score": 0.25}, 0.75),
        ({"transform": "sigmoid"}, {"score": 0.0}, 0.5),
        ({"column": 1}, {"score": [0.75, 0.25]}, 0.25),
        ({"column": 0}, {"score": [0.75, 0.25]}, 0.75),
    ],
)
def test_the_score_is_picked_and_transformed(
    protocol: dict[str, object], answer: object, score: float
) -> None:
    """At the place that the selector names."""
    assert outcome(protocol, answer).score == score


@pytest.mark.parametrize(
    ("protocol", "answer", "detail"),
    [
        ({}, {"score": [0.75, 0.25]}, "score is a list"),
        ({"column": 2}, {"score": [0.75, 0.25]}, "2 numbers for a row: column 2?"),
        ({"transform": "sigmoid"}, {"score": "x"}, "score is text 'x'"),
    ],
)
def test_what_is_no_score_is_told(protocol: dict[str, object], answer: object, detail: str) -> None:
    """A list is none until the column is declared."""
    assert outcome(protocol, answer).detail == detail


def test_several_rows_are_a_list() -> None:
    """Each in its form, and so their scores."""
    one = arm({"form": "object"}).target.protocol
    table = one.table([{"a": 1}, {"a": 2}])
    assert json.loads(one.build(table, request_id="r", features=False).body) == [{"a": 1}, {"a": 2}]
    assert one.read(b"[0.5, 1]", {}) == [0.5, 1.0]
