"""The latency gate: exact counts that decide, what voids a pass, and passes that did not run."""

from typing import Any

import msgspec
import pytest

from harness.evidence import Evidence, Levels
from harness.gates import LatencyP95
from harness.records import Calibrated, LatencySummary, PhaseNote, ThinLoad, Verdict
from tests.kit.some_evidence import LEVELS, evidence, lag, latency, nothing, phase

EVEN = Levels(go=0.05, nogo=0.05)


def judged(found: Evidence, levels: Levels = EVEN, **config: float) -> tuple[Verdict, ...]:
    """What the gate says."""
    return LatencyP95(**config).judge(found, levels)  # type: ignore[arg-type]  # only numbers are configured here


@pytest.mark.parametrize(
    ("slow", "ruling"),
    [(0, "PASS"), (11, "PASS"), (12, "UNDECIDED"), (53, "UNDECIDED"), (54, "FAIL"), (632, "FAIL")],
)
def test_the_counts_that_decide_are_the_published_ones(slow: int, ruling: str) -> None:
    """Of 632 requests at .05 and an inflation of 4.5: 11 slow are within the budget, 54 are over it."""
    pace = latency(requests=632, over_budget=slow, send_lag=lag(0.3, n=632))
    (verdict,) = judged(evidence(latency=(pace,)))
    assert (verdict.ruling, verdict.n, verdict.arm) == (ruling, 632, "challenger, rush")
    assert "at most 11 slow are within, 54 or more are over" in verdict.reason
    assert verdict.fault == ("evidence" if ruling == "UNDECIDED" else None)


def test_a_short_pass_says_how_long_it_must_be() -> None:
    """262 requests can never pass; 263, none slow, are needed."""
    (verdict,) = judged(evidence(latency=(latency(requests=262, send_lag=lag(0.3, n=262)),)))
    assert (verdict.ruling, verdict.needs) == (
        "UNDECIDED",
        "a longer pass: this one cannot decide with 262 requests, 263 are needed, none slow",
    )


def test_a_build_that_fails_every_request_is_over_the_budget() -> None:
    """All failed, no send lag and no percentile: FAIL, and not the harness's fault."""
    dead = latency(over_budget=1000, failed=1000, send_lag=lag(None, n=0), response=lag(None))
    (verdict,) = judged(evidence(latency=(dead,)))
    assert (verdict.ruling, verdict.value) == ("FAIL", None)
    assert "p95 beyond the last answer" in verdict.reason


@pytest.mark.parametrize(
    "pace",
    [
        pytest.param(latency(requests=0, send_lag=lag(None, n=0)), id="no request"),
        pytest.param(latency(lost=1000, send_lag=lag(None, n=0)), id="all lost"),
        pytest.param(latency(send_lag=lag(10.1)), id="sent late"),
        pytest.param(latency(lost=2, send_lag=lag(0.3, n=998)), id="lost too many"),
        pytest.param(latency(send_lag=lag(None, n=0)), id="never stamped"),
        pytest.param(latency(send_lag=lag(0.3, n=999)), id="stamped but for one"),
        pytest.param(latency(over_budget=1000, send_lag=lag(10.1)), id="late and slow"),
    ],
)
def test_a_pass_that_was_not_measured_honestly_is_void(pace: LatencySummary) -> None:
    """Lateness, losses and missing stamps are the harness's fault, whatever the times say."""
    (verdict,) = judged(evidence(latency=(pace,)))
    assert (verdict.ruling, verdict.fault, verdict.required) == ("UNDECIDED", "harness", True)


@pytest.mark.parametrize(
    "pace",
    [latency(send_lag=lag(10.0)), latency(lost=1, send_lag=lag(0.3, n=999))],
    ids=["lag", "lost"],
)
def test_a_pass_at_the_limits_of_honesty_counts(pace: LatencySummary) -> None:
    """10 ms of lag and .1 % lost are allowed."""
    (verdict,) = judged(evidence(latency=(pace,)))
    assert verdict.ruling == "PASS"


def test_lost_requests_are_in_neither_number() -> None:
    """What the harness lost is no request of the test."""
    pace = latency(requests=1000, lost=100, over_budget=45, send_lag=lag(0.3, n=900))
    (verdict,) = judged(evidence(latency=(pace,)), max_lost_share=0.1)
    assert (verdict.n, verdict.evidence[0].value) == (900, 0.05)


