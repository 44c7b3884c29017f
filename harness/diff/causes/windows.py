"""Windows of counts and sums: the present event in or out, and the wrong length."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from harness.columns import Column, Kind
from harness.diff.causes.history import History, Part
from harness.diff.causes.joins import LIKELY, glanced, others
from harness.diff.causes.model import Candidate, Evidence, Hypothesis, Mask
from harness.diff.sentences import number

#: rows that a window of another length needs to be told from noise, and how alike counts must stay
_LEAST_ROWS: Final = 20
_ALIKE: Final = 0.5
_GLANCE: Final = 64
#: days that windows have, the share of glanced rows that one must explain, and of sums that may shrink
_DAYS: Final = (1 / 24, 0.25, 0.5, *(float(days) for days in range(1, 15)), 21.0, 28.0, 30.0, 60.0, 90.0)
_LEAST: Final = 0.1
_SHRINKING: Final = 0.01
_SMALL: Final = 1e-6
_DAY_NS: Final = 86_400 * 10**9
#: a few units in the last place of a sum, and how many of these a summand must be worth
_LAST_BITS: Final = 1e-14
_DROWNED: Final = 1e3
#: pairs of windows that are checked on all rows, and rows of a unit that make a short history
_MOST_WINDOWS: Final = 3
_SHORT: Final = 100
#: interquartile range of served divided by offline, at most
_SPREAD: Final = 0.5


def recount(evidence: Evidence) -> Iterator[Candidate]:
    """The served count or sum is the offline one over another number of days, counted again from the capture.

    If the offline value is what the unit's requests of the last D days add up to, running totals follow from
    it, and with them the sum over any other window.
    """
    history, whole = evidence.around.by_unit, evidence.whole
    if history is None or evidence.around.time_ns is None or whole.decimals is None or evidence.score:
        return
    if not len(whole.values) or whole.values[0] < 0:
        return
    glance = evidence.at(_of_small_units(evidence.rows, history))
    part = history.part(glance.rows)
    found: list[tuple[float, float, float]] = []
    longest = float(np.ptp(history.time_ns)) / _DAY_NS
    tried = [days for days in _DAYS if days <= longest + 1]
    for days in tried:
        totals = _totals(part, evidence.left.values[part.rows], days=days)
        if totals is not None:
            sums = {
                other: _windowed(part, totals, days=other)[part.asked] for other in tried if other != days
            }
            found += [(float(np.mean(_alike(made, glance))), days, other) for other, made in sums.items()]
    for share, days, other in sorted(found, key=lambda f: -f[0])[:_MOST_WINDOWS]:
        if share > _LEAST:
            yield _counted_over(evidence, history, days=days, other=other)


def present_event(evidence: Evidence) -> Iterator[Candidate]:
    """The served sum is the offline one with or without the present request's own amount."""
    glance = glanced(evidence)
    names, values = others(glance)
    if not names or not glance.both.any() or evidence.score:
        return
    for by, words in ((-1.0, "without"), (1.0, "with")):
        near = np.abs(glance.a + by * values - glance.b) <= _LAST_BITS * (np.abs(glance.a) + np.abs(values))
        likely = np.mean(glance.both & near, axis=1) >= LIKELY
        for name in (names[k] for k in np.flatnonzero(likely)):
            yield Candidate(
                "off_by_one",
                f"serves {evidence.label} {words} the {name} of the present request",
                _moved_by(evidence.around.columns[name], by),
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


def _counted_over(evidence: Evidence, history: History, *, days: float, other: float) -> Candidate:
    @cache
    def sums() -> NDArray[np.float64]:
        everything = history.part(np.arange(len(history.order)))
        totals = _totals(everything, evidence.left.values[everything.rows], days=days)
        if totals is None:
            return np.full(len(history.order), np.nan)
        return _windowed(everything, totals, days=other)[everything.asked]

    def test(some: Evidence) -> Mask:
        return _alike(sums()[some.rows], some)

    span = f"{number(other)} {'day' if other == 1 else 'days'}"
    return Candidate(
        "window",
        f"adds {evidence.label} up over {span} where {evidence.other} has {number(days)}",
        test,
        cost=0.004,
        parameters={"days": other, "of_days": days},
    )


def _of_small_units(rows: NDArray[np.int64], history: History) -> NDArray[np.int64]:
    """A few rows evenly picked, of units with a short history where there are enough of these."""
    sizes = np.diff(history.start_of)[history.group[rows]]
    small = rows[sizes <= max(_SHORT, int(np.quantile(sizes, 0.25)))]
    return small[:: -(-len(small) // _GLANCE)]


def _alike(made: NDArray[np.float64], some: Evidence) -> Mask:
    if not some.both.any():
        return some.both
    step = 10.0 ** -(some.whole.decimals or 0)
    return np.asarray(some.both & (np.abs(made - some.b) <= 1e-6 * step + 1e-12 * np.abs(made)))


def _totals(part: Part, values: NDArray[np.float64], *, days: float) -> NDArray[np.float64] | None:
    """What each unit's requests add up to until each row, from sums over a window; None for no such sums."""
    opening = part.opening(int(days * _DAY_NS))
    before = np.where(opening > part.start, opening, len(values) + 1) - 1
    totals = np.append(np.zeros(len(values)), 0.0)
    for places in part.rounds:
        totals[places] = values[places] + totals[before[places]]
    steps = np.diff(totals[:-1])[part.start[1:] != np.arange(1, len(values))]
    if not len(steps):
        return None  # nobody came twice, so windows of any length hold the same
    if not np.all(np.isfinite(totals)) or np.mean(steps < -_SMALL) > _SHRINKING:
        return None
    return totals


def _windowed(part: Part, totals: NDArray[np.float64], *, days: float) -> NDArray[np.float64]:
    opening = part.opening(int(days * _DAY_NS))
    before = np.where(opening > part.start, opening, len(totals)) - 1
    return np.asarray(totals[:-1] - totals[before])


def _moved_by(column: Column, by: float) -> Any:  # noqa: ANN401  -- a test
    def test(some: Evidence) -> Mask:
        if not some.both.any():
            return some.both
        other: NDArray[np.float64] = column.values[some.rows]
        room = _LAST_BITS * (np.abs(some.a) + np.abs(other))
        # neither may drown in the other
        seen = np.minimum(np.abs(some.a), np.abs(other)) > _DROWNED * room
        held = some.both & (column.kind[some.rows] == Kind.VALUE) & seen
        return np.asarray(held & (np.abs(some.a + by * other - some.b) <= room))

    return test


def _on_side(*, below: bool) -> Any:  # noqa: ANN401  -- a test
    return lambda some: np.asarray(some.both & ((some.b < some.a) if below else (some.b > some.a)))


EVENTS: Final[tuple[Hypothesis, ...]] = (recount, present_event)
WINDOWS: Final[tuple[Hypothesis, ...]] = (window,)
