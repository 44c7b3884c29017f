"""Which cells of two columns differ, in what way, and how they read."""

import itertools
import math

import numpy as np
import pytest

from harness.columns import Column, Kind
from harness.diff.cells import Difference, absent, judge, mismatch, signed, take, texts
from harness.diff.tolerance import Tolerance, Tolerances

NAN, INF = math.nan, math.inf
Cell = float | str | Kind


def number(*cells: Cell) -> Column:
    """A column of numbers: floats are values, text is the raw JSON of a wrong type, a Kind is itself."""
    kind = [
        c if isinstance(c, Kind) else Kind.WRONG_TYPE if isinstance(c, str) else Kind.VALUE for c in cells
    ]
    values = [c if isinstance(c, float | int) and not isinstance(c, Kind) else NAN for c in cells]
    text = {i: c for i, c in enumerate(cells) if isinstance(c, str)}
    return Column("number", np.array(values, float), np.array(kind, np.uint8), text)


def category(*cells: str | Kind) -> Column:
    """A column of levels: text is a level, a Kind is itself (raw text `3` where the type is wrong)."""
    kind = [c if isinstance(c, Kind) else Kind.VALUE for c in cells]
    values = [None if isinstance(c, Kind) else c for c in cells]
    text = {i: "3" for i, c in enumerate(cells) if c is Kind.WRONG_TYPE}
    return Column("category", np.array(values, object), np.array(kind, np.uint8), text)


CASES = [
    pytest.param(1.0, 1.0, Difference.EQUAL, id="equal"),
    pytest.param(1.0, 1.0 + 1e-10, Difference.EQUAL, id="within"),
    pytest.param(1.0, 1.1, Difference.VALUE, id="beyond"),
    pytest.param(INF, INF, Difference.EQUAL, id="infinity"),
    pytest.param(INF, -INF, Difference.VALUE, id="infinities"),
    pytest.param(INF, 1.0, Difference.VALUE, id="infinity-number"),
    pytest.param(Kind.NAN, Kind.NAN, Difference.EQUAL, id="nan-nan"),
    pytest.param(Kind.NULL, Kind.NULL, Difference.EQUAL, id="null-null"),
    pytest.param(Kind.NAN, Kind.NULL, Difference.EQUAL, id="nan-null"),
    pytest.param(Kind.MISSING, Kind.MISSING, Difference.EQUAL, id="neither-shows"),
    pytest.param(0.0, Kind.NAN, Difference.NAN, id="value-nan"),
    pytest.param(0.0, Kind.NULL, Difference.NULL, id="value-null"),
    pytest.param(0.0, Kind.MISSING, Difference.MISSING, id="value-missing"),
    pytest.param(Kind.NAN, Kind.MISSING, Difference.MISSING, id="nan-missing"),
    pytest.param(Kind.NULL, Kind.MISSING, Difference.MISSING, id="null-missing"),
    pytest.param(0.0, '"0"', Difference.TYPE, id="value-text"),
    pytest.param(Kind.NULL, '"null"', Difference.TYPE, id="null-text"),
    pytest.param('"a"', '"a"', Difference.EQUAL, id="same-text"),
    pytest.param('"a"', '"b"', Difference.TYPE, id="other-text"),
    pytest.param('"a"', Kind.MISSING, Difference.MISSING, id="text-missing"),
]


@pytest.mark.parametrize(("left", "right", "expected"), CASES)
def test_two_number_cells_differ_in_one_way(left: Cell, right: Cell, expected: Difference) -> None:
    """NaN, null, missing and wrong type are told apart, the same with the sides exchanged."""
    assert mismatch(number(left), number(right)).tolist() == [expected]
    assert mismatch(number(right), number(left)).tolist() == [expected]


def test_cells_do_not_disturb_each_other() -> None:
    """All cases in one column give what each gives alone."""
    left, right, expected = zip(*(case.values for case in CASES), strict=True)
    assert mismatch(number(*left), number(*right)).tolist() == list(expected)


@pytest.mark.parametrize(
    ("left", "right", "expected"),
    [
        ("a", "a", Difference.EQUAL),
        ("a", "A", Difference.CATEGORY),
        ("", "a", Difference.CATEGORY),
        ("NaN", Kind.NULL, Difference.NULL),
        (Kind.NULL, Kind.NULL, Difference.EQUAL),
        ("a", Kind.MISSING, Difference.MISSING),
        ("3", Kind.WRONG_TYPE, Difference.TYPE),
        (Kind.WRONG_TYPE, Kind.WRONG_TYPE, Difference.EQUAL),
        ("x" * 10**6, "x" * 10**6 + "y", Difference.CATEGORY),
    ],
)
def test_levels_differ_by_their_text(left: str | Kind, right: str | Kind, expected: Difference) -> None:
    """A level is its text; an empty string is a level and null is none."""
    assert mismatch(category(left), category(right)).tolist() == [expected]
    assert mismatch(category(right), category(left)).tolist() == [expected]


def test_a_changed_type_differs_wherever_both_hold_a_value() -> None:
    """A number is never the level that spells it; empty cells are still equal."""
    left, right = number(1.0, Kind.NAN, 2.0), category("1.0", Kind.NULL, Kind.NULL)
    expected = [Difference.TYPE, Difference.EQUAL, Difference.NULL]
    assert mismatch(left, right).tolist() == expected
    assert mismatch(right, left).tolist() == expected


