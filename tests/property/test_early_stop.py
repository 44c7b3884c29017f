"""Early stop on any outcomes: it is only ever towards a FAIL that the whole run would have ended with."""

from __future__ import annotations

from typing import NamedTuple

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from harness.evidence import Evidence, Levels
from harness.gates import Errors, LatencyP95, certain, settled
from harness.records import LatencySummary, PhaseNote, State, TargetCounts, Verdict
from harness.replay.arm import Try
from harness.replay.early import Tally
from tests.kit.some_evidence import evidence, lag, latency, phase

LEVELS = Levels(go=0.05, nogo=0.02)
BUDGET_MS = 120
#: how a request ends: in time, late, or not at all
OUTCOMES = {"fast": (State.OK, 20), "slow": (State.OK, 300), "failed": (State.TIMEOUT, 2000)}


class Counted(NamedTuple):
    """Of a phase: how many were late, failed, and were never sent."""

    slow: int
    failed: int
    spared: int


def gates(share: float, inflation: float) -> tuple[Errors, LatencyP95]:
    """The two gates that can be certain."""
    return Errors(max_share=share), LatencyP95(budget_ms=BUDGET_MS, variance_inflation=inflation)


def stopped(outcomes: list[str], limits: tuple[object, ...]) -> tuple[int, str]:
    """After how many answers the phase is stopped, and by which gate; all of them and nothing if never."""
    tally = Tally(limits)  # type: ignore[arg-type]  # as `certain` made them
    for place, name in enumerate(outcomes, 1):
        state, ms = OUTCOMES[name]
        last = Try(state=state, written_ns=0, done_ns=ms * 1_000_000)
        if gate := tally.note(last, due_ns=0, lost=0):
            return place, gate
    return len(outcomes), ""


def counted(outcomes: list[str], *, planned: int) -> Counted:
    """What a phase came to."""
    return Counted(outcomes.count("slow"), outcomes.count("failed"), planned - len(outcomes))


def verdicts(
    counts: Counted, both: tuple[Errors, LatencyP95], *, planned: int, passes: int, decided: str = ""
) -> tuple[Verdict, ...]:
    """What the gates say of a phase, the other passes of which were flawless, or were not run once cut."""
    states = {
        State.OK: planned - counts.failed - counts.spared,
        State.TIMEOUT: counts.failed,
        State.NOT_NEEDED: counts.spared,
    }
    summaries, notes = [], []
    for k in range(passes):
        name = "rush" if k == 0 else f"rush.{k + 1}"
        ran = k == 0 or not decided
        notes.append(note(name, passes=passes, ran=ran, decided=decided if k == 0 else ""))
        if ran:
            summaries.append(summary(name, counts if k == 0 else Counted(0, 0, 0), planned=planned))
    found: Evidence = evidence(
        targets=(TargetCounts(target="challenger", states={str(k): v for k, v in states.items() if v}),),
        latency=tuple(summaries),
        phases=tuple(notes),
    )
    return settled((v for gate in both for v in gate.judge(found, LEVELS)), found)


def note(name: str, *, passes: int, ran: bool, decided: str) -> PhaseNote:
    """A pass of phase rush."""
    plain = phase(name, ran=ran)
    stopped_after = "after 9 of 99 requests" if decided else ""
    return msgspec.structs.replace(
        plain, series="rush", passes=passes, decided=decided, stopped=stopped_after, targets=("challenger",)
    )


def summary(name: str, counts: Counted, *, planned: int) -> LatencySummary:
    """What was timed of a pass."""
    return latency(
        phase=name,
        requests=planned,
        over_budget=counts.slow + counts.failed,
        failed=counts.failed,
        spared=counts.spared,
        send_lag=lag(0.2, n=planned - counts.failed - counts.spared),
    )


@given(
    outcomes=st.lists(st.sampled_from(["fast", "fast", "slow", "failed"]), min_size=1, max_size=300),
    often=st.integers(1, 12),
    share=st.sampled_from([0.0, 0.01, 0.05, 0.3, 0.5]),
    inflation=st.sampled_from([1.0, 4.5]),
    passes=st.sampled_from([1, 2, 4]),
)
def test_an_early_stop_is_only_ever_towards_the_fail_of_the_whole_run(
    outcomes: list[str], often: int, share: float, inflation: float, passes: int
) -> None:
    """The whole run fails by that gate, as it went on and with every other answer right and in time.

    And the cut run fails by it too, and passes nothing.
    """
    outcomes = [one if k % often == 0 else "fast" for k, one in enumerate(outcomes * 3)]
    planned, both = len(outcomes), gates(share, inflation)
    limits = certain(both, LEVELS, n=planned, phases=1, passes=passes)
    place, decided = stopped(outcomes, limits)
    whole = verdicts(counted(outcomes, planned=planned), both, planned=planned, passes=passes)
    if not decided:
        return
    best = [*outcomes[:place], *["fast"] * (planned - place)]
    at_best = verdicts(counted(best, planned=planned), both, planned=planned, passes=passes)
    seen = counted(outcomes[:place], planned=planned)
    cut = verdicts(seen, both, planned=planned, passes=passes, decided=decided)
    for found in (whole, at_best, cut):
        assert "FAIL" in {v.ruling for v in found if v.gate == decided and v.required}
    assert "PASS" not in {v.ruling for v in cut if seen.spared}


@given(
    planned=st.integers(1, 900),
    share=st.sampled_from([0.0, 0.01, 0.07, 0.3]),
    inflation=st.sampled_from([1.0, 4.5]),
    passes=st.sampled_from([1, 3]),
)
def test_one_less_than_a_limit_decides_nothing(
    planned: int, share: float, inflation: float, passes: int
) -> None:
    """The limits are the smallest counts there are: with one less the whole run might not fail."""
    both = gates(share, inflation)
    for limit in certain(both, LEVELS, n=planned, phases=1, passes=passes):
        kind = "failed" if limit.gate == "errors" else "slow"
        for count, fails in ((limit.count, True), (limit.count - 1, False)):
            outcomes = [kind] * count + ["fast"] * (planned - count)
            found = verdicts(counted(outcomes, planned=planned), both, planned=planned, passes=passes)
            mine = [v for v in found if v.gate == limit.gate and v.required]
            assert any(v.ruling == "FAIL" for v in mine) == fails
