"""What causes are concluded from."""

import numpy as np

from harness.columns import Column
from harness.diff.causes import Cause, Surroundings
from harness.diff.causes.model import function, same_value
from tests.kit.struck import COUNTRY, LEVELS, SIGNED, N, column, evidence


def test_evidence_on_other_rows_shares_the_whole() -> None:
    """What is known of the whole columns is computed once."""
    some = evidence(column(SIGNED), column(-SIGNED))
    few = some.at(some.rows[:3])
    assert few.whole is some.whole
    assert few.a.tolist() == SIGNED[:3].tolist()
    assert few.at(few.rows, np.zeros(3)).b.tolist() == [0.0, 0.0, 0.0]


def test_only_finite_numbers_count_as_both() -> None:
    """An infinity satisfies any relative tolerance."""
    left = column(np.array([1.0, np.inf, 2.0, np.nan]))
    right = column(np.array([np.inf, 1.0, 3.0, 1.0]))
    assert evidence(left, right).both.tolist() == [False, False, True, False]


def test_surroundings_are_coded_once() -> None:
    """Slowness is a rank, unknown where the time is; segments have levels."""
    around = Surroundings(service_ns=np.array([5.0, np.nan, 1.0]), segments={"country": COUNTRY})
    slowness = around.slowness
    assert slowness is not None
    assert np.allclose(slowness, [0.75, np.nan, 0.25], equal_nan=True)
    assert sorted(around.levels["country"][1]) == ["BR", "DE", "IN", "US"]
    assert around.by_unit is None
    assert Surroundings().slowness is None


def test_a_function_is_tested_on_what_both_hold() -> None:
    """Within nine digits, and zero is only zero."""
    left = column(np.array([1.0, 2.0, 3.0]))
    right = column(np.array([2.0, 4.0 + 1e-12, 1e-13]))
    assert function(lambda a: a * 2)(evidence(left, right)).tolist() == [True, True, False]


def test_values_of_source_rows() -> None:
    """The same level in another row; -1 is no row."""
    left = column(LEVELS)
    served = np.roll(LEVELS, 1)
    some = evidence(left, column(served))
    assert same_value(some, (some.rows - 1) % N).all()
    assert not same_value(some, np.full(len(some.rows), -1)).any()


def test_a_cause_compares_without_its_rows() -> None:
    """They are where, not what."""
    assert Cause("x", "y", 1, rows=np.arange(2)) == Cause("x", "y", 1, rows=np.arange(N))
    assert isinstance(column(SIGNED), Column)
