"""Mismatches told as bugs: one finding a bug, ranked by what it costs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from harness.diff.bugs import Bug, separate
from harness.diff.case import Case
from harness.diff.causes import TOO_FEW, UNEXPLAINED, Cause, Evidence, Surroundings, name_causes
from harness.diff.cells import Difference
from harness.diff.costs import Game, Player
from harness.diff.damage import damage
from harness.diff.event_time import Rebuild, TimeShift, find_time_shift
from harness.diff.exemplars import cell_exemplars, exemplars_of
from harness.diff.keys import further_keys
from harness.diff.locating import locate
from harness.diff.probes import score_cause
from harness.diff.residual import Residual, residual
from harness.diff.scores import as_column, flipped
from harness.diff.sentences import duration, listed, percent, reference, small, subject
from harness.diff.together import together
from harness.records import Counterfactual, Finding

SCORE_FIELD = "score"
#: the arm reads another time than the request holds; it builds only some features as of another time
TIME_SHIFT = "event_time_shift"
AS_OF_SHIFT = "as_of_shift"
#: the right arm shows features that the left one does not know
EXTRA = "extra"
UNKNOWN_SCORE = "serves other scores, unexplained: another model or another post-processing"
#: bugs whose costs are counted out, those on most requests: each is scored again several times
COSTED = 50
#: findings that are located, those that cost most: each is sought in every field, many times over
LOCATED = 5
#: how much longer requests must take, in the middle of so many, for their service time to be a place
SLOWER, MIN_TIMED = 2.0, 20
#: features whose values are tried as places
LOCATED_IN = 30


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
    """Every mismatch in one finding, ranked by its share of the flips, then of the change of the score.

    The features of one shifted clock come together, and those of one origin; then the scores on their own,
    and the features that only the right arm shows.
    """
    bugs = _bugs(case, rebuild)
    costs = _counterfactuals(case, bugs)
    left = residual(case, band=case.score_band)
    found = [
        (_feature_finding(case, bug, counted=cost, left=left), bug.rows)
        for bug, cost in zip(bugs, costs, strict=True)
    ]
    found = sorted([*found, *_score_findings(case, left)], key=lambda one: _rank(one[0]))
    return (*_located(case, found), *_extra_finding(case))


def _located(case: Case, found: Sequence[tuple[Finding, NDArray[np.int64]]]) -> list[Finding]:
    """The findings in their order, those that cost most with where and since when they are."""
    return [
        _with_place(case, finding, rows=rows)
        if case.context.located and place < LOCATED and len(rows) < len(case.pair.seq)
        else finding
        for place, (finding, rows) in enumerate(found)
    ]


def _with_place(case: Case, finding: Finding, *, rows: NDArray[np.int64]) -> Finding:
    seen = locate(rows, case.places, service_ms=_telling(case, rows), extra=_values(case, finding))
    places, onset = seen.found()
    also = f" Seen {seen.sentence()}." if places or onset else ""
    return msgspec.structs.replace(finding, sentence=finding.sentence + also, places=places, onset=onset)


def _telling(case: Case, rows: NDArray[np.int64]) -> NDArray[np.float64] | None:
    """The service times in ms, where these requests took clearly longer than the others; else None.

    Requests are sent in order, so a service that warms up is quicker for whatever comes late: being quick is
    no place, and being a little slow is none either.
    """
    taken = case.context.service_ns
    if taken is None:
        return None
    others = np.ones(len(taken), bool)
    others[rows] = False
    here, there = taken[rows][np.isfinite(taken[rows])], taken[others & np.isfinite(taken)]
    if min(len(here), len(there)) < MIN_TIMED or np.median(here) < SLOWER * np.median(there):
        return None
    return taken / 1e6


def _values(case: Case, finding: Finding) -> dict[str, NDArray[Any]]:
    """What mismatches may go with: offline values, the finding's own features first, tags, who answered."""
    columns, context = case.pair.left.features or {}, case.context
    if finding.cause in {TIME_SHIFT, AS_OF_SHIFT}:
        columns = {}  # features of the time would only say the time again
    names = [name for name in finding.fields if name in columns]
    names += [name for name in columns if name not in finding.fields]
    values = {name: columns[name].values for name in names[:LOCATED_IN]}
    values |= {f"tag {name}": tag for name, tag in context.tags.items()} | dict(context.answered_by)
    return {name: one for name, one in values.items() if name not in case.pair.segments}


