"""Rows in captured bodies: every shape that servers are asked in is recognised, everything else refused."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import CaptureError
from replayers.protocols.cells import OfTheModel
from replayers.protocols.finding import document_of, flat, reshaped, rows_of
from replayers.protocols.tables import Row, arranged

NAMED = {"a": 1.5, "b": None}
LISTED = (1.5, None)


@pytest.mark.parametrize(
    ("body", "row"),
    [
        ({"a": 1.5, "b": None}, NAMED),
        ({"features": NAMED, "user": "u"}, NAMED),
        ({"features": [1.5, None]}, LISTED),
        ({"instances": [[1.5, None]]}, LISTED),
        ({"instances": [NAMED]}, NAMED),
        ({"instances": [{"a": [1.5], "b": [None]}]}, NAMED),
        ({"instances": [{"a": {"0": 1.5}, "b": {"0": None}}]}, NAMED),
        ({"instances": [[NAMED]]}, NAMED),
        ({"signature_name": "s", "instances": [{"features": [1.5, None]}]}, LISTED),
        ({"rows": [NAMED]}, NAMED),
        ({"inputs": {"a": [1.5], "b": [None]}}, NAMED),
        ({"inputs": [[1.5, None]]}, LISTED),
        ({"dataframe_split": {"columns": ["a", "b"], "index": [0], "data": [[1.5, None]]}}, NAMED),
        ({"dataframe_split": {"data": [[1.5, None]]}}, LISTED),
        ({"dataframe_records": [NAMED]}, NAMED),
        ({"data": {"names": ["a", "b"], "ndarray": [[1.5, None]]}}, NAMED),
        ({"data": {"ndarray": [[1.5, None]]}}, LISTED),
        ({"data": {"tensor": {"shape": [1, 2], "values": [1.5, None]}}}, LISTED),
        ({"inputs": [{"name": "i", "shape": [1, 2], "datatype": "FP64", "data": [1.5, None]}]}, LISTED),
        ({"inputs": [{"name": "i", "shape": [1, 2], "datatype": "FP64", "data": [[1.5, None]]}]}, LISTED),
        (
            {
                "inputs": [
                    {"name": "a", "shape": [1], "datatype": "FP64", "data": [1.5]},
                    {"name": "b", "shape": [1, 1], "datatype": "FP64", "data": [None]},
                ]
            },
            NAMED,
        ),
        ([1.5, None], LISTED),
        ([[1.5, None]], LISTED),
        ([NAMED], NAMED),
        ("a,b\n1.5,\n", {"a": "1.5", "b": None}),
        ("1.5,\r\n", ("1.5", None)),
        ("7,x", ("7", "x")),
        ('1e3,"x, y"', ("1e3", "x, y")),
    ],
)
def test_the_row_of_each_shape_is_found(body: object, row: Row) -> None:
    """By name where the body has names; cells of CSV are texts still."""
    raw = body.encode() if isinstance(body, str) else json.dumps(body).encode()
    assert rows_of(document_of(raw)) == [row]


@pytest.mark.parametrize(
    "body",
    [
        {"inputs": [{"name": "i", "shape": [2, 1], "datatype": "FP64", "data": [1, 2]}]},
        {"instances": [[1], [2]]},
        {"dataframe_split": {"columns": ["a"], "data": [[1], [2]]}},
        {"a": [1, 2]},
        "1\n2\n",
        "a\n1\n2\n",
    ],
)
def test_several_rows_are_all_found(body: object) -> None:
    """So that they are counted."""
    raw = body.encode() if isinstance(body, str) else json.dumps(body).encode()
    assert len(rows_of(document_of(raw))) == 2


@pytest.mark.parametrize(
    ("body", "what"),
    [
        ({}, "an object with no field"),
        ([], "a list"),
        (True, "a bool"),
        (None, "nothing"),
        ({"instances": []}, "an object with instances"),
        ({"instances": [1, [2]]}, "an object with instances"),
        ({"dataframe_split": {"columns": ["a"], "data": [[1, 2]]}}, "an object with dataframe_split"),
        ({"dataframe_split": {}}, "dataframe_split"),
        ({"inputs": [{"name": "i", "shape": [2, 2], "datatype": "FP64", "data": [1]}]}, "inputs"),
        ({"instances": [[{"a": 1}, True]]}, "instances"),
        ({"inputs": [{"name": "i", "shape": [1, 2], "datatype": "FP64"}]}, "inputs"),
        ({"a": [1], "b": [1, 2]}, "a, b"),
    ],
)
def test_what_is_no_row_is_refused_with_its_fields(body: object, what: str) -> None:
    """And with what would be recognised."""
    with pytest.raises(CaptureError, match="no row of features") as caught:
        rows_of(body)
    assert what in str(caught.value.found)


def test_a_row_is_where_the_scenario_says() -> None:
    """A JMESPath decides; where it finds nothing nothing is guessed."""
    body = {"payload": {"features": {"a": 1}}, "features": {"a": 9}}
    assert rows_of(body, where="payload") == [{"a": 1}]
    assert rows_of(body, where="[payload.features.a]") == [(1,)]
    with pytest.raises(CaptureError, match="found nothing"):
        rows_of(body, where="nowhere")


def test_a_body_that_says_it_is_json_is_not_read_as_csv() -> None:
    """A word of it would be a row."""
    with pytest.raises(CaptureError, match="neither JSON nor CSV"):
        document_of(b"1,2", content_type="application/json; charset=utf-8")
    assert document_of(b"1,2", content_type="text/csv") == [["1", "2"]]


@given(st.lists(st.floats(), min_size=1, max_size=5))
def test_numbers_of_a_line_of_csv_come_back_to_the_last_bit(row: list[float]) -> None:
    """NaN is spelled nan and is one."""
    rows = rows_of(document_of(",".join(map(repr, row)).encode()))
    for texts in ((), OfTheModel(numbers=map(str, range(5)))):
        found = arranged(rows, (), texts=texts).rows[0]
        assert [repr(float(value)) for value in found] == [repr(value) for value in row]  # type: ignore[arg-type]  # numbers


def test_data_is_reshaped_as_its_shape_says() -> None:
    """Row-major; a shape that does not fit is no shape."""
    assert reshaped([1, 2, 3, 4], [2, 2]) == [[1, 2], [3, 4]]
    assert reshaped([[1, 2], [3, 4]], [2, 2]) == [[1, 2], [3, 4]]
    assert reshaped([1, 2], [2]) == [[1], [2]]
    assert reshaped([], [0, 3]) == []
    assert math.isnan(flat([[math.nan]])[0])
    for data, shape in (([1, 2, 3], [2]), ([1, 2], [1, 3]), ([], [1]), ([1], [0]), ([1], [-1])):
        with pytest.raises(ValueError, match="values in"):
            reshaped(data, shape)
