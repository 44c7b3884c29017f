"""The gates on a live canary's log: PASS and FAIL as the looks rule, and never a NO-GO for a broken split."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from harness.evidence import Evidence
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
        replace(x, ruling="UNDECIDED", refused="by unit") if x.test.startswith(errors) else x
        for x in live().looks
    )
    verdict = verdicts(live(looks=refused))["live_errors"]
    assert (verdict.ruling, verdict.fault) == ("UNDECIDED", "evidence")
    assert "not ruled: by unit" in verdict.reason
    assert "by unit" in verdict.needs


def test_the_wording_of_live_p95_is_that_of_its_null() -> None:
    """It rejects "at or beyond the limit throughout", on blocks that were declared, and says how many."""
    method = verdicts(live())["live_p95"].method
    assert "rejects: at or beyond the limit throughout" in method
    assert "blocks of 20 consecutive requests, declared" in method
    assert "100 blocks worth 100 of equal size" in method


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
