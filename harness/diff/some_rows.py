"""Some of many rows, where all would take too long."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def evenly(rows: NDArray[np.int64], at_most: int) -> NDArray[np.int64]:
    """The rows (n,) themselves, or so many of them evenly spread, the first and the last among them.

    To check: 3 of 0, 1, …, 10 are 0, 5, 10.
    """
    if len(rows) <= at_most:
        return rows
    return rows[np.linspace(0, len(rows) - 1, at_most).astype(np.int64)]
