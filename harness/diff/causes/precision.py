"""Numbers that lost something: a narrower type, decimals, the integer's range, the decimal mark."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from harness.diff.causes.model import Candidate, Evidence, Hypothesis, Mask

Floats = NDArray[np.float64]

#: decimals tried; below 0 tens, hundreds and thousands
_DECIMALS: Final = range(-3, 9)
_SLACK: Final = 1e-9
_SLIP: Final = 1e-6
#: the share of glanced rows that must lie on a grid for it to be tried
_ON_GRID: Final = 0.02
_BITS: Final = (8, 16, 32)
#: distinct numbers whose digits are compared as text
_SPELLED: Final = 50_000


def casts(evidence: Evidence) -> Iterator[Candidate]:
    """The served number is the offline one after a cast to a narrower float."""
    if not evidence.both.any():
        return
    for cost, (name, cast) in enumerate(_CASTS.items()):
        yield Candidate(
            name,
            f"casts {evidence.label} to {name}",
            _cast_to(cast),
            cost=0.0005 + cost * 1e-4,
            change=cast,
        )


def rounding(evidence: Evidence) -> Iterator[Candidate]:
    """The served number is the offline one rounded to few decimals, or cut, or taken down or up."""
    if not evidence.both.any():
        return
    b = evidence.b[evidence.both][:64]
    for decimals in _DECIMALS:
        # a glance at some rows spares most grids the rest
        if len(evidence.rows) > 64 and np.mean(np.round(b, decimals) == b) < _ON_GRID:
            continue
        for name, (verb, change, holds) in _ROUNDINGS.items():
            yield Candidate(
                name,
                f"{verb} {evidence.label} {_to(decimals)}",
                _rounded(holds, decimals),
                cost=_ROUNDING_COST[name] + _grid_cost(name, decimals),
                parameters={"decimals": float(decimals)},
                change=partial(_to_grid, change, decimals),
            )


def wrap(evidence: Evidence) -> Iterator[Candidate]:
    """The served whole number is the offline one cut to so many bits, with or without a sign."""
    if not evidence.whole.whole_numbers or not evidence.both.any():
        return
    for bits in _BITS:
        for signed in (True, False):
            change = _wrapping(bits, signed=signed)
            kind = f"{'' if signed else 'unsigned '}{bits}-bit integer"
            yield Candidate(
                "wrap",
                f"wraps {evidence.label} around as {'an' if bits == 8 or not signed else 'a'} {kind}",
                partial(_made_by, change),
                cost=0.001 + (0.0 if signed else 0.001),
                parameters={"bits": float(bits), "signed": str(signed).lower()},
                chance=0.0,
                change=change,
            )


def decimal_mark(evidence: Evidence) -> Iterator[Candidate]:
    """The decimal mark is lost: the served number has the same digits and is whole."""
    decimals = evidence.whole.decimals
    if decimals == 0 or not evidence.both.any():
        return
    tens = np.log10(np.abs(evidence.b[evidence.both] / evidence.a[evidence.both]))[:256]
    if not np.any((np.abs(tens - np.round(tens)) < _SLACK) & (tens > _SLACK)):
        return
    words = f"reads {evidence.label} without its decimal mark"
    if decimals is not None:
        yield Candidate(
            "decimal_mark",
            f"{words}, {decimals} decimals",
            lambda some: some.both & (np.round(some.a * 10.0**decimals) == some.b),
            cost=0.003,
            parameters={"decimals": float(decimals)},
            change=lambda a: np.round(a * 10.0**decimals),
        )
    most = float(decimals) if decimals is not None else float(np.median(np.round(tens)))
    yield Candidate(
        "decimal_mark", words, _same_digits, cost=0.004, parameters={"decimals": most}, chance=0.0
    )


def bfloat16(values: Floats) -> Floats:
    """Numbers rounded to the eight leading bits that bfloat16 keeps, ties to even; 3.14159 gives 3.140625."""
    single = values.astype(np.float32)
    bits = single.view(np.uint32)
    rounded = bits + np.uint32(0x7FFF) + ((bits >> np.uint32(16)) & np.uint32(1))
    kept = (rounded & np.uint32(0xFFFF0000)).view(np.float32).astype(np.float64)
    return np.asarray(np.where(np.isfinite(single), kept, single))


def _float32(values: Floats) -> Floats:
    return values.astype(np.float32).astype(np.float64)


def _float16(values: Floats) -> Floats:
    return values.astype(np.float16).astype(np.float64)


def _bfloat16_cut(values: Floats) -> Floats:
    bits = values.astype(np.float32).view(np.uint32) & np.uint32(0xFFFF0000)
    return np.asarray(bits.view(np.float32).astype(np.float64))


_CASTS: Final[dict[str, Callable[[Floats], Floats]]] = {
    "float32": _float32,
    "float16": _float16,
    "bfloat16": bfloat16,
}


def _cast_to(cast: Callable[[Floats], Floats]) -> Callable[[Evidence], Mask]:
    """Bit for bit; a number too large for the type is served as infinity."""

    def test(some: Evidence) -> Mask:
        known = np.isfinite(some.a)
        made = cast(np.where(known, some.a, 1.0))
        return np.asarray(known & (some.right_kind == 0) & (made == some.b))

    return test


def _near(a: Floats, b: Floats, *, decimals: int) -> Mask:
    step = 10.0**-decimals
    return np.asarray(np.abs(a - b) <= 0.5 * step * (1 + _SLACK) + _SLACK * 1e-3 * np.abs(a))


def _toward_zero(a: Floats, b: Floats, *, decimals: int) -> Mask:
    lost = np.abs(a) - np.abs(b)
    return np.asarray((a * b >= 0) & _below_step(lost, a, decimals=decimals))


def _down(a: Floats, b: Floats, *, decimals: int) -> Mask:
    return _below_step(a - b, a, decimals=decimals)


def _up(a: Floats, b: Floats, *, decimals: int) -> Mask:
    return _below_step(b - a, a, decimals=decimals)


def _below_step(lost: Floats, a: Floats, *, decimals: int) -> Mask:
    """Less than a step is lost: 0.29 cut to 0.28 is arithmetic, but one whole step is no rounding."""
    step = 10.0**-decimals
    return np.asarray(
        (lost >= 0) & ((lost < step * (1 - _SLIP)) | ((decimals > 0) & _slipped(a, lost, decimals=decimals)))
    )


def _slipped(a: Floats, lost: Floats, *, decimals: int) -> Mask:
    """Where a times 10^d falls below a whole number only in floating point."""
    up = np.abs(a) * 10.0**decimals
    return np.asarray(
        (np.floor(up) < np.round(up)) & (np.abs(up - np.round(up)) < _SLIP) & (lost < 1.01 * 10.0**-decimals)
    )


_ROUNDINGS: Final[dict[str, tuple[str, Any, Callable[..., Mask]]]] = {
    "rounding": ("rounds", np.round, _near),
    "truncation": ("cuts", lambda a, d: np.trunc(a * 10.0**d) / 10.0**d, _toward_zero),
    "floor": ("takes", lambda a, d: np.floor(a * 10.0**d) / 10.0**d, _down),
    "ceil": ("raises", lambda a, d: np.ceil(a * 10.0**d) / 10.0**d, _up),
}
_ROUNDING_COST: Final = {"rounding": 0.0008, "truncation": 0.0009, "floor": 0.001, "ceil": 0.0011}


def _rounded(holds: Callable[..., Mask], decimals: int) -> Callable[[Evidence], Mask]:
    def test(some: Evidence) -> Mask:
        if not some.both.any():
            return some.both
        a, b = np.where(some.both, some.a, 0.5), np.where(some.both, some.b, 0.0)
        return np.asarray(some.both & (np.round(b, decimals) == b) & holds(a, b, decimals=decimals))

    return test


def _grid_cost(name: str, decimals: int) -> float:
    """Tens are rare, and nothing but rounding and cutting knows decimals."""
    one_way = 0.005 if decimals and name in {"floor", "ceil"} else 0.0
    return one_way + (0.0 if decimals >= 0 else 0.002)


def _to_grid(change: Any, decimals: int, a: Floats) -> Floats:  # noqa: ANN401, PLR0917  -- for partial()
    return np.asarray(change(a, decimals))


def _made_by(change: Callable[[Floats], Floats], some: Evidence) -> Mask:
    return np.asarray(some.both & (change(some.a) == some.b))


def _to(decimals: int) -> str:
    if decimals < 0:
        return f"to {10**-decimals:,}s"
    return f"to {decimals} decimals" if decimals > 1 else ("to a whole number", "to 1 decimal")[decimals]


def _wrapping(bits: int, *, signed: bool) -> Callable[[Floats], Floats]:
    span, low = 2.0**bits, -(2.0 ** (bits - 1)) if signed else 0.0
    return lambda a: np.mod(np.trunc(a) - low, span) + low


def _same_digits(some: Evidence) -> Mask:
    """As texts: the digits of the offline number in a row are the served number."""
    likely = np.flatnonzero(some.both)
    quotients = np.log10(np.abs(some.b[likely] / some.a[likely]))
    likely = likely[(np.abs(quotients - np.round(quotients)) < _SLACK) & (quotients > _SLACK)]
    hits = np.zeros(len(some.rows), bool)
    if len(likely):
        found, where = np.unique(some.a[likely], return_inverse=True)
        whole = np.array([_without_mark(value) for value in found[:_SPELLED].tolist()])
        inside = where < len(whole)
        hits[likely[inside]] = whole[where[inside]] == some.b[likely[inside]]
    return hits


def _without_mark(value: float) -> float:
    text = repr(value)
    return float(text.replace(".", "")) if "e" not in text and "." in text else np.nan


PRECISION: Final[tuple[Hypothesis, ...]] = (casts, rounding, wrap, decimal_mark)