def test_a_slow_champion_is_advisory() -> None:
    """The champion's FAIL is shown and does not count."""
    passes = (latency("champion", over_budget=1000), latency())
    found = judged(evidence(latency=passes))
    assert [(v.ruling, v.required) for v in found] == [("FAIL", False), ("PASS", True)]


@pytest.mark.parametrize(
    "passes",
    [(), (latency("champion"),), (latency(judged=False),)],
    ids=["none", "the champion's only", "a closed loop only"],
)
def test_without_an_open_loop_pass_nothing_is_proven(passes: tuple[LatencySummary, ...]) -> None:
    """The build under test has a verdict all the same, and it is UNDECIDED."""
    verdict = judged(nothing(latency=passes))[-1]
    assert (verdict.arm, verdict.ruling, verdict.fault) == ("challenger", "UNDECIDED", "evidence")
    assert (verdict.required, verdict.reason[:8]) == (True, "NOT RUN:")


def test_a_planned_pass_that_did_not_run_is_not_passed_by_another() -> None:
    """The quiet hour alone proves nothing of the busy one."""
    phases = (phase("rush", ran=False, reason="not chosen on the command line"), phase("quiet"))
    ran, skipped = judged(evidence(latency=(latency(phase="quiet"),), phases=phases))
    assert (ran.arm, ran.ruling) == ("challenger, quiet", "PASS")
    assert (skipped.arm, skipped.ruling, skipped.required) == ("challenger, rush", "UNDECIDED", True)
    assert "not chosen on the command line" in skipped.reason


def test_a_closed_loop_phase_that_did_not_run_is_no_latency_pass() -> None:
    """Only open loops are judged, so only they can be missing."""
    phases = (phase("parity", ran=False, reason="not chosen", open_loop=False), phase("rush"))
    assert [v.arm for v in judged(evidence(phases=phases))] == ["challenger, rush"]


def test_the_level_to_pass_is_split_over_the_planned_passes_and_the_level_to_fail_is_not_split_again() -> (
    None
):
    """11 of 632 pass alone at .05 and not as one of two; 54 fail at the level that came split already."""
    limits = [
        (LatencyP95().tests(EVEN, passes=n)[0].alpha, LatencyP95().tests(EVEN, passes=n)[1].alpha)
        for n in (1, 2)
    ]
    assert limits == [(0.05, 0.05), (0.025, 0.05)]
    close: dict[str, Any] = {"requests": 632, "over_budget": 11, "send_lag": lag(0.3, n=632)}
    twice = (latency(phase="rush", **close), latency(phase="quiet", **close))
    assert [v.ruling for v in judged(evidence(latency=twice))] == ["UNDECIDED", "UNDECIDED"]
    skipped = (phase("quiet", ran=False),)
    assert judged(evidence(latency=twice[:1], phases=skipped))[0].ruling == "UNDECIDED"


def test_passes_of_the_champion_do_not_split_the_level() -> None:
    """The number of passes is that of the build under test."""
    close: dict[str, Any] = {"requests": 632, "over_budget": 11, "send_lag": lag(0.3, n=632)}
    both = (latency("champion", **close), latency(**close))
    assert [v.ruling for v in judged(evidence(latency=both))] == ["PASS", "PASS"]


def test_the_levels_of_a_run_are_used() -> None:
    """A FAIL needs the NO-GO level, which is smaller than the GO level here."""
    pace = latency(requests=632, over_budget=54, send_lag=lag(0.3, n=632))
    assert judged(evidence(latency=(pace,)), LEVELS)[0].ruling == "UNDECIDED"


@pytest.mark.parametrize("slow", [0, 632])
def test_a_harness_that_may_not_be_trusted_judges_nothing(slow: int) -> None:
    """Neither PASS nor FAIL: the pass is void, by the harness's fault, and the calibration says why."""
    pace = latency(requests=632, over_budget=slow, send_lag=lag(0.3, n=632))
    found = evidence(latency=(pace,), phases=(calibrated(trusted=False),))
    (verdict,) = judged(found)
    assert (verdict.ruling, verdict.fault) == ("UNDECIDED", "harness")
    assert "bias above 6.00 ms" in verdict.reason


