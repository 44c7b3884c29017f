"""What happened to a field: hypotheses tried on its mismatching rows, the one that reproduces most is named.

A hypothesis yields candidates; each says which mismatching rows it reproduces. A candidate counts when it
reproduces at least 5 rows and was seen on enough distinct inputs, because a constant input satisfies
everything. Candidates that state what a cell holds (NaN, null, left out, wrong type) are facts and need no
support. "Unexplained" is an answer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from harness.columns import Column, Kind
from harness.diff.cells import Judged
from harness.diff.sentences import number, quoted
from harness.diff.tolerance import Band

LEAST_FACTOR = 1e-100
MIN_ROWS = 5
MIN_INPUTS = 3
#: share of the mismatching rows that a cause reproduces to be named, and to be named with "mostly"
NAMED = 0.95
MOSTLY = 0.8

UNEXPLAINED: Final = "unexplained"
TOO_FEW: Final = "too_few_rows"

#: rows looked at to guess a parameter; the guess is then checked on all of them
_GUESS_ROWS = 20_000
_DIGITS = 9
#: fitted parameters carry a little arithmetic noise of their own; nothing else does
_EXACT: Final = Band()


@dataclass(frozen=True)
class Cause:
    """What happened to one field, by name and as a verb phrase, and how many rows it reproduces."""

    name: str
    phrase: str
    explained: int


@dataclass(frozen=True, eq=False)
class Candidate:
    """One hypothesis with its parameters: bool (rows,) of the mismatching rows that it reproduces."""

    name: str
    phrase: str
    hits: NDArray[np.bool_]
    inputs: int = MIN_INPUTS
    fact: bool = False


@dataclass(frozen=True)
class Evidence:
    """The mismatching rows of one field, and the whole columns that they come from.

    `label` is how sentences call the field, `other` how they call the left arm.
    """

    label: str
    other: str
    left: Column
    right: Column
    rows: NDArray[np.int64]

    @classmethod
    def of(cls, judged: Judged, other: str) -> Evidence:
        """The evidence in a compared feature."""
        return cls(judged.field, other, judged.left, judged.right, judged.rows)

    @cached_property
    def left_kind(self) -> NDArray[np.uint8]:
        """What the left cells hold; uint8 (rows,)."""
        return self.left.kind[self.rows]

    @cached_property
    def right_kind(self) -> NDArray[np.uint8]:
        """What the right cells hold; uint8 (rows,)."""
        return self.right.kind[self.rows]

    @cached_property
    def a(self) -> NDArray[Any]:
        """The left values; (rows,)."""
        return self.left.values[self.rows]

    @cached_property
    def b(self) -> NDArray[Any]:
        """The right values; (rows,)."""
        return self.right.values[self.rows]

    @cached_property
    def both(self) -> NDArray[np.bool_]:
        """Rows where both sides hold a value, and for numbers a finite one."""
        values = (self.left_kind == Kind.VALUE) & (self.right_kind == Kind.VALUE)
        if self.numbers:
            values &= np.isfinite(self.a.astype(np.float64)) & np.isfinite(self.b.astype(np.float64))
        return np.asarray(values)

    @property
    def numbers(self) -> bool:
        """Whether both columns hold numbers."""
        return self.left.dtype == "number" and self.right.dtype == "number"


Hypothesis = Callable[[Evidence], Iterator[Candidate]]


def name_cause(evidence: Evidence, hypotheses: tuple[Hypothesis, ...]) -> Cause:
    """The candidate that reproduces most mismatching rows, the earlier hypothesis where several tie.

    From 95 % of the rows on it is named, from 80 % on with "mostly", below that the cause is unexplained.
    """
    n = len(evidence.rows)
    with np.errstate(all="ignore"):
        candidates = [found for hypothesis in hypotheses for found in hypothesis(evidence)]
    supported = [c for c in candidates if c.fact or _supported(c, evidence)]
    best = max(supported, key=_explained, default=None)
    if best is not None and _explained(best) >= MOSTLY * n:
        most = "" if _explained(best) >= NAMED * n else "mostly "
        return Cause(best.name, most + best.phrase, _explained(best))
    thin = n < MIN_ROWS or any(_explained(c) >= NAMED * n for c in candidates if c not in supported)
    if thin:
        return Cause(TOO_FEW, f"serves other values of {evidence.label}, too few rows to name a cause", 0)
    return Cause(UNEXPLAINED, f"serves other values of {evidence.label}, cause unexplained", 0)


def lost(evidence: Evidence) -> Iterator[Candidate]:
    """The served cell is empty, left out or of the wrong type, whatever the offline value was."""
    wording = {
        Kind.NAN: ("nan", f"serves NaN for {evidence.label}"),
        Kind.NULL: ("null", f"serves null for {evidence.label}"),
        Kind.MISSING: ("missing", f"leaves {evidence.label} out"),
        Kind.WRONG_TYPE: ("wrong_type", f"serves {evidence.label} as another type"),
    }
    for kind, (name, phrase) in wording.items():
        yield Candidate(name, phrase, evidence.right_kind == kind, fact=True)


def added(evidence: Evidence) -> Iterator[Candidate]:
    """The other arm leaves the field out and this one shows it."""
    hits = (evidence.left_kind == Kind.MISSING) & (evidence.right_kind != Kind.MISSING)
    yield Candidate("added", f"serves {evidence.label}, which {evidence.other} leaves out", hits, fact=True)


def fill(evidence: Evidence) -> Iterator[Candidate]:
    """Where the offline value is empty, one and the same value is served."""
    empty = (evidence.left_kind == Kind.NAN) | (evidence.left_kind == Kind.NULL)
    served = evidence.right_kind == Kind.VALUE
    if not (empty & served).any():
        return
    common = _mode(evidence.b[empty & served])
    hits = empty & served & (evidence.b == common)
    phrase = f"fills missing values of {evidence.label} with {_spoken(common)}"
    yield Candidate("fill", phrase, np.asarray(hits, bool), inputs=1)


def constant(evidence: Evidence) -> Iterator[Candidate]:
    """One and the same value is served, whatever the offline value was."""
    served = evidence.right_kind == Kind.VALUE
    if not served.any():
        return
    common = _mode(evidence.b[served])
    everywhere = bool(np.all(evidence.right.values == common)) and distinct(evidence.left.values) > 1
    hits = np.asarray(served & (evidence.b == common), bool)
    phrase = f"serves the constant {_spoken(common)} for {evidence.label}"
    yield Candidate("constant", phrase, hits, inputs=1 if everywhere else MIN_INPUTS)


def sign(evidence: Evidence) -> Iterator[Candidate]:
    """The served number is minus the offline one."""
    hits = evidence.both & (evidence.b == -evidence.a)
    yield Candidate("sign", f"swaps the sign of {evidence.label}", hits)


def shift(evidence: Evidence) -> Iterator[Candidate]:
    """The served number is the offline one plus a constant."""
    both = evidence.both
    if not both.any():
        return
    for by in _guesses(evidence.b[both] - evidence.a[both]):
        hits = both & _EXACT.holds(evidence.a + by, evidence.b)
        phrase = f"serves {evidence.label} {_higher(by)} than {evidence.other}"
        yield Candidate("shift", phrase, hits)


def wrap(evidence: Evidence) -> Iterator[Candidate]:
    """The served hour or weekday is the offline one plus a constant, modulo 24 or 7."""
    whole = evidence.left.values[evidence.left.kind == Kind.VALUE]
    both = evidence.both
    if not both.any() or whole.min() < 0 or whole.max() > 23 or np.any(whole != np.floor(whole)):
        return
    for modulus in (7, 24):
        if whole.max() < modulus:
            by = float(_mode(np.mod(evidence.b[both] - evidence.a[both], modulus)))
            inside = (evidence.b >= 0) & (evidence.b < modulus)
            hits = both & inside & (np.mod(evidence.b - evidence.a, modulus) == by)
            away = _higher(by if by <= modulus / 2 else by - modulus)
            phrase = f"serves {evidence.label} {away} than {evidence.other}, modulo {modulus}"
            yield Candidate("modular_shift", phrase, hits)


def scale(evidence: Evidence) -> Iterator[Candidate]:
    """The served number is the offline one times a constant."""
    usable = evidence.both & (evidence.a != 0) & (evidence.b != 0)
    if not usable.any():
        return
    with np.errstate(over="ignore", under="ignore"):
        quotients = evidence.b[usable] / evidence.a[usable]
    for by in _guesses(quotients):
        if not LEAST_FACTOR <= abs(by) <= 1 / LEAST_FACTOR:
            continue  # the quotient over- or underflowed: no factor that anybody wrote
        hits = usable & _EXACT.holds(evidence.a * by, evidence.b)
        yield Candidate("scale", f"serves {evidence.label} {_times(by)} {evidence.other}", hits)


def rounding(evidence: Evidence) -> Iterator[Candidate]:
    """The served number is the offline one rounded to few decimals, or cut to a whole number."""
    a, b = evidence.a, evidence.b
    for decimals in range(9):
        near = np.abs(a - b) <= 0.5 * 10.0**-decimals * (1 + 1e-9)
        hits = evidence.both & near & (np.round(b, decimals) == b)
        to = f"{decimals} decimals" if decimals > 1 else ("a whole number", "1 decimal")[decimals]
        yield Candidate("rounding", f"rounds {evidence.label} to {to}", hits)
    yield Candidate(
        "truncation", f"cuts {evidence.label} to a whole number", evidence.both & (b == np.trunc(a))
    )


def float32(evidence: Evidence) -> Iterator[Candidate]:
    """The served number is the offline one after a cast to 32 bits."""
    hits = evidence.both & (evidence.a.astype(np.float32).astype(np.float64) == evidence.b)
    yield Candidate("float32", f"casts {evidence.label} to float32", hits)


def complement(evidence: Evidence) -> Iterator[Candidate]:
    """The served score is one minus the reference."""
    hits = evidence.both & _EXACT.holds(1.0 - evidence.a, evidence.b)
    yield Candidate("complement", f"serves 1 − p as {evidence.label}", hits)


def spelling(evidence: Evidence) -> Iterator[Candidate]:
    """The served level is the offline one in other letter case, or with other space around it."""
    a, b = _strings(evidence.a, evidence.both), _strings(evidence.b, evidence.both)
    case = evidence.both & _same(pc.utf8_lower(a), pc.utf8_lower(b))
    yield Candidate("case", f"changes the letter case of {evidence.label}", case, inputs=1)
    spaces = evidence.both & _same(pc.utf8_trim_whitespace(a), pc.utf8_trim_whitespace(b))
    yield Candidate("spaces", f"changes the space around {evidence.label}", spaces, inputs=1)


FACTS: Final[tuple[Hypothesis, ...]] = (lost, added)
FILLS: Final[tuple[Hypothesis, ...]] = (fill, constant)
ARITHMETIC: Final[tuple[Hypothesis, ...]] = (sign, shift, wrap, scale, rounding, float32)

NUMBER: Final = (*FACTS, *FILLS, *ARITHMETIC)
CATEGORY: Final = (*FACTS, *FILLS, spelling)
SCORE: Final = (lost, fill, constant, complement, sign, shift, scale, rounding, float32)


def hypotheses_for(evidence: Evidence) -> tuple[Hypothesis, ...]:
    """What is tried on a feature: by the type of its columns, facts alone where they are of two types."""
    if evidence.numbers:
        return NUMBER
    return CATEGORY if evidence.left.dtype == evidence.right.dtype else FACTS


def distinct(values: NDArray[Any]) -> int:
    """How many different values there are, NaN and None counted as one."""
    return len(pc.unique(pa.array(values, from_pandas=True)))


def _explained(candidate: Candidate) -> int:
    return int(np.count_nonzero(candidate.hits))


def _supported(candidate: Candidate, evidence: Evidence) -> bool:
    if _explained(candidate) < MIN_ROWS:
        return False
    return candidate.inputs <= 1 or distinct(evidence.a[candidate.hits]) >= candidate.inputs


def _mode(values: NDArray[Any]) -> float | str:
    """The most frequent value, the first of those that tie."""
    counts = pc.value_counts(pa.array(values))
    most: float | str = counts.field("values")[int(np.argmax(counts.field("counts").to_numpy()))].as_py()
    return most


def _guesses(values: NDArray[np.float64]) -> tuple[float, ...]:
    """The most frequent value to nine digits, first as short as nine digits go, then as it is.

    Empty where it is 0 or not finite: that is no shift and no scale.
    """
    thin = values[:: max(1, len(values) // _GUESS_ROWS)]
    thin = thin[np.isfinite(thin) & (thin != 0)]
    if not len(thin):
        return ()
    step = 10.0 ** (np.floor(np.log10(np.abs(thin))) + 1 - _DIGITS)
    buckets = np.round(thin / step) * step
    fitted = float(np.median(thin[buckets == _mode(buckets)]))
    return tuple(dict.fromkeys((float(f"{fitted:.{_DIGITS}g}"), fitted)))


def _strings(values: NDArray[Any], both: NDArray[np.bool_]) -> pa.StringArray:
    return pa.array(values, pa.string(), mask=~both)


def _same(left: pa.StringArray, right: pa.StringArray) -> NDArray[np.bool_]:
    return np.asarray(pc.fill_null(pc.equal(left, right), fill_value=False).to_numpy(zero_copy_only=False))


def _spoken(value: object) -> str:
    return number(value) if isinstance(value, int | float) else quoted(str(value))


def _higher(by: float) -> str:
    return f"{number(abs(by))} {'higher' if by > 0 else 'lower'}"


def _times(by: float) -> str:
    inverse = 1.0 / by
    if abs(by) < 1.0 and abs(inverse - round(inverse)) <= 1e-6 * abs(inverse):
        return f"as 1/{number(round(inverse))} of"
    return f"as {number(by)} times"
