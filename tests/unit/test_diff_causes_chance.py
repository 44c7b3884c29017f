"""How far a share is beyond luck."""

import numpy as np
import pytest
from numpy.random import default_rng

from harness.diff.causes.chance import beyond, chance_of
from harness.diff.causes.model import Candidate
from tests.kit.struck import COUNT, HOUR, SIGNED, N, column, evidence


@pytest.mark.parametrize(
    ("hits", "rows", "chance", "share"),
    [
        (50, 50, 0.5, 0.857),
        (30, 50, 0.5, 0.0),
        (50, 50, 1.0, 0.0),
        (5, 5, 0.001, 0.565),
        (600, 1000, 0.5, 0.0),
    ],
)
def test_what_luck_explains_does_not_count(hits: int, rows: int, chance: float, share: float) -> None:
    """Neither what it may explain nor, where it explains much, a little more than that."""
    assert beyond(hits, rows, chance=chance) == pytest.approx(share, abs=1e-3)


def test_chance_is_measured_on_scrambled_rows() -> None:
    """A relation that any values have is all chance, one to the last bit none."""
    larger = Candidate("x", "x", lambda some: some.b > some.a - 3, cost=0.0)
    equal = Candidate("x", "x", lambda some: some.b == some.a / 3, cost=0.0)
    some = evidence(column(HOUR), column(default_rng(1301).permutation(HOUR)))
    assert chance_of(larger, some) > 0.4
    assert chance_of(equal, evidence(column(SIGNED), column(SIGNED / 3))) < 0.01
    known = Candidate("x", "x", lambda some: np.ones(len(some.rows), bool), cost=0.0, chance=0.25)
    assert chance_of(known, evidence(column(COUNT), column(COUNT + np.ones(N)))) == 0.25
