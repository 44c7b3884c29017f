"""Bugs of several features that are one: columns in each other's place, a view that times out, one source."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from harness.columns import Column, Kind
from harness.diff.bands import SHIPPED
from harness.diff.bugs import LABEL, UNTRIED, Bug
from harness.diff.causes import MIN_INPUTS, MIN_ROWS, NAMED, TOO_FEW, UNEXPLAINED, Cause, distinct
from harness.diff.sentences import listed, milliseconds
from harness.diff.some_rows import evenly

#: share of the requests of two bugs that both are about, to be of one origin (Jaccard)
SAME_ROWS = 0.9
#: chance that a request with the bug took longer than one without, to be a timeout
SLOW = 0.9
#: bugs compared with each other, those on most requests; beyond, only the very same requests are one
COMPARED = 200
#: requests that columns are first held against each other on
GLANCE = 32
#: above this share of the requests, the same requests say little: nearly every bug is there
NEARLY_ALL = 0.5

SWAPPED: Final = "swapped"
TIMEOUT: Final = "timeout_fill"
#: causes by which a value is not served at all, or something in its place
FILLED: Final = frozenset(
    {
        "constant",
        "fill",
        "lost_zero",
        "mean_fill",
        "median_fill",
        "unknown_bucket",
        "missing",
        "nan",
        "null",
        TIMEOUT,
    }
)
#: one value in place of many, whatever it happens to be of the offline ones
ONE_VALUE: Final = frozenset({"constant", "mean_fill", "median_fill", "unknown_bucket"})


def together(bugs: Sequence[Bug], *, n: int, service_ns: NDArray[np.float64] | None = None) -> list[Bug]:
    """The same bugs, those of one origin as one with all fields; `n` requests are compared.

    Columns in each other's place are one. Bugs on the same requests are one where their cause is the same
    (on nearly all requests: to its parameters), or where all of them leave a value out or fill it and these
    requests are slow: `service_ns` float64 (n,), NaN where not known.
    """
    return _of_one_origin(_put_in_place(bugs), _Requests(n, service_ns))


@dataclass(frozen=True, eq=False)
class _Requests:
    n: int
    service_ns: NDArray[np.float64] | None

    def slow(self, rows: NDArray[np.int64]) -> tuple[float, float] | None:
        """The median ns of these and of other requests, where these are slow."""
        if self.service_ns is None:
            return None
        inside = np.zeros(self.n, bool)
        inside[rows] = True
        known = np.isfinite(self.service_ns)
        here, there = self.service_ns[known & inside], np.sort(self.service_ns[known & ~inside])
        if min(len(here), len(there)) < MIN_ROWS or longer(here, there) < SLOW:
            return None
        return float(np.median(here)), float(np.median(there))


def longer(here: NDArray[np.float64], there: NDArray[np.float64]) -> float:
    """The chance that one of `here` is above one of `there` (ascending), ties half: the area under the curve.

    To check: 2, 4 against 1, 3 gives 0.75.
    """
    below = np.searchsorted(there, here, "left") + np.searchsorted(there, here, "right")
    return float(below.mean() / (2 * len(there)))


def _of_one_origin(bugs: Sequence[Bug], requests: _Requests) -> list[Bug]:
    groups: dict[tuple[object, bytes], list[Bug]] = {}
    slow: dict[bytes, tuple[float, float] | None] = {}
    for bug in bugs:
        rows = bug.rows.tobytes()
        if bug.cause.name in FILLED and rows not in slow:
            slow[rows] = requests.slow(bug.rows)
        kind = _kind(bug, requests.n, slow=slow.get(rows) is not None)
        groups.setdefault((kind or id(bug), rows), []).append(bug)
    merged: dict[object, list[list[Bug]]] = {}
    for (kind, _), group in sorted(groups.items(), key=lambda item: -len(item[1][0].rows)):
        alike = merged.setdefault(kind, [])
        home = next((g for g in alike[:COMPARED] if _same(g[0], group[0], n=requests.n)), None)
        if home is None:
            alike.append(group)
        else:
            home += group
    return [_joined(group, requests) for alike in merged.values() for group in alike]


def _kind(bug: Bug, n: int, *, slow: bool) -> object:
    """What two bugs on the same requests must have in common to be one; None where nothing makes them so."""
    if bug.cause.name == SWAPPED and len(bug.members) > 1:
        return None
    if bug.cause.name == TIMEOUT or (slow and bug.cause.name in FILLED):
        return TIMEOUT
    if len(bug.rows) <= NEARLY_ALL * n or bug.cause.name == UNTRIED:
        return "constant" if bug.cause.name in ONE_VALUE else bug.cause.name
    return None if bug.cause.name in {UNEXPLAINED, TOO_FEW} else (bug.cause.name, bug.cause.phrase)


def _same(most: Bug, other: Bug, *, n: int) -> bool:
    """Whether two bugs are about the same requests.

    Or the other about fewer only because what it serves happens to be right there: a fill that is the value.
    """
    mine, theirs = np.zeros(n, bool), np.zeros(n, bool)
    mine[most.rows], theirs[other.rows] = True, True
    common = int(np.count_nonzero(mine & theirs))
    if common >= SAME_ROWS * np.count_nonzero(mine | theirs):
        return True
    if common < SAME_ROWS * len(other.rows) or other.cause.name not in FILLED:
        return False
    served = other.members[0].right
    usual = served.values[other.rows[0]]
    return bool(
        np.mean((served.kind != Kind.VALUE)[most.rows] | (served.values[most.rows] == usual)) >= NAMED
    )


def _joined(group: Sequence[Bug], requests: _Requests) -> Bug:
    """One bug with all fields, the first one's as they are where it is alone."""
    if len(group) == 1:
        return group[0]
    touched = np.zeros(requests.n, bool)
    for bug in group:
        touched[bug.rows] = True
    rows = np.flatnonzero(touched)
    share = min(bug.cause.explained / max(1, len(bug.rows)) for bug in group)
    explained = int(share * len(rows))
    members = tuple(member for bug in group for member in bug.members)
    slow = requests.slow(rows) if all(bug.cause.name in FILLED for bug in group) else None
    name = TIMEOUT if slow else group[0].cause.name
    cause = replace(group[0].cause, name=name, phrase=_phrase(group), explained=explained)
    return Bug(members, rows, cause, what="they differ", also=_took(slow))


