"""Several passes of one phase in one verdict: all that were declared count, or nothing is passed."""

from typing import Any

import msgspec
import pytest

from harness.evidence import Evidence, Levels
from harness.gates import LatencyP95
from harness.gates.passes import CLAIM, in_force, pooled, repeated, rule_together
from harness.records import Calibrated, LatencySummary, PhaseNote, Verdict
from harness.stats import SlowShareTest
from tests.kit.some_evidence import evidence, lag, latency, phase

EVEN = Levels(go=0.05, nogo=0.05)
N = 630
RULES = (SlowShareTest(), SlowShareTest())


def notes(planned: int, *, ran: int) -> tuple[PhaseNote, ...]:
    """The passes of phase rush: `rush`, `rush.2`, …, the last ones not run."""
    return tuple(
        msgspec.structs.replace(
            phase(name(k), ran=k < ran, reason="" if k < ran else "not chosen"), series="rush", passes=planned
        )
        for k in range(planned)
    )


def name(k: int) -> str:
    """What the k-th pass is called, from 0."""
    return "rush" if k == 0 else f"rush.{k + 1}"


def timed(slow: list[int], target: str = "challenger", **changes: Any) -> tuple[LatencySummary, ...]:  # noqa: ANN401  -- any field
    """A pass of 630 requests for each count of slow ones."""
    usual: dict[str, Any] = {"requests": N, "send_lag": lag(0.3, n=N)} | changes
    return tuple(latency(target, phase=name(k), over_budget=count, **usual) for k, count in enumerate(slow))


def judged(found: Evidence, levels: Levels = EVEN) -> tuple[Verdict, ...]:
    """What the gate says."""
    return LatencyP95().judge(found, levels)


@pytest.mark.parametrize(
    ("slow", "ruling"),
    [
        ([3, 5, 2, 4, 6], "PASS"),
        ([60, 75, 50, 66, 80], "FAIL"),
        ([31, 32, 30, 33, 31], "UNDECIDED"),
        ([0, 0, 0, 0, 300], "UNDECIDED"),
        ([5, 5], "PASS"),
        ([5, 70], "FAIL"),
        ([30, 30], "UNDECIDED"),
        ([5, 11], "PASS"),
        ([5, 12], "UNDECIDED"),
        ([3, 50, 50], "UNDECIDED"),
        ([0, 45, 45, 45], "UNDECIDED"),
    ],
)
def test_passes_are_judged_together(slow: list[int], ruling: str) -> None:
    """From 5 on by their own variance, so that one that stands out decides nothing; below that one by one.

    A lucky pass is no PASS of the others: 3, 50 and 50 of 630 are 5.5 % slow, over the limit of 5 %.
    """
    found = evidence(latency=timed(slow), phases=notes(len(slow), ran=len(slow)))
    (verdict,) = judged(found)
    assert (verdict.ruling, verdict.arm, verdict.n) == (ruling, "challenger, rush", N * len(slow))
    assert [e.count for e in verdict.evidence] == [sum(slow), *slow]
    assert CLAIM in verdict.method
    assert f"{slow[0]}" in verdict.reason
    assert "of 630 requests over 120 ms" in verdict.reason


@pytest.mark.parametrize("planned", [2, 3, 5, 6])
@pytest.mark.parametrize("slow", [0, 630])
def test_fewer_passes_than_declared_rule_nothing(planned: int, slow: int) -> None:
    """Flawless or dead: a pass that did not run leaves the gate open."""
    found = evidence(latency=timed([slow] * (planned - 1)), phases=notes(planned, ran=planned - 1))
    (verdict,) = judged(found)
    assert (verdict.ruling, verdict.fault, verdict.required) == ("UNDECIDED", "evidence", True)
    assert f"{planned - 1} of {planned} declared passes ran" in verdict.reason
    assert "not chosen" in verdict.reason


def test_no_pass_at_all_is_a_verdict_too() -> None:
    """The build under test has an open one; a champion that was sent nothing has none."""
    (verdict,) = judged(evidence(latency=(), phases=notes(5, ran=0)))
    assert (verdict.ruling, verdict.arm, verdict.n) == ("UNDECIDED", "challenger, rush", 0)


