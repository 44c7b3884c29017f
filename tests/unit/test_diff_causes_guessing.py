"""Parameters guessed from the rows."""

import numpy as np
import pytest

from harness.diff.causes.guessing import guesses, modal_share


@pytest.mark.parametrize(
    ("values", "first", "chance"),
    [
        ([2.0, 2.0, 2.0, 5.0], 2.0, 0.25),
        ([1 / 3, 1 / 3 + 1e-12, 1 / 3 - 1e-12], 0.333333333, 0.0),
        ([0.0, np.inf, np.nan, 7.0], 7.0, 0.0),
    ],
)
def test_the_most_shared_value_is_guessed(values: list[float], first: float, chance: float) -> None:
    """To nine digits, whatever else there is, with the share of the next best."""
    found = guesses(np.array(values))
    assert found.values[0] == first
    assert found.chance == chance


@pytest.mark.parametrize("values", [[], [0.0, 0.0], [np.nan, np.inf]])
def test_nothing_is_guessed_from_nothing(values: list[float]) -> None:
    """Zero and what is not finite are no parameters."""
    assert guesses(np.array(values)).values == ()


def test_the_modal_share() -> None:
    """The most frequent value, and how frequent the second is."""
    assert modal_share(np.array([1, 1, 1, 5, 5, 2])) == (1.0, 2 / 6)
