"""Shapley values on each request: what each of several bugs is charged of a change that they cause together.

Shapley, "A value for n-person games", 1953. On a request only the bugs that differ there are players, so few
play at once, and the value of a sum over requests is the sum of the values.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from math import comb

import numpy as np
from numpy.typing import NDArray

#: players up to which every coalition is scored
EXACT_PLAYERS = 8


def exact(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """The Shapley value of each of m players, float64 (m, rows), from what coalitions are worth, (2^m, rows).

    Coalition c has player j where bit j of c is set; what nobody is worth is (0, rows).
    To check: worth 0, 1, 2, 5 of {}, {0}, {1}, {0, 1} gives 2 and 3.
    """
    players = int(values.shape[0]).bit_length() - 1
    shares = np.zeros((players, *values.shape[1:]))
    for j in range(players):
        others = [k for k in range(players) if k != j]
        for size in range(players):
            weight = 1.0 / (players * comb(players - 1, size))
            for chosen in combinations(others, size):
                without = sum(1 << k for k in chosen)
                shares[j] += weight * (values[without | 1 << j] - values[without])
    return shares


def coalitions(players: NDArray[np.int64], total: int) -> Iterator[NDArray[np.bool_]]:
    """Every coalition of the m players of each row but the empty one, bool (rows, total) each.

    `players` is int64 (rows, m); in the order that `exact` reads them in.
    """
    rows, m = players.shape
    for coalition in range(1, 2**m):
        chosen = np.zeros((rows, total), bool)
        for rank in range(m):
            if coalition >> rank & 1:
                chosen[np.arange(rows), players[:, rank]] = True
        yield chosen