@pytest.mark.parametrize("void", ["late", "lost", "distrusted"])
def test_a_void_pass_leaves_the_gate_open(void: str) -> None:
    """The other four prove nothing: their number was declared."""
    passes, said = list(timed([0] * 5)), list(notes(5, ran=5))
    if void == "late":
        passes[2] = msgspec.structs.replace(passes[2], send_lag=lag(40.0, n=N))
    elif void == "lost":
        passes[2] = msgspec.structs.replace(passes[2], lost=9)
    else:
        said[2] = msgspec.structs.replace(said[2], calibration=distrusted())
    (verdict,) = judged(evidence(latency=tuple(passes), phases=tuple(said)))
    assert (verdict.ruling, verdict.fault) == ("UNDECIDED", "harness")
    assert "rush.3" in verdict.reason


def test_passes_of_the_champion_are_advisory_and_split_no_level() -> None:
    """One verdict a target, and one phase is one test however many passes it has."""
    both = (*timed([300] * 5, "champion"), *timed([3, 5, 2, 4, 6]))
    found = judged(evidence(latency=both, phases=notes(5, ran=5)))
    assert [(v.arm, v.ruling, v.required) for v in found] == [
        ("champion, rush", "FAIL", False),
        ("challenger, rush", "PASS", True),
    ]


def test_another_phase_is_judged_beside_them() -> None:
    """A single pass of another phase keeps its own verdict, at the level of one of two."""
    more = latency(phase="quiet", requests=632, over_budget=11, send_lag=lag(0.3, n=632))
    found = evidence(latency=(*timed([3] * 5), more), phases=(*notes(5, ran=5), phase("quiet")))
    quiet, rush = judged(found)
    assert (rush.arm, rush.ruling) == ("challenger, rush", "PASS")
    assert (quiet.arm, quiet.ruling) == ("challenger, quiet", "UNDECIDED")


def test_counts_that_differ_in_n_are_told_each() -> None:
    """A request that the harness lost is in neither number."""
    one, two = timed([1, 2])
    two = msgspec.structs.replace(two, requests=N + 10, send_lag=lag(0.3, n=N + 10))
    (verdict,) = judged(evidence(latency=(one, two), phases=notes(2, ran=2)))
    assert verdict.reason.startswith("1 of 630 and 2 of 640 requests")


@pytest.mark.parametrize("passes", [1, 2, 4])
def test_below_five_passes_each_must_be_within_and_one_that_is_over_fails(passes: int) -> None:
    """The declared inflation; the whole α to be within, α over the passes to be over."""
    within, over = in_force(RULES, N, passes=passes)
    assert (within.alpha, over.alpha) == (0.05, 0.05 / passes)
    assert (within.inflation, over.inflation, pooled(passes)) == (4.5, 4.5, 1)


def test_from_five_passes_on_their_own_variance_is_in_force() -> None:
    """Student's quantile for 4 degrees of freedom, -2.1318, has a normal tail of .0165."""
    rule, over = in_force(RULES, N, passes=5)
    assert rule.alpha == over.alpha == pytest.approx(0.01651, abs=1e-4)
    assert (rule.inflation, pooled(5)) == (1.0, 5)
    found = rule_together([3, 5, 2, 4, 6], [N] * 5, passes=5, rules=RULES)
    assert (found.ruling, found.within) == ("PASS", rule.largest_within(5 * N))


def test_passes_that_are_missing_pass_nothing_and_may_fail() -> None:
    """Two of three flawless are open; one that is over at its part of α is over whatever the others are."""
    assert rule_together([0, 0], [N, N], passes=3, rules=RULES).ruling == "UNDECIDED"
    assert rule_together([0, 0, 0], [N] * 3, passes=3, rules=RULES).ruling == "PASS"
    assert rule_together([200], [N], passes=3, rules=RULES).ruling == "FAIL"


def test_only_phases_with_several_passes_are_a_series() -> None:
    """A phase of one pass is judged as ever."""
    assert repeated(evidence()) == ()


def distrusted() -> Calibrated:
    """A harness that measured itself and may not judge."""
    return Calibrated(
        rate=100,
        requests=300,
        bias_p50_ms=1.0,
        bias_p95_ms=7.0,
        send_lag_p99_ms=0.3,
        shed_share=0.0,
        rate_held=100,
        trusted=False,
        why="bias above 6.00 ms",
    )
