"""Windows of counts and sums: the present event in or out, and the wrong length."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from harness.columns import Column, Kind
from harness.diff.causes.model import EXACT, Candidate, Evidence, Hypothesis, Mask
from harness.diff.sentences import number

#: rows that a window of another length needs to be told from noise, and how alike counts must stay
_LEAST_ROWS: Final = 20
_ALIKE: Final = 0.5
_GLANCE: Final = 64
_MOST_OTHERS: Final = 500
#: interquartile range of served divided by offline, at most
_SPREAD: Final = 0.5


def present_event(evidence: Evidence) -> Iterator[Candidate]:
    """The served sum is the offline one with or without the present request's own amount."""
    glance = evidence.at(evidence.rows[:: -(-len(evidence.rows) // _GLANCE)])
    if not glance.both.any() or evidence.score:
        return
    others = list(evidence.around.columns.items())[:_MOST_OTHERS]
    for name, column in others:
        if column.dtype != "number" or name == evidence.label:
            continue
        for by, words in ((-1.0, "without"), (1.0, "with")):
            test = _moved_by(column, by)
            if np.count_nonzero(test(glance)) * 10 >= len(glance.rows):
                yield Candidate(
                    "off_by_one",
                    f"serves {evidence.label} {words} the {name} of the present request",
                    test,
                    cost=0.008,
                    parameters={"by": by, "of": name},
                )


def window(evidence: Evidence) -> Iterator[Candidate]:
    """Served counts are all smaller than the offline ones, or all larger, and go with them.

    The ratio of their sums says how much shorter the window is where events come evenly.
    """
    both = evidence.both
    a, b = evidence.a[both], evidence.b[both]
    if len(a) < _LEAST_ROWS or not evidence.whole.whole_numbers or evidence.whole.values[0] < 0:
        return
    if np.any(b < 0) or np.any(b != np.floor(b)) or not (np.all(b < a) or np.all(b > a)):
        return
    ratios = b[a > 0] / a[a > 0]
    if not len(ratios) or np.ptp(a) == 0 or np.ptp(b) == 0 or np.corrcoef(a, b)[0, 1] < _ALIKE:
        return
    low, high = np.quantile(ratios, [0.25, 0.75])
    ratio = float(b.sum() / a.sum())
    if high - low > _SPREAD * max(ratio, 1.0):
        return
    shorter = "shorter" if ratio < 1 else "longer"
    yield Candidate(
        "window",
        f"counts {evidence.label} over a {shorter} window, {number(float(f'{ratio:.3g}'))} times as long",
        _on_side(below=ratio < 1),
        cost=0.1,
        parameters={"ratio": ratio},
        chance=0.5,
    )


def _moved_by(column: Column, by: float) -> Any:  # noqa: ANN401  -- a test
    def test(some: Evidence) -> Mask:
        if not some.both.any():
            return some.both
        other: NDArray[np.float64] = column.values[some.rows]
        held = some.both & (column.kind[some.rows] == Kind.VALUE) & (other != 0)
        return np.asarray(held & EXACT.holds(some.a + by * other, some.b))

    return test


def _on_side(*, below: bool) -> Any:  # noqa: ANN401  -- a test
    return lambda some: np.asarray(some.both & ((some.b < some.a) if below else (some.b > some.a)))


EVENTS: Final[tuple[Hypothesis, ...]] = (present_event,)
WINDOWS: Final[tuple[Hypothesis, ...]] = (window,)
