"""Rows in the order of their columns: what is missing or too many is refused, never shifted."""

from __future__ import annotations

import pytest

from harness.errors import CaptureError
from replayers.protocols.tables import Row, Table, arranged


@pytest.mark.parametrize(
    ("row", "columns", "ignore", "values"),
    [
        ({"b": 2, "a": 1}, ("a", "b"), (), (1, 2)),
        ({"b": 2, "a": 1}, (), (), (2, 1)),
        ({"b": 2, "a": 1, "user": "u"}, ("a", "b"), ("user",), (1, 2)),
        ({"b": 2, "a": 1, "user": {"id": 1}}, ("a", "b"), ("*",), (1, 2)),
        ({"b": 2, "user": "u"}, (), ("user",), (2,)),
        ((1, None), ("a", "b"), (), (1, None)),
        ((1, "x", True), (), (), (1, "x", True)),
    ],
)
def test_a_row_stands_in_the_order_of_the_columns(
    row: Row, columns: tuple[str, ...], ignore: tuple[str, ...], values: tuple[object, ...]
) -> None:
    """By name where it has names, else by place; without columns in its own order."""
    assert arranged([row], columns, ignore=ignore).rows == (values,)


@pytest.mark.parametrize(
    ("row", "columns", "what"),
    [
        ({"a": 1}, ("a", "b"), "lacks columns; found no b among a; expected a, b"),
        ({}, tuple("abcdefgh"), "found no a, b, c, d, e and 3 more"),
        ({"a": 1, "z": 2}, ("a",), 'found z; expected a. Name them in ignore of the target\'s protocol ("*"'),
        ((1,), ("a", "b"), "another number of values than there are columns; found 1; expected 2"),
        ((1, 2, 3), ("a", "b"), "found 3; expected 2"),
        ({"a": [1, 2]}, ("a",), "column 'a': a column holds more than one value; found list"),
    ],
)
def test_a_row_of_other_columns_is_refused(row: Row, columns: tuple[str, ...], what: str) -> None:
    """With what is missing or too many by name, and never with a value."""
    with pytest.raises(CaptureError) as caught:
        arranged([row], columns)
    assert what in str(caught.value)


def test_rows_without_names_cannot_be_named() -> None:
    """A guess would be an order."""
    with pytest.raises(CaptureError, match="columns are not known"):
        Table((), ((1, 2),)).named()
    assert Table(("a",), ((1,), (2,))).named() == [{"a": 1}, {"a": 2}]
