"""When two numbers count as equal: a rule for each reason why honest arms may differ."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

DEFAULT_ATOL = 1e-12
DEFAULT_RTOL = 1e-9
DEFAULT_SCORE_ATOL = 1e-6
DEFAULT_SCORE_RTOL = 0.0

#: rows compared at a time, so that what one pass leaves behind is still in the cache for the next
BLOCK = 16_384

#: beyond it doubles have gaps, so a whole number is none any more
LARGEST_WHOLE: Final = 2.0**53
#: decimals that are tried when a rule leaves them open; more cannot be told from float64 noise
DECIMALS: Final = range(9)
#: share of the served values that must be rounded numbers for decimals to be found in them
ROUNDED: Final = 0.95


class Rule(Protocol):
    """When two finite or infinite numbers count as equal; str() says so in a report."""

    @property
    def widens(self) -> bool:
        """Whether it lets something pass that the shipped tolerance might not."""

    def holds(self, left: NDArray[np.float64], right: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Which rows agree: bool (n,), the same with the sides exchanged; NaN agrees with nothing."""


@dataclass(frozen=True)
class Band:
    """How far apart two numbers may be: |a − b| <= atol + rtol · max(|a|, |b|)."""

    atol: float = DEFAULT_ATOL
    rtol: float = DEFAULT_RTOL

    @property
    def widens(self) -> bool:
        """Whether it is wider than the shipped one."""
        return self.wider_than(SHIPPED)

    def holds(self, left: NDArray[np.float64], right: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Which rows agree: bool (n,), the same with the sides exchanged.

        Equal infinities agree; an infinity agrees with nothing else, and NaN with nothing at all.
        To check: with atol 0 and rtol 1e-9, 1.0 agrees with 1.0 + 9e-10 and not with 1.0 + 2e-9.
        """
        agree = np.empty(len(left), np.bool_)
        scratch = np.empty((3, min(BLOCK, len(left))))
        with np.errstate(invalid="ignore", over="ignore"):
            for start in range(0, len(agree), BLOCK):
                rows = slice(start, start + BLOCK)
                found = np.equal(left[rows], right[rows], out=agree[rows])
                if not found.all():
                    found |= self._near(left[rows], right[rows], scratch=scratch)
        return agree

    def _near(
        self, left: NDArray[np.float64], right: NDArray[np.float64], *, scratch: NDArray[np.float64]
    ) -> NDArray[np.bool_]:
        """Which rows of one block are both finite and close enough; writes over `scratch` (3, >= n)."""
        apart, room, other = scratch[:, : len(left)]
        np.abs(np.subtract(left, right, out=apart), out=apart)
        np.maximum(np.abs(left, out=room), np.abs(right, out=other), out=room)
        np.add(np.multiply(room, self.rtol, out=room), self.atol, out=room)
        near = np.asarray(apart <= room)
        if near.any() and np.isinf(apart).any():  # rare: beside an infinity there is infinite room
            near &= np.isfinite(left) & np.isfinite(right)
        return near

    def wider_than(self, other: Band) -> bool:
        """Whether this band lets something pass that the other might not."""
        return self.atol > other.atol or self.rtol > other.rtol

    def __str__(self) -> str:
        return f"atol {self.atol:g}, rtol {self.rtol:g}"


SHIPPED: Final = Band()
SHIPPED_SCORE: Final = Band(DEFAULT_SCORE_ATOL, DEFAULT_SCORE_RTOL)


@dataclass(frozen=True)
class Exact:
    """Equal to the last bit."""

    widens = False

    def holds(self, left: NDArray[np.float64], right: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Which rows hold one number."""
        return np.asarray(left == right)

    def __str__(self) -> str:
        return "exact"


@dataclass(frozen=True)
class Whole:
    """Two whole numbers are equal or they are not; a fraction is held against its band.

    For columns of whole numbers: counts, ids and times have no last digits that a summation could move, and
    a relative tolerance would let an id of ten digits pass for the next one.
    """

    band: Band = SHIPPED
    widens = False

    def holds(self, left: NDArray[np.float64], right: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Which rows agree. To check: 1e10 does not agree with 1e10 + 1, and does with 1e10 + 1e-6."""
        whole = (np.floor(left) == left) & (np.floor(right) == right)
        return np.asarray(self.band.holds(left, right) & (~whole | (left == right)))

    def __str__(self) -> str:
        return "whole numbers exactly"


@dataclass(frozen=True)
class Float32:
    """Equal after a cast to float32, for arms that store or send features so."""

    widens = True

    def holds(self, left: NDArray[np.float64], right: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Which rows agree. To check: 0.1 agrees with float(float32(0.1)), and not with 0.1000001."""
        return self.cast(left, right) | SHIPPED.holds(left, right)

    @staticmethod
    def cast(left: NDArray[np.float64], right: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Which rows are one finite number after the cast."""
        with np.errstate(over="ignore"):
            a, b = left.astype(np.float32), right.astype(np.float32)
        return np.asarray((a == b) & np.isfinite(b))

    def __str__(self) -> str:
        return "equal as float32"


@dataclass(frozen=True)
class Rounded:
    """One is the other rounded to so many decimals; None until they are read off the served values."""

    decimals: int | None = None
    widens = True

    def holds(self, left: NDArray[np.float64], right: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Which rows agree. To check: with 2 decimals 1.234 agrees with 1.23, and not with 1.24 or 1.235."""
        same = SHIPPED.holds(left, right)
        return same if self.decimals is None else same | on_grid(left, right, decimals=self.decimals)

    def __str__(self) -> str:
        return "rounded, to no decimals found" if self.decimals is None else f"rounded({self.decimals})"


def as_band(rule: Rule) -> tuple[float, float]:
    """The absolute and the relative room (atol, rtol) that holds all that a rule lets pass.

    For a test outside of this room, which knows no rules. To check: two decimals are .005, float32 6e-8.
    """
    if isinstance(rule, Band):
        return rule.atol, rule.rtol
    if isinstance(rule, Float32):
        return DEFAULT_ATOL, 2.0**-24
    if isinstance(rule, Rounded):
        return 0.5 * 10.0 ** -(rule.decimals or 0) * (1.0 + DEFAULT_RTOL), 0.0
    return 0.0, 0.0


def fitted(rule: Rule, served: NDArray[np.float64]) -> Rule:
    """The rule with open decimals read off the served values: the fewest that 95 % of them are rounded to.

    To check: served 1.5, 2.25, 3.0 gives 2 decimals; served 1/3 and 2/3 leaves them open.
    """
    if not isinstance(rule, Rounded) or rule.decimals is not None:
        return rule
    finite = served[np.isfinite(served)]
    if not len(finite):
        return rule
    on = (d for d in DECIMALS if np.mean(np.round(finite, d) == finite) >= ROUNDED)
    return Rounded(next(on, None))


def whole(values: NDArray[np.float64]) -> bool:
    """Whether there are values and all finite ones are whole numbers that a double holds without a gap."""
    # The first block settles most columns that are not, before a million values are read.
    for part in (values[:BLOCK], values):
        finite = part[np.isfinite(part)]
        if np.any(np.floor(finite) != finite):
            return False
    return bool(len(finite) and np.abs(finite).max() <= LARGEST_WHOLE)


def on_grid(left: NDArray[np.float64], right: NDArray[np.float64], *, decimals: int) -> NDArray[np.bool_]:
    """Half a step apart at most (and a little for the arithmetic of rounding), one of them a rounded number.

    The little is 1e-9, or a hundredth of the step. A tie may go either way.
    """
    with np.errstate(invalid="ignore", over="ignore"):
        near = np.abs(left - right) <= 0.5 * 10.0**-decimals + min(1e-9, 0.01 * 10.0**-decimals)
        rounded = (np.round(right, decimals) == right) | (np.round(left, decimals) == left)
        return np.asarray(near & rounded)
