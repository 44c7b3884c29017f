"""Units: a factor, a factor and an offset, a factor that depends on a field of the request, a norm."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from harness.diff.causes.guessing import guesses
from harness.diff.causes.model import (
    EXACT,
    MIN_ROWS,
    Candidate,
    Evidence,
    Hypothesis,
    Mask,
    function,
)
from harness.diff.causes.wording import meaning, times
from harness.diff.sentences import number

Floats = NDArray[np.float64]

LEAST_FACTOR: Final = 1e-100
#: lines through two rows that are tried, the rows that each is checked on, and how close a line must come
_LINES: Final = 40
_CHECKED: Final = 500
_LINE_BAND: Final = 1e-11
_FITTED: Final = 1e-12
#: a slope this near to 1, or an intercept this near to 0, is none
_NOTHING: Final = 1e-9
#: how visible the slope must be beside the intercept
_VISIBLE: Final = 1e-6
_SEED: Final = 3
#: how near a line must be to the standardisation of the capture, whose moments are not the training's
_ABOUT: Final = 0.05
#: levels of a field beyond which a factor for each says nothing
_MOST_LEVELS: Final = 50
#: features on each side that a vector may reach to, rows glanced at for it, and the share that must fit
_BESIDE: Final = 64
_GLANCE: Final = 16
_OF_GLANCE: Final = 0.25


def scale(evidence: Evidence) -> Iterator[Candidate]:
    """The served number is the offline one times a constant."""
    usable = _usable(evidence)
    if not usable.any():
        return
    found = guesses(evidence.b[usable] / evidence.a[usable])
    for by in found.values:
        if not LEAST_FACTOR <= abs(by) <= 1 / LEAST_FACTOR or by in {1.0, -1.0}:
            continue  # the quotient over- or underflowed: no factor that anybody wrote
        phrase = f"serves {evidence.label} {times(by)} {evidence.other}{meaning(by)}"
        yield Candidate(
            "scale",
            phrase,
            _scaled(by),
            cost=0.002,
            parameters={"factor": by},
            change=_times(by),
            chance=found.chance if evidence.whole.decimals is not None else None,
            once=True,
            soft=evidence.whole.decimals is not None,
        )


def affine(evidence: Evidence) -> Iterator[Candidate]:
    """The served number is the offline one times a constant plus another constant."""
    both = evidence.both
    if np.count_nonzero(both) < MIN_ROWS:
        return
    line = _line(evidence.a[both], evidence.b[both])
    if line is None:
        return
    slope, intercept = line
    mean, spread = evidence.whole.mean, float(np.std(evidence.whole.finite))
    words = _standardised(slope, intercept, mean=mean, spread=spread)
    phrase = f"serves {evidence.label} as {number(slope)} × {evidence.other} {_plus(intercept)}{words}"
    yield Candidate(
        "affine",
        phrase,
        lambda some: _on_line(some, slope=slope, intercept=intercept),
        cost=0.012,
        parameters={"slope": slope, "intercept": intercept},
        inputs=4,
        once=True,
        soft=evidence.whole.decimals is not None,
    )


def scale_by(evidence: Evidence) -> Iterator[Candidate]:
    """The served number is the offline one times a constant that depends on a field of the request."""
    usable = _usable(evidence)
    if np.count_nonzero(usable) < MIN_ROWS:
        return
    quotients = evidence.b[usable] / evidence.a[usable]
    for field, (codes, levels) in evidence.around.levels.items():
        if len(levels) > _MOST_LEVELS:
            continue
        factors = _factors(quotients, codes[evidence.rows[usable]], size=len(levels))
        known = np.flatnonzero(np.isfinite(factors))
        if len({float(f"{f:.7g}") for f in factors[known]}) < 2:
            continue
        listed = ", ".join(f"{number(float(factors[k]))} for {levels[k]}" for k in known[:4])
        yield Candidate(
            "scale_by",
            f"serves {evidence.label} by a factor that depends on {field}: {listed}",
            _scaled_by(codes, factors),
            cost=0.012 + 0.0005 * len(known),
            parameters={"field": field, **{levels[k]: float(factors[k]) for k in known}},
            once=True,
            soft=evidence.whole.decimals is not None,
        )


def norm(evidence: Evidence) -> Iterator[Candidate]:
    """The features of one vector, which stand side by side, are divided by their length, sum or largest."""
    names = evidence.around.numbers
    if evidence.label not in names or np.count_nonzero(evidence.both) < MIN_ROWS:
        return
    own = names.index(evidence.label)
    around = names[max(0, own - _BESIDE) : own + _BESIDE + 1]
    columns = [evidence.around.columns[name] for name in around]
    glance = evidence.at(evidence.rows[_usable(evidence)][:_GLANCE])
    divisors = glance.a / glance.b
    if len(divisors) < MIN_ROWS or not np.all(divisors > 0):
        return
    vectors = np.abs(np.stack([column.values[glance.rows] for column in columns]))
    for kind, order in (("length", 2.0), ("sum", 1.0), ("largest", np.inf)):
        span = _span(vectors, around.index(evidence.label), divisors=divisors, order=order)
        if span is not None:
            low, high = span
            phrase = f"divides {evidence.label} by the {kind} of {around[low]} to {around[high]}"
            test = _normed(columns[low : high + 1], order)
            yield Candidate("norm", phrase, test, cost=0.004, parameters={"norm": kind})


def _span(vectors: Floats, own: int, *, divisors: Floats, order: float) -> tuple[int, int] | None:
    """The columns from which to which the norm is the divisor of most rows, own among them; None for none.

    Sums grow outwards from the own column, so that what stands further away costs no digits.
    """
    powers = vectors if np.isinf(order) else vectors**order
    grow = np.maximum.accumulate if np.isinf(order) else np.cumsum
    right = grow(powers[own:], axis=0)
    left = np.concatenate([np.zeros((1, len(divisors))), grow(powers[:own][::-1], axis=0)])
    sums = np.maximum(left[:, None], right[None]) if np.isinf(order) else left[:, None] + right[None]
    sums[0, 0] = np.nan
    target = divisors if np.isinf(order) else divisors**order
    hits = np.mean(np.abs(sums - target) <= 1e-9 * target, axis=2)
    best = np.unravel_index(int(np.argmax(hits)), hits.shape)
    return (own - int(best[0]), own + int(best[1])) if hits[best] >= _OF_GLANCE else None


def _usable(evidence: Evidence) -> Mask:
    if not evidence.both.any():
        return evidence.both
    return np.asarray(evidence.both & (evidence.a != 0) & (evidence.b != 0))


def _times(by: float) -> Any:  # noqa: ANN401  -- a change, as Candidate takes it
    return lambda a: a * by


def _scaled(by: float) -> Any:  # noqa: ANN401  -- a test, as function() gives it
    whole = function(_times(by))
    return lambda some: whole(some) & _usable(some)


def _line(a: Floats, b: Floats) -> tuple[float, float] | None:
    """The line through two rows that most rows lie on, fitted again on these; None for no new line."""
    generator = np.random.default_rng(_SEED)
    pick = generator.permutation(len(a))[:_CHECKED]
    a, b = a[pick], b[pick]
    i, j = generator.integers(0, len(a), (2, _LINES))
    low, high = np.argmin(a), np.argmax(a)
    i, j = np.append(i, low), np.append(j, high)
    apart = a[i] != a[j]
    i, j = i[apart], j[apart]
    if not len(i):
        return None
    slopes = (b[i] - b[j]) / (a[i] - a[j])
    intercepts = b[i] - slopes * a[i]
    hits = _near(a[None, :], b[None, :], slope=slopes[:, None], intercept=intercepts[:, None]).sum(axis=1)
    best = int(np.argmax(hits))
    on = _near(a, b, slope=slopes[best], intercept=intercepts[best])
    slope, intercept = _refit(a[on], b[on])
    if not np.isfinite(slope + intercept) or abs(slope) < LEAST_FACTOR or hits[best] < MIN_ROWS:
        return None
    scale = max(float(np.abs(b).max()), abs(intercept), 1e-300)
    if abs(slope - 1.0) < _NOTHING or abs(intercept) <= _NOTHING * scale:
        return None
    if abs(slope) * float(np.ptp(a[on])) < _VISIBLE * abs(intercept):
        return None
    return slope, intercept


def _refit(a: Floats, b: Floats) -> tuple[float, float]:
    """Least squares, and rounded to nine digits where that fits just as well."""
    middle = a.mean()
    centred = a - middle
    slope = float(centred @ (b - b.mean()) / (centred @ centred))
    intercept = float(b.mean() - slope * middle)
    short = float(f"{slope:.9g}"), float(f"{intercept:.9g}")
    if np.count_nonzero(_near(a, b, slope=short[0], intercept=short[1], band=_FITTED)) == len(a):
        return short
    return slope, intercept


def _near(a: Floats, b: Floats, *, slope: Any, intercept: Any, band: float = _LINE_BAND) -> Mask:  # noqa: ANN401  -- of any number of lines
    made = intercept + slope * a
    room = band * np.maximum(np.maximum(np.abs(b), np.abs(intercept)), np.abs(slope * a))
    return np.asarray(np.abs(b - made) <= room)


def _on_line(some: Evidence, *, slope: float, intercept: float) -> Mask:
    if not some.both.any():
        return some.both
    return np.asarray(some.both & _near(some.a, some.b, slope=slope, intercept=intercept))


def _standardised(slope: float, intercept: float, *, mean: float, spread: float) -> str:
    if spread and abs(slope * spread - 1) < _ABOUT and abs(intercept * spread + mean) < _ABOUT * spread:
        return ": standardised once more"
    if (slope, intercept) == (1.8, 32.0):
        return ": Fahrenheit for Celsius"
    if abs(slope - 5 / 9) < _VISIBLE and abs(intercept + 160 / 9) < _VISIBLE:
        return ": Celsius for Fahrenheit"
    return ""


def _plus(intercept: float) -> str:
    return f"{'+' if intercept > 0 else '−'} {number(abs(intercept))}"


def _factors(quotients: Floats, levels: NDArray[np.int64], *, size: int) -> Floats:
    """The factor that at least two rows of each level agree on, NaN for none."""
    factors = np.full(size, np.nan)
    for level in range(size):
        of_level = quotients[levels == level]
        found = guesses(of_level).values if len(of_level) >= 2 else ()
        for by in found[:1]:
            if np.count_nonzero(EXACT.holds(of_level, np.full(len(of_level), by))) >= 2:
                factors[level] = by
    return factors


def _scaled_by(codes: NDArray[np.int64], factors: Floats) -> Any:  # noqa: ANN401  -- a test
    def test(some: Evidence) -> Mask:
        if not some.both.any():
            return some.both
        levels = codes[some.rows]
        by = np.where(levels >= 0, factors[levels], np.nan)
        return np.asarray(
            some.both & EXACT.holds(np.where(some.both, some.a, 0.0) * by, some.b) & (some.a != 0)
        )

    return test


def _normed(members: list[Any], order: float) -> Any:  # noqa: ANN401  -- a test
    def test(some: Evidence) -> Mask:
        if not some.both.any():
            return some.both
        vectors = np.stack([column.values[some.rows] for column in members])
        length = np.linalg.norm(vectors, ord=order, axis=0)
        return np.asarray(some.both & (length > 0) & EXACT.holds(some.a / length, some.b))

    return test


SCALES: Final[tuple[Hypothesis, ...]] = (scale, affine)
BY_FIELD: Final[tuple[Hypothesis, ...]] = (scale_by, norm)