def test_a_harness_that_was_shown_to_keep_time_judges() -> None:
    """And a phase of another name voids nothing."""
    pace = latency(requests=632, over_budget=0, send_lag=lag(0.3, n=632))
    notes = (calibrated(trusted=True), calibrated("other", trusted=False))
    assert judged(evidence(latency=(pace,), phases=notes))[0].ruling == "PASS"


def calibrated(name: str = "rush", *, trusted: bool) -> PhaseNote:
    """A phase before which the harness was measured."""
    found = Calibrated(
        rate=100,
        requests=300,
        bias_p50_ms=1.0,
        bias_p95_ms=0.5 if trusted else 7.0,
        send_lag_p99_ms=0.3,
        shed_share=0.0,
        rate_held=100,
        trusted=trusted,
        why="fine" if trusted else "harness bias p95 7.00 ms: bias above 6.00 ms, 5 % of the budget",
    )
    return msgspec.structs.replace(phase(name), calibration=found)


@pytest.mark.parametrize(
    ("thin", "ruling", "told"),
    [
        (ThinLoad(factor=9.5, slow=0.02), "UNDECIDED", "load of all traffic was not met"),
        (ThinLoad(factor=9.5, slow=0.06), "UNDECIDED", "by their weights 6.00% of the traffic is over."),
        (ThinLoad(factor=1.02, slow=None), "UNDECIDED", "1.02 times too few requests arrived"),
        (ThinLoad(factor=1.0, slow=None), "PASS", ""),
        (ThinLoad(factor=None, slow=0.02), "PASS", ""),
        (ThinLoad(factor=None, slow=0.06), "UNDECIDED", "by their weights 6.00% of the traffic is over."),
    ],
)
def test_a_thinned_capture_passes_only_at_the_load_and_with_the_share_of_its_traffic(
    thin: ThinLoad, ruling: str, told: str
) -> None:
    """None of the requests is slow: too few came, or by weight too many are. A declared rate is judged."""
    (verdict,) = judged(evidence(latency=(latency(thin=thin),)))
    assert verdict.ruling == ruling
    assert told in verdict.reason
    assert verdict.fault == ("evidence" if told else None)
    assert ("too few requests arrived" in verdict.method) is ((thin.factor or 1) > 1)


def test_who_has_a_thinned_capture_is_told_what_to_set() -> None:
    """The speed that sends as many, a declared rate, or all of the traffic."""
    (verdict,) = judged(evidence(latency=(latency(thin=ThinLoad(factor=1234.5, slow=None)),)))
    for word in ("`speed` is 1,234 times as high", "`constant`", "`poisson`", "a whole capture"):
        assert word in verdict.needs


@pytest.mark.parametrize(
    ("thin", "ruling"),
    [
        (ThinLoad(factor=9.5, slow=None), "FAIL"),
        (ThinLoad(factor=9.5, slow=0.06), "FAIL"),
        (ThinLoad(factor=None, slow=0.04), "UNDECIDED"),
    ],
)
def test_a_thinned_capture_fails_unless_its_weights_say_otherwise(thin: ThinLoad, ruling: str) -> None:
    """Slow at less than the load is slow; slow in a slice that is little of the traffic is no share of it."""
    (verdict,) = judged(evidence(latency=(latency(over_budget=200, thin=thin),)))
    assert verdict.ruling == ruling
    assert ("by their weights 4.00% of the traffic is over, within the 5%" in verdict.reason) is (
        ruling == "UNDECIDED"
    )


def test_one_thinned_pass_of_several_leaves_them_all_open() -> None:
    """Two declared passes, of which one met a tenth of the load."""
    notes = tuple(msgspec.structs.replace(phase(f"rush#{one}"), series="rush", passes=2) for one in (1, 2))
    ran = (latency(phase="rush#1"), latency(phase="rush#2", thin=ThinLoad(factor=10.0, slow=None)))
    (verdict,) = judged(evidence(latency=ran, phases=notes))
    assert (verdict.ruling, verdict.fault) == ("UNDECIDED", "evidence")
    assert "10 times too few requests arrived" in verdict.reason
