"""Mismatches told as bugs: one finding a cause, ranked by the decisions it flips."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import msgspec
import numpy as np
from numpy.typing import NDArray

from harness.columns import Column, Pair
from harness.diff.causes import UNEXPLAINED, Cause, Evidence, Surroundings, name_causes
from harness.diff.cells import Difference, Judged, texts
from harness.diff.damage import Rescore, damage
from harness.diff.event_time import Rebuild, TimeShift, find_time_shift
from harness.diff.places import EXEMPLARS, Places
from harness.diff.scores import Scored, as_column
from harness.diff.sentences import duration, listed, percent, reference, small, subject
from harness.records import Exemplar, Finding

SCORE_FIELD = "score"
#: the arm reads another time than the request holds; it builds only some features as of another time
TIME_SHIFT = "event_time_shift"
AS_OF_SHIFT = "as_of_shift"


@dataclass(frozen=True)
class Case:
    """A compared pair as findings need it: `judged` has every feature, None where an arm shows none.

    `touched` int32 (n,) counts the mismatching features of each request, `flips` bool (n,) its decisions.
    """

    pair: Pair
    places: Places
    judged: tuple[Judged, ...] | None
    touched: NDArray[np.int32]
    scored: Scored
    flips: NDArray[np.bool_]
    threshold: float | None
    score_atol: float
    rescore: Rescore | None

    @property
    def bad(self) -> tuple[Judged, ...]:
        """The features that differ somewhere."""
        return tuple(one for one in self.judged or () if len(one.rows))


@dataclass(frozen=True)
class Cost:
    """What a finding does: decisions flipped, mean absolute change of the score, and whether it is latent.

    `alone` says that it was measured by putting the finding's fields alone into the offline vector.
    """

    flips: int
    mean_abs: float
    latent: bool
    alone: bool = False


def find(case: Case, rebuild: Rebuild | None) -> tuple[Finding, ...]:
    """Every mismatch in one finding, ranked by flips, then by requests.

    The features of one shifted clock come together, every other has its own; then the scores on their own.
    """
    shifted = _shifted(case, rebuild) if rebuild and case.judged else None
    found = [_time_finding(case, shifted)] if shifted else []
    named = shifted.fields if shifted else ()
    around = _surroundings(case)
    for one in case.bad:
        if one.field not in named:
            found += _feature_findings(case, one, around=around)
    found += _score_findings(case)
    return tuple(sorted(found, key=lambda f: (-f.flips, -f.requests, f.fields)))


def _shifted(case: Case, rebuild: Rebuild) -> TimeShift | None:
    return find_time_shift(
        case.judged or (), seq=case.pair.seq, event_time_ns=case.pair.event_time_ns, rebuild=rebuild
    )


def _time_finding(case: Case, shifted: TimeShift) -> Finding:
    members = [j for j in case.bad if j.field in shifted.fields]
    cause, what, also = _time_words(shifted)
    finding = _finding(case, members, rows=shifted.rows, cause=cause, what=what)
    if shifted.explained < len(shifted.rows):
        also += f" Reproduced on {shifted.explained:,} of {shifted.tried:,} of these requests tried."
    return msgspec.structs.replace(finding, sentence=finding.sentence + also)


def _time_words(shifted: TimeShift) -> tuple[Cause, str, str]:
    """The cause, what differs, and a second sentence: the clock is wrong, or only some features' age."""
    away, early = duration(abs(shifted.shift_ns)), shifted.shift_ns < 0
    names, several = listed(shifted.fields), len(shifted.fields) > 1
    if not shifted.unmoved:
        cause = Cause(
            TIME_SHIFT, f"reads event_time {away} {'early' if early else 'late'}", shifted.explained
        )
        return (
            cause,
            f"{names} ({len(shifted.fields):,} features) differ" if several else f"{names} differs",
            "",
        )
    when = f"as of {away} {'before' if early else 'after'} event_time"
    cause = Cause(AS_OF_SHIFT, f"builds {names} {when}", shifted.explained)
    right = "is" if len(shifted.unmoved) == 1 else "are"
    return cause, "they differ" if several else "it differs", f" {listed(shifted.unmoved)} {right} on time."


def _surroundings(case: Case) -> Surroundings:
    """What causes may consult beyond a pair of columns: one object for all features."""
    pair = case.pair
    return Surroundings(
        unit=case.places.unit,
        time_ns=pair.event_time_ns,
        columns=pair.left.features or {},
        segments=pair.segments,
    )


def _feature_findings(case: Case, judged: Judged, *, around: Surroundings) -> list[Finding]:
    """One finding for each cause of a feature's mismatches, each with its own rows."""
    causes = name_causes(Evidence.of(judged, reference(case.pair.left.arm), around=around))
    return [_finding(case, [judged], rows=cause.rows, cause=cause, what="it differs") for cause in causes]


def _finding(
    case: Case, members: Sequence[Judged], *, rows: NDArray[np.int64], cause: Cause, what: str
) -> Finding:
    told = _told(case, rows, cause=cause, what=what, cost=_cost(case, members, rows=rows))
    fields = tuple(member.field for member in members)
    return msgspec.structs.replace(told, fields=fields, exemplars=_exemplars(case, members, rows=rows))


