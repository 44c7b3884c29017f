"""Lines of values, as SageMaker's containers take and give them."""

from __future__ import annotations

import math

import pytest

from harness.records import Attempt, State
from replayers.protocols import Asked, Csv, Table
from replayers.protocols.numbers import Missing
from replayers.selectors import Reader, Response, Unreadable

COLUMNS = ("a", "b", "c")


def built(protocol: Csv, *row: object) -> bytes:
    """The body of one row."""
    return protocol.build(Table(COLUMNS, (row,)), request_id="r", features=False).body  # type: ignore[arg-type]  # values


@pytest.mark.parametrize(
    ("row", "line"),
    [
        ((1.5, 0.1 + 0.2, -0.0), b"1.5,0.30000000000000004,-0.0"),
        ((1, True, 2**53 + 1), b"1.0,1.0,9007199254740993"),
        ((None, math.nan, 5e-324), b",,5e-324"),
        ((math.inf, -math.inf, 1e22), b"inf,-inf,1e+22"),
        (("x", "y, z", 'q"'), b'x,"y, z","q"""'),
    ],
)
def test_a_row_is_a_line_of_floats(row: tuple[object, ...], line: bytes) -> None:
    """Whole numbers too: one column that looks whole breaks the toolkit's decoder."""
    assert built(Csv(), *row) == line
    assert built(Csv(trailing_newline=True), *row) == line + b"\n"


@pytest.mark.parametrize(
    ("missing", "line"), [("empty", b"1.0,,2.0"), ("nan", b"1.0,nan,2.0"), ("text", b"1.0,NaN,2.0")]
)
def test_a_missing_value_is_spelled_as_declared(missing: Missing, line: bytes) -> None:
    """An empty field unless said otherwise."""
    assert built(Csv(missing=missing), 1, None, 2) == line


def test_both_types_are_always_said() -> None:
    """A container that is told none takes JSON for CSV, and answers."""
    call = Csv(columns=COLUMNS).call(Asked(b"1,2,3\n", "r"))
    assert (call.body, dict(call.headers)) == (b"1,2,3\n", {"content-type": "text/csv", "accept": "text/csv"})
    call = Csv(columns=COLUMNS, accept="json").call(Asked(b"[[1, 2, 3]]", "r"))
    assert dict(call.headers) == {"content-type": "application/json", "accept": "application/json"}
    call = Csv(columns=COLUMNS).call(Asked(b'{"c": 3, "b": 2, "a": 1}', "r"))
    assert call.body == b"1.0,2.0,3.0"


@pytest.mark.parametrize(
    ("body", "rows", "scores"),
    [
        (b"3.651247609130187e-05\n", 1, [3.651247609130187e-05]),
        (b"3.651247609130187e-05", 1, [3.651247609130187e-05]),
        (b"\xef\xbb\xbf0.5\r\n0.25\r\n", 2, [0.5, 0.25]),
        (b"0.5,0.25,0.75", 3, [0.5, 0.25, 0.75]),
        (b"0.75,0.25", 1, [0.25]),
        (b"0.75,0.25\n0.5,0.5\n", 2, [0.25, 0.5]),
        (b"[3.651247609130187e-05]", 1, [3.651247609130187e-05]),
        (b"[[0.75, 0.25]]", 1, [0.25]),
        (b'{"predictions": [{"score": 0.5}]}', 1, [0.5]),
        (b'{"score": 0.5}', 1, [0.5]),
    ],
)
def test_answers_of_lines_and_of_json_are_read(body: bytes, rows: int, scores: list[float]) -> None:
    """Whichever the container gives."""
    assert Csv().read(body, {}, rows=rows) == scores


def test_a_prediction_with_labels_says_which_is_the_score() -> None:
    """SageMaker's linear learner."""
    body = b'{"predictions": [{"score": 0.9899773597717285, "predicted_label": 1}]}'
    assert Csv(field="score").read(body, {}) == [0.9899773597717285]
    with pytest.raises(Unreadable, match="say which"):
        Csv().read(body, {})


@pytest.mark.parametrize(
    ("body", "what"),
    [(b"a word", "score is text"), (b"nan", "score is NaN"), (b"\xff", "not JSON"), (b" ", "empty")],
)
def test_what_is_no_number_is_unreadable(body: bytes, what: str) -> None:
    """And said so."""
    with pytest.raises(Unreadable, match=what):
        Csv().read(body, {})


@pytest.mark.parametrize(("declared", "echoed"), [(False, None), (True, "theirs")])
def test_the_id_of_an_answer_is_its_server_s_own(declared: bool, echoed: str | None) -> None:  # noqa: FBT001  -- a table
    """Unless the scenario says that it is ours."""
    headers = {"x-request-id": "theirs"}
    attempt = Attempt(
        seq=0, phase="p", target="t", attempt=1, state=State.OK, status=200, headers=headers, body=b"0.5"
    )
    reader = Reader(Response(), Csv(echoes_request_id=declared))
    assert reader.outcome(attempt).echoed_id == echoed
    named = Reader(Response(request_id="header:x-request-id"), Csv())
    assert named.outcome(attempt).echoed_id == "theirs"


def test_a_test_of_a_finding_reads_json_alone() -> None:
    """Lines would need more than it has."""
    assert Csv().place == ""
    assert Csv(accept="json", field="score").place == "predictions[0].score"
