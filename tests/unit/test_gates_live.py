"""The gates on a live canary's log: PASS and FAIL as the looks rule, and never a NO-GO for a broken split."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from harness.evidence import Evidence
from harness.evidence.live_looks import ERRORS, P95, SPLIT, STICKY
from harness.gates import DEFAULT_GATES, DecisionConfig, LiveErrors, LiveP95, SampleRatio, decide
from harness.records import LiveSummary, Verdict
from tests.kit.some_evidence import LEVELS, evidence, live

GATES = (SampleRatio(), LiveErrors(), LiveP95())


def verdicts(found: LiveSummary | None) -> dict[str, Verdict]:
    """The verdict of each of the three gates."""
    given: Evidence = evidence(live=found)
    return {v.gate: v for gate in GATES for v in gate.judge(given, LEVELS)}


def word(found: LiveSummary) -> str:
    """What a healthy build with this canary ends with."""
    every = [v for gate in DEFAULT_GATES for v in gate.judge(evidence(live=found), LEVELS)]
    return decide(every, (), config=DecisionConfig(), under_test="challenger").word


def test_without_a_live_canary_nothing_is_judged() -> None:
    """No verdict at all, so nothing can be missing."""
    assert verdicts(None) == {}


@pytest.mark.parametrize(
    ("rulings", "ends"),
    [
        ({}, "GO"),
        ({"errors": "FAIL"}, "NO-GO"),
        ({"p95": "FAIL"}, "NO-GO"),
        ({"split": "FAIL"}, "INVALID"),
        ({"split": "FAIL", "errors": "FAIL"}, "INVALID"),
        ({"split": "FAIL", "p95": "FAIL"}, "NO-GO"),
        ({"split": "UNDECIDED"}, "WAIT"),
        ({"errors": "UNDECIDED"}, "WAIT"),
        ({"p95": "UNDECIDED"}, "WAIT"),
    ],
)
def test_how_a_run_with_a_canary_ends(rulings: dict[str, str], ends: str) -> None:
    """A broken split voids what compares the arms; the canary's own p95 stands by itself."""
    assert word(live(**rulings)) == ends


def test_a_broken_split_is_the_harness_fault_and_voids_the_comparison_of_errors() -> None:
    """INVALID, never NO-GO; the share that was declared and the one that was met are said."""
    found = verdicts(live(split="FAIL", errors="FAIL"))
    assert [(found[g].ruling, found[g].fault) for g in ("sample_ratio", "live_errors")] == [
        ("UNDECIDED", "harness")
    ] * 2
    assert "declared 5.00%" in found["sample_ratio"].reason
    assert "since 2026-03-03" in found["sample_ratio"].reason
    assert found["live_p95"].ruling == "PASS"


def test_a_refused_look_waits_and_says_what_would_help() -> None:
    """Under sticky routing errors are not compared by request."""
    errors = "live errors"
    refused = tuple(
        replace(x, ruling="UNDECIDED", refused=STICKY) if x.test.startswith(errors) else x
        for x in live().looks
    )
    verdict = verdicts(live(looks=refused))["live_errors"]
    assert (verdict.ruling, verdict.fault) == ("UNDECIDED", "evidence")
    assert f"not ruled: {STICKY}" in verdict.reason
    assert "by unit" in verdict.needs


def test_the_wording_of_live_p95_is_that_of_its_null() -> None:
    """It rejects "at or beyond the limit throughout", on blocks that were declared, and says how many."""
    method = verdicts(live())["live_p95"].method
    assert "rejects: slow share of the requests, at or beyond the limit throughout" in method
    assert "blocks of 20 consecutive requests, declared" in method
    assert "100 values worth 100 of equal size" in method


def test_routing_that_is_not_sticky_as_declared_voids_the_split() -> None:
    """No fault of the build: INVALID."""
    moved = tuple(
        replace(x, ruling="UNDECIDED", refused="40 of 90 units met both arms")
        if x.test.startswith("live split")
        else x
        for x in live().looks
    )
    verdict = verdicts(live(looks=moved, sticky=True))["sample_ratio"]
    assert (verdict.ruling, verdict.fault) == ("UNDECIDED", "harness")
    assert "40 of 90 units met both arms" in verdict.reason


def refused_now(test: str, *, ruling: str) -> LiveSummary:
    """A canary whose newest look at a test is refused, after one that ruled so; rulings are latched."""
    looks = tuple(
        replace(x, ruling=ruling, refused="the log tells nothing" if x.as_of.startswith("2026-03-03") else "")
        if x.test.startswith(test)
        else x
        for x in live().looks
    )
    return live(looks=looks)


@pytest.mark.parametrize(
    ("test", "gate", "ruling", "ends"),
    [
        (P95, "live_p95", "FAIL", "NO-GO"),
        (P95, "live_p95", "PASS", "WAIT"),
        (ERRORS, "live_errors", "FAIL", "NO-GO"),
        (ERRORS, "live_errors", "PASS", "WAIT"),
        (SPLIT, "sample_ratio", "FAIL", "INVALID"),
        (SPLIT, "sample_ratio", "PASS", "INVALID"),
    ],
)
def test_a_look_that_is_refused_takes_no_failure_back_and_keeps_no_pass(
    test: str, gate: str, ruling: str, ends: str
) -> None:
    """Whoever stops to log un-fails nothing: it stays, and the newest look's refusal is said beside it."""
    found = refused_now(test, ruling=ruling)
    verdict = verdicts(found)[gate]
    assert word(found) == ends
    assert "the log tells nothing" in verdict.reason
    assert ("since 2026-03-02" in verdict.reason) == (ruling == "FAIL")


@pytest.mark.parametrize(("slow", "ruling"), [(100, "PASS"), (101, "UNDECIDED")])
def test_live_p95_passes_nothing_while_too_many_requests_are_slow(slow: int, ruling: str) -> None:
    """5 % of 2,003 are 100: a few heavy units may be slow whatever the mean over units says."""
    found = live(counts=live().counts | {"slow of challenger": slow})
    verdict = verdicts(found)["live_p95"]
    assert (verdict.ruling, verdict.value) == (ruling, 0.001)
    assert ("so nothing is passed" in verdict.reason) == (ruling == "UNDECIDED")


def test_live_p95_says_what_its_share_is_of_and_prints_the_n_that_counts() -> None:
    """By unit it is the mean of their own shares; requests in no block are in another number."""
    measure = "share of a unit's requests in its first day, mean over units"
    looks = tuple(replace(x, n=1980) if x.test.startswith(P95) else x for x in live().looks)
    verdict = verdicts(live(measure=measure, looks=looks))["live_p95"]
    assert (verdict.unit, verdict.n) == (measure, 1980)
    assert measure in verdict.reason
    assert "1,980 live requests of the challenger; 1.00% of all its 2,003" in verdict.reason


def test_a_canary_without_a_full_block_is_not_called_absent() -> None:
    """19 requests in blocks of 20: there is traffic, and nothing to rule on."""
    looks = tuple(replace(x, n=0, ruling="UNDECIDED") if x.test.startswith(P95) else x for x in live().looks)
    verdict = verdicts(live(looks=looks))["live_p95"]
    assert (verdict.ruling, verdict.fault) == ("UNDECIDED", "evidence")
    assert verdict.reason.startswith("0 of 2,003 live requests of the challenger are in the declared blocks")
