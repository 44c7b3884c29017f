"""Whether a changed request still shows the same finding: the same field, differing in the same way."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np

from harness.columns import Column, Kind, Side
from harness.diff.bands import Rule
from harness.diff.cells import Difference, absent, judge, mismatch, texts
from harness.diff.event_time import SHIFTS
from harness.diff.findings import AS_OF_SHIFT, SCORE_FIELD, TIME_SHIFT
from harness.diff.scores import as_column, score_codes
from harness.diff.tolerance import Tolerances

#: offline features of this one request, had its event time been some ns later
Rebuilt = Callable[[int], Mapping[str, Column]]
#: a parameter, or whether the relation holds, of an offline and a served value
Relation = Callable[[Any, Any], object]
_ONE = np.zeros(1, np.int64)
#: fitted parameters carry a little arithmetic noise
_DIGITS = 1e-9


@dataclass(frozen=True)
class Seen:
    """One request as two arms show it: columns of one row by field, the score among them.

    `kinds` names how each field that differs does so (`value`, `missing`, …), `bands` what may differ.
    """

    left: Mapping[str, Column]
    right: Mapping[str, Column]
    kinds: Mapping[str, str]
    bands: Mapping[str, Rule]
    rebuilt: Rebuilt | None = None

    def cell(self, name: str) -> tuple[object, object]:
        """Both cells of a field as plain values: None where it holds none."""
        left, right = (side[name] for side in (self.left, self.right))
        return _plain(left), _plain(right)

    def cells(self, name: str) -> tuple[str | None, str | None]:
        """Both cells of a field as JSON texts, None where it is left out."""
        both = (side.get(name) for side in (self.left, self.right))
        left, right = (None if one is None else texts(one, _ONE)[0].as_py() for one in both)
        return left, right


def _plain(column: Column) -> object:
    value = column.values[0] if column.kind[0] == Kind.VALUE else None
    return float(value) if isinstance(value, np.floating) else value


def see(
    left: Side, right: Side, *, tolerances: Tolerances, unstable: bool = False, rebuilt: Rebuilt | None = None
) -> Seen:
    """One request of two arms (one row each) compared as a run compares it."""
    judged = [
        judge(column, (right.features or {}).get(name) or absent(column), name=name, tolerances=tolerances)
        for name, column in (left.features or {}).items()
        if right.features is not None
    ]
    kinds = {one.field: _kind(int(one.codes[0])) for one in judged if len(one.rows)}
    code = score_codes(left.scores, right.scores, band=tolerances.score, unstable=np.array([unstable]))[0]
    if code:
        kinds[SCORE_FIELD] = _kind(int(code))
    return Seen(
        left={one.field: one.left for one in judged} | {SCORE_FIELD: as_column(left.scores)},
        right={one.field: one.right for one in judged} | {SCORE_FIELD: as_column(right.scores)},
        kinds=kinds,
        bands={one.field: one.band for one in judged} | {SCORE_FIELD: tolerances.score},
        rebuilt=rebuilt,
    )


def _kind(code: int) -> str:
    return Difference(code).label


@dataclass(frozen=True)
class Symptom:
    """A finding as one request shows it: the fields that differ at `first`, and why they do."""

    cause: str
    fields: tuple[str, ...]
    first: Seen

    def shown(self, now: Seen) -> tuple[str, ...]:
        """The fields that differ now as they did at first, by the same cause where one row can show it.

        A cause that does not reproduce the first request itself, or that one row cannot show, is not asked
        for. A finding of scores alone is gone where a feature differs that agreed before.
        """
        kinds = self.first.kinds
        same = [name for name in self.fields if name in kinds and kinds[name] == now.kinds.get(name)]
        if not same or (self.fields == (SCORE_FIELD,) and now.kinds.keys() - kinds.keys()):
            return ()
        if self.cause in {TIME_SHIFT, AS_OF_SHIFT}:
            alike = not self.shifts or any(_explains(shift, self.fields, seen=now) for shift in self.shifts)
            return tuple(same) if alike else ()
        return tuple(name for name in same if _caused_alike(self.cause, name, first=self.first, now=now))

    @cached_property
    def shifts(self) -> tuple[int, ...]:
        """The shifts of the event time, in ns, that explain the first request."""
        return tuple(shift for shift in SHIFTS if _explains(shift, self.fields, seen=self.first))


def _explains(shift_ns: int, fields: Collection[str], *, seen: Seen) -> bool:
    """Whether the features built at a shifted time are those served, where these fields differ."""
    differing = [name for name in fields if name in seen.kinds and name != SCORE_FIELD]
    built = seen.rebuilt(shift_ns) if seen.rebuilt and differing else {}
    return bool(differing) and all(
        name in built and not _apart(built[name], seen.right[name], name=name, seen=seen)
        for name in differing
    )


def _apart(built: Column, served: Column, *, name: str, seen: Seen) -> bool:
    return bool(mismatch(built, served, tolerance=seen.bands[name])[0])


def _caused_alike(cause: str, name: str, *, first: Seen, now: Seen) -> bool:
    """What the cause claims has the same parameter on both requests; True where nothing is known of it."""
    relation = RELATIONS.get(cause)
    if relation is None:
        return True
    before, after = (_parameter(relation, one.cell(name)) for one in (first, now))
    if before is None or before is False:
        return True  # this request is among the few that the cause leaves unexplained
    if isinstance(before, float) and isinstance(after, float):
        return math.isclose(before, after, rel_tol=_DIGITS, abs_tol=_DIGITS)
    return before == after


def _parameter(relation: Relation, cell: tuple[object, object]) -> object:
    """None where a relation cannot hold: an empty cell, a division by zero, a text among numbers."""
    try:
        return relation(*cell)
    except (TypeError, ArithmeticError, AttributeError):
        return None


def _as_float32(offline: Any) -> float:  # noqa: ANN401  -- a JSON value
    return float(np.float32(offline))


#: what a cause claims of an offline and a served value: a parameter that is the same wherever it acts
RELATIONS: Final[Mapping[str, Relation]] = {
    "shift": lambda offline, served: float(served - offline),
    "off_by_one": lambda offline, served: float(served - offline),
    "time_shift": lambda offline, served: float(served - offline),
    "scale": lambda offline, served: float(served / offline),
    "sign": lambda offline, served: served == -offline,
    "complement": lambda offline, served: math.isclose(served, 1 - offline),
    "absolute": lambda offline, served: served == abs(offline),
    "fill": lambda _, served: served,
    "constant": lambda _, served: served,
    "mean_fill": lambda _, served: served,
    "median_fill": lambda _, served: served,
    "timeout_fill": lambda _, served: served,
    "unknown_bucket": lambda _, served: served,
    "floor": lambda offline, served: served == math.floor(offline),
    "ceil": lambda offline, served: served == math.ceil(offline),
    "float32": lambda offline, served: served == _as_float32(offline),
    "truncation": lambda offline, served: served == math.trunc(offline),
    "case": lambda offline, served: served.casefold() == offline.casefold(),
    "spaces": lambda offline, served: served.split() == offline.split(),
}
