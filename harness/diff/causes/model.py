"""What a cause is, what it is concluded from, and what a hypothesis offers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from harness.columns import Column, Kind
from harness.diff.bands import Band
from harness.diff.causes.history import History
from harness.diff.causes.whole import Whole
from harness.diff.cells import Judged
from harness.diff.texts import codes_of

MIN_ROWS = 5
MIN_INPUTS = 3
#: the share of the affected rows that counts as nearly all of them
NAMED = 0.95

UNEXPLAINED: Final = "unexplained"
TOO_FEW: Final = "too_few_rows"

Mask = NDArray[np.bool_]
Rows = NDArray[np.int64]

#: fitted parameters carry a little arithmetic noise of their own; nothing else does, and small is not zero
EXACT: Final = Band(atol=0.0)


@dataclass(frozen=True)
class Cause:
    """What happened to one field: its name, a verb phrase, and how many mismatching rows it reproduces.

    `explained` counts the rows that earlier causes of the same field do not reproduce; `rows` are all rows
    that the cause answers for, int64 (k,). `tied` names other causes that reproduce the same rows.
    """

    name: str
    phrase: str
    explained: int
    parameters: Mapping[str, float | str] = field(default_factory=dict)
    tied: tuple[str, ...] = ()
    rows: Rows = field(default_factory=lambda: np.empty(0, np.int64), compare=False, repr=False)


@dataclass(frozen=True, eq=False)
class Surroundings:
    """What hypotheses may consult beyond the two columns; all aligned with their n rows, all optional.

    `unit` int64 codes, `time_ns` event time, `columns` every left column by feature name, `segments` request
    fields as strings, `service_ns` of the right arm (NaN unknown), `keys` further id-like request fields,
    coded, `label` matured labels (NaN unknown). One object serves all features: what they share is cached.
    """

    unit: NDArray[np.int64] | None = None
    time_ns: NDArray[np.int64] | None = None
    columns: Mapping[str, Column] = field(default_factory=dict)
    segments: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    service_ns: NDArray[np.float64] | None = None
    keys: Mapping[str, NDArray[np.int64]] = field(default_factory=dict)
    label: NDArray[np.float64] | None = None

    @cached_property
    def by_unit(self) -> History | None:
        """The rows of each unit in order of time."""
        return None if self.unit is None else History.of(self.unit, self.time_ns)

    @cached_property
    def numbers(self) -> list[str]:
        """The left features that are numbers, in their order."""
        return [name for name, column in self.columns.items() if column.dtype == "number"]

    @cached_property
    def by_key(self) -> dict[str, History]:
        """The rows of each level of the further keys, in order of time."""
        return {name: History.of(codes, self.time_ns) for name, codes in self.keys.items()}

    @cached_property
    def levels(self) -> dict[str, tuple[NDArray[np.int64], list[str]]]:
        """Each segment coded: int64 codes (n,), -1 for none, and its levels."""
        return {name: codes_of(_strings(values)) for name, values in self.segments.items()}

    @cached_property
    def slowness(self) -> NDArray[np.float64] | None:
        """The rank of each response time among the known ones, 0 fastest to 1 slowest, NaN unknown."""
        if self.service_ns is None:
            return None
        known = np.isfinite(self.service_ns)
        ranks = np.full(len(known), np.nan)
        order = np.flatnonzero(known)[np.argsort(self.service_ns[known])]
        ranks[order] = (np.arange(len(order)) + 0.5) / max(1, len(order))
        return ranks


@dataclass(frozen=True, eq=False)
class Evidence:
    """The mismatching rows of one field, the whole columns that they come from, and what surrounds them.

    `label` is how sentences call the field, `other` how they call the left arm. `score` says that the field
    is the score. A hypothesis sees some of the rows at a time: `at` gives the same evidence on other rows.
    """

    label: str
    other: str
    left: Column
    right: Column
    rows: Rows
    around: Surroundings = field(default_factory=Surroundings)
    score: bool = False
    served: NDArray[Any] | None = None
    _whole: Whole | None = None

    @classmethod
    def of(cls, judged: Judged, other: str, *, around: Surroundings | None = None) -> Evidence:
        """The evidence in a compared feature."""
        return cls(judged.field, other, judged.left, judged.right, judged.rows, around or Surroundings())

    def at(self, rows: Rows, served: NDArray[Any] | None = None) -> Evidence:
        """The same evidence on other rows; `served` puts other values (rows,) in place of the served ones."""
        return replace(self, rows=rows, served=served, _whole=self.whole)

    @cached_property
    def whole(self) -> Whole:
        """What is known of the whole columns, computed once whatever the rows."""
        return self._whole or Whole(self.left, self.right)

    @property
    def few(self) -> bool:
        """Whether there are too few rows to conclude anything but what the cells hold."""
        return len(self.rows) < MIN_ROWS

    @cached_property
    def left_kind(self) -> NDArray[np.uint8]:
        """What the left cells hold; uint8 (rows,)."""
        return self.left.kind[self.rows]

    @cached_property
    def right_kind(self) -> NDArray[np.uint8]:
        """What the right cells hold; uint8 (rows,)."""
        if self.served is not None:
            return np.zeros(len(self.rows), np.uint8)
        return self.right.kind[self.rows]

    @cached_property
    def a(self) -> NDArray[Any]:
        """The left values; (rows,)."""
        return self.left.values[self.rows]

    @cached_property
    def b(self) -> NDArray[Any]:
        """The right values; (rows,)."""
        return self.right.values[self.rows] if self.served is None else self.served

    @cached_property
    def both(self) -> Mask:
        """Rows where both sides hold a value, and for numbers a finite one."""
        values: Mask = (self.left_kind == Kind.VALUE) & (self.right_kind == Kind.VALUE)
        if self.numbers:
            values &= np.isfinite(self.a) & np.isfinite(self.b)
        return np.asarray(values)

    @cached_property
    def empty(self) -> Mask:
        """Rows where the left arm knows no value: NaN or null."""
        return np.asarray((self.left_kind == Kind.NAN) | (self.left_kind == Kind.NULL))

    @property
    def numbers(self) -> bool:
        """Whether both columns hold numbers."""
        return self.whole.numbers

    @cached_property
    def a_id(self) -> NDArray[np.int64]:
        """The left values as codes of the whole column's values, -1 for none; (rows,)."""
        return self.whole.left_ids[self.rows]

    @cached_property
    def b_id(self) -> NDArray[np.int64]:
        """The right values in the same codes, -1 where the left column holds no such value; (rows,)."""
        if not self.numbers:
            codes = self.whole.right_ids[self.rows] if self.served is None else self.served
            return np.asarray(codes, np.int64)
        return np.where(self.right_kind == Kind.VALUE, self.whole.ids(self.b), -1)