def _rank(finding: Finding) -> tuple[bool, bool, float, float, int, tuple[str, ...]]:
    """What costs most first, what costs nothing last, and what is not even compared at the very end."""
    cost = finding.cost
    flips = cost.flips_share if cost else finding.flips
    moved = (cost.mean_abs_share if cost else finding.mean_abs) * finding.requests
    return finding.cause == EXTRA, finding.latent, -flips, -moved, -finding.requests, finding.fields


def _bugs(case: Case, rebuild: Rebuild | None) -> list[Bug]:
    shifted = _shifted(case, rebuild) if rebuild and case.judged else None
    named = shifted.fields if shifted else ()
    others = [one for one in case.bad if one.field not in named]
    found = separate(others, other=reference(case.pair.left.arm), around=_surroundings(case))
    merged = together(found, n=len(case.pair.seq), service_ns=case.context.service_ns)
    return [*([_time_bug(case, shifted)] if shifted else []), *merged]


def _surroundings(case: Case) -> Surroundings:
    """What causes may consult beyond a pair of columns: one object for all features."""
    pair, context = case.pair, case.context
    return Surroundings(
        unit=case.places.unit,
        time_ns=pair.event_time_ns,
        columns=pair.left.features or {},
        segments=pair.segments,
        service_ns=context.service_ns,
        keys=further_keys(context.tags, case.places.asking),
        label=context.label,
    )


def _shifted(case: Case, rebuild: Rebuild) -> TimeShift | None:
    return find_time_shift(
        case.judged or (), seq=case.pair.seq, event_time_ns=case.pair.event_time_ns, rebuild=rebuild
    )


def _time_bug(case: Case, shifted: TimeShift) -> Bug:
    members = tuple(j for j in case.bad if j.field in shifted.fields)
    cause, what, also = _time_words(shifted)
    if shifted.explained < len(shifted.rows):
        also.append(f"Reproduced on {shifted.explained:,} of {shifted.tried:,} of these requests tried.")
    return Bug(members, shifted.rows, cause, what=what, also=tuple(also))


def _time_words(shifted: TimeShift) -> tuple[Cause, str, list[str]]:
    """The cause, what differs, and further sentences: the clock is wrong, or only some features' age."""
    away, early = duration(abs(shifted.shift_ns)), shifted.shift_ns < 0
    names, several = listed(shifted.fields), len(shifted.fields) > 1
    if not shifted.unmoved:
        phrase = f"reads event_time {away} {'early' if early else 'late'}"
        what = f"{names} ({len(shifted.fields):,} features) differ" if several else f"{names} differs"
        return Cause(TIME_SHIFT, phrase, shifted.explained), what, []
    phrase = f"builds {names} as of {away} {'before' if early else 'after'} event_time"
    on_time = f"{listed(shifted.unmoved)} {'is' if len(shifted.unmoved) == 1 else 'are'} on time."
    what = "they differ" if several else "it differs"
    return Cause(AS_OF_SHIFT, phrase, shifted.explained), what, [on_time]


def _counterfactuals(case: Case, bugs: Sequence[Bug]) -> list[Counterfactual | None]:
    """What each bug costs by exchanging its values; None where nothing can be scored, or for the rarest."""
    if case.rescore is None:
        return [None] * len(bugs)
    most = sorted(range(len(bugs)), key=lambda i: -len(bugs[i].rows))[:COSTED]
    game = Game(
        case.pair,
        [Player(bugs[i].fields, bugs[i].rows) for i in most],
        threshold=case.threshold,
        rescore=case.rescore,
        label=case.context.label,
    )
    found = dict(zip(most, game.costs(), strict=True))
    return [found.get(i) for i in range(len(bugs))]