def _took(slow: tuple[float, float] | None) -> tuple[str, ...]:
    if slow is None:
        return ()
    here, there = map(milliseconds, slow)
    return (f"These requests took {here} at the median, the others {there}: a feature view that times out.",)


def _phrase(group: Sequence[Bug]) -> str:
    """One phrase for all fields where it is the same for each, else up to three, else what is common."""
    by_phrase: dict[str, list[str]] = {}
    for bug in group:
        by_phrase.setdefault(bug.cause.phrase, []).extend(bug.fields)
    if len(by_phrase) == 1:
        return group[0].cause.phrase
    if len(by_phrase) <= 3:
        return listed([phrase.replace(LABEL, listed(fields)) for phrase, fields in by_phrase.items()])
    if all(bug.cause.name in FILLED for bug in group):
        return f"serves something in place of {LABEL}"
    return f"serves other values of {LABEL}, by one cause ({group[0].cause.name.replace('_', ' ')})"


def _put_in_place(bugs: Sequence[Bug]) -> list[Bug]:
    """Bugs of features that hold each other's values become one; the others stay as they are."""
    tried = sorted((b for b in bugs if _can_be_swapped(b)), key=lambda b: -len(b.rows))[:COMPARED]
    holds = {
        i: [j for j, other in enumerate(tried) if i != j and _holds(bug, other)]
        for i, bug in enumerate(tried)
    }
    paths = list(_places(holds))
    gone = {id(tried[i]) for path in paths for i in path}
    swapped = [_swapped([tried[i] for i in path], closed=path[0] in holds[path[-1]]) for path in paths]
    return [*swapped, *(bug for bug in bugs if id(bug) not in gone)]


def _can_be_swapped(bug: Bug) -> bool:
    return len(bug.members) == 1 and len(bug.rows) >= MIN_ROWS and bug.cause.name not in FILLED


def _holds(bug: Bug, other: Bug) -> bool:
    """Whether a feature is served with another one's offline values, on nearly all requests that differ."""
    mine, theirs = bug.members[0], other.members[0]
    if mine.right.dtype != theirs.left.dtype:
        return False
    glance = evenly(bug.rows, GLANCE)
    for rows in (glance, bug.rows):
        if np.mean(_equal(mine.right, theirs.left, rows=rows)) < NAMED:
            return False
    return distinct(theirs.left.values[bug.rows]) >= MIN_INPUTS


def _equal(served: Column, offline: Column, *, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
    values = (served.kind[rows] == Kind.VALUE) & (offline.kind[rows] == Kind.VALUE)
    a, b = served.values[rows], offline.values[rows]
    return np.asarray(values & (SHIPPED.holds(a, b) if served.dtype == "number" else a == b), bool)


def _places(holds: dict[int, list[int]]) -> Iterator[list[int]]:
    """Paths of bugs of which each holds the next one's values: cycles, then chains of three and more."""
    follows = {i: next((j for j in found if i in holds[j]), found[0]) for i, found in holds.items() if found}
    used: set[int] = set()
    for start in follows:
        path = _path(follows, start, used=used)
        if len(path) > 1 and follows.get(path[-1]) == start:
            used.update(path)
            yield path
    led_to = {follows[i] for i in follows if i not in used}
    for start in follows:
        path = _path(follows, start, used=used)
        if start not in led_to and len(path) > 2:
            used.update(path)
            yield path


def _path(follows: dict[int, int], start: int, *, used: set[int]) -> list[int]:
    path = [] if start in used else [start]
    while path and (step := follows.get(path[-1])) is not None and step not in path and step not in used:
        path.append(step)
    return path


def _swapped(path: Sequence[Bug], *, closed: bool) -> Bug:
    """The bugs of a path as one; `closed` where the last holds the first one's values."""
    touched = np.unique(np.concatenate([bug.rows for bug in path]))
    names = [bug.fields[0] for bug in path]
    follow = [*names[1:], *(names[:1] if closed else [])]
    held = listed([f"{name} holds {of}" for name, of in zip(names, follow, strict=False)])
    if closed and len(path) == 2:
        phrase = f"swaps {LABEL}"
    elif closed:
        phrase = f"serves {LABEL} in each other's place ({held})"
    else:
        phrase = f"serves {LABEL} moved by one place ({held})"
    cause = Cause(SWAPPED, phrase, len(touched))
    return Bug(tuple(bug.members[0] for bug in path), touched, cause, what="they differ")
