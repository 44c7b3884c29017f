"""Which counts fail a gate for certain before a phase is over, and what a phase that was cut for one proves.

A cut phase fails by the gate that was certain, and passes nothing: what was not sent is no evidence.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from harness.gates.latency import LatencyP95
from harness.gates.passes import pooled
from harness.gates.service import Errors
from harness.records import State
from harness.replay.early import Limit
from harness.stats import SlowShareTest

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from harness.evidence import Evidence, Levels
    from harness.records import PhaseNote, Verdict

#: gates that do not read the answers of the phase that was cut, or look after it themselves
APART = frozenset({"offline_reference", "latency_p95", "sample_ratio", "live_errors", "live_p95"})


def certain(
    gates: Iterable[object], levels: Levels, *, n: int, phases: int, passes: int | None
) -> tuple[Limit, ...]:
    """The counts of a planned phase of `n` requests that fail a required gate whatever else is answered.

    `passes` is None where latency is not judged. From 5 passes on only their own variance says what is slow,
    so no count of one pass does.
    """
    found: list[Limit] = []
    for gate in gates:
        if isinstance(gate, Errors) and gate.required:
            found.append(Limit(gate="errors", count=_more_than(gate.max_share, n)))
        if isinstance(gate, LatencyP95) and gate.required and passes is not None and pooled(passes) == 1:
            found.extend(_over(gate, levels, n=n, phases=phases, passes=passes))
    return tuple(limit for limit in found if limit.count <= n)


def _more_than(share: float, n: int) -> int:
    """The smallest count above the budget of all n, compared as the gate compares it."""
    count = int(share * n)
    while count / n <= share:
        count += 1
    return count


def _over(gate: LatencyP95, levels: Levels, *, n: int, phases: int, passes: int) -> Iterator[Limit]:
    _, over = gate.tests(levels, passes=phases)
    one = SlowShareTest(limit=over.limit, alpha=over.alpha / passes, inflation=over.inflation)
    count = one.smallest_over(n)
    if count is not None:
        yield Limit(
            gate="latency_p95",
            count=count,
            budget_ns=round(gate.budget_ms * 1e6),
            max_lag_ns=round(gate.max_send_lag_p99_ms * 1e6),
            max_lost=gate.max_lost_share * n,
        )


def settled(verdicts: Iterable[Verdict], evidence: Evidence) -> tuple[Verdict, ...]:
    """The verdicts of a run where a phase was cut: the FAIL says what was saved, nothing on it passes."""
    cut = [note for note in evidence.phases if note.decided]
    unsent = sum(t.states.get(State.NOT_NEEDED, 0) for t in evidence.targets)
    if not cut and not unsent:
        return tuple(verdicts)
    return tuple(_told(_open(v, unsent), cut, under_test=evidence.under_test) for v in verdicts)


def _open(verdict: Verdict, unsent: int) -> Verdict:
    if verdict.ruling != "PASS" or verdict.gate in APART:
        return verdict
    return msgspec.structs.replace(
        verdict,
        ruling="UNDECIDED",
        fault="evidence",
        reason=f"{verdict.reason.removesuffix('.')}; not ruled, for {unsent:,} requests were not sent.",
        needs="a run that sends every request (without early_stop)",
    )


def _told(verdict: Verdict, cut: list[PhaseNote], *, under_test: str) -> Verdict:
    for note in cut:
        arm = f"{under_test}, {note.series}" if note.decided == "latency_p95" else under_test
        mine = verdict.arm.partition(" vs ")[0] == arm
        if verdict.ruling == "FAIL" and verdict.gate == note.decided and mine:
            reason = f"{verdict.reason.removesuffix('.')}; phase {note.phase} stopped {note.stopped}."
            return msgspec.structs.replace(verdict, reason=reason)
    return verdict
