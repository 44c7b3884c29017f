"""The first answers of a run, looked at before the rest is sent: a wrong setting shows on ten as on all."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import msgspec
import numpy as np
import pyarrow.compute as pc

from harness.diff.traps import advice, of_order, spoils_all
from harness.gates import Errors, ScoreParity
from harness.records import TARGET_FAULTS, Attempt, PhaseNote, State
from harness.replay.breaker import blamed
from harness.replay.sending import NOT_YET_SENT
from harness.run import comparing
from harness.run.asked import other_order
from harness.run.reasons import reasons

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import pyarrow as pa
    from numpy.typing import NDArray

    from harness.records import Finding
    from harness.replay.early import Limit
    from harness.replay.journal import Journal
    from harness.replay.options import ReplayCounts
    from harness.replay.schedule import Phase, Schedule
    from harness.run.comparing import Compared, Models
    from harness.run.folder import RunFolder
    from harness.scenario import Loaded

FIRST = 10
#: of those, the ones that must differ for a trap to be no chance
LEAST_WRONG = 5
#: states that do not pass by waiting: the service understood the request otherwise, or we its answer
_LASTING = frozenset({State.HTTP_ERROR, State.BAD_BODY})
_TOO_MANY, _SERVER_FAULT = 429, 500
_SHORT = 400

EITHER = (
    "The service wants another request, or answers another way: either the scenario asks it wrongly "
    "(url, protocol, headers, response), or the build refuses what it should take."
)
#: the option that does without this
AGAIN = "--no-preflight"

Masks = dict[str, "NDArray[np.bool_]"]


@dataclass(frozen=True)
class Told:
    """What the first answers of a target say, in words; `gate` is the one that they fail on their own.

    `refused`: all failed, as where the scenario asks for another service. `ours`: they differ by an order of
    columns, and the scenario's own list has another one than the model.
    """

    target: str
    words: str
    gate: str = ""
    refused: bool = False
    ours: bool = False


@dataclass(frozen=True)
class Opened:
    """How a phase began: what is still to be sent (None: all of it), or why nothing more is.

    `failed` counts by target the requests that failed by then, `gate` is the one that needs no more.
    """

    rest: Masks | None = None
    failed: Mapping[str, int] = field(default_factory=dict)
    stopped: str = ""
    gate: str = ""
    blamed: str = ""

    def noted(self, note: PhaseNote) -> PhaseNote:
        """The note of a phase that ended here."""
        return msgspec.structs.replace(note, stopped=self.stopped, decided=self.gate, blamed=self.blamed)

    def fewer(self, early: Mapping[str, tuple[Limit, ...]]) -> dict[str, tuple[Limit, ...]]:
        """The counts that end a phase, less what has failed already."""
        return {
            name: tuple(replace(one, count=max(1, one.count - self.failed.get(name, 0))) for one in limits)
            for name, limits in early.items()
        }

    @property
    def end(self) -> tuple[State, str]:
        """The state of the requests that are not sent, and why."""
        if self.gate:
            return State.NOT_NEEDED, f"the first {FIRST} answers failed {self.gate}; the rest was not sent"
        return State.NOT_SENT, f"{NOT_YET_SENT} ({self.stopped})" if self.stopped else NOT_YET_SENT


def beginning(counts: ReplayCounts, seen: Iterable[Told], *, rest: Masks, requests: int) -> Opened:
    """How a phase of so many requests began, from the counts of its beginning and what its answers say."""
    failed = {
        name: sum(states.get(one, 0) for one in TARGET_FAULTS) for name, states in counts.states.items()
    }
    if counts.stopped:
        return Opened(rest, failed, counts.stopped, blamed=blamed(counts.stopped, list(counts.states)))
    spoilt = next((one for one in seen if one.gate), None)
    if spoilt is None:
        return Opened(rest, failed)
    why = f"after {FIRST} of {requests:,} requests, spread over it ({AGAIN} sends all)"
    return Opened(rest, failed, why, spoilt.gate)


def opening(phase: Phase, schedule: Schedule, *, targets: Sequence[str], well: NDArray[np.bool_]) -> Masks:
    """By target the requests to begin a phase with, bool (n,); empty where it is not to be parted.

    They are spread over the phase, among those that production answered `well`, bool (n,), by the schedule:
    a request that failed there tells nothing of the build. An open loop is not parted, for its clock would
    stop; nor a phase that is hardly longer, or that has not enough of them.
    """
    n, fit = len(schedule.rows), np.flatnonzero(well)
    if phase.open_loop or n <= FIRST or len(fit) < FIRST:
        return {}
    first = np.zeros(n, np.bool_)
    first[fit[spread(len(fit), FIRST)]] = True
    return dict.fromkeys(targets, first)


def spread(n: int, count: int) -> NDArray[np.int64]:
    """So many places among n, or all of fewer, evenly apart from the first on: of 25 and 5, every fifth."""
    size = min(n, count)
    places: NDArray[np.int64] = np.arange(size, dtype=np.int64) * n // max(size, 1)
    return places


def answered_well(status: pa.ChunkedArray) -> NDArray[np.bool_]:
    """Where production answered with 2xx, or it is not known what it answered; bool (n,)."""
    codes = status.fill_null(200).to_numpy()
    well: NDArray[np.bool_] = (codes >= 200) & (codes < 300)
    return well


def part(schedule: Schedule, mask: NDArray[np.bool_]) -> Schedule:
    """Some requests of a closed loop as a schedule of their own."""
    return replace(schedule, rows=schedule.rows[mask], due_ns=schedule.due_ns[mask])


def look(
    folder: RunFolder, loaded: Loaded, *, models: Models, phase: str, targets: Iterable[str]
) -> tuple[Told, ...]:
    """What the answers of a phase so far say of each target, and of which gate no more is needed.

    Only of the build under test a gate is named: where nothing else would be measured by sending more.
    """
    tables = {
        name: table.filter(pc.equal(table["phase"], phase))
        for name, table in comparing.sent(folder, loaded).items()
    }
    found, _ = comparing.compared(folder, loaded, models=models, only=frozenset(targets))
    pairs = {pair.summary.right: pair for pair in found.pairs}
    return tuple(told(name, tables[name], pair=pairs.get(name), loaded=loaded) for name in targets)


def told(name: str, table: pa.Table, *, pair: Compared | None, loaded: Loaded) -> Told:
    """What some answers of a target say, from its outcomes and how they compare with its model."""
    failed = _refused(table)
    if failed:
        words = f"all {len(table):,} failed: {failed}. {EITHER}"
        return Told(name, words, _needed(loaded, name, kind=Errors), refused=True)
    if pair is None:
        return Told(name, f"{_answered(table):,} of {len(table):,} answered; it has no offline model.")
    if not pair.summary.compared:
        return Told(name, f"none of {len(table):,} answered: {_most_often(table)}.")
    wrong = pair.summary.score_mismatches
    if not wrong and not pair.findings:
        left = pair.summary.left
        return Told(name, f"{pair.summary.compared:,} of {len(table):,} scored as {left} scores them.")
    words = " ".join(said(one) for one in pair.findings) or f"{wrong:,} of {len(table):,} scored otherwise."
    spoilt = wrong >= LEAST_WRONG and any(spoils_all(one) and one.requests == wrong for one in pair.findings)
    ours = any(of_order(one) for one in pair.findings) and bool(other_order(loaded, name))
    return Told(name, words, _needed(loaded, name, kind=ScoreParity) if spoilt else "", ours=ours)


def said(finding: Finding) -> str:
    """A finding with what to do about it."""
    return " ".join(filter(None, (finding.sentence, advice(finding))))


def _needed(loaded: Loaded, name: str, *, kind: type[Errors | ScoreParity]) -> str:
    """The gate of a kind, where it is required and of this target."""
    gate = next(gate for gate in loaded.gates if isinstance(gate, kind))
    return str(kind.__struct_config__.tag) if gate.required and name == loaded.under_test else ""


def _refused(table: pa.Table) -> str:
    """The reason seen most often, where every answer was refused or unusable; nothing otherwise."""
    states = [State(one) for one in table["state"].to_pylist()]
    status = table["status"].fill_null(0).to_pylist()
    lasting = all(
        state in _LASTING and code != _TOO_MANY and (state is State.BAD_BODY or code < _SERVER_FAULT)
        for state, code in zip(states, status, strict=True)
    )
    if not states or not lasting:
        return ""
    return _most_often(table)


def _most_often(table: pa.Table) -> str:
    """The reason seen most often, or the state where none has one."""
    details = [one for one in table["detail"].to_pylist() if one]
    given = reasons(details or table["state"].to_pylist())
    often = max(given, key=lambda each: (given[each], each), default="no reason is known").rstrip(".")
    if len(often) <= _SHORT:
        return often
    short = often[:_SHORT]
    return f"{short.rpartition(' ')[0] or short} …"


def _answered(table: pa.Table) -> int:
    return int(pc.sum(pc.equal(table["state"], State.OK)).as_py() or 0)


def leave(
    journal: Journal, seqs: NDArray[np.int64], *, target: str, phase: str, end: tuple[State, str]
) -> None:
    """The journal of a target knows that these were not sent: `end` is their state and its detail."""
    state, detail = end
    for seq in seqs.tolist():
        journal.append(Attempt(seq=seq, phase=phase, target=target, attempt=0, state=state, detail=detail))
