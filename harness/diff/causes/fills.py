"""Values that are not there: empty cells, fills, one constant for everything, a lookup that timed out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

import numpy as np

from harness.columns import Kind
from harness.diff.causes.model import (
    MIN_INPUTS,
    MIN_ROWS,
    Candidate,
    Evidence,
    Hypothesis,
    Mask,
)
from harness.diff.causes.whole import distinct, mode
from harness.diff.causes.wording import spoken

#: rows that time out are the slowest: their mean rank among all response times, 0 to 1; of few rows more
_SLOW: Final = 0.9
_SLOW_FEW: Final = 0.97
_FEW: Final = 12
#: how likely it may be that only zeros were hit by luck, for it to be said, and for it to be sure
_BY_LUCK, _HARDLY = 0.2, 0.001
#: the share of fills that land on the mean or the median by luck is far below this
_SAME: Final = 1e-6
#: values that systems serve for a level that they do not know
_UNKNOWN: Final = frozenset(
    {"", "-", "?", "na", "n/a", "nan", "none", "null", "missing", "unknown", "unk", "other", "others", "oov"}
)


def lost(evidence: Evidence) -> Iterator[Candidate]:
    """The served cell is empty, left out or of the wrong type, whatever the offline value was."""
    wording = {
        Kind.NAN: ("nan", f"serves NaN for {evidence.label}"),
        Kind.NULL: ("null", f"serves null for {evidence.label}"),
        Kind.MISSING: ("missing", f"leaves {evidence.label} out"),
        Kind.WRONG_TYPE: ("wrong_type", f"serves {evidence.label} as another type"),
    }
    for kind, (name, phrase) in wording.items():
        if not np.any(evidence.right_kind == kind):
            continue
        yield Candidate(name, phrase, _served(kind), cost=0.006, inputs=1, fact=True)
        if kind in {Kind.NAN, Kind.NULL, Kind.MISSING}:
            yield from _lost_zero(evidence, kind, phrase=phrase)
            yield from _timed_out(evidence, _served(kind), phrase=f"{phrase} where the response is slow")


def added(evidence: Evidence) -> Iterator[Candidate]:
    """The other arm leaves the field out and this one shows it."""

    def test(some: Evidence) -> Mask:
        return np.asarray((some.left_kind == Kind.MISSING) & (some.right_kind != Kind.MISSING))

    phrase = f"serves {evidence.label}, which {evidence.other} leaves out"
    yield Candidate("added", phrase, test, cost=0.001, inputs=1, fact=True)


def fill(evidence: Evidence) -> Iterator[Candidate]:
    """Where the offline value is empty, one and the same value is served."""
    filled = evidence.empty & (evidence.right_kind == Kind.VALUE)
    if not filled.any():
        return
    value = mode(evidence.b[filled])

    def test(some: Evidence) -> Mask:
        return np.asarray(some.empty & (some.right_kind == Kind.VALUE) & (some.b == value), bool)

    phrase = f"fills missing values of {evidence.label} with {spoken(value)}"
    yield Candidate("fill", phrase, test, cost=0.004, parameters={"value": value}, inputs=1, chance=0.0)
    yield from _central(evidence, value, test=test, verb="fills missing values of", inputs=1)


def constant(evidence: Evidence) -> Iterator[Candidate]:
    """One and the same value is served, whatever the offline value was."""
    served = evidence.right_kind == Kind.VALUE
    if not served.any():
        return
    value = mode(evidence.b[served])
    test = _is(value)
    everywhere = bool(np.all(evidence.right.values == value)) and distinct(evidence.left.values) > 1
    inputs = 1 if everywhere else MIN_INPUTS
    share = _share(evidence, value)
    phrase = f"serves the constant {spoken(value)} for {evidence.label}"
    yield Candidate(
        "constant",
        phrase,
        test,
        cost=0.01,
        parameters={"value": value},
        inputs=inputs,
        chance=share,
        once=True,
        soft=True,
    )
    yield from _central(evidence, value, test=test, verb="serves", inputs=inputs)
    yield from _timed_out(
        evidence,
        test,
        phrase=f"serves {spoken(value)} for {evidence.label} where the response is slow",
        value=value,
    )
    if evidence.numbers:
        yield from _clip(evidence, value, share=share)
    else:
        yield from _bucket(evidence, value, share=share)


def _served(kind: Kind) -> Callable[[Evidence], Mask]:
    return lambda some: np.asarray(some.right_kind == kind)


def _is(value: object) -> Callable[[Evidence], Mask]:
    return lambda some: np.asarray((some.right_kind == Kind.VALUE) & (some.b == value), bool)


def _share(evidence: Evidence, value: Any) -> float:  # noqa: ANN401  -- as mode()
    """How often other offline values are that value: what a constant would explain by chance."""
    if evidence.numbers:
        crowd = evidence.whole.crowd
        return float(np.mean(crowd == value)) if len(crowd) else 0.0
    counts = evidence.whole.level_counts
    return float(counts[evidence.whole.levels.index(value)] / max(1, counts.sum()))


def _lost_zero(evidence: Evidence, kind: Kind, *, phrase: str) -> Iterator[Candidate]:
    """Zero is served as if it were no value; told only where zeros are far too many to be chance."""
    if not evidence.numbers:
        return
    zeros = float(np.mean(evidence.whole.crowd == 0)) if len(evidence.whole.crowd) else 0.0

    def test(some: Evidence) -> Mask:
        return np.asarray((some.right_kind == kind) & (some.left_kind == Kind.VALUE) & (some.a == 0))

    luck = zeros ** np.count_nonzero(test(evidence))
    if zeros > 0 and luck < _BY_LUCK:
        words = f"{phrase} where it is zero"
        # where luck may have done it, nothing tells this from any empty cell
        cost = 0.0 if luck < _HARDLY else 0.005
        yield Candidate("lost_zero", words, test, cost=cost, inputs=1, chance=0.0)


def _timed_out(
    evidence: Evidence, test: Callable[[Evidence], Mask], *, phrase: str, value: float | str | None = None
) -> Iterator[Candidate]:
    slowness = evidence.around.slowness
    if slowness is None:
        return
    ranks = slowness[evidence.rows[test(evidence)]]
    ranks = ranks[np.isfinite(ranks)]
    if len(ranks) < MIN_ROWS or ranks.mean() < (_SLOW if len(ranks) >= _FEW else _SLOW_FEW):
        return
    parameters: dict[str, float | str] = {} if value is None else {"value": value}
    yield Candidate("timeout_fill", phrase, test, cost=0.0, parameters=parameters, inputs=1, chance=0.0)


def _central(
    evidence: Evidence, value: object, *, test: Callable[[Evidence], Mask], verb: str, inputs: int
) -> Iterator[Candidate]:
    """The fill is the mean or the median of the offline values."""
    if not evidence.numbers or not isinstance(value, float) or not np.isfinite(value):
        return
    whole = evidence.whole
    spread = float(np.std(whole.crowd)) if len(whole.crowd) else 0.0
    for name, center in (("mean", whole.mean), ("median", whole.median)):
        if spread and (abs(value - center) <= _SAME * spread or _shortened(value, center)):
            phrase = f"{verb} {evidence.label} as its {name}, {spoken(value)}"
            yield Candidate(
                f"{name}_fill",
                phrase,
                test,
                cost=0.002 if name == "mean" else 0.003,
                parameters={"value": value},
                inputs=inputs,
                chance=float(np.mean(whole.crowd == value)),
            )


def _shortened(value: float, center: float) -> bool:
    """Whether a number of at least four digits is the rounded center."""
    digits = f"{abs(value):.15g}".replace(".", "").strip("0")
    decimals = len(f"{abs(value):.15g}".partition(".")[2])
    return len(digits) >= 4 and abs(value - center) <= 0.5 * 10.0**-decimals


def _clip(evidence: Evidence, value: float, *, share: float) -> Iterator[Candidate]:
    """Values beyond a bound are served as the bound: told where both sides of it are inhabited."""
    crowd = evidence.whole.crowd
    if not np.any(crowd < value) or not np.any(crowd > value) or not np.isfinite(value):
        return
    hit = evidence.both & (evidence.b == value)
    if not hit.any():
        return
    above = bool(np.median(evidence.a[hit]) > value)
    cut = np.minimum if above else np.maximum

    def test(some: Evidence) -> Mask:
        beyond = some.a > value if above else some.a < value
        return np.asarray(some.both & (some.b == value) & beyond)

    phrase = f"cuts {evidence.label} {'off above' if above else 'up to at least'} {spoken(value)}"
    yield Candidate(
        "clip",
        phrase,
        test,
        cost=0.02,
        parameters={"bound": value},
        chance=share,
        change=lambda a: cut(a, value),
        soft=True,
    )


def _bucket(evidence: Evidence, value: str, *, share: float) -> Iterator[Candidate]:
    """Many levels are served as one that stands for the unknown."""
    strange = value.strip("_<>[]() ").lower() in _UNKNOWN or share < 1 / 1_000
    phrase = f"serves {spoken(value)} for many levels of {evidence.label}"
    yield Candidate(
        "unknown_bucket",
        phrase,
        _is(value),
        cost=0.009 if strange else 0.011,
        parameters={"value": value},
        chance=share,
    )


FACTS: Final[tuple[Hypothesis, ...]] = (lost, added)
FILLS: Final[tuple[Hypothesis, ...]] = (fill, constant)
