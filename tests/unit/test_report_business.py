"""The page for the business: the same facts as words that anybody reads."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from harness.records import Report
from harness.report.business import of_hundred, summary
from tests.kit.sample_parts import finding
from tests.kit.sample_quality import quality
from tests.kit.sample_report import ALL, fifty, go, invalid, no_go, wait


@pytest.mark.parametrize(
    ("share", "said"),
    [
        (0.0, "none"),
        (0.041, "4 of 100"),
        (0.0042, "4 of 1,000"),
        (0.00042, "4 of 10,000"),
        (0.5, "50 of 100"),
        (0.999, "nearly all (99 or more of 100)"),
        (1.0, "all"),
    ],
)
def test_shares_are_counted_as_people_count(share: float, said: str) -> None:
    """Of the least round number that leaves one or more."""
    assert of_hundred(share) == said


@pytest.mark.parametrize(
    ("report", "answer"),
    [
        (go(), "Yes, it may ship."),
        (no_go(), "No, it should not ship."),
        (wait(), "Not yet."),
        (invalid(), "We cannot say."),
    ],
)
def test_the_first_question_has_an_answer(report: Report, answer: str) -> None:
    """May it ship, in a sentence."""
    assert summary(report).answer == answer


@pytest.mark.parametrize("name", ["no_go", "go", "fifty", "wait", "invalid"])
def test_no_name_of_the_code_and_no_formula_is_said(name: str) -> None:
    """Neither gates by their keys nor statistics beyond counting."""
    said = summary(ALL[name]())
    text = " ".join(
        (said.because, *said.risks, *said.next_steps, *said.limits, *(c.told for c in said.checks))
    )
    for word in (
        "feature_parity",
        "latency_p95",
        "binomial",
        "log loss",
        "confidence",
        "α",
        "e-value",
        "census",
    ):
        assert word not in text


def test_checks_answer_in_the_order_of_the_questions() -> None:
    """Each kind of gate once, by its worst ruling."""
    found = {check.question: check for check in summary(no_go()).checks}
    inputs = found["Does it read its inputs as it was trained to?"]
    assert (inputs.answer, inputs.ruling) == ("No", "FAIL")
    assert inputs.told == "6,120 of 7,122 requests (86 of 100) with a wrong input; at most 2 of 1,000 may be."
    assert found["Is it fast enough?"].told == (
        "95 of 100 answers came within 3.12 ms, the promise is 120 ms (723 requests)."
    )
    assert found["Was the right version tested?"].told.endswith("none may be.")


def test_risks_are_decisions_waits_and_faults() -> None:
    """The worst first, in natural frequencies; latent ones are told as what they are."""
    risks = summary(fifty()).risks
    assert risks[0].startswith("4 of 100 decisions would be other ones")
    assert risks[1].startswith("32 of 100 requests would take longer than 120 ms")
    assert risks[2].startswith("40 faults found by name")
    assert risks[3].startswith("10 inputs differ without any effect")


@pytest.mark.parametrize(
    ("report", "line"),
    [
        (go(), "Nothing was found that users would notice."),
        (invalid(), "Not known: nothing could be compared."),
    ],
)
def test_nothing_at_risk_is_not_nothing_known(report: Report, line: str) -> None:
    """Calm where all was compared, plain where nothing was."""
    assert summary(report).risks == (line,)


def test_what_comes_next_is_in_requests_and_days() -> None:
    """Repairs after a NO-GO, evidence while it waits."""
    assert summary(no_go()).next_steps[1].startswith("To repair first: hour")
    assert "Latency p95 needs 1,380 more requests." in summary(wait()).next_steps
    assert any("about 3,572 more requests, 7.5 days" in line for line in summary(fifty()).next_steps)


@pytest.mark.parametrize(
    ("ruling", "identical", "said"),
    [
        ("PASS", True, "every score is the same as today's"),
        ("PASS", False, "shown not to be worse by more than was agreed on"),
        ("FAIL", False, "shown to be worse"),
        ("UNDECIDED", False, "not decided yet"),
    ],
)
def test_results_for_users_are_told_without_a_metric(ruling: str, identical: bool, said: str) -> None:  # noqa: FBT001  -- a case
    """By what was shown, and on how many."""
    gate = replace(
        no_go().gates[0], gate="label_guardrail", arm="challenger, label", ruling=ruling, required=True
    )
    report = replace(go(), gates=(gate,), quality=(quality(identical=identical),))
    (check,) = summary(report).checks
    assert said in check.told
    assert "Merged within 7 days" in check.told


def test_another_arms_faults_are_not_this_builds() -> None:
    """What was found in the champion is no risk of the new version."""
    other = replace(finding(("hour",), "time_shift"), arm="champion")
    assert summary(replace(go(), findings=(other,))).risks == ("Nothing was found that users would notice.",)


def test_an_improvement_is_told_on_the_outcome_that_it_is_about() -> None:
    """Not on the guardrail that stands first; and a name keeps its capitals."""
    guardrail = quality(identical=False)
    success = replace(guardrail, name="bought", outcome="order of ACME", superiority=True)
    gate = replace(no_go().gates[0], gate="label_improvement", arm="challenger", ruling="PASS", required=True)
    (check,) = summary(replace(go(), gates=(gate,), quality=(guardrail, success))).checks
    assert check.told.startswith("Order of ACME: shown to be better, on ")


def test_a_failure_is_not_called_certain() -> None:
    """A statistical check fails at its own rate of errors."""
    assert "certain" not in summary(no_go()).because
