"""One cause for many features: the arm reads event_time shifted. Tested by building the features again so."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from harness.columns import Column
from harness.diff.causes import MIN_INPUTS, MIN_ROWS, NAMED, distinct
from harness.diff.cells import Difference, Judged, mismatch, take
from harness.diff.some_rows import evenly

#: the left arm's features of requests (their seq, int64 ns by which event_time is shifted), in their order
Rebuild = Callable[[NDArray[np.int64], int], dict[str, Column]]

#: mismatching requests that every shift is tried on
TRIED_ROWS = 64
#: requests that the best shift is confirmed on; above, about as many evenly spaced ones
CONFIRMED_ROWS = 20_000
#: features tried, those with most mismatches, and cells confirmed: bounds for thousands of features
TRIED_FIELDS = 200
CONFIRMED_CELLS = 2_000_000

_HOUR_NS: Final = 3_600 * 10**9
#: half an hour, each whole one to 12, India's 5.5 and a day
_HOURS: Final = (0.5, 1, 2, 3, 4, 5, 5.5, 6, 7, 8, 9, 10, 11, 12, 24)
#: days by which history is refreshed late: a weekend, a weekly job
_LATE_DAYS: Final = (2, 3, 7)
#: the smaller first, so that of several that fit the smallest is named
SHIFTS: Final = (
    *(int(sign * hours * _HOUR_NS) for hours in _HOURS for sign in (-1, 1)),
    *(-24 * days * _HOUR_NS for days in _LATE_DAYS),
)


@dataclass(frozen=True)
class TimeShift:
    """A shift of event_time that reproduces what the arm served.

    `rows` are all requests on which one of `fields` differs; of the `tried` ones, `explained` have every one
    of their differing fields reproduced within tolerance. `unmoved` fields would move with the shift on these
    requests and agree with the left arm: event_time itself is read right, `fields` are built as of another.
    """

    shift_ns: int
    fields: tuple[str, ...]
    unmoved: tuple[str, ...]
    rows: NDArray[np.int64]
    tried: int
    explained: int


@dataclass(frozen=True)
class _Trial:
    """Some requests with their features built again: per feature (judged, rows), bool each.

    `differs` served is not offline, `moves` rebuilt is not offline, `agrees` served is rebuilt.
    """

    judged: Sequence[Judged]
    rows: NDArray[np.int64]
    differs: NDArray[np.bool_]
    moves: NDArray[np.bool_]
    agrees: NDArray[np.bool_]

    @property
    def reproduced(self) -> NDArray[np.bool_]:
        """Differing cells that are served just as rebuilt."""
        return self.differs & self.agrees


def find_time_shift(
    judged: Sequence[Judged], *, seq: NDArray[np.int64], event_time_ns: NDArray[np.int64], rebuild: Rebuild
) -> TimeShift | None:
    """The shift that reproduces at least 95 % of the requests on which the features it explains differ.

    A feature belongs to it when at least 95 % of its mismatching cells are reproduced, so that another bug in
    another feature does not hide this one. One of them needs 5 mismatching rows and 3 distinct left values.
    None when no shift does, or when the requests that agree contradict it.
    """
    suspects = sorted((j for j in judged if len(j.rows) >= MIN_ROWS), key=lambda j: -len(j.rows))
    suspects = suspects[:TRIED_FIELDS]
    if not suspects:
        return None
    tried = _spread_over(suspects, TRIED_ROWS)
    best, most = 0, 0
    for shift_ns in SHIFTS:
        trial = _trial(suspects, tried, rebuilt=rebuild(seq[tried], shift_ns))
        hits = int(np.count_nonzero(trial.reproduced))
        if hits > most:
            best, most = shift_ns, hits
        if hits >= NAMED * np.count_nonzero(trial.differs):
            break
    if not most:
        return None
    rows = _to_confirm(suspects, min(CONFIRMED_ROWS, CONFIRMED_CELLS // len(judged)))
    trial = _trial(judged, rows, rebuilt=rebuild(seq[rows], best))
    return _confirmed(trial, best, phase=event_time_ns[rows] % _HOUR_NS)


def _confirmed(trial: _Trial, shift_ns: int, *, phase: NDArray[np.int64]) -> TimeShift | None:
    member = _members(trial)
    members = [j for j, belongs in zip(trial.judged, member, strict=True) if belongs]
    if not any(len(j.rows) >= MIN_ROWS and distinct(j.left.values[j.rows]) >= MIN_INPUTS for j in members):
        return None
    differs = trial.differs[member].any(axis=0)
    wrong = (trial.differs & ~trial.agrees)[member].any(axis=0)
    tried = int(np.count_nonzero(differs))
    explained = int(np.count_nonzero(differs & ~wrong))
    if explained < NAMED * tried or _contradicted(trial, member, phase=phase):
        return None
    unmoved = ~trial.differs.any(axis=1) & (np.count_nonzero(trial.moves & differs, axis=1) >= MIN_ROWS)
    return TimeShift(
        shift_ns=shift_ns,
        fields=tuple(j.field for j in members),
        unmoved=tuple(j.field for j, stays in zip(trial.judged, unmoved, strict=True) if stays),
        rows=_union(members),
        tried=tried,
        explained=explained,
    )


def _members(trial: _Trial) -> NDArray[np.bool_]:
    differing = np.count_nonzero(trial.differs, axis=1)
    hits = np.count_nonzero(trial.reproduced, axis=1)
    return np.asarray((hits > 0) & (hits >= NAMED * differing))


def _contradicted(trial: _Trial, member: NDArray[np.bool_], *, phase: NDArray[np.int64]) -> bool:
    """Whether requests that ought to move and do not speak against the shift.

    From the first to the last affected request nearly all that ought to move do: no. A bug on some requests
    only (one host, one segment) leaves others alone; then the affected ones must be served just as rebuilt in
    every feature, and must not be told from the others by the minute: an hour that is wrong only for the
    first 45 minutes is a shift of 45 minutes, not of one hour.
    """
    differs = trial.differs[member].any(axis=0)
    first, last = np.flatnonzero(differs)[[0, -1]]
    ought = np.asarray(trial.moves[member].any(axis=0))
    ought[:first] = ought[last + 1 :] = False
    if np.count_nonzero(differs & ought) >= NAMED * np.count_nonzero(ought):
        return False
    whole = trial.agrees.all(axis=0)
    if np.count_nonzero(differs & whole) < NAMED * np.count_nonzero(differs):
        return True
    moved, stayed = phase[differs & ought], phase[ought & ~differs]
    return bool(moved.max() < stayed.min() or moved.min() > stayed.max())


def _trial(judged: Sequence[Judged], rows: NDArray[np.int64], *, rebuilt: dict[str, Column]) -> _Trial:
    codes = [_codes(j, rows, rebuilt=rebuilt) for j in judged]
    differs, moves, agrees = (np.stack(kind) for kind in zip(*codes, strict=True))
    return _Trial(judged, rows, differs, moves, agrees)


def _codes(
    judged: Judged, rows: NDArray[np.int64], *, rebuilt: dict[str, Column]
) -> tuple[NDArray[np.bool_], NDArray[np.bool_], NDArray[np.bool_]]:
    differs = judged.codes[rows] != Difference.EQUAL
    if judged.field not in rebuilt:
        return differs, np.zeros(len(rows), bool), ~differs
    again = rebuilt[judged.field]
    moves = mismatch(again, take(judged.left, rows), tolerance=judged.band) != Difference.EQUAL
    agrees = mismatch(again, take(judged.right, rows), tolerance=judged.band) == Difference.EQUAL
    return differs, moves, agrees


def _to_confirm(suspects: Sequence[Judged], at_most: int) -> NDArray[np.int64]:
    """Every request from the first to the last mismatching one; of too many, a fair share of each feature."""
    union = _union(suspects)
    rows = np.arange(union[0], union[-1] + 1)
    if len(rows) <= at_most:
        return rows
    return np.union1d(_spread_over(suspects, at_most // 2), evenly(rows, at_most // 2))


def _spread_over(suspects: Sequence[Judged], about: int) -> NDArray[np.int64]:
    """About so many mismatching rows, a fair share of each feature, so that a rare bug counts too."""
    share = max(MIN_ROWS, about // len(suspects))
    return np.unique(np.concatenate([evenly(j.rows, share) for j in suspects]))


def _union(judged: Sequence[Judged]) -> NDArray[np.int64]:
    differs = np.zeros(len(judged[0].codes), bool)
    for one in judged:
        differs[one.rows] = True
    return np.flatnonzero(differs)
