"""Numbers that lost something."""

import numpy as np
import pytest

from harness.diff.causes.precision import bfloat16
from tests.kit.struck import AMOUNT, HIT, IDENT, RARE, SIGNED, causes_of


@pytest.mark.parametrize(
    ("name", "served"),
    [
        ("float32", SIGNED.astype(np.float32)),
        ("float16", SIGNED.astype(np.float16)),
        ("bfloat16", bfloat16(SIGNED)),
    ],
)
def test_casts_are_told_apart(name: str, served: np.ndarray) -> None:
    """Bit for bit."""
    (cause,) = causes_of(SIGNED, served.astype(float), hit=RARE)
    assert cause.name == name


def test_what_is_too_large_for_float16_is_infinite() -> None:
    """The overflow belongs to the cast."""
    with np.errstate(over="ignore"):
        served = (AMOUNT * 999).astype(np.float16).astype(float)
    (cause,) = causes_of(AMOUNT * 999, served)
    assert (cause.name, np.isinf(served[HIT]).any()) == ("float16", True)


@pytest.mark.parametrize(
    ("values", "kept"), [(np.array([3.14159265, -2.7, 0.0]), [3.140625, -2.703125, 0.0])]
)
def test_bfloat16_keeps_eight_bits(values: np.ndarray, kept: list[float]) -> None:
    """Against values worked out by hand."""
    assert bfloat16(values).tolist() == kept


@pytest.mark.parametrize(
    ("name", "served", "decimals"),
    [
        ("rounding", np.round(SIGNED, 2), 2),
        ("rounding", np.round(SIGNED), 0),
        ("truncation", np.trunc(SIGNED), 0),
        ("truncation", np.trunc(SIGNED * 100) / 100, 2),
        ("floor", np.floor(SIGNED), 0),
        ("ceil", np.ceil(SIGNED), 0),
    ],
)
def test_roundings_are_told_apart_where_signs_differ(name: str, served: np.ndarray, decimals: int) -> None:
    """The decimals are a parameter."""
    (cause,) = causes_of(SIGNED, served, hit=RARE)
    assert (cause.name, cause.parameters, cause.tied) == (name, {"decimals": float(decimals)}, ())


def test_cutting_and_taking_down_positive_numbers_tie() -> None:
    """The same to the last bit: both are said."""
    (cause,) = causes_of(AMOUNT + 0.123, np.floor(AMOUNT + 0.123), hit=RARE)
    assert {cause.name, *cause.tied} == {"truncation", "floor"}


@pytest.mark.parametrize("kind", [np.int8, np.uint8, np.int16, np.uint16])
def test_integers_wrap(kind: type) -> None:
    """With or without a sign."""
    (cause,) = causes_of(IDENT, IDENT.astype(np.int64).astype(kind).astype(float), hit=RARE)
    assert (cause.name, cause.parameters["bits"]) == ("wrap", float(np.dtype(kind).itemsize * 8))


def test_a_lost_decimal_mark_is_told_from_a_factor() -> None:
    """As text 12.5 becomes 125 and 12.34 becomes 1234, which no factor does."""
    served = np.array([float(repr(value).replace(".", "")) for value in AMOUNT.tolist()])
    assert causes_of(AMOUNT, served)[0].name == "decimal_mark"
    fixed = causes_of(AMOUNT, np.round(AMOUNT * 100))[0]
    assert (fixed.name, fixed.parameters["decimals"]) == ("decimal_mark", 2.0)
    assert causes_of(AMOUNT + 0.0001, (AMOUNT + 0.0001) * 100)[0].name == "scale"