def _told(case: Case, rows: NDArray[np.int64], *, cause: Cause, what: str, cost: Cost) -> Finding:
    clauses = [
        f"{subject(case.pair.right.arm)} {cause.phrase}: {what} {_where(case, rows)}",
        *_costs(case, cost),
    ]
    return Finding(
        arm=case.pair.right.arm,
        fields=(SCORE_FIELD,),
        cause=cause.name,
        sentence=f"{'; '.join(clauses)}.",
        requests=len(rows),
        explained=cause.explained,
        first_seen=case.places.first_seen(rows),
        last_seen=case.places.last_seen(rows),
        flips=cost.flips,
        latent=cost.latent,
    )


def _score_findings(case: Case) -> list[Finding]:
    codes = case.scored.codes
    unstable = codes == Difference.NONDETERMINISTIC
    skewed = (codes != Difference.EQUAL) & ~unstable & (case.touched == 0)
    found = []
    if unstable.any():
        rows = np.flatnonzero(unstable)
        cause = Cause("nondeterministic", "gives one request different scores", len(rows))
        found.append(_score_finding(case, rows, cause=cause, what="seen"))
    if skewed.any():
        rows = np.flatnonzero(skewed)
        shown = "features agree" if case.judged is not None else "features are not shown"
        found += [
            _score_finding(case, cause.rows, cause=cause, what=f"{shown}, scores differ")
            for cause in _score_causes(case, rows)
        ]
    return found


def _score_causes(case: Case, rows: NDArray[np.int64]) -> list[Cause]:
    left, right = as_column(case.pair.left.scores), as_column(case.pair.right.scores)
    evidence = Evidence("the score", reference(case.pair.left.arm), left, right, rows, score=True)
    unknown = "serves other scores, unexplained: another model or another post-processing"
    return [
        replace(cause, phrase=unknown) if cause.name == UNEXPLAINED else cause
        for cause in name_causes(evidence)
    ]


def _score_finding(case: Case, rows: NDArray[np.int64], *, cause: Cause, what: str) -> Finding:
    told = _told(case, rows, cause=cause, what=what, cost=_actual_cost(case, rows))
    columns = as_column(case.pair.left.scores), as_column(case.pair.right.scores)
    return msgspec.structs.replace(told, exemplars=cell_exemplars(case.places, columns, rows=rows))


def _where(case: Case, rows: NDArray[np.int64]) -> str:
    return f"on {len(rows):,} of {len(case.pair.seq):,} requests {case.places.since(rows)}"


def _costs(case: Case, cost: Cost) -> list[str]:
    if cost.latent:
        return ["no score changes"]
    alone = "taken alone, " if cost.alone else ""
    moved = f"mean score change {small(cost.mean_abs)}"
    if case.threshold is None:
        return [f"{alone}{moved}"]
    return [f"{alone}decisions flip on {cost.flips:,} ({percent(cost.flips, len(case.pair.seq))})", moved]


def _cost(case: Case, members: Sequence[Judged], *, rows: NDArray[np.int64]) -> Cost:
    """Measured on the served scores, and by substitution where other features differ on the same requests."""
    own = np.sum([member.codes[rows] != Difference.EQUAL for member in members], axis=0)
    if case.rescore is None or not np.any(case.touched[rows] > own):
        return _actual_cost(case, rows)
    fields = {member.field for member in members}
    alone = damage(case.pair, fields, rows=rows, threshold=case.threshold, rescore=case.rescore)
    latent = alone.max_abs <= case.score_atol and alone.flips == 0
    return Cost(alone.flips, alone.mean_abs, latent, alone=True)


def _actual_cost(case: Case, rows: NDArray[np.int64]) -> Cost:
    with np.errstate(invalid="ignore", over="ignore"):
        moved = np.abs(case.pair.right.scores[rows] - case.pair.left.scores[rows])
    moved = moved[np.isfinite(moved)]
    return Cost(
        flips=int(np.count_nonzero(case.flips[rows])),
        mean_abs=float(moved.mean()) if len(moved) else 0.0,
        latent=not np.any(case.scored.codes[rows]),
    )


def _exemplars(case: Case, members: Sequence[Judged], *, rows: NDArray[np.int64]) -> tuple[Exemplar, ...]:
    if len(members) == 1:
        return cell_exemplars(case.places, (members[0].left, members[0].right), rows=rows)
    first = rows[:EXEMPLARS]
    left = _objects([(m.field, m.left, m.codes) for m in members], first)
    right = _objects([(m.field, m.right, m.codes) for m in members], first)
    return case.places.exemplars(first, left=left, right=right)


def cell_exemplars(
    places: Places, columns: tuple[Column, Column], *, rows: NDArray[np.int64]
) -> tuple[Exemplar, ...]:
    """The first requests of some rows with the left and the right cell of one field."""
    first = rows[:EXEMPLARS]
    left, right = (texts(column, first).to_pylist() for column in columns)
    return places.exemplars(first, left=left, right=right)


def _objects(
    cells: Sequence[tuple[str, Column, NDArray[np.uint8]]], rows: NDArray[np.int64]
) -> list[str | None]:
    """The differing cells of each row as a JSON object; what is missing is left out of it."""
    parts: list[list[str]] = [[] for _ in rows]
    for field, column, codes in cells:
        spoken = texts(column, rows).to_pylist()
        for part, text, code in zip(parts, spoken, codes[rows], strict=True):
            if code and text is not None:
                part.append(f"{msgspec.json.encode(field).decode()}: {text}")
    return [f"{{{', '.join(part)}}}" for part in parts]
