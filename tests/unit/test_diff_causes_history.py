"""What was known of each unit when."""

import numpy as np
import pytest

from harness.diff.causes.history import History

UNIT = np.array([7, 3, 7, 7, 3, 9])
TIME = np.array([10, 20, 30, 40, 50, 60])
HISTORY = History.of(UNIT, TIME)
ROWS = np.arange(6)


@pytest.mark.parametrize(
    ("lag", "found"), [(1, [-1, -1, 0, 2, 1, -1]), (2, [-1, -1, -1, 0, -1, -1]), (9, [-1] * 6)]
)
def test_rows_before(lag: int, found: list[int]) -> None:
    """Of the same unit only."""
    assert HISTORY.before(ROWS, lag).tolist() == found


@pytest.mark.parametrize(
    ("when", "found"), [(35, [2, 1, 2, 2, 1, 5]), (0, [0, 1, 0, 0, 1, 5]), (99, [3, 4, 3, 3, 4, 5])]
)
def test_rows_as_of_one_time(when: int, found: list[int]) -> None:
    """The first row of a unit where there is none so early."""
    assert HISTORY.as_of(ROWS, when).tolist() == found


def test_the_latest_row_of_another_unit() -> None:
    """Up to the time of the row that asks; unknown units have none."""
    assert HISTORY.latest(np.array([3, 7, 3, 9, 8, 3]), ROWS).tolist() == [-1, 0, 1, -1, -1, 4]


def test_values_last_until_the_next_row() -> None:
    """Of the same unit; the last one ever after."""
    ever = np.iinfo(np.int64).max
    assert HISTORY.until(ROWS).tolist() == [30, 50, 40, ever, ever, ever]
    assert HISTORY.first(ROWS).tolist() == [True, True, False, False, False, True]


def test_a_ledger_knows_who_held_what() -> None:
    """Earlier, later, and all of it; -1 is a value that nobody held."""
    ids = np.array([0, 1, 1, 0, 1, 0])
    ledger = HISTORY.ledger(ids, 2)
    assert ledger is not None
    assert ledger.earlier(ROWS, ids).tolist() == [-1, -1, -1, 0, 1, -1]
    assert ledger.later(ROWS, ids).tolist() == [3, 4, -1, -1, -1, -1]
    assert ledger.earlier(ROWS, np.full(6, -1)).tolist() == [-1] * 6
    asks, found = ledger.held(np.array([0, 1]), np.array([0, -1]), at_most=9)
    assert (asks.tolist(), found.tolist()) == ([0, 0], [0, 3])


def test_a_ledger_that_does_not_fit_is_none() -> None:
    """Codes beyond 62 bits are not made."""
    assert HISTORY.ledger(np.zeros(6, np.int64), 2**60) is None


def test_a_part_is_the_whole_history_of_some_units() -> None:
    """By unit and time, with where the asked rows stand."""
    part = HISTORY.part(np.array([3, 4]))
    assert part.rows.tolist() == [1, 4, 0, 2, 3]
    assert part.asked.tolist() == [4, 1]
    assert part.opening(15).tolist() == [0, 1, 2, 3, 3]
    assert [slots.tolist() for slots in part.rounds] == [[0, 2], [1, 3], [4]]


def test_without_times_rows_are_in_order() -> None:
    """The order of the rows is the order of time."""
    assert History.of(UNIT, None).before(ROWS, 1).tolist() == [-1, -1, 0, 2, 1, -1]
