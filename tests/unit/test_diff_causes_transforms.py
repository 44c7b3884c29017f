"""One function too many, or the sign."""

import numpy as np
import pytest

from harness.diff.causes.transforms import FUNCTIONS
from tests.kit.struck import AMOUNT, RARE, SHARE, SIGNED, causes_of


@pytest.mark.parametrize("name", list(FUNCTIONS))
def test_each_function_is_named(name: str) -> None:
    """On a share all of them are defined."""
    (cause,) = causes_of(SHARE, FUNCTIONS[name][0](SHARE), hit=RARE)
    assert (cause.name, cause.parameters) == ("transform", {"function": name})


def test_logarithms_of_nothing_belong_to_the_logarithm() -> None:
    """Where the function is undefined, NaN is what it serves."""
    values = np.where(np.arange(len(AMOUNT)) % 7 == 0, -1.0, AMOUNT)
    with np.errstate(invalid="ignore"):
        (cause,) = causes_of(values, np.log(values))
    assert (cause.name, cause.parameters["function"]) == ("transform", "log")


def test_sign_and_absolute_are_told_apart_by_what_is_left_alone() -> None:
    """Where only negative numbers differ, the sign was dropped and not swapped."""
    assert causes_of(SIGNED, -SIGNED, hit=RARE)[0].name == "sign"
    assert causes_of(SIGNED, np.abs(SIGNED), hit=RARE)[0].name == "absolute"


def test_a_reciprocal_too_small_to_see_is_no_zero_fill() -> None:
    """One divided by a huge number is nearly zero, and zero is not that."""
    assert causes_of(AMOUNT * 1e13, np.zeros(len(AMOUNT)))[0].name == "constant"


def test_a_flat_function_is_a_constant() -> None:
    """The logistic function of large numbers is 1 everywhere."""
    assert causes_of(AMOUNT + 60, np.ones(len(AMOUNT)))[0].name == "constant"
