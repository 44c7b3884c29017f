"""One word from many verdicts, in a fixed order, and never GO without proof."""

from itertools import permutations

import pytest

from harness.gates import DecisionConfig, decide, levels
from harness.records import Decision, Fault, Finding, Ruling, Verdict


def verdict(
    ruling: Ruling = "PASS",
    *,
    fault: Fault | None = None,
    gate: str = "errors",
    arm: str = "challenger",
    required: bool = True,
    n: int = 9,
) -> Verdict:
    """A verdict with a reason of its own."""
    word = f"{gate} of {n} says {ruling} {fault}."
    return Verdict(
        gate=gate, arm=arm, ruling=ruling, reason=word, required=required, fault=fault, n=n, needs="more"
    )


FAIL, PASS = verdict("FAIL"), verdict()
VOID, OPEN = verdict("UNDECIDED", fault="harness"), verdict("UNDECIDED", fault="evidence")


def word(*verdicts: Verdict, ended: bool = False, release: str = "parity") -> Decision:
    """The decision over these verdicts."""
    config = DecisionConfig(release="improvement" if release == "improvement" else "parity")
    return decide(verdicts, (), config=config, under_test="challenger", ended=ended)


@pytest.mark.parametrize(
    ("verdicts", "expected", "code"),
    [
        ((PASS,), "GO", 0),
        ((PASS, FAIL), "NO-GO", 10),
        ((VOID, FAIL, OPEN), "NO-GO", 10),
        ((PASS, VOID), "INVALID", 30),
        ((PASS, VOID, OPEN), "INVALID", 30),
        ((PASS, OPEN), "WAIT", 20),
        ((PASS, verdict("UNDECIDED")), "WAIT", 20),
        ((), "WAIT", 20),
    ],
    ids=[
        "all pass",
        "one fails",
        "fails beside void",
        "void",
        "void and open",
        "open",
        "?",
        "none",
    ],
)
def test_the_order_is_no_go_invalid_go_wait(verdicts: tuple[Verdict, ...], expected: str, code: int) -> None:
    """A NO-GO from unaffected gates stands, only the harness voids a run, and nothing required is WAIT."""
    for order in permutations(verdicts):
        decision = word(*order)
        assert (decision.word, decision.exit_code) == (expected, code)


@pytest.mark.parametrize("advisory", ["FAIL", "UNDECIDED"])
def test_advisory_verdicts_do_not_count(advisory: Ruling) -> None:
    """What is not required neither fails nor voids nor passes a run."""
    other = verdict(advisory, fault="harness", required=False)
    assert word(PASS, other).word == "GO"
    assert word(other).word == "WAIT"
    assert word(verdict("PASS", required=False)).word == "WAIT"


@pytest.mark.parametrize(
    ("verdicts", "expected"),
    [((OPEN,), "NO-GO"), ((), "NO-GO"), ((PASS,), "GO"), ((PASS, VOID), "INVALID"), ((FAIL,), "NO-GO")],
)
def test_the_planned_end_turns_waiting_into_no_go(verdicts: tuple[Verdict, ...], expected: str) -> None:
    """No evidence by then keeps the champion; what is decided stays decided."""
    decision = word(*verdicts, ended=True)
    assert decision.word == expected
    assert decision.headline.startswith("no_evidence") == (expected == "NO-GO" and FAIL not in verdicts)


def test_an_improvement_release_needs_the_improvement() -> None:
    """Guardrails alone prove no improvement, even where its gate is configured away."""
    better = verdict(gate="label_improvement")
    assert word(PASS, release="improvement").word == "WAIT"
    assert word(PASS, better, release="improvement").word == "GO"
    loosened = verdict("UNDECIDED", gate="label_improvement", required=False)
    assert word(PASS, loosened, release="improvement").word == "WAIT"


def test_what_is_missing_is_said_once() -> None:
    """The next steps of WAIT are what each gate needs, without repeats."""
    decision = word(OPEN, OPEN, verdict("UNDECIDED", gate="latency_p95", fault="evidence"))
    assert decision.headline == OPEN.reason
    assert decision.next_steps == ("Needed for errors: more.", "Needed for latency_p95: more.")
    assert len(decision.reasons) == 3


def finding(arm: str, field: str = "hour") -> Finding:
    """A bug found in one arm."""
    return Finding(
        arm=arm, fields=(field,), cause="offset dropped", sentence=f"{arm} bug.", requests=1, explained=1
    )


@pytest.mark.parametrize(
    ("gate", "arm", "headline", "step"),
    [
        ("feature_parity", "challenger", "challenger bug.", "Fix hour (offset dropped)."),
        ("feature_parity", "champion", None, "See feature_parity in the report."),
        ("latency_p95", "challenger", None, "See latency_p95 in the report."),
    ],
    ids=["its bug", "another arm's bug", "another gate"],
)
def test_a_finding_is_blamed_only_for_the_parity_it_broke(
    gate: str, arm: str, headline: str | None, step: str
) -> None:
    """A bug of the champion, or one within its budget beside a slow pass, is not what must be fixed."""
    failed = verdict("FAIL", gate=gate)
    decision = decide((failed,), (finding(arm),), config=DecisionConfig(), under_test="challenger")
    assert decision.headline == (headline or failed.reason)
    assert decision.next_steps == (step,)


def test_all_that_failed_is_among_the_steps() -> None:
    """A slow build with a bug has two things to mend."""
    failed = (verdict("FAIL", gate="latency_p95"), verdict("FAIL", gate="score_parity"))
    decision = decide(failed, (finding("challenger"),), config=DecisionConfig(), under_test="challenger")
    assert decision.next_steps == ("Fix hour (offset dropped).", "See latency_p95 in the report.")


def test_a_go_claims_what_was_compared_and_no_more() -> None:
    """The arms and the smallest number of requests of the parity gates, or that no gate compares answers."""
    parity = (
        verdict(gate="score_parity", arm="challenger vs offline:new", n=70),
        verdict(gate="score_parity", arm="challenger vs champion", n=60),
    )
    assert word(*parity, verdict(n=999)).headline == (
        "challenger answers as offline:new and champion on 60 requests, and keeps every budget."
    )
    assert word(PASS).headline == (
        "challenger passes all 1 required gates; none of them compares its answers."
    )


@pytest.mark.parametrize(
    ("release", "whom", "said"),
    [("parity", "offline:new", True), ("parity", "champion", False), ("improvement", "offline:new", False)],
)
def test_a_go_without_a_champion_says_so(release: str, whom: str, said: bool) -> None:  # noqa: FBT001  -- a table
    """The trained model in a new build may still answer otherwise than what serves today."""
    passed = (
        verdict(gate="score_parity", arm=f"challenger vs {whom}"),
        verdict(gate="label_improvement"),
    )
    decision = word(*passed, release=release)
    assert decision.word == "GO"
    assert ("Nothing was held against a champion" in decision.claim) == said


@pytest.mark.parametrize(("tests", "nogo"), [(0, 0.04), (1, 0.04), (2, 0.02), (4, 0.01)])
def test_only_the_level_to_fail_is_split(tests: int, nogo: float) -> None:
    """All must pass, so passing costs nothing; any may fail, so failing is shared."""
    found = levels(DecisionConfig(alpha_go=0.05, alpha_nogo=0.04), tests)
    assert (found.go, found.nogo) == (0.05, nogo)
