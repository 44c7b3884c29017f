"""JUnit: a case a gate and slice, figures first, and XML that any reader takes whatever a capture holds."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import pytest
from msgspec.structs import replace

from harness import report as faces
from harness.records import Report
from tests.kit.sample_parts import parity
from tests.kit.sample_report import ALL, GOLDEN, fifty, go, invalid, no_go, wait

XML_ILLEGAL = "a\x00b\x0bc\x1fd\ufffe\uffff\ud800\u202e\x85e"


def _cases(text: str) -> dict[str, ET.Element]:
    root = ET.fromstring(text.encode())  # noqa: S314  -- our own text
    return {case.get("name", ""): case for case in root.iter("testcase")}


@pytest.mark.parametrize("name", ALL)
def test_files_are_the_golden_ones(name: str) -> None:
    """The file is the one that was read and kept."""
    assert faces.junit(ALL[name]()) == (GOLDEN / f"{name}.junit.xml").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ALL)
def test_there_is_a_case_for_the_verdict_and_each_gate(name: str) -> None:
    """No two cases have one name, and the counts of the suite are those of its cases."""
    report = ALL[name]()
    root = ET.fromstring(faces.junit(report).encode())  # noqa: S314  -- our own text
    names = [case.get("name") for case in root.iter("testcase")]
    assert len(names) == len(set(names)) == len(report.gates) + 1
    for element in (root, root[0]):
        assert element.get("tests") == str(len(names))
        assert element.get("failures") == str(len(list(root.iter("failure"))))
        assert element.get("skipped") == str(len(list(root.iter("skipped"))))
        assert element.get("errors") == str(len(list(root.iter("error"))))


@pytest.mark.parametrize(
    ("report", "tag"),
    [(go(), None), (no_go(), "failure"), (wait(), "skipped"), (invalid(), "error")],
    ids=["GO", "NO-GO", "WAIT", "INVALID"],
)
def test_the_verdict_is_a_case(report: Report, tag: str | None) -> None:
    """Its outcome is the word, and the exit code is said, for no reader knows WAIT."""
    case = _cases(faces.junit(report))["verdict"]
    assert [child.tag for child in case] == [tag or "system-out"]
    assert f"(exit code {report.decision.exit_code})" in (case[0].text or "")


def test_value_and_limit_are_in_the_first_line() -> None:
    """A reader that shows two lines shows the figures."""
    told = _cases(faces.junit(no_go()))["feature_parity (challenger vs offline)"][0]
    assert told.tag == "failure"
    assert (told.get("message") or "").startswith("85.9 %, limit ≤ 0.2 %, n 7,122: 6,120 of 7,122 requests")
    assert (told.text or "").split("\n")[0] == told.get("message")


def test_an_advisory_gate_fails_no_case() -> None:
    """What only informs is skipped with its ruling in words."""
    gates = (*go().gates, parity("shadow", 6120, required=False))
    told = _cases(faces.junit(replace(go(), gates=gates)))["feature_parity (shadow vs offline)"][0]
    assert told.tag == "skipped"
    assert (told.get("message") or "").startswith("advisory FAIL: 85.9 %")


def test_gates_of_one_name_stay_apart() -> None:
    """Retrying tools tell cases by their names."""
    twice = replace(go(), gates=(parity("challenger", 0), parity("challenger", 3)))
    assert "feature_parity (challenger vs offline) #2" in _cases(faces.junit(twice))


def test_characters_that_xml_does_not_know_are_spelled() -> None:
    """A null byte, a lone surrogate or a noncharacter in a reason leaves the file well-formed."""
    gates = (replace(parity("challenger", 6120), reason=XML_ILLEGAL),)
    text = faces.junit(replace(fifty(), gates=gates, scenario=XML_ILLEGAL, run_id=XML_ILLEGAL))
    assert "a\\x00b" in text
    assert not {*XML_ILLEGAL} - {*"abcde"} & {*text}
    assert _cases(text)
