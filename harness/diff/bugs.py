"""The bugs behind mismatching features: each cause of a feature with the requests that it is about."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from harness.columns import Kind
from harness.diff.causes import (
    MIN_ROWS,
    NAMED,
    TOO_FEW,
    UNEXPLAINED,
    Cause,
    Evidence,
    Surroundings,
    name_causes,
)
from harness.diff.cells import Judged
from harness.diff.sentences import listed

#: stands for the fields in a phrase, so that one phrase serves any number of them
LABEL = "\ue000"
#: features that hypotheses are tried on, and columns that each is held against
TRIED = 100
UNTRIED = "untried"
#: share of a feature's requests that may stand with another cause
MOST_CRUMBS = 0.2


@dataclass(frozen=True, eq=False)
class Bug:
    """Some features that differ on some requests, int64 rows ascending, for one cause.

    The cause's phrase has `LABEL` where the fields are named. `what` differs, for the sentence; `also` are
    further sentences.
    """

    members: tuple[Judged, ...]
    rows: NDArray[np.int64]
    cause: Cause
    what: str = "it differs"
    also: tuple[str, ...] = ()

    @property
    def fields(self) -> tuple[str, ...]:
        """Its features."""
        return tuple(member.field for member in self.members)

    @property
    def phrase(self) -> str:
        """What the arm does, its fields named."""
        return self.cause.phrase.replace(LABEL, listed(self.fields))


def separate(judged: Sequence[Judged], *, other: str, around: Surroundings | None = None) -> list[Bug]:
    """Each feature that differs with its causes, each about its own requests; none is left out.

    `other` is how sentences call the left arm, `around` what causes may consult beyond a pair of columns.
    Hypotheses are tried on the features with most mismatches; of the others only facts are told.
    """
    bad = sorted((one for one in judged if len(one.rows)), key=lambda one: -len(one.rows))
    tried = {one.field for one in bad[:TRIED]}
    surroundings = _fewer(around or Surroundings(), [one.field for one in bad])
    found, known = list[Bug](), dict[tuple[int, bytes], tuple[Cause, ...]]()
    for one in bad:
        evidence = Evidence(LABEL, other, one.left, one.right, one.rows, surroundings)
        causes = _causes(evidence) if one.field in tried else _facts(evidence, known)
        found += [Bug((one,), rows, cause) for cause, rows in _without_crumbs(causes, len(one.rows))]
    return found


def _fewer(around: Surroundings, bad: Sequence[str]) -> Surroundings:
    """The surroundings with few enough columns that each feature may be held against every one of them."""
    if len(around.columns) <= TRIED:
        return around
    return replace(
        around, columns={name: around.columns[name] for name in bad[:TRIED] if name in around.columns}
    )


def _facts(evidence: Evidence, known: dict[tuple[int, bytes], tuple[Cause, ...]]) -> list[Cause]:
    """What cells hold is told however many features there are; of values only that they differ.

    A kind of cell on the same requests is `known` from the first feature on, for phrases name no field.
    """
    valued = (evidence.left_kind <= Kind.NULL) & (evidence.right_kind == Kind.VALUE)
    found, rows = list[Cause](), evidence.rows[valued]
    for kind in np.unique(evidence.right_kind[~valued]):
        some = evidence.rows[~valued & (evidence.right_kind == kind)]
        key = (int(kind), some.tobytes())
        if key not in known:
            known[key] = name_causes(evidence.at(some))
        found += known[key]
    phrase = f"serves other values of {LABEL}, no cause was tried: {TRIED} features differ on more requests"
    return [*found, *([Cause(UNTRIED, phrase, 0, rows=rows)] if len(rows) else [])]


def _causes(evidence: Evidence) -> list[Cause]:
    causes = [*_infinite(evidence)]
    told = [cause.rows for cause in causes]
    rows = evidence.rows
    rest = np.setdiff1d(rows, np.concatenate(told), assume_unique=True) if told else rows
    causes += name_causes(evidence.at(rest)) if len(rest) else ()
    return causes if evidence.left.dtype == evidence.right.dtype else [_as_type(cause) for cause in causes]


def _as_type(cause: Cause) -> Cause:
    """Of columns of two types even what nothing explains has a name."""
    if cause.name not in {UNEXPLAINED, TOO_FEW}:
        return cause
    return Cause("wrong_type", f"serves {LABEL} as another type", len(cause.rows), rows=cause.rows)


def _infinite(evidence: Evidence) -> Iterator[Cause]:
    """An infinity against a finite number is a fact of its own: no arithmetic leads from one to the other."""
    if not evidence.numbers:
        return
    values = (evidence.left_kind == Kind.VALUE) & (evidence.right_kind == Kind.VALUE)
    left, right = values & np.isinf(evidence.a), values & np.isinf(evidence.b)
    for name, phrase, hits in (
        ("infinite", f"serves Infinity for {LABEL}", right),
        ("finite", f"serves a number for {LABEL} where {evidence.other} has Infinity", left & ~right),
    ):
        if hits.any():
            rows = evidence.rows[hits]
            yield Cause(name, phrase, len(rows), rows=rows)


def _without_crumbs(causes: Sequence[Cause], total: int) -> list[tuple[Cause, NDArray[np.int64]]]:
    """Each cause with its rows; a few that nothing explains stand with the first cause, which says so."""
    crumbs = [cause for cause in causes if cause.name in {UNEXPLAINED, TOO_FEW}]
    named = [cause for cause in causes if cause.name not in {UNEXPLAINED, TOO_FEW}]
    few = sum(len(crumb.rows) for crumb in crumbs)
    if not named or few >= max(MIN_ROWS, (1 - NAMED) * total) or few > MOST_CRUMBS * total:
        return [(cause, cause.rows) for cause in causes]
    first = np.sort(np.concatenate([cause.rows for cause in (named[0], *crumbs)]))
    return [(named[0], first), *((cause, cause.rows) for cause in named[1:])]