def _feature_finding(case: Case, bug: Bug, *, counted: Counterfactual | None, left: Residual) -> Finding:
    cause = replace(bug.cause, phrase=bug.phrase)
    cost = _cost(case, bug, counted=counted, left=left)
    told = _told(case, bug.rows, cause=cause, what=bug.what, cost=cost, also=bug.also)
    finding = msgspec.structs.replace(
        told,
        fields=bug.fields,
        cost=counted,
        exemplars=exemplars_of(case.places, bug.members, rows=bug.rows),
    )
    return finding if bug.cause.name in {TIME_SHIFT, AS_OF_SHIFT} else _with_share(finding)


def _told(
    case: Case, rows: NDArray[np.int64], *, cause: Cause, what: str, cost: Cost, also: Sequence[str] = ()
) -> Finding:
    """A finding about the score until its fields are put in; `also` are sentences after the first."""
    clauses = [
        f"{subject(case.pair.right.arm)} {cause.phrase}: {what} {_where(case, rows)}",
        *_costs(case, cost),
    ]
    return Finding(
        arm=case.pair.right.arm,
        left=case.pair.left.arm,
        fields=(SCORE_FIELD,),
        cause=cause.name,
        sentence=" ".join([f"{'; '.join(clauses)}.", *also]),
        requests=len(rows),
        explained=cause.explained,
        first_seen=case.places.first_seen(rows),
        last_seen=case.places.last_seen(rows),
        flips=cost.flips,
        mean_abs=cost.mean_abs,
        latent=cost.latent,
    )


def _score_findings(case: Case, left: Residual) -> list[tuple[Finding, NDArray[np.int64]]]:
    """Scores that differ where no feature does, or by more than features explain; and unstable ones."""
    unstable = case.scored.codes == Difference.NONDETERMINISTIC
    found = []
    if unstable.any():
        rows = np.flatnonzero(unstable)
        cause = Cause("nondeterministic", "gives one request different scores", len(rows))
        found.append((_score_finding(case, rows, cause=cause, what="seen", expected=left.expected), rows))
    causes, start = _score_causes(case, left) if left.rows.any() else ([], left.expected)
    for cause in causes:
        what = f"{_features_shown(case, cause.rows)}, scores differ"
        found.append((_score_finding(case, cause.rows, cause=cause, what=what, expected=start), cause.rows))
    return found


def _features_shown(case: Case, rows: NDArray[np.int64]) -> str:
    """How features stand where scores differ; a rule that lets a difference pass may hide the bug."""
    if case.judged is None:
        return "features are not shown"
    if case.touched[rows].any():
        return "features do not explain it"
    hidden = [one.field for one in case.judged if np.isin(one.silenced, rows, assume_unique=True).any()]
    return f"features agree but for what rules let pass ({listed(hidden)})" if hidden else "features agree"


def _score_causes(case: Case, left: Residual) -> tuple[list[Cause], NDArray[np.float64]]:
    """The causes, and the scores they start from: what was served may be echoed wrongly and read rightly."""
    starts = [left.expected, case.pair.left.scores] if case.touched[left.rows].any() else [left.expected]
    told = [(_score_causes_from(case, left, start=start), start) for start in starts]
    causes, start = max(told, key=lambda one: sum(cause.explained for cause in one[0]))
    return _probed(case, left, causes=causes), start


def _probed(case: Case, left: Residual, *, causes: list[Cause]) -> list[Cause]:
    """What the model says where features agree: one probe that reproduces more than these causes together."""
    rows = np.flatnonzero(left.rows)
    if case.touched[rows].any():
        return causes
    named = [cause for cause in causes if cause.name not in {UNEXPLAINED, TOO_FEW}]
    so_far = Cause(UNEXPLAINED, UNKNOWN_SCORE, sum(cause.explained for cause in named))
    calm = np.flatnonzero((case.scored.codes == Difference.EQUAL) & (case.touched == 0))
    found = score_cause(case.pair, rows=rows, calm=calm, rescore=case.rescore, simple=so_far)
    return causes if found is so_far else [replace(found, rows=rows)]


