"""What no formula reproduces: approximate values, and differences that follow the label."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from harness.diff.causes.model import MIN_ROWS, Candidate, Evidence, Hypothesis
from harness.diff.sentences import percent

Floats = NDArray[np.float64]

_LEAST_ROWS: Final = 20
#: standard errors beyond which a dependence is none of luck's
_SURE: Final = 5.0
#: relative noise above this is no approximation of anything
_WIDEST: Final = 0.3
#: of normal errors fewer than this lie beyond four standard deviations
_TAIL: Final = 0.01
#: how much likelier errors in proportion must be than errors of one size: the logarithm of the odds
_LIKELIER: Final = 6.0
#: share of rows with a positive label beyond which only the label explains where the rows differ
_PURE: Final = 0.99
_LIKELY, _SURELY = 2_000.0, 1e6
_STRATA: Final = 20


def approximate(evidence: Evidence) -> Iterator[Candidate]:
    """The served number is the offline one within a few percent, in proportion to its size.

    Told where normal errors in proportion to the number are far likelier than normal errors of one size.
    """
    usable = evidence.both & (evidence.a != 0) if evidence.both.any() else evidence.both
    a, b = evidence.a[usable], evidence.b[usable]
    if len(a) < _LEAST_ROWS:
        return
    relative = (b - a) / np.abs(a)
    sd = float(np.sqrt(np.mean(relative**2)))
    if not 0 < sd <= _WIDEST or abs(np.count_nonzero(relative > 0) - len(a) / 2) > 2 * np.sqrt(len(a)):
        return
    if np.mean(np.abs(relative) > 4 * sd) > _TAIL or not _proportional(np.abs(a), np.abs(b - a)):
        return
    size = percent(round(sd * 100_000), 100_000)
    yield Candidate(
        "approximate",
        f"serves {evidence.label} only approximately, {size} off (one standard deviation)",
        lambda some: np.asarray(some.both & (np.abs(some.b - some.a) <= 6 * sd * np.abs(some.a))),
        cost=0.1,
        parameters={"relative_sd": sd},
        chance=0.0,
    )


def only_of_label(evidence: Evidence) -> Iterator[Candidate]:
    """Only rows of one label differ: the left arm looked at what the request could not know."""
    label = evidence.around.label
    if label is None:
        return
    known, ours = label[np.isfinite(label)], label[evidence.rows]
    ours = ours[np.isfinite(ours)]
    if len(ours) < MIN_ROWS or len(np.unique(known[:1000])) != 2:
        return
    value = float(np.median(ours))
    base, share = float(np.mean(known == value)), float(np.mean(ours == value))
    odds = -len(ours) * np.log(base) if 0 < 2 * base <= 1 else 0.0
    if share >= _PURE and odds > np.log(_LIKELY):
        # far beyond luck the label explains more than any formula that fits these rows too
        cost = 0.0 if odds > np.log(_SURELY) else 0.15
        yield _looked_ahead(evidence, cost=cost, test=lambda some: label[some.rows] == value)


def follows_label(evidence: Evidence) -> Iterator[Candidate]:
    """Among rows of like offline values the served ones go with the label, beyond 5 standard errors."""
    label = evidence.around.label
    if label is None:
        return
    usable = evidence.both & np.isfinite(label[evidence.rows])
    if np.count_nonzero(usable) < 2 * _LEAST_ROWS:
        return
    a, b, y = evidence.a[usable], evidence.b[usable], label[evidence.rows[usable]]
    if abs(_partial(a, b, y=y)) > _SURE:
        yield _looked_ahead(evidence, cost=0.15, test=lambda some: some.both)


def _looked_ahead(evidence: Evidence, *, cost: float, test: Any) -> Candidate:  # noqa: ANN401  -- a test
    phrase = f"serves other values of {evidence.label} that go with the label: {evidence.other} looked ahead"
    return Candidate("lookahead", phrase, test, cost=cost, chance=0.0)


def _proportional(size: Floats, off: Floats) -> bool:
    """Whether errors (n,) grow in proportion to the numbers (n,): the ratio of two normal likelihoods."""
    alike = np.log(np.sqrt(np.mean(off**2)))
    grown = np.log(np.sqrt(np.mean((off / size) ** 2))) + np.mean(np.log(size))
    return bool(len(size) * (alike - grown) > _LIKELIER)


def _partial(a: Floats, b: Floats, *, y: Floats) -> float:
    """The correlation of b and y within strata of like a, a's own line taken out, in standard errors."""
    strata = (np.argsort(np.argsort(a, kind="stable"), kind="stable") * _STRATA) // len(a)
    left = [_without(a[strata == k], b[strata == k]) for k in range(_STRATA)]
    right = [_without(a[strata == k], y[strata == k]) for k in range(_STRATA)]
    u, v = np.concatenate(left), np.concatenate(right)
    u = np.clip(u, *np.quantile(u, [0.01, 0.99]))
    size = float(np.sqrt((u @ u) * (v @ v)))
    freedom = len(u) - 2 * _STRATA
    return float((u @ v) / size * np.sqrt(freedom)) if size > 0 and freedom > 0 else 0.0


def _without(x: Floats, y: Floats) -> Floats:
    """What a straight line in x leaves of y."""
    if not len(x):
        return y
    x, y = x - x.mean(), y - y.mean()
    size = float(x @ x)
    return np.asarray(y - (x @ y) / size * x) if size > 0 else y


AHEAD: Final[tuple[Hypothesis, ...]] = (only_of_label,)
NOISE: Final[tuple[Hypothesis, ...]] = (follows_label, approximate)
