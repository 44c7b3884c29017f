"""When two numbers count as equal, and what a user's own rules about that silence."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Annotated

import msgspec
import numpy as np
from numpy.typing import NDArray

from harness.errors import ScenarioError

DEFAULT_ATOL = 1e-12
DEFAULT_RTOL = 1e-9
DEFAULT_SCORE_ATOL = 1e-6
DEFAULT_SCORE_RTOL = 0.0
#: rows compared at a time, so that what one pass leaves behind is still in the cache for the next
BLOCK = 16_384


@dataclass(frozen=True)
class Band:
    """How far apart two numbers may be: |a − b| <= atol + rtol · max(|a|, |b|)."""

    atol: float = DEFAULT_ATOL
    rtol: float = DEFAULT_RTOL

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


SHIPPED = Band()
SHIPPED_SCORE = Band(DEFAULT_SCORE_ATOL, DEFAULT_SCORE_RTOL)
#: the field of a rule that holds for every feature
EVERYTHING = "*"

NotNegative = Annotated[float, msgspec.Meta(ge=0)]


class Tolerance(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A rule of the user's for one feature; where it widens or ignores it says why.

    Raises ValueError for a rule that says nothing, ignores without a reason, or expires on no ISO date.
    """

    atol: Annotated[
        NotNegative | None, msgspec.Meta(description="Absolute difference allowed; the default if absent.")
    ] = None
    rtol: Annotated[
        NotNegative | None, msgspec.Meta(description="Relative difference allowed; the default if absent.")
    ] = None
    ignore: Annotated[bool, msgspec.Meta(description="Let every difference of this feature pass.")] = False
    reason: Annotated[str, msgspec.Meta(description="Why; needed to widen or ignore, shown in reports.")] = ""
    owner: Annotated[str, msgspec.Meta(description="Who answers for the rule.")] = ""
    expires: Annotated[
        str | None, msgspec.Meta(description="Last day the rule holds, as 2026-12-31; forever if absent.")
    ] = None

    def __post_init__(self) -> None:
        _check_finite(atol=self.atol, rtol=self.rtol)
        if self.atol is None and self.rtol is None and not self.ignore:
            raise ValueError("a tolerance rule needs atol, rtol or ignore = true")
        if self.ignore and not self.reason.strip():
            raise ValueError("a rule that ignores a feature needs a reason")
        if self.expires is not None:
            dt.date.fromisoformat(self.expires)

    def holds_on(self, day: dt.date) -> bool:
        """Whether the rule has not expired on that day; the day it expires still counts."""
        return self.expires is None or day <= dt.date.fromisoformat(self.expires)

    def band(self, default: Band) -> Band:
        """The default, with what the rule says put in its place."""
        return Band(
            default.atol if self.atol is None else self.atol,
            default.rtol if self.rtol is None else self.rtol,
        )


class Tolerances(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How far apart features and scores may be and still count as equal.

    Features: 1e-9 relative, because JSON carries a float64 without loss, so that only another order of
    summation may differ; 1e-12 absolute for sums that ought to be zero. Scores: 1e-6, because a cast to
    float32 moves a probability by less than 3e-7, while real bugs begin at about 1e-5.
    Raises ValueError for a rule that widens the default without a reason.
    """

    score_atol: Annotated[
        float,
        msgspec.Meta(ge=0, description="Score: absolute. Above a float32 cast (3e-7), below bugs (1e-5)."),
    ] = DEFAULT_SCORE_ATOL
    score_rtol: Annotated[
        float, msgspec.Meta(ge=0, description="Score: relative. 0: a probability has a natural scale.")
    ] = DEFAULT_SCORE_RTOL
    atol: Annotated[
        float, msgspec.Meta(ge=0, description="Features: absolute, for sums that ought to be zero.")
    ] = DEFAULT_ATOL
    rtol: Annotated[
        float, msgspec.Meta(ge=0, description="Features: relative. JSON is lossless; summation order is not.")
    ] = DEFAULT_RTOL
    features: Annotated[
        dict[str, Tolerance], msgspec.Meta(description="Rules for single features, by name.")
    ] = {}

    def __post_init__(self) -> None:
        _check_finite(atol=self.atol, rtol=self.rtol, score_atol=self.score_atol, score_rtol=self.score_rtol)
        for name, rule in self.features.items():
            if rule.band(self.default).wider_than(self.default) and not rule.reason.strip():
                raise ValueError(f"the rule for {name} widens the tolerance and needs a reason")

    @property
    def default(self) -> Band:
        """What holds for features without a rule of their own."""
        return Band(self.atol, self.rtol)

    @property
    def score(self) -> Band:
        """What holds for the score."""
        return Band(self.score_atol, self.score_rtol)

    def band(self, name: str) -> Band:
        """What holds for a feature."""
        rule = self.features.get(name)
        return rule.band(self.default) if rule else self.default

    def ignores(self, name: str) -> bool:
        """Whether every difference of a feature passes."""
        rule = self.features.get(name)
        return rule is not None and rule.ignore

    def on(self, day: dt.date) -> Tolerances:
        """The tolerances without the rules that have expired by that day."""
        kept = {name: rule for name, rule in self.features.items() if rule.holds_on(day)}
        return msgspec.structs.replace(self, features=kept)


def check_names(tolerances: Tolerances, names: Sequence[str]) -> None:
    """Every rule names a feature that exists.

    Raises ScenarioError for the first that does not, with the nearest name that does.
    """
    for name in tolerances.features:
        if name not in names:
            near = get_close_matches(name, names, n=1)
            raise ScenarioError(
                "a tolerance rule names an unknown feature",
                where=f"tolerances.features.{name}",
                found=name,
                expected=f"one of {', '.join(list(names)[:20])}",
                fix=f"Did you mean {near[0]}?" if near else "Remove the rule or correct its name.",
            )


def _check_finite(**bounds: float | None) -> None:
    for name, bound in bounds.items():
        if bound is not None and not math.isfinite(bound):
            raise ValueError(f"{name} must be a finite number, found {bound}")
