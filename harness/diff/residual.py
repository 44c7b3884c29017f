"""What of a score difference no feature explains: the served vector scored again by the left arm's model."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness.columns import Kind
from harness.diff.bands import Rule
from harness.diff.case import Case
from harness.diff.cells import Difference
from harness.diff.damage import Rescore, mixed


@dataclass(frozen=True, eq=False)
class Residual:
    """`expected` float64 (n,) is what the left arm's model makes of what was served; `rows` bool (n,) differ.

    Where no feature differs, and where nothing can be scored again, the left arm's own score is expected.
    """

    expected: NDArray[np.float64]
    rows: NDArray[np.bool_]


def residual(case: Case, *, band: Rule) -> Residual:
    """The requests whose score differs from the left arm's and is not what the served features explain.

    A feature that is left out may still have been read: it explains a score with its offline value too.
    """
    differs = (case.scored.codes != Difference.EQUAL) & (case.scored.codes != Difference.NONDETERMINISTIC)
    expected = case.pair.left.scores.copy()
    found = differs & (case.touched == 0)
    rows = np.flatnonzero(differs & (case.touched > 0))
    if case.rescore is None or not len(rows):
        return Residual(expected, found)
    served = case.pair.right.scores[rows]
    for kept in (True, False):
        scores = _scores(case, rows, rescore=case.rescore, lost_kept=kept)
        right = np.isclose(scores, served, rtol=0, atol=0, equal_nan=True) | band.holds(scores, served)
        expected[rows] = scores
        rows, served = rows[~right], served[~right]
        if not len(rows):
            break
    found[rows] = True
    return Residual(expected, found)


def _scores(case: Case, rows: NDArray[np.int64], *, rescore: Rescore, lost_kept: bool) -> NDArray[np.float64]:
    served = case.pair.right.features or {}
    where = {
        name: (served[name].kind[rows] != Kind.MISSING) | (not lost_kept)
        if name in served
        else np.full(len(rows), not lost_kept)
        for name in case.pair.left.features or {}
    }
    return rescore(mixed(case.pair, where, rows=rows))
