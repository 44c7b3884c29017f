"""Fields of CSV: a number only where it is one, so that no category is changed on its way."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replayers.protocols.cells import Cell, OfTheModel, field, number_or_text


@pytest.mark.parametrize(
    ("text", "by_look", "of_numbers"),
    [
        ("5", 5, 5),
        (" 12 ", 12, 12),
        ("-0.50", -0.5, -0.5),
        (".5", 0.5, 0.5),
        ("1e-05", 1e-5, 1e-5),
        ("1.0E7", 1e7, 1e7),
        ("inf", math.inf, math.inf),
        ("-Infinity", -math.inf, -math.inf),
        ("01234", "01234", 1234),
        ("1E5", "1E5", 1e5),
        ("INF", "INF", math.inf),
        ("1_000", "1_000", "1_000"),
        ("１２", "１２", "１２"),  # noqa: RUF001  -- digits, but of no number of a CSV
        ("1e999", "1e999", "1e999"),
        ("9" * 5000, "9" * 5000, "9" * 5000),
        ("x", "x", "x"),
        (" ", None, None),
    ],
)
def test_a_field_is_a_number_where_it_is_written_as_one(
    text: str, by_look: object, of_numbers: object
) -> None:
    """Where the column is known to hold numbers however it is written, but never as another one."""
    assert (field(text), number_or_text(text)) == (by_look, of_numbers)


def test_nan_is_missing_but_by_look_only_as_programs_write_it() -> None:
    """A category NAN stays one."""
    assert [field("nan") != field("nan"), field("NaN") != field("NaN"), field("NAN")] == [True, True, "NAN"]
    assert isinstance(number_or_text("NAN"), float)


def test_a_cell_is_what_its_column_holds() -> None:
    """As it stands, by its look, or a number."""
    assert Cell("01").under("a", ("a",)) == "01"
    assert type(Cell("01").under("a", ("a",))) is str
    assert Cell("01").under("b", ("a",)) == "01"
    assert Cell("01").under("b", OfTheModel(("a",), numbers="b")) == 1
    assert Cell("01").under("c", OfTheModel(("a",), numbers="b")) == "01"
    assert Cell("01").under("a", OfTheModel(("a",))) == "01"


@given(st.floats(allow_nan=False) | st.integers(-(2**64), 2**64))
def test_every_number_comes_back(value: float) -> None:
    """As Python writes it, to the last bit."""
    for read in (field, number_or_text):
        found = read(repr(value))
        assert (type(found), found) == (type(value), value)