@pytest.mark.parametrize("column", [number(), category(), number(*[Kind.NAN] * 4)])
def test_empty_and_all_nan_columns_agree_with_themselves(column: Column) -> None:
    """Nothing to compare is no mismatch."""
    assert not mismatch(column, column).any()


@pytest.mark.parametrize(
    ("rule", "codes", "silenced"),
    [
        (None, [0, 1, 1, 3], 0),
        (Tolerance(atol=0.5, reason="noise"), [0, 0, 1, 3], 1),
        (Tolerance(rtol=5.0, reason="noise"), [0, 0, 0, 3], 2),
        (Tolerance(ignore=True, reason="known"), [0, 0, 0, 0], 3),
        (Tolerance(atol=0.0, rtol=0.0), [1, 1, 1, 3], 0),
        (Tolerance(kind="exact"), [1, 1, 1, 3], 0),
        (Tolerance(kind="rounded", decimals=0, reason="a legacy store"), [0, 0, 1, 3], 1),
    ],
)
def test_a_rule_counts_what_it_silenced(rule: Tolerance | None, codes: list[int], silenced: int) -> None:
    """What the shipped tolerance would report and the rule lets pass."""
    left, right = number(1.0, 1.0, 1.0, 1.0), number(1.0 + 1e-12, 1.4, 3.0, Kind.NAN)
    tolerances = Tolerances(features={"x": rule} if rule else {})
    found = judge(left, right, name="x", tolerances=tolerances)
    assert found.codes.tolist() == codes
    assert len(found.silenced) == silenced
    assert found.rows.tolist() == list(itertools.compress(range(4), codes))


def test_whole_numbers_are_equal_or_not() -> None:
    """A column of ids or counts has no last digits: the tolerance of others would let the next id pass."""
    left, right = number(1e10, 2e10, Kind.NAN), number(1e10 + 1, 2e10 + 1e-6, Kind.NAN)
    found = judge(left, right, name="x", tolerances=Tolerances())
    assert (found.codes.tolist(), found.rule) == ([1, 0, 0], "whole numbers exactly")
    fraction = judge(number(1e10, 0.5), number(1e10 + 1, 0.5), name="x", tolerances=Tolerances())
    assert fraction.codes.tolist() == [0, 0]
    wide = judge(left, right, name="x", tolerances=Tolerances(rtol=1e-8, reason="sensors"))
    assert (wide.codes.tolist(), wide.silenced.tolist()) == ([0, 0, 0], [0])


def test_open_decimals_are_found_and_told() -> None:
    """In what is served, so that a bug among rounded values is one."""
    rules = Tolerances(features={"x": Tolerance(kind="rounded", reason="cents")})
    served = [round(i / 7, 2) for i in range(40)]
    served[3] = 9.0
    found = judge(number(*[i / 7 for i in range(40)]), number(*served), name="x", tolerances=rules)
    assert (found.rows.tolist(), found.rule) == ([3], "rounded(2)")
    assert len(found.silenced) == 33


def test_a_request_on_which_neither_arm_shows_a_feature_is_not_compared() -> None:
    """The denominator counts only what was seen."""
    left, right = number(Kind.MISSING, 1.0, 1.0), number(Kind.MISSING, Kind.MISSING, 1.0)
    assert judge(left, right, name="x", tolerances=Tolerances()).compared == 2


def test_cells_read_as_json() -> None:
    """NaN and infinities are spelled, missing is no text at all, wrong types keep theirs."""
    column = number(1.5, -0.1, 1e300, INF, -INF, Kind.NAN, Kind.NULL, Kind.MISSING, "[1]")
    found = texts(column, np.arange(9)).to_pylist()
    assert found == ["1.5", "-0.1", "1e+300", '"Infinity"', '"-Infinity"', '"NaN"', "null", None, "[1]"]
    levels = category('say "hi"', "é", Kind.NULL, Kind.MISSING, Kind.WRONG_TYPE)
    assert texts(levels, np.arange(5)).to_pylist() == ['"say \\"hi\\""', '"é"', "null", None, "3"]


def test_cells_read_in_the_order_asked_for() -> None:
    """A subset of rows reads like those rows."""
    column = number(1.0, "[1]", Kind.NAN, 4.0)
    rows = np.array([3, 1])
    assert (
        texts(column, rows).to_pylist() == texts(take(column, rows), np.arange(2)).to_pylist() == ["4", "[1]"]
    )


def test_an_absent_feature_is_missing_everywhere() -> None:
    """What an arm leaves out differs on every request."""
    for column in (number(1.0, Kind.NAN), category("a", Kind.NULL)):
        assert mismatch(column, absent(column)).tolist() == [Difference.MISSING] * 2


def test_signed_change_is_finite_or_nan() -> None:
    """Infinite and empty cells have no difference that could be averaged."""
    judged = judge(number(1.0, INF, 1.0), number(0.5, 1.0, Kind.NAN), name="x", tolerances=Tolerances())
    np.testing.assert_array_equal(signed(judged, judged.rows), [-0.5, NAN, NAN])