@dataclass(frozen=True, eq=False)
class Candidate:
    """One hypothesis with its parameters fitted.

    `test` says which rows of some evidence it reproduces; `cost` is taken off the share it explains. `change`
    is what it makes of a left value, where it is a function of that alone: the offline values that it would
    leave as they are must not be among the affected ones. `moved` is the share of all rows that it would
    change, where it is no such function. `chance` is the share that unrelated values would
    have explained, None to measure it on scrambled rows. `fact`: what a cell holds, needs no support.
    `once`: named at most once a field, for the second most frequent parameter is as good as any third.
    `soft`: chance satisfies it on few values, so it stands where it explains most rows or others the rest.
    """

    name: str
    phrase: str
    test: Callable[[Evidence], Mask]
    cost: float
    parameters: Mapping[str, float | str] = field(default_factory=dict)
    inputs: int = MIN_INPUTS
    chance: float | None = None
    change: Callable[[NDArray[np.float64]], NDArray[np.float64]] | None = None
    moved: float | None = None
    fact: bool = False
    once: bool = False
    soft: bool = False


Hypothesis = Callable[[Evidence], Iterator[Candidate]]


def function(
    change: Callable[[NDArray[np.float64]], NDArray[np.float64]], band: Band = EXACT
) -> Callable[[Evidence], Mask]:
    """The test of a cause that makes one number of another: the served one is that within the band."""

    def test(evidence: Evidence) -> Mask:
        if not evidence.both.any():
            return evidence.both
        a = np.where(evidence.both, evidence.a, 1.0)
        return evidence.both & band.holds(change(a), evidence.b)

    return test


def same_value(some: Evidence, sources: Rows) -> Mask:
    """Rows that are served what the left arm holds in their source rows; -1 is no source."""
    held = some.whole.left_ids[sources]
    return np.asarray((sources >= 0) & (held >= 0) & (held == some.b_id))


def _strings(values: NDArray[Any]) -> list[str | None]:
    return [None if value is None else str(value) for value in values.tolist()]