def _score_causes_from(case: Case, left: Residual, *, start: NDArray[np.float64]) -> list[Cause]:
    columns, rows = (as_column(start), as_column(case.pair.right.scores)), np.flatnonzero(left.rows)
    evidence = Evidence("the score", reference(case.pair.left.arm), *columns, rows, score=True)
    return [
        replace(cause, phrase=UNKNOWN_SCORE) if cause.name == UNEXPLAINED else cause
        for cause in name_causes(evidence)
    ]


def _score_finding(
    case: Case, rows: NDArray[np.int64], *, cause: Cause, what: str, expected: NDArray[np.float64]
) -> Finding:
    told = _told(case, rows, cause=cause, what=what, cost=_served_cost(case, rows, expected=expected))
    columns = as_column(case.pair.left.scores), as_column(case.pair.right.scores)
    return msgspec.structs.replace(told, exemplars=cell_exemplars(case.places, columns, rows=rows))


def _extra_finding(case: Case) -> list[Finding]:
    """The features that only the right arm shows: no model reads them yet."""
    extra = case.context.extra
    if not extra:
        return []
    names, seen = tuple(sorted(extra)), max(extra.values())
    unknown = f"which {reference(case.pair.left.arm)} does not know"
    return [
        Finding(
            arm=case.pair.right.arm,
            left=case.pair.left.arm,
            fields=names,
            cause=EXTRA,
            sentence=f"{subject(case.pair.right.arm)} shows {listed(names)}, {unknown}: "
            f"seen on {seen:,} of {len(case.pair.seq):,} requests; no score changes.",
            requests=seen,
            explained=seen,
            latent=True,
        )
    ]


def _with_share(finding: Finding) -> Finding:
    """A named cause that leaves some requests open says how many it reproduces."""
    if finding.explained in {0, finding.requests}:
        return finding
    share = f" The cause reproduces {finding.explained:,} of {finding.requests:,}."
    return msgspec.structs.replace(finding, sentence=finding.sentence + share)


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


def _cost(case: Case, bug: Bug, *, counted: Counterfactual | None, left: Residual) -> Cost:
    """Measured on the served scores; by substitution where other bugs change scores on the same requests."""
    rows = bug.rows
    own = np.sum([member.codes[rows] != Difference.EQUAL for member in bug.members], axis=0)
    if case.rescore is None or not np.any((case.touched[rows] > own) | left.rows[rows]):
        return _served_cost(case, rows, expected=case.pair.left.scores)
    if counted is None:
        alone = damage(case.pair, bug.fields, rows=rows, threshold=case.threshold, rescore=case.rescore)
        latent = alone.max_abs <= case.score_band.atol and alone.flips == 0
        return Cost(alone.flips, alone.mean_abs, latent, alone=True)
    moved = max(counted.max_abs_in, abs(counted.mean_abs_share), abs(counted.mean_abs_out))
    latent = moved <= case.score_band.atol and counted.flips_in == counted.flips_out == 0
    return Cost(counted.flips_in, counted.mean_abs_in, latent, alone=True)


def _served_cost(case: Case, rows: NDArray[np.int64], *, expected: NDArray[np.float64]) -> Cost:
    before, after = expected[rows], case.pair.right.scores[rows]
    with np.errstate(invalid="ignore", over="ignore"):
        moved = np.abs(after - before)
    moved = moved[np.isfinite(moved)]
    return Cost(
        flips=int(np.count_nonzero(flipped(before, after, threshold=case.threshold))),
        mean_abs=float(moved.mean()) if len(moved) else 0.0,
        latent=not np.any(case.scored.codes[rows]),
    )
