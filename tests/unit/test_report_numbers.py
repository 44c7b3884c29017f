"""Findings have the numbers of report.json, whatever order a page tells them in."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from harness.errors import UsageError
from harness.report import numbers
from tests.kit.sample_report import fifty, go, no_go


def test_the_first_of_the_report_is_f1() -> None:
    """And every finding has its own number."""
    report = fifty()
    assert list(numbers.numbered(report))[:2] == ["F1", "F2"]
    assert [numbers.number_of(report, f) for f in report.findings] == list(numbers.numbered(report))


@pytest.mark.parametrize("text", ["F2", "f2", "2", " F2 "])
def test_a_finding_is_found_by_its_number(text: str) -> None:
    """As people type it."""
    report = fifty()
    assert numbers.find(report, text) == ("F2", report.findings[1])


@pytest.mark.parametrize(
    ("text", "expected"), [("F0", "F1 to F50"), ("x", "F1 to F50"), ("F51", "F1 to F50")]
)
def test_a_number_that_is_none_says_which_there_are(text: str, expected: str) -> None:
    """One line, with the way to see them."""
    with pytest.raises(UsageError) as caught:
        numbers.find(fifty(), text)
    assert caught.value.expected == expected
    assert "replaygate show" in caught.value.fix


def test_a_report_without_findings_says_so() -> None:
    """There is nothing to choose from."""
    with pytest.raises(UsageError, match="no findings"):
        numbers.find(go(), "F1")


def test_the_command_names_the_run_where_the_report_knows_it() -> None:
    """The log cannot be asked again, only looked at."""
    report = no_go()
    finding = report.findings[0]
    assert numbers.again(report, finding).startswith("replaygate reproduce results/duo_acceptance/")
    assert numbers.again(report, finding).endswith(" F1")
    bare = replace(report, reproduce=())
    assert numbers.again(bare, finding) == "replaygate reproduce RUN F1"
    log = replace(finding, arm="recorded")
    told = numbers.again(replace(bare, findings=(log,)), log)
    assert told == f"replaygate show RUN --request {finding.exemplars[0].request_id}"
