"""A figure: what it is called, what it must reach, and the row that is kept of it."""

from __future__ import annotations

import math
import statistics
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Sequence

Row = dict[str, object]
Rows = list[Row]


@dataclass(frozen=True, kw_only=True)
class Goal:
    """What a figure is and what it is held against; `floor` is the least, `aim` what is good."""

    id: str
    figure: str
    unit: str
    better: Literal["higher", "lower"]
    floor: float | None = None
    aim: float | None = None


def row(goal: Goal, values: Sequence[float], *, told: str = "", digits: int = 3) -> Row:
    """The median of the runs, how far they lie apart, and the best of them; NaN runs failed to measure.

    What is `told` about this machine is added to the words.
    """
    good = [value for value in values if not math.isnan(value)]
    if not good:
        return unmeasured(goal, "every run failed")
    best = max(good) if goal.better == "higher" else min(good)
    return {
        **asdict(goal),
        "figure": f"{goal.figure}; {told}" if told else goal.figure,
        "value": significant(statistics.median(good), digits),
        "spread": significant(max(good) - min(good), digits),
        "best": significant(best, digits),
        "runs": len(good),
        "command": f"make bench NAME={goal.id}",
    }


def unmeasured(goal: Goal, why: str) -> Row:
    """The row of a figure that could not be measured here: no value, and the reason."""
    empty: Row = {"value": None, "spread": None, "best": None, "runs": 0}
    return {**asdict(goal), **empty, "command": f"make bench NAME={goal.id}", "not_measured": why}


def significant(value: float, digits: int) -> float:
    """The value to so many significant digits: more would be noise."""
    return float(f"{value:.{digits}g}")


def reached(row_: Row, mark: Literal["floor", "aim"]) -> bool | None:
    """Whether a row reaches its floor or aim; None where it has none, or was not measured."""
    value, bar = row_["value"], row_[mark]
    if not isinstance(value, int | float) or not isinstance(bar, int | float):
        return None
    return value >= bar if row_["better"] == "higher" else value <= bar


def line(row_: Row) -> str:
    """One row for the screen: id, value, spread, best, and whether floor and aim are reached."""
    if row_["value"] is None:
        return f"{row_['id']!s:24} NOT MEASURED: {row_['not_measured']}"
    words = {True: "reached", False: "MISSED", None: "-"}
    marks = ", ".join(f"{mark} {row_[mark]} {words[reached(row_, mark)]}" for mark in ("floor", "aim"))
    numbers = f"{row_['value']:<9} ± {row_['spread']:<9} best {row_['best']:<9} {row_['unit']!s:22}"
    return f"{row_['id']!s:24} {numbers} {marks}"


def merged(before: Rows, now: Rows) -> Rows:
    """The rows of before with those made now in their place, new ones at the end."""
    fresh = {str(one["id"]): one for one in now}
    kept = [fresh.pop(str(one["id"]), one) for one in before]
    return [*kept, *fresh.values()]
