"""What became of the answers of a target: compared, compared on another phase's answer, or with nothing."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np
import pyarrow.compute as pc

from harness import columns, join
from harness.records import TARGET_FAULTS, Ledger, State
from harness.replay import ledger as books

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pyarrow as pa

    from harness.capture.intake import Intake
    from harness.run.comparing import Compared, Comparison

ANSWERED = (State.OK, State.HTTP_ERROR, State.BAD_BODY)
NOT_YET = "not compared yet"
NO_MODEL = "no offline model"


def ledgers(
    intake: Intake, tables: Mapping[str, pa.Table], *, comparison: Comparison | None
) -> tuple[Ledger, ...]:
    """Every captured request of each phase at each target, step by step; None: nothing was compared yet."""
    made = []
    for target, table in tables.items():
        pair = pair_of(target, comparison)
        lost = _uncompared(target, tables, pair=pair, n=intake.sampled)
        for phase in dict.fromkeys(table["phase"].to_pylist()):
            rows = table.filter(pc.equal(table["phase"], phase))
            states = Counter(State(s) for s in rows["state"].to_pylist())
            answered = {state: states.get(state, 0) for state in ANSWERED}
            if comparison is None:
                match = books.Match(states=answered, compared=0, lost={NOT_YET: answered[State.OK]})
            elif pair is None:
                match = books.Match(states={}, compared=0, unmatched=NO_MODEL)
            else:
                match = books.Match(
                    states=answered,
                    compared=pair.phases.get(target, {}).get(phase, 0),
                    lost=lost.get(phase, {}),
                )
            made.append(
                books.ledger(phase, target, intake=_intake(intake, len(rows)), states=states, match=match)
            )
    return tuple(made)


def _intake(intake: Intake, scheduled: int) -> books.Intake:
    return books.Intake(
        captured=intake.lines,
        bad=intake.bad,
        not_sampled=intake.parsed - intake.sampled,
        outside=intake.sampled - scheduled,
    )


def pair_of(target: str, comparison: Comparison | None) -> Compared | None:
    """The first pair that a target stands in: that with its offline model, if it has one."""
    pairs = comparison.pairs if comparison else ()
    return next((p for p in pairs if target in {p.summary.left, p.summary.right}), None)


def answered(table: pa.Table) -> int:
    """The captured requests that a target answered, in whichever phase."""
    return len(table.filter(pc.equal(table["state"], State.OK))["seq"].unique())


def unanswered(table: pa.Table) -> int:
    """The captured requests that a target failed, and answered in no phase."""
    seq = table["seq"].to_numpy()
    state = table["state"].to_numpy(zero_copy_only=False)
    failed = np.isin(state, [str(one) for one in TARGET_FAULTS])
    return len(np.setdiff1d(seq[failed], seq[state == State.OK]))


def _uncompared(
    target: str, tables: Mapping[str, pa.Table], *, pair: Compared | None, n: int
) -> dict[str, dict[str, int]]:
    """By phase and reason, the OK answers of a target that are not in its pair."""
    if pair is None:
        return {}
    mine = join.answers(target, tables[target], n=n)
    other = pair.summary.left if pair.summary.right == target else pair.summary.right
    there = np.ones(n, dtype=bool)
    if pair.against != "offline":
        there = join.answers(other, tables.get(other, columns.OUTCOMES.empty_table()), n=n).answered
    phases = tables[target]["phase"].to_pylist()
    lost: dict[str, Counter[str]] = {}
    ok = np.flatnonzero(tables[target]["state"].to_numpy(zero_copy_only=False) == State.OK)
    for row, seq in zip(ok.tolist(), tables[target]["seq"].to_numpy()[ok].tolist(), strict=True):
        counts = int(mine.row[seq])
        if not there[seq]:
            lost.setdefault(phases[row], Counter())[f"no answer from {other}"] += 1
        elif counts != row:
            lost.setdefault(phases[row], Counter())[f"compared in phase {phases[counts]}"] += 1
    return {phase: dict(reasons) for phase, reasons in lost.items()}
