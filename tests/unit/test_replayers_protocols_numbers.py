"""Values as they are spelled, and the number that is made of an answer."""

from __future__ import annotations

import math

import pytest

from harness.errors import CaptureError
from replayers.protocols.numbers import Missing, Transform, json_value, number, picked, transformed


@pytest.mark.parametrize("value", [None, math.nan])
@pytest.mark.parametrize(
    ("missing", "spelled"), [("null", None), ("nan", math.nan), ("text", "NaN"), ("empty", None)]
)
def test_null_and_nan_are_spelled_alike(value: float | None, missing: Missing, spelled: object) -> None:
    """As the service takes them."""
    assert repr(json_value(value, missing, column="a")) == repr(spelled)


def test_a_missing_value_may_be_refused() -> None:
    """For a service that would take anything for it."""
    with pytest.raises(CaptureError, match=r"column 'a': a value is missing"):
        json_value(None, "refuse", column="a")


@pytest.mark.parametrize("value", [math.inf, -math.inf])
def test_an_infinity_is_said_only_where_it_can_be(value: float) -> None:
    """JSON has no word for it; two spellings are in use."""
    assert json_value(value, "nan", column="a") == value
    assert json_value(value, "text", column="a") == ("Infinity" if value > 0 else "-Infinity")
    spellings: tuple[Missing, ...] = ("null", "refuse")
    for missing in spellings:
        with pytest.raises(CaptureError, match="infinity"):
            json_value(value, missing, column="a")


def test_text_is_no_number() -> None:
    """And is not shown."""
    assert [number(v, column="a") for v in (1, 1.5, True, None, math.nan)] == [1, 1.5, 1, None, None]
    with pytest.raises(CaptureError, match="text of 5 characters") as caught:
        number("1.234", column="a")
    assert "1.234" not in str(caught.value)


@pytest.mark.parametrize(
    ("value", "column", "score"),
    [
        (0.5, None, 0.5),
        ([0.5], None, 0.5),
        ([0.9, 0.1], None, 0.1),
        ([0.9, 0.1], 0, 0.9),
        ([1, 2, 3], 2, 3),
        ([1, 2, 3], None, [1, 2, 3]),
        ([1], 1, [1]),
        ([], None, []),
        (0.5, 3, 0.5),
    ],
)
def test_the_score_is_one_of_several_numbers(value: object, column: int | None, score: object) -> None:
    """The second of two, else the declared one; what cannot be told stays a list."""
    assert picked(value, column) == score


@pytest.mark.parametrize(
    ("score", "transform", "expected"),
    [
        (0.25, "none", 0.25),
        (0.25, "1-p", 0.75),
        (0.0, "sigmoid", 0.5),
        (2.0, "sigmoid", 0.8807970779778823),
        (-745.0, "sigmoid", 5e-324),
        (-1e308, "sigmoid", 0.0),
        (1e308, "sigmoid", 1.0),
    ],
)
def test_a_number_is_transformed_as_declared(score: float, transform: Transform, expected: float) -> None:
    """A margin to a probability without overflow at either end."""
    assert transformed(score, transform) == expected
