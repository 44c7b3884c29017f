"""Causes that lie after the model: another link, a class, clipping, calibration. They need scores only."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from harness.diff.bands import Band
from harness.diff.probes.model import Scores
from harness.diff.sentences import number

Hits = NDArray[np.bool_]
#: arithmetic done elsewhere is a bit or two away
_SAME: Final = Band(atol=1e-15, rtol=1e-9)
_CALIBRATED: Final = "as a calibration does that one side lacks or applies twice"
#: a fitted slope or shift that is none
_NONE: Final = 1e-6
#: distinct offline scores from which on a map is taken for one
LEAST_POINTS = 30
#: how well a map must foretell the change of a score that it was not fitted on
FORETOLD = 0.1


@dataclass(frozen=True, eq=False)
class Moved:
    """Scores that differ, offline `a` and served `b` (m,), and the served ones of the requests that agree."""

    a: Scores
    b: Scores
    calm: Scores


@dataclass(frozen=True, eq=False)
class Found:
    """A cause with bool (m,) of the requests it reproduces, and how many things it chooses."""

    name: str
    phrase: str
    hits: Hits
    cost: int = 0


def afterwards(moved: Moved) -> Iterator[Found]:
    """Everything tried on the scores alone."""
    with np.errstate(all="ignore"):
        yield Found(
            "double_sigmoid", "applies the sigmoid twice", _SAME.holds(1 / (1 + np.exp(-moved.a)), moved.b)
        )
        yield from _class(moved)
        yield from _clipped(moved)
        yield from _log_odds(moved)
        yield from _monotone(moved)


def _class(moved: Moved) -> Iterator[Found]:
    """Served are 0 and 1 only, 1 from some offline score on."""
    ones, zeros = moved.b == 1.0, moved.b == 0.0
    if not ones.any() or not zeros.any():
        return
    cut = float(moved.a[ones].min())
    yield Found(
        "class_label",
        "serves the class instead of the score",
        np.where(moved.a >= cut, ones, zeros) & (moved.a[zeros].max() < cut),
    )


def _clipped(moved: Moved) -> Iterator[Found]:
    """What lies beyond a bound is served as the bound, and nothing that agrees lies beyond it."""
    every, hits, bounds = moved.calm, np.zeros(len(moved.a), bool), []
    for side, words in ((1.0, "above"), (-1.0, "below")):
        beyond = side * (moved.a - moved.b) > 0
        if not beyond.any() or not len(every):
            continue
        bound = float(np.median(moved.b[beyond]))
        if np.all(side * (every - bound) <= 0) and np.all(side * (moved.a[beyond] - bound) > 0):
            hits |= beyond & (moved.b == bound)
            bounds.append(f"{words} {number(bound)}")
    if bounds:
        yield Found("clipping", f"clips the score {' and '.join(bounds)}", hits)


def _log_odds(moved: Moved) -> Iterator[Found]:
    """The served log-odds are a line of the offline ones: Platt scaling (Platt 1999, section 2.2).

    To check: p = 0.5 and 0.75 served as 0.25 and 0.5 is a shift by −ln 3.
    """
    inside = (moved.a > 0) & (moved.a < 1) & (moved.b > 0) & (moved.b < 1)
    if np.count_nonzero(inside) < LEAST_POINTS:
        return
    x, y = (np.log(p / (1 - p)) for p in (moved.a, moved.b))
    order = np.flatnonzero(inside)[np.argsort(x[inside])]
    best: tuple[int, float, float] = (0, 0.0, 0.0)
    for share in (0.02, 0.1, 0.2, 0.3):
        low, high = order[int(share * len(order))], order[int((1 - share) * len(order)) - 1]
        if x[high] - x[low] > 0:
            slope = (y[high] - y[low]) / (x[high] - x[low])
            shift = y[low] - slope * x[low]
            best = max(best, (int(_on_line(x, y, slope=slope, shift=shift).sum()), slope, shift))
    hits, slope, shift = best
    if hits and abs(slope) > _NONE:
        found = inside & _on_line(x, y, slope=slope, shift=shift)
        yield Found("calibration", _line_words(slope, shift), found, cost=2)


def _on_line(x: Scores, y: Scores, *, slope: float, shift: float) -> Hits:
    """Near 0 and 1 a score carries few digits of its log-odds."""
    return np.asarray(np.abs(slope * x + shift - y) <= 1e-8 * (1 + np.abs(x) + np.abs(y)))


def _line_words(slope: float, shift: float) -> str:
    if abs(slope - 1) <= _NONE:
        away = f"{number(abs(shift))} {'higher' if shift > 0 else 'lower'}"
        return f"serves log-odds {away}, as a prior correction does"
    moved = f" {'plus' if shift > 0 else 'minus'} {number(abs(shift))}" if abs(shift) > _NONE else ""
    return f"serves log-odds times {number(slope)}{moved}, {_CALIBRATED}"


def _monotone(moved: Moved) -> Iterator[Found]:
    """The served scores are a strictly monotone map of the offline ones, each foretold by the others.

    The map through every second point must lead strictly between the neighbours of each point left out and
    foretell its change to a tenth; then the halves change places. So small noise, which keeps the order, is
    no map: its changes cannot be foretold.
    """
    points, first, back = np.unique(moved.a, return_index=True, return_inverse=True)
    if len(points) < LEAST_POINTS or not np.isfinite(points).all():
        return
    values = moved.b[first]
    steps = np.diff(values)
    one_valued = bool(_SAME.holds(values[back], moved.b).all())
    if not one_valued or not (np.all(steps > 0) or np.all(steps < 0)):
        return
    hits = _foretold(points, values)[back]
    phrase = f"serves a monotone map of the score, {_CALIBRATED}"
    yield Found("calibration", phrase, hits, cost=5)


def _foretold(points: Scores, values: Scores) -> Hits:
    """Which values their neighbours foretell; the two outer ones have none on one side and are let be."""
    hits = np.ones(len(points), bool)
    change = values - points
    enough = FORETOLD * np.maximum(np.abs(change), np.median(np.abs(change)))
    inner = np.arange(1, len(points) - 1)
    share = (points[inner] - points[inner - 1]) / (points[inner + 1] - points[inner - 1])
    guess = values[inner - 1] + share * (values[inner + 1] - values[inner - 1])
    hits[inner] = np.abs(guess - values[inner]) <= enough[inner]
    return hits
