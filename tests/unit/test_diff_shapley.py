"""What each of several players is charged of what they do together."""

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.diff.shapley import coalitions, exact


@pytest.mark.parametrize(
    ("worth", "shares"),
    [
        pytest.param([0, 7], [7], id="alone"),
        pytest.param([0, 1, 2, 5], [2, 3], id="two-that-help-each-other"),
        pytest.param([0, 0, 0, 1], [0.5, 0.5], id="only-together"),
        pytest.param([0, 1, 1, 1], [0.5, 0.5], id="one-is-enough"),
        pytest.param([0, 4, 0, 4], [4, 0], id="a-dummy"),
        pytest.param([0, 0, 0, 1, 0, 1, 0, 1], [2 / 3, 1 / 6, 1 / 6], id="gloves"),
    ],
)
def test_shares_that_can_be_computed_by_hand(worth: list[float], shares: list[float]) -> None:
    """The last is the glove game of Shapley and Shubik: one left glove, two right ones."""
    assert exact(np.array(worth, float)[:, None])[:, 0] == pytest.approx(shares)


@given(st.integers(1, 5).flatmap(lambda m: st.lists(st.floats(-9, 9), min_size=2**m, max_size=2**m)))
def test_a_share_is_the_mean_over_all_orders(worth: list[float]) -> None:
    """By the definition: what a player adds, over every order in which the players come."""
    values = np.array([0.0, *worth[1:]])
    players = len(worth).bit_length() - 1
    added = np.zeros(players)
    orders = list(permutations(range(players)))
    for order in orders:
        coalition = 0
        for j in order:
            added[j] += values[coalition | 1 << j] - values[coalition]
            coalition |= 1 << j
    shares = exact(values[:, None])[:, 0]
    np.testing.assert_allclose(shares, added / len(orders), atol=1e-9)
    assert shares.sum() == pytest.approx(values[-1], abs=1e-9)


def test_coalitions_are_of_the_players_of_each_row() -> None:
    """Row 0 is played by 0 and 2, row 1 by 1 and 2; nobody comes first and is left out."""
    found = [chosen.astype(int).tolist() for chosen in coalitions(np.array([[0, 2], [1, 2]]), 3)]
    assert found == [
        [[1, 0, 0], [0, 1, 0]],
        [[0, 0, 1], [0, 0, 1]],
        [[1, 0, 1], [0, 1, 1]],
    ]
