"""What counts as the right cause, and when a tie or a fitted parameter does."""

from typing import Any, Literal

import numpy as np
import pytest
from numpy.typing import NDArray

from harness.columns import Column
from harness.diff.causes import Cause, Evidence, Surroundings
from tests.benchmarks.causes.judging import among_three, first_cause, parameters_right, reproduces

NUMBERS = np.array([1.5, 2.5, 3.25, 4.75, 6.5])


def evidence(left: NDArray[Any], right: NDArray[Any]) -> Evidence:
    """Five requests, all of which mismatch."""
    dtype: Literal["number", "category"] = "number" if left.dtype == np.float64 else "category"
    kind = np.zeros(len(left), np.uint8)
    empty: dict[str, Any] = {"columns": {}, "segments": {}, "keys": {}}
    nothing = Surroundings(unit=None, time_ns=None, service_ns=None, label=None, **empty)
    columns = Column(dtype, left, kind), Column(dtype, right, kind)
    return Evidence("x", "offline", *columns, np.arange(len(left)), nothing)


def cause(name: str, *tied: str, explained: int = 5, **parameters: float | str) -> Cause:
    """A cause as the room gives it."""
    return Cause(name, "words", explained, dict(parameters), tied)


FLOORED = evidence(NUMBERS, np.floor(NUMBERS))


@pytest.mark.parametrize(
    ("causes", "credit"),
    [
        pytest.param((cause("floor"),), 1.0, id="right"),
        pytest.param((), 0.0, id="nothing"),
        pytest.param((cause("scale"), cause("floor")), 0.0, id="second"),
        pytest.param((cause("truncation", "floor"),), 1.0, id="exact-tie"),
        pytest.param((cause("floor", "scale"),), 0.5, id="a-member-that-does-not-reproduce"),
        pytest.param((cause("floor", "clip"),), 0.5, id="a-member-that-does-not-hold-of-all"),
        pytest.param((cause("floor", "truncation", "rounding", "constant"),), 0.25, id="too-many"),
        pytest.param((cause("floor", "truncation", explained=4),), 0.5, id="not-all-rows"),
        pytest.param((cause("truncation", "rounding"),), 0.0, id="tie-without-the-truth"),
    ],
)
def test_a_tie_counts_where_each_member_reproduces_every_row(
    causes: tuple[Cause, ...], credit: float
) -> None:
    """At most three of them; else the first cause was a guess."""
    assert first_cause(causes, right=frozenset({"floor"}), evidence=FLOORED) == credit


@pytest.mark.parametrize(
    ("causes", "there"),
    [
        ((cause("a"), cause("b"), cause("floor")), True),
        ((cause("a"), cause("b"), cause("c"), cause("floor")), False),
        ((cause("a", "b", "floor"),), True),
        ((cause("a", "b", "c"), cause("floor")), False),
        ((), False),
    ],
)
def test_ties_take_places_among_the_first_three(causes: tuple[Cause, ...], *, there: bool) -> None:
    """A cause tied with two others fills all three places."""
    assert among_three(causes, right=frozenset({"floor"})) is there


@pytest.mark.parametrize(
    ("named", "known", "right"),
    [
        (cause("scale", factor=1000.0000001), {"factor": 1000.0}, True),
        (cause("scale", factor=1000.01), {"factor": 1000.0}, False),
        (cause("scale"), {"factor": 1000.0}, False),
        (cause("scale", factor=1000.0), {}, None),
        (cause("shift", factor=1000.0), {"factor": 1000.0}, None),
        (cause("scale", factor=0.0), {"factor": 0.0}, True),
        (cause("scale", field="country"), {"field": "country"}, True),
        (cause("scale", field="country"), {"field": "host"}, False),
        (cause("scale", field="country"), {"field": 3.0}, False),
    ],
)
def test_parameters_are_right_to_a_millionth(
    named: Cause, known: dict[str, float | str], *, right: bool | None
) -> None:
    """Of a wrong name, or where none is known, nothing is said."""
    assert parameters_right(named, known, right=frozenset({"scale"}), looseness=1e-6) is right


TEXTS = np.array(["ab", "Cd", "e f", "gh", "12.50"], object)


@pytest.mark.parametrize(
    ("name", "left", "right", "held"),
    [
        ("scale", NUMBERS, NUMBERS * 3.7, True),
        ("scale", NUMBERS, NUMBERS + 1, False),
        ("shift", NUMBERS, NUMBERS + 0.3, True),
        ("sign", NUMBERS, -NUMBERS, True),
        ("clip", NUMBERS, np.full(5, 1.0), True),
        ("clip", NUMBERS, np.full(5, 3.0), False),
        ("constant", NUMBERS, np.full(5, 3.0), True),
        ("constant", NUMBERS, NUMBERS, False),
        ("mean_fill", NUMBERS, np.full(5, NUMBERS.mean()), True),
        ("mean_fill", NUMBERS, np.full(5, NUMBERS.max()), False),
        ("rounding", NUMBERS, np.round(NUMBERS, 1), True),
        ("wrap", NUMBERS, NUMBERS + 256, False),
        ("wrap", NUMBERS + 511, NUMBERS - 1, True),
        ("decimal_mark", np.array([1.5, 2.25, 30.0, 4.5, 5.5]), np.array([15.0, 225, 30, 45, 55]), True),
        ("decimal_mark", NUMBERS, NUMBERS * 2, False),
        ("timeout_fill", NUMBERS, np.full(5, 3.0), False),
        ("lost_zero", NUMBERS, np.full(5, 3.0), False),
        ("fill", NUMBERS, np.full(5, 3.0), False),
        ("recoded", TEXTS, TEXTS[::-1], True),
        ("recoded", TEXTS, np.full(5, "x", object), False),
        ("case", TEXTS, np.array([t.upper() for t in TEXTS], object), True),
        ("spaces", TEXTS, np.array([f" {t}" for t in TEXTS], object), True),
        ("text_cut", TEXTS, np.array([t[:1] for t in TEXTS], object), True),
        ("text_cut", TEXTS, np.array([t[1:] for t in TEXTS], object), False),
        ("number_text", TEXTS[4:], np.array(["12.5"], object), True),
        ("a name that nobody knows", NUMBERS, NUMBERS, False),
    ],
)
def test_what_is_tied_is_checked_and_not_believed(
    name: str, left: NDArray[Any], right: NDArray[Any], *, held: bool
) -> None:
    """A cause is a member of a tie only if it makes every row."""
    assert reproduces(name, evidence(left, right)) is held
