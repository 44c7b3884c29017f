"""Label gates: identity, missing labels, rulings that stay, and improvement over full days."""

import pytest
from msgspec.structs import replace

from harness.gates import LabelGuardrail, LabelImprovement
from harness.gates.labels import missing
from harness.records import Ahead, Look, QualitySummary, Ruling, Verdict
from harness.weighting import STATED
from tests.kit.some_evidence import LEVELS, evidence, look, quality

OPEN = look(ruling="UNDECIDED", lower=-0.02, upper=0.02)
WORSE = look("2026-03-02T00:00:00Z", ruling="FAIL", lower=0.002, upper=0.03, estimate=0.02)
BETTER = look("2026-03-02T00:00:00Z", ruling="PASS", lower=-0.03, upper=-0.001, estimate=-0.02)


def guardrail(found: QualitySummary | None) -> Verdict:
    """The verdict of the guardrail."""
    (verdict,) = LabelGuardrail().judge(evidence(quality=(found,) if found else ()), LEVELS)
    return verdict


def improvement(found: QualitySummary | None, *, min_days: float = 7.0) -> Verdict:
    """The verdict of the success metric, in an improvement release."""
    gate = LabelImprovement(min_days=min_days)
    tried = (replace(found, superiority=True),) if found else ()
    (verdict,) = gate.judge(evidence(quality=tried, parity_release=False), LEVELS)
    return verdict


def without_labels(share: float) -> dict[str, int]:
    """Counts of 1,000 matured requests of which this share has no label."""
    return {
        "matured": 1000,
        "matured without label": round(1000 * share),
        "not matured": 50,
        "compared": 9,
    }


def test_without_labels_in_the_scenario_there_is_no_guardrail() -> None:
    """A parity release needs no labels."""
    assert LabelGuardrail().judge(evidence(), LEVELS) == ()


@pytest.mark.parametrize("ruling", ["PASS", "FAIL", "UNDECIDED"])
def test_the_ruling_of_the_last_look_is_the_verdict(ruling: Ruling) -> None:
    """Looks are latched where they are made; the gate reads the last one."""
    verdict = guardrail(quality(OPEN, look(ruling=ruling)))
    assert (verdict.ruling, verdict.n, verdict.required) == (ruling, 800, True)
    assert verdict.fault == ("evidence" if ruling == "UNDECIDED" else None)


def test_a_latched_ruling_says_since_when() -> None:
    """The numbers are those of the look that ruled, and what stands by now is told behind them."""
    later = look("2026-03-03T00:00:00Z", ruling="FAIL", lower=-0.001, upper=0.03, estimate=0.01)
    verdict = guardrail(quality(OPEN, WORSE, later))
    assert verdict.reason.endswith("3 looks, worse since 2026-03-02T00:00:00Z; by now +0.0100 on 800.")
    assert (verdict.value, verdict.arm) == (0.02, "challenger, label")


def test_identical_scores_pass_by_identity() -> None:
    """No label can tell equal scores apart, and the report says that it is no test."""
    verdict = guardrail(quality(OPEN, identical=True, counts=without_labels(0.05)))
    assert (verdict.ruling, verdict.method, verdict.value) == ("PASS", "identity, not a test", 0.0)


@pytest.mark.parametrize("judge", [guardrail, improvement])
def test_too_many_missing_labels_prove_nothing(judge: object) -> None:
    """5 % may be missing; more voids a PASS and an improvement."""
    assert callable(judge)
    for share, ruling in ((0.05, "PASS"), (0.051, "UNDECIDED")):
        verdict = judge(quality(BETTER, counts=without_labels(share)))
        assert verdict.ruling == ruling
        assert ("51 of 1,000 matured requests have no label" in verdict.reason) == (ruling == "UNDECIDED")


def test_identity_needs_the_requests_it_speaks_of() -> None:
    """Equal scores on the few requests with a label, or with an answer of both arms, are no identity."""
    few = without_labels(0.0) | {"labelled but not answered by both": 51}
    for counts in (without_labels(0.5), few):
        verdict = guardrail(quality(OPEN, identical=True, counts=counts))
        assert (verdict.ruling, verdict.fault) == ("UNDECIDED", "evidence")


@pytest.mark.parametrize(("silent", "absent", "ruling"), [(25, 25, "PASS"), (26, 25, "UNDECIDED")])
def test_unanswered_requests_are_missing_as_labels_are(silent: int, absent: int, ruling: str) -> None:
    """5 % of 1,000 may be lost to either cause, together."""
    counts = without_labels(absent / 1000) | {"labelled but not answered by both": silent}
    verdict = guardrail(quality(BETTER, counts=counts))
    assert verdict.ruling == ruling
    assert ("26 of 1,000 were not answered by both arms" in verdict.reason) == (ruling == "UNDECIDED")


def test_a_deterioration_shown_before_labels_went_missing_stays() -> None:
    """A label feed that breaks does not clear a build."""
    assert guardrail(quality(WORSE, counts=without_labels(0.9))).ruling == "FAIL"


@pytest.mark.parametrize("judge", [guardrail, improvement])
def test_no_matured_label_is_no_evidence(judge: object) -> None:
    """Without a look nothing is ruled, and what is still to come is counted."""
    assert callable(judge)
    verdict = judge(quality())
    assert (verdict.ruling, verdict.fault) == ("UNDECIDED", "evidence")
    assert "50 requests are not matured yet" in verdict.reason


