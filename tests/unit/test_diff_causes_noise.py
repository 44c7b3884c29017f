"""What no formula reproduces."""

import numpy as np
import pytest
from numpy.random import default_rng

from harness.diff.causes import Surroundings
from tests.kit.struck import AMOUNT, COUNT, SIGNED, N, causes_of

LABEL = (default_rng(1701).random(N) < 0.2).astype(float)


@pytest.mark.parametrize("sd", [0.001, 0.02, 0.1])
def test_errors_in_proportion_are_approximate(sd: float) -> None:
    """Their relative size is a parameter."""
    cause = causes_of(AMOUNT, AMOUNT * (1 + default_rng(1702).normal(0, sd, N)))[0]
    assert cause.name == "approximate"
    assert cause.parameters["relative_sd"] == pytest.approx(sd, rel=0.1)


@pytest.mark.parametrize(
    "served",
    [
        pytest.param(AMOUNT + default_rng(1703).normal(0, 1, N), id="added"),
        pytest.param(AMOUNT * default_rng(1704).lognormal(0, 1, N), id="multiplied"),
        pytest.param(default_rng(1705).gamma(2, 10, N), id="replaced"),
        pytest.param(np.round(AMOUNT + default_rng(1706).normal(0, 3, N), 2), id="added-on-a-lattice"),
    ],
)
def test_noise_of_one_size_is_unexplained(served: np.ndarray) -> None:
    """A wrong name is worse than none."""
    assert [cause.name for cause in causes_of(AMOUNT, served)] == ["unexplained"]


def test_differences_where_the_label_is_one_are_lookahead() -> None:
    """Also where a formula fits these rows."""
    around = Surroundings(label=np.where(default_rng(1707).random(N) < 0.1, np.nan, LABEL))
    ones = np.nan_to_num(np.asarray(around.label)) == 1
    for leak in (default_rng(1708).random(N), np.full(N, 1.5)):
        assert causes_of(SIGNED, SIGNED - leak, hit=ones, around=around)[0].name == "lookahead"


def test_differences_that_go_with_the_label_are_lookahead() -> None:
    """Beyond what the offline value says of the label."""
    around = Surroundings(label=LABEL)
    leaked = SIGNED - LABEL + default_rng(1709).normal(0, 0.5, N)
    assert causes_of(SIGNED, leaked, around=around)[0].name == "lookahead"


def test_a_label_that_goes_with_the_feature_is_no_lookahead() -> None:
    """Served values of other rows are none of the label's, though the offline ones are."""
    around = Surroundings(label=(COUNT + default_rng(1710).normal(0, 3, N) > 10).astype(float))
    noise = np.round(COUNT.mean() + default_rng(1711).normal(0, 4, N), 3)
    assert causes_of(COUNT, noise, around=around)[0].name == "unexplained"
