"""Whether a changed request still shows the same finding: the same field, differing in the same way."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from harness.columns import Column, Side
from harness.diff.causes import SCORE, Evidence, hypotheses_for
from harness.diff.cells import Difference, absent, judge, mismatch, texts
from harness.diff.event_time import SHIFTS
from harness.diff.findings import AS_OF_SHIFT, SCORE_FIELD, TIME_SHIFT
from harness.diff.scores import as_column, score_codes
from harness.diff.tolerance import Tolerances

#: offline features of this one request, had its event time been some ns later
Rebuilt = Callable[[int], Mapping[str, Column]]
_ONE = np.zeros(1, np.int64)


@dataclass(frozen=True)
class Seen:
    """One request as two arms show it: columns of one row by field, the score among them.

    `kinds` names how each field that differs does so (`value`, `missing`, …); `tolerances` say what differs.
    """

    left: Mapping[str, Column]
    right: Mapping[str, Column]
    kinds: Mapping[str, str]
    tolerances: Tolerances = field(default_factory=Tolerances)
    rebuilt: Rebuilt | None = None

    def cells(self, name: str) -> tuple[str | None, str | None]:
        """Both cells of a field as JSON texts, None where it is left out."""
        both = (side.get(name) for side in (self.left, self.right))
        left, right = (None if one is None else texts(one, _ONE)[0].as_py() for one in both)
        return left, right


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
        tolerances=tolerances,
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
    return bool(mismatch(built, served, tolerance=seen.tolerances.band(name))[0])


def _caused_alike(cause: str, name: str, *, first: Seen, now: Seen) -> bool:
    """Some hypothesis of that name reproduces both rows at once, with one and the same parameter."""
    if not _reproduced(cause, name, seen=(first, first)):
        return True
    return _reproduced(cause, name, seen=(first, now))


def _reproduced(cause: str, name: str, *, seen: tuple[Seen, Seen]) -> bool:
    left, right = (_stacked(*(getattr(one, side)[name] for one in seen)) for side in ("left", "right"))
    if left is None or right is None:
        return False
    evidence = Evidence(name, "", left, right, np.arange(2, dtype=np.int64))
    hypotheses = SCORE if name == SCORE_FIELD else hypotheses_for(evidence)
    with np.errstate(all="ignore"):
        found = [c for hypothesis in hypotheses for c in hypothesis(evidence)]
    return any(c.name == cause and bool(c.hits.all()) for c in found)


def _stacked(one: Column, other: Column) -> Column | None:
    """Two columns of one row as one of two rows; None where their types differ."""
    if one.dtype != other.dtype:
        return None
    text = {**one.text, **{row + 1: raw for row, raw in other.text.items()}}
    values = np.concatenate([one.values, other.values])
    return Column(one.dtype, values, np.concatenate([one.kind, other.kind]), text)
