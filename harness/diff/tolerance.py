"""When two numbers count as equal, and what a user's own rules about that silence."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence
from difflib import get_close_matches
from typing import Annotated, Literal

import msgspec

from harness.diff.bands import (
    DEFAULT_ATOL,
    DEFAULT_RTOL,
    DEFAULT_SCORE_ATOL,
    DEFAULT_SCORE_RTOL,
    SHIPPED,
    SHIPPED_SCORE,
    Band,
    Exact,
    Float32,
    Rounded,
    Rule,
)
from harness.errors import ScenarioError

#: the field of a rule that holds for every feature
EVERYTHING = "*"

#: what people write to name many features at once
WILDCARDS = "*?"

NotNegative = Annotated[float, msgspec.Meta(ge=0)]


class Tolerance(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A rule of the user's for one feature; where it widens or ignores it says why.

    Raises ValueError for a rule that says nothing or two things, that widens or ignores without a reason, or
    that expires on no ISO date.
    """

    atol: Annotated[
        NotNegative | None, msgspec.Meta(description="Absolute difference allowed; the default if absent.")
    ] = None
    rtol: Annotated[
        NotNegative | None, msgspec.Meta(description="Relative difference allowed; the default if absent.")
    ] = None
    kind: Annotated[
        Literal["exact", "f32", "rounded"] | None,
        msgspec.Meta(
            description="Instead of atol and rtol: equal to the last bit, after a cast to float32, or after "
            "rounding to `decimals`."
        ),
    ] = None
    decimals: Annotated[
        Annotated[int, msgspec.Meta(ge=0, le=15)] | None,
        msgspec.Meta(description='Of kind = "rounded"; read off the served values if absent, and reported.'),
    ] = None
    ignore: Annotated[bool, msgspec.Meta(description="Let every difference of this feature pass.")] = False
    reason: Annotated[str, msgspec.Meta(description="Why; needed to widen or ignore, shown in reports.")] = ""
    owner: Annotated[str, msgspec.Meta(description="Who answers for the rule, shown in reports.")] = ""
    expires: Annotated[
        str | None, msgspec.Meta(description="Last day the rule holds, as 2026-12-31; forever if absent.")
    ] = None

    def __post_init__(self) -> None:
        _check_finite(atol=self.atol, rtol=self.rtol)
        banded = self.atol is not None or self.rtol is not None
        if not (banded or self.kind or self.ignore):
            raise ValueError("a tolerance rule needs atol, rtol, kind or ignore = true")
        if banded + (self.kind is not None) + self.ignore > 1:
            raise ValueError("a tolerance rule has atol and rtol, or kind, or ignore = true, and no two")
        if self.decimals is not None and self.kind != "rounded":
            raise ValueError('decimals belong to a rule of kind = "rounded"')
        if self.ignore and not self.reason.strip():
            raise ValueError("a rule that ignores a feature needs a reason")
        if self.kind in {"f32", "rounded"} and not self.reason.strip():
            raise ValueError(f'a rule of kind = "{self.kind}" widens the tolerance and needs a reason')
        _check_date(self.expires)

    def holds_on(self, day: dt.date) -> bool:
        """Whether the rule has not expired on that day; the day it expires still counts."""
        return _holds_on(self.expires, day)

    def band(self, default: Band) -> Band:
        """The default, with what the rule says put in its place."""
        return Band(
            default.atol if self.atol is None else self.atol,
            default.rtol if self.rtol is None else self.rtol,
        )

    def rule(self, default: Band) -> Rule:
        """What the rule makes of two numbers."""
        match self.kind:
            case "exact":
                return Exact()
            case "f32":
                return Float32()
            case "rounded":
                return Rounded(self.decimals)
            case None:
                return self.band(default)


class Tolerances(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How far apart features and scores may be and still count as equal.

    Features: 1e-9 relative, because JSON carries a float64 without loss, so that only another order of
    summation may differ; 1e-12 absolute for sums that ought to be zero; columns of whole numbers and
    categories are equal or not. Scores: 1e-6, because a cast to float32 moves a probability by less than
    3e-7, while real bugs begin at about 1e-5.
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
    reason: Annotated[
        str, msgspec.Meta(description="Why the four above are wider than shipped; needed then, shown.")
    ] = ""
    owner: Annotated[str, msgspec.Meta(description="Who answers for that, shown in reports.")] = ""
    expires: Annotated[
        str | None,
        msgspec.Meta(description="Last day the four above hold, as 2026-12-31; then as shipped."),
    ] = None
    features: Annotated[
        dict[str, Tolerance], msgspec.Meta(description="Rules for single features, by name.")
    ] = {}

    def __post_init__(self) -> None:
        _check_finite(atol=self.atol, rtol=self.rtol, score_atol=self.score_atol, score_rtol=self.score_rtol)
        _check_date(self.expires)
        if self.widened and not self.reason.strip():
            raise ValueError("atol, rtol, score_atol or score_rtol is wider than shipped and needs a reason")
        for name, rule in self.features.items():
            if rule.band(self.default).wider_than(self.default) and not rule.reason.strip():
                raise ValueError(f"the rule for {name} widens the tolerance and needs a reason")

    @property
    def widened(self) -> bool:
        """Whether what holds for every feature, or for the score, is wider than shipped."""
        return self.default.wider_than(SHIPPED) or self.score.wider_than(SHIPPED_SCORE)

    @property
    def default(self) -> Band:
        """What holds for features without a rule of their own."""
        return Band(self.atol, self.rtol)

    @property
    def score(self) -> Band:
        """What holds for the score."""
        return Band(self.score_atol, self.score_rtol)

    def rule(self, name: str) -> Rule:
        """What holds for a feature."""
        rule = self.features.get(name)
        return rule.rule(self.default) if rule else self.default

    def ignores(self, name: str) -> bool:
        """Whether every difference of a feature passes."""
        rule = self.features.get(name)
        return rule is not None and rule.ignore

    def on(self, day: dt.date) -> Tolerances:
        """The tolerances without the rules that have expired by that day."""
        kept = {name: rule for name, rule in self.features.items() if rule.holds_on(day)}
        if _holds_on(self.expires, day):
            return msgspec.structs.replace(self, features=kept)
        return Tolerances(features=kept)


def check_names(tolerances: Tolerances, names: Sequence[str]) -> None:
    """Every rule names one feature that exists, so that none silences more than it says.

    Raises ScenarioError for the first that does not, with the nearest name that does.
    """
    for name in tolerances.features:
        if name in names:
            continue
        near = get_close_matches(name, names, n=1)
        many = any(sign in name for sign in WILDCARDS)
        raise ScenarioError(
            "a tolerance rule would silence more than one feature"
            if many
            else "a tolerance rule names an unknown feature",
            where=f"tolerances.features.{name}",
            found=name,
            expected=f"one of {', '.join(list(names)[:20])}",
            fix="Write one rule for each feature, with its reason."
            if many
            else f"Did you mean {near[0]}?"
            if near
            else "Remove the rule or correct its name.",
        )


def _check_finite(**bounds: float | None) -> None:
    for name, bound in bounds.items():
        if bound is not None and not math.isfinite(bound):
            raise ValueError(f"{name} must be a finite number, found {bound}")


def _check_date(day: str | None) -> None:
    if day is not None:
        dt.date.fromisoformat(day)


def _holds_on(expires: str | None, day: dt.date) -> bool:
    return expires is None or day <= dt.date.fromisoformat(expires)
