"""Counts that fail a gate for certain, and what a phase that was cut for one proves."""

from __future__ import annotations

import msgspec
import pytest

from harness.evidence import Evidence, Levels
from harness.gates import DEFAULT_GATES, DecisionConfig, Errors, LatencyP95, certain, decide, settled
from harness.gates.early import APART
from harness.records import State, TargetCounts, Verdict
from tests.kit.some_evidence import LEVELS, N, evidence, lag, latency, look, phase, quality

EVEN = Levels(go=0.05, nogo=0.05)
SAVED = (
    "after 120 of 1,000 requests: no remaining answer could change FAIL; 880 requests, about 50 s not sent"
)
SENT = 120


def cut(decided: str, *, failed: int = 0, slow: int = 0) -> Evidence:
    """A latency phase of 1,000 requests that was stopped after 120."""
    note = msgspec.structs.replace(phase("rush"), decided=decided, stopped=SAVED, series="rush")
    states = {"ok": SENT - failed, "timeout": failed, "not_needed": N - SENT}
    timed = latency(
        over_budget=slow + failed, failed=failed, spared=N - SENT, send_lag=lag(0.3, n=SENT - failed)
    )
    counts = TargetCounts(target="challenger", states={k: v for k, v in states.items() if v})
    return evidence(
        targets=(counts,),
        latency=(timed,),
        phases=(note,),
        quality=(quality(look()),),
        answered={"challenger": SENT},
    )


def judged(found: Evidence, levels: Levels = LEVELS) -> tuple[Verdict, ...]:
    """Every gate's verdicts, settled."""
    return settled((v for gate in DEFAULT_GATES for v in gate.judge(found, levels)), found)


@pytest.mark.parametrize(
    ("share", "n", "count"), [(0.01, 240, 3), (0.01, 200, 3), (0.0, 9, 1), (0.29, 100, 30)]
)
def test_errors_fail_for_certain_above_the_budget_of_all_planned(share: float, n: int, count: int) -> None:
    """One more than the budget allows of all; floating point decides as it does in the gate."""
    (limit,) = certain((Errors(max_share=share),), EVEN, n=n, phases=1, passes=None)
    assert limit.count == count
    assert certain((Errors(max_share=1.0),), EVEN, n=n, phases=1, passes=None) == ()
    assert certain((Errors(required=False),), EVEN, n=n, phases=1, passes=None) == ()


def test_latency_fails_for_certain_at_the_count_that_decides() -> None:
    """54 of 632 at .05; in one of two passes at half of it; from 5 passes on no count of one pass does."""
    gate = (LatencyP95(),)
    (limit,) = certain(gate, EVEN, n=632, phases=1, passes=1)
    assert (limit.gate, limit.count, limit.budget_ns) == ("latency_p95", 54, 120_000_000)
    assert limit.max_lag_ns == 10_000_000
    assert limit.max_lost == pytest.approx(0.632)
    (half,) = certain(gate, EVEN, n=632, phases=1, passes=2)
    assert half.count == LatencyP95().tests(Levels(go=0.05, nogo=0.025), passes=1)[1].smallest_over(632)
    assert certain(gate, EVEN, n=632, phases=1, passes=5) == ()
    assert certain((LatencyP95(required=False),), EVEN, n=632, phases=1, passes=1) == ()


@pytest.mark.parametrize(
    ("decided", "counts", "arm"),
    [("errors", {"failed": 20}, "challenger"), ("latency_p95", {"slow": 90}, "challenger, rush")],
)
def test_a_cut_phase_fails_by_the_gate_that_was_certain(
    decided: str, counts: dict[str, int], arm: str
) -> None:
    """The sentence says what was saved; the run is a NO-GO, and nothing on the cut slice passes."""
    found = judged(cut(decided, **counts), EVEN)
    (failed,) = [v for v in found if v.ruling == "FAIL" and v.required and v.gate == decided]
    assert failed.arm == arm
    assert failed.reason.endswith(f"; phase rush stopped {SAVED}.")
    assert {v.gate for v in found if v.ruling == "PASS"} <= APART - {"latency_p95"}
    decision = decide(found, (), config=DecisionConfig(), under_test="challenger")
    assert (decision.word, decision.headline) == ("NO-GO", failed.reason)


@pytest.mark.parametrize("arm", ["challenger vs offline:model", "challenger vs champion"])
def test_parity_too_says_what_was_saved(arm: str) -> None:
    """Where ten answers were enough; a FAIL of another arm says nothing of it."""
    note = msgspec.structs.replace(phase("rush"), decided="score_parity", stopped=SAVED)
    failed = Verdict(gate="score_parity", arm=arm, ruling="FAIL", reason="All differ.")
    champion = msgspec.structs.replace(failed, arm="champion vs offline:model")
    found = settled((failed, champion), evidence(phases=(note,)))
    assert [v.reason for v in found] == [f"All differ; phase rush stopped {SAVED}.", "All differ."]


def test_what_was_not_sent_thins_out_no_evidence() -> None:
    """Two failures of 120 are above 1 %, and of 1,000 planned still below: not ruled, not failed."""
    found = {v.gate: v for v in judged(cut("latency_p95", failed=2, slow=88), EVEN) if v.required}
    assert found["errors"].ruling == "UNDECIDED"
    assert "not ruled, for 880 requests were not sent" in found["errors"].reason
    assert (found["completeness"].ruling, found["completeness"].fault) == ("UNDECIDED", "evidence")
    assert found["latency_p95"].ruling == "FAIL"


def test_a_flawless_cut_pass_proves_nothing() -> None:
    """Cut for the sake of another gate, its own count of slow requests is no PASS."""
    verdicts = LatencyP95().judge(cut("errors"), EVEN)
    assert [(v.ruling, v.fault, v.n) for v in verdicts] == [("UNDECIDED", "evidence", SENT)]
    assert "880 requests of rush were not sent" in verdicts[0].reason


def test_a_run_that_was_not_cut_is_settled_as_it_is() -> None:
    """Nothing changes."""
    found = evidence(quality=(quality(look()),))
    verdicts = tuple(v for gate in DEFAULT_GATES for v in gate.judge(found, LEVELS))
    assert settled(verdicts, found) == verdicts


def test_requests_that_were_spared_and_never_decided_pass_nothing_either() -> None:
    """After a kill in the moment of the stop no phase says that it was decided."""
    found = cut("errors", failed=1)
    found = undecided(found)
    assert {v.gate for v in judged(found) if v.ruling == "PASS"} <= APART
    assert found.targets[0].states[State.NOT_NEEDED] == 880


def undecided(found: Evidence) -> Evidence:
    """The same evidence without the note's word."""
    notes = tuple(msgspec.structs.replace(n, decided="", stopped="") for n in found.phases)
    return evidence(targets=found.targets, latency=found.latency, phases=notes, answered=found.answered)
