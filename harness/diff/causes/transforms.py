"""One function too many or too few: the logarithm, the square, the sign."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from harness.columns import Kind
from harness.diff.causes.model import (
    EXACT,
    MIN_INPUTS,
    MIN_ROWS,
    Candidate,
    Evidence,
    Hypothesis,
    Mask,
    function,
)
from harness.diff.causes.whole import distinct

Floats = NDArray[np.float64]


def _sigmoid(x: Floats) -> Floats:
    return np.asarray(1.0 / (1.0 + np.exp(-x)))


def _logit(x: Floats) -> Floats:
    return np.asarray(np.log(x / (1.0 - x)))


#: name, what it does, and how a sentence calls it; the first of those that tie is named
FUNCTIONS: Final[Mapping[str, tuple[Callable[[Floats], Floats], str]]] = {
    "log": (np.log, "the logarithm of"),
    "log1p": (np.log1p, "log(1 + x) of"),
    "exp": (np.exp, "the exponential of"),
    "expm1": (np.expm1, "exp(x) − 1 of"),
    "sqrt": (np.sqrt, "the square root of"),
    "square": (np.square, "the square of"),
    "reciprocal": (np.reciprocal, "one divided by"),
    "log10": (np.log10, "the decimal logarithm of"),
    "log2": (np.log2, "the binary logarithm of"),
    "sigmoid": (_sigmoid, "the logistic function of"),
    "logit": (_logit, "the log odds of"),
    "exp2": (np.exp2, "two to the power of"),
    "exp10": (lambda x: np.power(10.0, x), "ten to the power of"),
    "cube": (lambda x: np.power(x, 3.0), "the cube of"),
    "cbrt": (np.cbrt, "the cube root of"),
}


def sign(evidence: Evidence) -> Iterator[Candidate]:
    """The served number is minus the offline one, or its absolute value."""
    yield Candidate("sign", f"swaps the sign of {evidence.label}", _negated, cost=0.001, change=np.negative)
    yield Candidate("absolute", f"drops the sign of {evidence.label}", _unsigned, cost=0.002, change=np.abs)


def transform(evidence: Evidence) -> Iterator[Candidate]:
    """The served number is a common function of the offline one."""
    both = evidence.both
    if not both.any():
        return
    a, b = evidence.a[both][:256], evidence.b[both][:256]
    for cost, (name, (apply, words)) in enumerate(FUNCTIONS.items()):
        # a glance at some rows spares most functions the rest
        seen = EXACT.holds(apply(a), b)
        if (len(evidence.rows) > 256 and not seen.any()) or 0 < distinct(b[seen]) < MIN_INPUTS:
            continue  # a function that is flat here is a constant
        yield Candidate(
            "transform",
            f"serves {words} {evidence.label}",
            _applied(apply),
            cost=0.003 + cost * 1e-5,
            parameters={"function": name},
            change=apply,
        )


def complement(evidence: Evidence) -> Iterator[Candidate]:
    """The served score is one minus the reference."""
    test = function(lambda a: 1.0 - a)
    yield Candidate("complement", f"serves 1 − p as {evidence.label}", test, cost=0.001)


def _negated(some: Evidence) -> Mask:
    return np.asarray(some.both & (some.b == -some.a))


def _unsigned(some: Evidence) -> Mask:
    return np.asarray(some.both & (some.b == np.abs(some.a)))


def _applied(apply: Callable[[Floats], Floats]) -> Callable[[Evidence], Mask]:
    """Finite results within the band; with 5 of them, also undefined ones that are served as no number."""
    finite = function(apply)

    def test(some: Evidence) -> Mask:
        hits = finite(some)
        if np.count_nonzero(hits) < MIN_ROWS:
            return hits
        known: NDArray[Any] = (some.left_kind == Kind.VALUE) & np.isfinite(some.a)
        made = apply(np.where(known, some.a, 1.0))
        undefined = known & ~np.isfinite(made)
        empty = (some.right_kind == Kind.NAN) | (some.right_kind == Kind.NULL)
        same = np.where(np.isnan(made), empty, (some.b == made) | empty)
        return np.asarray(hits | (undefined & same))

    return test


TRANSFORMS: Final[tuple[Hypothesis, ...]] = (sign, transform)
COMPLEMENT: Final[Hypothesis] = complement