def test_a_refused_look_says_why() -> None:
    """Too few units is a reason to wait, told in the one sentence."""
    refused = look(ruling="UNDECIDED", refused="80 units count as 60.0 of equal size")
    assert guardrail(quality(refused)).reason.endswith(
        "1 looks; nothing is ruled: 80 units count as 60.0 of equal size."
    )


def test_a_weight_that_nobody_stated_is_what_is_needed() -> None:
    """More labels would not help."""
    refused = look(ruling="UNDECIDED", refused=f"weights up to 4 were seen: state {STATED}")
    assert guardrail(quality(refused)).needs == STATED


def test_a_parity_release_has_no_success_metric() -> None:
    """The same model cannot be better."""
    assert LabelImprovement().judge(evidence(quality=(quality(BETTER),)), LEVELS) == ()


def test_an_improvement_without_labels_is_open() -> None:
    """No [labels] is no success, never a gate left out."""
    assert (improvement(None).ruling, improvement(None).required) == ("UNDECIDED", True)


@pytest.mark.parametrize(
    ("looks", "ruling"),
    [
        ((OPEN,), "UNDECIDED"),
        ((WORSE,), "FAIL"),
        ((BETTER,), "PASS"),
        ((BETTER, look("2026-03-03T00:00:00Z", upper=0.02)), "PASS"),
    ],
    ids=["open", "worse", "better", "better once"],
)
def test_a_success_metric_rules_as_its_last_look_does(looks: tuple[Look, ...], ruling: str) -> None:
    """Looks are latched where they are made: a crossing stays, and a success metric shown worse fails."""
    verdict = improvement(quality(*looks))
    assert verdict.ruling == ruling
    assert ("better since 2026-03-02T00:00:00Z" in verdict.reason) == (ruling == "PASS")


def test_identical_scores_are_no_improvement() -> None:
    """Identity passes a guardrail, and wins nothing."""
    assert improvement(quality(OPEN, identical=True)).ruling == "UNDECIDED"


@pytest.mark.parametrize(("days", "ruling"), [(6, "UNDECIDED"), (7, "PASS")])
def test_an_improvement_must_last_full_days(days: int, ruling: str) -> None:
    """Twenty looks in six days are six days: a week has a weekend."""
    looks = [look(f"2026-03-0{1 + i % 7}T0{i // 7}:00:00Z", upper=-0.001) for i in range(20)]
    verdict = improvement(quality(*looks, full_days=days))
    assert verdict.ruling == ruling
    assert ("6 of 7 full days" in verdict.needs) == (ruling == "UNDECIDED")


@pytest.mark.parametrize(
    ("judge", "shown"),
    [
        (guardrail, look(ruling="UNDECIDED", estimate=0.0, lower=-0.02, upper=0.02)),
        (improvement, look(ruling="UNDECIDED", estimate=-0.01, lower=-0.03, upper=0.01)),
    ],
)
def test_a_finished_capture_says_that_it_cannot_decide_and_what_would(judge: object, shown: Look) -> None:
    """The units that lie ahead, as the whole report tells them; with labels to come, time."""
    assert callable(judge)
    done = without_labels(0.0) | {"not matured": 0}
    ahead = Ahead(toward="PASS", units=1_234, requests=2_468, days=None)
    verdict = judge(quality(shown, counts=done, ahead=ahead))
    assert "about" not in judge(quality(shown, counts=done)).needs
    assert verdict.ruling == "UNDECIDED"
    assert "this capture cannot decide with the 300 units it has" in verdict.needs
    assert "about 1,234 units would" in verdict.needs
    assert judge(quality(shown, counts=without_labels(0.0))).needs == (
        "more matured labels (50 requests are not matured yet)"
    )


def test_no_number_of_units_is_promised_where_none_follows() -> None:
    """A refused look, or one without a bound, says nothing of how many would do."""
    done = without_labels(0.0) | {"not matured": 0}
    for shown in (look(ruling="UNDECIDED", lower=None), look(ruling="UNDECIDED", refused="80 units")):
        needs = guardrail(quality(shown, counts=done)).needs
        assert needs.endswith("cannot decide with the 300 units it has")


def test_nothing_matured_is_nothing_missing() -> None:
    """None of none is not too many."""
    none = quality(counts={"matured": 0, "matured without label": 0, "not matured": 9, "compared": 0})
    assert missing(none) == ""


@pytest.mark.parametrize("judge", [guardrail, improvement])
@pytest.mark.parametrize(("ruling", "kept"), [("PASS", "UNDECIDED"), ("FAIL", "FAIL")])
def test_a_pass_needs_its_evidence_still_and_a_failure_stays(
    ruling: Ruling, kept: str, judge: object
) -> None:
    """A latched PASS whose last look may rule nothing is open again; a latched FAIL is not."""
    assert callable(judge)
    latched = look("2026-03-02T00:00:00Z", ruling=ruling)
    refused = look("2026-03-03T00:00:00Z", ruling=ruling, refused="too few units")
    assert judge(quality(latched, refused)).ruling == kept
