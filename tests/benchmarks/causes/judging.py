"""Whether what was named is right: the first cause, the first three, ties, and the fitted parameters."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from harness.columns import Kind
from harness.diff.causes import Cause, Evidence
from tests.benchmarks.causes.bugs import Parameters
from tests.benchmarks.causes.number_bugs import TRANSFORMS

MOST_TIED: Final = 3
NAMELESS: Final = frozenset({"unexplained", "too_few_rows"})

Numbers = NDArray[np.float64]
Test = Callable[[Numbers, Numbers], NDArray[np.bool_]]


def first_cause(causes: Sequence[Cause], *, right: frozenset[str], evidence: Evidence) -> float:
    """1 where the first cause is the right one, 0 where it is not, and of a tie what the rules of ties give.

    A tie counts whole if every member reproduces all rows to the last bit and there are at most three of
    them; else it counts as a guess among its k members, 1/k.
    """
    if not causes:
        return 0.0
    said = (causes[0].name, *causes[0].tied)
    if right.isdisjoint(said):
        return 0.0
    whole = causes[0].explained == len(evidence.rows)
    exact = whole and all(name == causes[0].name or reproduces(name, evidence) for name in causes[0].tied)
    return 1.0 if len(said) == 1 or (len(said) <= MOST_TIED and exact) else 1 / len(said)


def among_three(causes: Sequence[Cause], *, right: frozenset[str]) -> bool:
    """Whether a right name is among the first three, those tied with a cause standing behind it."""
    said = [name for cause in causes for name in (cause.name, *cause.tied)]
    return not right.isdisjoint(said[:3])


#: other keys that a parameter goes by
ALSO: Final = {"value": "fill"}


def parameters_right(
    cause: Cause, known: Parameters, *, right: frozenset[str], looseness: float
) -> bool | None:
    """Whether each known parameter was fitted; None where none is known or the name itself is wrong."""
    if not known or cause.name not in right:
        return None
    fitted = cause.parameters
    return all(
        any(_same(fitted.get(key, fitted.get(ALSO.get(key, ""))), way, looseness=looseness) for way in ways)
        for key, value in known.items()
        for ways in [value if isinstance(value, tuple) else (value,)]
    )


def _same(found: float | str | None, known: float | str, *, looseness: float) -> bool:
    if isinstance(found, str) or isinstance(known, str) or found is None:
        return found == known
    return abs(found - known) <= looseness * max(abs(known), 1e-9)


def reproduces(name: str, evidence: Evidence) -> bool:
    """Whether a cause of this name can make every mismatching row to the last bit, with one parameter fitted.

    Only what ties in practice is known here; of anything else it is not believed.
    """
    left, right, rows = evidence.left, evidence.right, evidence.rows
    if name in {"nan", "null", "missing"}:
        return bool(np.all(right.kind[rows] == Kind[name.upper()].value))
    if name in _OF_CELLS:
        return _OF_CELLS[name](evidence)
    a, b = left.values[rows], right.values[rows]
    if left.dtype == right.dtype == "category":
        return name in _TEXTS and _TEXTS[name](a, b)
    whole = bool(np.all(left.kind[rows] == 0) and np.all(right.kind[rows] == 0))
    if left.dtype != right.dtype or name not in _NUMBERS or not whole:
        return False
    with np.errstate(all="ignore"):
        return bool(np.all(_NUMBERS[name](a, b)))


def _constant(evidence: Evidence) -> bool:
    served = evidence.right.values[evidence.rows]
    return bool(np.all(served == served[0]))


def _fill(evidence: Evidence) -> bool:
    empty = np.isin(evidence.left.kind[evidence.rows], (Kind.NAN.value, Kind.NULL.value))
    return bool(empty.all()) and _constant(evidence)


def _lost_zero(evidence: Evidence) -> bool:
    zero = evidence.left.values[evidence.rows] == 0
    return bool(np.all(zero) and np.all(evidence.right.kind[evidence.rows] != 0))


def _middle(evidence: Evidence, middle: Callable[[Any], Any]) -> bool:
    if evidence.left.dtype != "number":
        return False
    value = float(middle(evidence.left.values))
    served = float(evidence.right.values[evidence.rows[0]])
    return _constant(evidence) and abs(served - value) <= 1e-9 * abs(value)


def _timed_out(evidence: Evidence) -> bool:
    """One served cell, or none at all, on rows slower than the median."""
    latency = evidence.around.service_ns
    if latency is None:
        return False
    kinds = evidence.right.kind[evidence.rows]
    alike = _constant(evidence) if np.all(kinds == 0) else bool(np.all(kinds == kinds[0]))
    return alike and bool(np.all(latency[evidence.rows] > np.nanmedian(latency)))


_OF_CELLS: Final[dict[str, Callable[[Evidence], bool]]] = {
    "constant": _constant,
    "unknown_bucket": _constant,
    "fill": _fill,
    "lost_zero": _lost_zero,
    "timeout_fill": _timed_out,
    "mean_fill": lambda evidence: _middle(evidence, np.nanmean),
    "median_fill": lambda evidence: _middle(evidence, np.nanmedian),
}


def _rounded(change: Callable[[Numbers, float], Numbers]) -> Test:
    """Whether one number of decimals does for all rows."""

    def holds(a: Numbers, b: Numbers) -> NDArray[np.bool_]:
        return _best([_near(change(a, 10.0**k), b) for k in range(-2, 10)])

    return holds


def _best(tried: list[NDArray[np.bool_]]) -> NDArray[np.bool_]:
    """Of one parameter tried with several values, the rows that the best of them makes."""
    return max(tried, key=np.count_nonzero)


def _near(a: Numbers, b: Numbers) -> NDArray[np.bool_]:
    """Equal but for the noise of fitting a parameter."""
    return np.asarray(np.abs(a - b) <= 1e-9 * np.maximum(np.abs(a), np.abs(b)) + 1e-12)


def _wrapped(a: Numbers, b: Numbers) -> NDArray[np.bool_]:
    tried = [(b - a) % 2.0**bits == 0 for bits in (8, 16, 32) if np.all(np.abs(b) <= 2.0**bits)]
    return _best([*tried, np.zeros(len(a), np.bool_)])


_NUMBERS: Final[dict[str, Test]] = {
    "sign": lambda a, b: b == -a,
    "absolute": lambda a, b: b == np.abs(a),
    "float32": lambda a, b: b == a.astype(np.float32),
    "float16": lambda a, b: b == a.astype(np.float16).astype(np.float64),
    "floor": _rounded(lambda a, power: np.floor(a * power) / power),
    "ceil": _rounded(lambda a, power: np.ceil(a * power) / power),
    "truncation": _rounded(lambda a, power: np.trunc(a * power) / power),
    "rounding": _rounded(lambda a, power: np.rint(a * power) / power),
    "scale": lambda a, b: _near(b, a * np.median(b / a)),
    "shift": lambda a, b: _near(b, a + np.median(b - a)),
    "time_shift": lambda a, b: _near(b, a + np.median(b - a)),
    "daylight_saving": lambda a, b: b - a == np.median(b - a),
    "off_by_one": lambda a, b: (np.abs(b - a) == 1) & (b - a == np.median(b - a)),
    "modular_shift": lambda a, b: _best([(b - a) % m == np.median((b - a) % m) for m in (7, 24)]),
    "decimal_mark": lambda a, b: _near(np.log10(b / a), np.rint(np.log10(b / a))),
    "clip": lambda a, b: (b == b[0]) & ((a > b[0]) == (a[0] > b[0])),
    "wrap": _wrapped,
    "transform": lambda a, b: _best([_near(b, change(a)) for change, _ in TRANSFORMS.values()]),
}


def _function(a: NDArray[Any], b: NDArray[Any]) -> bool:
    """Whether each level is served as one level, and no two as the same."""
    pairs = set(zip(a.tolist(), b.tolist(), strict=True))
    return len(pairs) == len({x for x, _ in pairs}) == len({y for _, y in pairs})


_TEXTS: Final[dict[str, Callable[[NDArray[Any], NDArray[Any]], bool]]] = {
    "recoded": _function,
    "case": lambda a, b: all(x.casefold() == y.casefold() for x, y in zip(a, b, strict=True)),
    "spaces": lambda a, b: all("".join(x.split()) == "".join(y.split()) for x, y in zip(a, b, strict=True)),
    "text_cut": lambda a, b: (
        all(x.startswith(y) for x, y in zip(a, b, strict=True)) and len({len(y) for y in b}) == 1
    ),
    "decimal_mark": lambda a, b: all(
        x.replace(".", "") == y.replace(",", "").replace(".", "") for x, y in zip(a, b, strict=True)
    ),
    "number_text": lambda a, b: all(_number(x) == _number(y) for x, y in zip(a, b, strict=True)),
}


def _number(text: str) -> float | str:
    words = {"true": 1.0, "false": 0.0}
    try:
        return words[text.lower()] if text.lower() in words else float(text)
    except ValueError:
        return text
