"""What an open test on labels still needs, were everything to go on as it did."""

from __future__ import annotations

import math
from datetime import datetime
from typing import TYPE_CHECKING

from harness.records import Ahead

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harness.records import Look, Ruling

_DAY_S = 86_400.0
#: beyond so many times the units seen so far an extrapolation says nothing but "not this way"
_MOST_TIMES = 1000


def ahead(looks: Sequence[Look], *, goals: Mapping[Ruling, float]) -> Ahead | None:
    """Units, requests and days until the nearest goal is reached; None where the test is not open or cannot.

    `goals`: the harm that a bound must pass for each ruling. The distance of a bound from the estimate
    shrinks about as one over the square root of the units; requests and days come at the rate of the looks
    so far. Known: a bound .02 away and a goal .01 away need four times the units.
    """
    last = looks[-1] if looks else None
    if last is None or last.ruling != "UNDECIDED" or last.final or last.refused:
        return None
    needed = {ruling: n for ruling, goal in goals.items() if (n := _units(last, ruling, goal=goal))}
    if not needed:
        return None
    toward = min(needed, key=lambda ruling: needed[ruling])
    units = needed[toward]
    if units > _MOST_TIMES * last.units:
        return None
    return Ahead(
        toward=toward,
        units=units,
        requests=math.ceil(last.n * units / last.units),
        days=_days(looks, units - last.units),
    )


def _units(look: Look, ruling: Ruling, *, goal: float) -> int | None:
    """Units at which the bound of a ruling would reach its goal; None where the estimate is beyond it."""
    bound = look.upper if ruling == "PASS" else look.lower
    if look.estimate is None or bound is None or not look.units:
        return None
    distance = goal - look.estimate if ruling == "PASS" else look.estimate - goal
    if distance <= 0.0:
        return None
    return max(look.units, math.ceil(look.units * ((bound - look.estimate) / distance) ** 2))


def _days(looks: Sequence[Look], more: int) -> float | None:
    """Days in which so many more units come at the rate of the looks so far."""
    first, last = looks[0], looks[-1]
    passed = (datetime.fromisoformat(last.as_of) - datetime.fromisoformat(first.as_of)).total_seconds()
    gained = last.units - first.units
    return more * passed / _DAY_S / gained if passed > 0.0 and gained > 0 else None
