"""Some of many rows."""

import numpy as np
import pytest

from harness.diff.some_rows import evenly


@pytest.mark.parametrize(
    ("n", "at_most", "expected"),
    [(11, 3, [0, 5, 10]), (3, 3, [0, 1, 2]), (0, 3, []), (4, 3, [0, 1, 3]), (9, 1, [0])],
)
def test_rows_are_picked_evenly_from_end_to_end(n: int, at_most: int, expected: list[int]) -> None:
    """All of them where there are no more."""
    assert evenly(np.arange(n), at_most).tolist() == expected
