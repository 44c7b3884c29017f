"""How numbers and tables of this room become records: what is not finite is None."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from harness.records import Cell, Number, Table, TableColumn

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.diagnosis.intervals import Interval

#: rows of a table that a reader looks at; the others are counted
MOST_ROWS = 25


def number(value: float, ends: tuple[float, float] = (math.nan, math.nan)) -> Number | None:
    """A number with its interval; None where it is not finite, no interval where an end is not."""
    value, lower, upper = float(value), float(ends[0]), float(ends[1])
    if not math.isfinite(value):
        return None
    if not (math.isfinite(lower) and math.isfinite(upper)):
        return Number(value=value)
    return Number(value=value, lower=lower, upper=upper)


def of_interval(found: Interval) -> Number | None:
    """An interval alone and, where it has one, together with others."""
    made = number(found.value, (found.lower, found.upper))
    if made is None or made.lower is None or not math.isfinite(found.lower_all):
        return made
    return Number(
        value=made.value,
        lower=made.lower,
        upper=made.upper,
        lower_all=found.lower_all,
        upper_all=found.upper_all,
    )


def cell(value: Cell | np.generic) -> Cell:
    """A cell as JSON can hold it: None for a number that is none."""
    plain: Cell = value.item() if isinstance(value, np.generic) else value
    return None if isinstance(plain, float) and not math.isfinite(plain) else plain


def table(columns: str, rows: Sequence[Sequence[Cell]], *, title: str = "", most: int = MOST_ROWS) -> Table:
    """A table of rows; `columns` are "name:form" apart by |, the form being text where it is not given.

    To check: "feature|share:share" has two columns.
    """
    return Table(
        title=title,
        columns=tuple(_column(one) for one in columns.split("|")),
        rows=tuple(tuple(cell(one) for one in row) for row in rows[:most]),
        more=max(0, len(rows) - most),
    )


def _column(head: str) -> TableColumn:
    name, _, form = head.partition(":")
    return msgspec.convert({"name": name, "form": form or "text"}, TableColumn)


def figure(value: float) -> str:
    """A metric in words: "0.812"; "undefined" where there is none."""
    return f"{value:.3f}" if math.isfinite(value) else "undefined"


def share(value: float) -> str:
    """A share in words: "12.3 %"; "unknown" where there is none."""
    return f"{100 * value:.3g} %" if math.isfinite(value) else "unknown"
