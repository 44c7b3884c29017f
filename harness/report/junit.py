"""The report as JUnit XML: a case for the verdict and one for each gate and slice, never one a request."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from harness.report import approvals, story, tables, words

if TYPE_CHECKING:
    from harness.records import Report, Verdict

#: readers cut a message much earlier; attributes of any length break some of them
_MOST_LETTERS = 2_000
_RULINGS = {"NO-GO": "FAIL", "WAIT": "UNDECIDED", "INVALID": "INVALID", "GO": "PASS"}


def render(report: Report) -> str:
    """One suite: FAIL is a failure, what is open is skipped, the harness's own fault is an error.

    The first line of each message holds value and limit. An advisory gate never fails a case. Readers know no
    WAIT, so the exit code (20) says it, as the property `exit_code` does.
    """
    suite = ET.Element("testsuite", name=_text(f"replaygate {report.scenario}"))
    _properties(suite, report)
    _verdict(suite, report)
    seen: Counter[str] = Counter()
    for gate in (*story.required_gates(report), *story.advisory_gates(report)):
        name = f"{gate.gate} ({gate.arm})"
        seen[name] += 1
        _gate(suite, report, gate=gate, name=name if seen[name] == 1 else f"{name} #{seen[name]}")
    root = ET.Element("testsuites", _counts(suite))
    for name, value in {**_counts(suite), "timestamp": _timestamp(report)}.items():
        suite.set(name, value)
    root.append(suite)
    ET.indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ET.tostring(root, encoding="unicode")}\n'


def _counts(suite: ET.Element) -> dict[str, str]:
    counted = {"tests": "testcase", "failures": "failure", "errors": "error", "skipped": "skipped"}
    return {name: str(len(list(suite.iter(tag)))) for name, tag in counted.items()} | {"time": "0"}


def _properties(suite: ET.Element, report: Report) -> None:
    decision = report.decision
    known = {
        "run": report.run_id,
        "as_of": report.as_of,
        "version": report.version,
        "verdict": decision.word,
        "exit_code": str(decision.exit_code),
    }
    listed = ET.SubElement(suite, "properties")
    for name, value in known.items():
        ET.SubElement(listed, "property", name=name, value=_text(value))


def _verdict(suite: ET.Element, report: Report) -> None:
    """The one word as a case of its own: a decision is more than the sum of its gates."""
    decision = report.decision
    line = f"{decision.word} (exit code {decision.exit_code}): {words.sentence(decision.headline)}"
    told = (*story.main_reasons(decision), *approvals.lines(report))
    body = [*told, *(f"Do next: {step}" for step in decision.next_steps)]
    case = _case(suite, report, of="verdict", name="verdict")
    _outcome(case, _RULINGS[decision.word], line=line, body=body)


def _gate(suite: ET.Element, report: Report, *, gate: Verdict, name: str) -> None:
    row = tables.gates([gate]).rows[0]
    line = f"{figures(gate)}: {story.gate_reason(gate)}"
    interval = "" if row[4] == words.NONE else f"interval {row[4]}"
    body = [part for part in (interval, words.sentence(gate.method)) if part]
    ruling = "INVALID" if gate.ruling == "UNDECIDED" and gate.fault == "harness" else gate.ruling
    if not gate.required and ruling != "PASS":
        ruling, line = "UNDECIDED", f"advisory {ruling}: {line}"
    _outcome(_case(suite, report, of=gate.gate, name=name), ruling, line=line, body=body)


def figures(gate: Verdict) -> str:
    """Value, limit and n in one phrase: "85.9 %, limit ≤ 0.2 %, n 7,122"."""
    row = tables.gates([gate]).rows[0]
    return f"{row[2]}, limit {row[3]}, n {row[5]}"


def _case(suite: ET.Element, report: Report, *, of: str, name: str) -> ET.Element:
    """Readers split a class name at its dots, so the scenario has none of its own."""
    scenario = report.scenario.replace(".", "_")
    classname = _text(f"replaygate.{scenario}.{of}")
    return ET.SubElement(suite, "testcase", classname=classname, name=_text(name), time="0")


def _outcome(case: ET.Element, ruling: str, *, line: str, body: list[str]) -> None:
    """What became of a case; where it holds, the figures are its output."""
    text = "\n".join(_text(part) for part in (line, *body))
    if ruling == "PASS":
        ET.SubElement(case, "system-out").text = text
        return
    tag = {"FAIL": "failure", "INVALID": "error"}.get(ruling, "skipped")
    told = ET.SubElement(case, tag, message=_text(line), type=ruling)
    told.text = text


def _timestamp(report: Report) -> str:
    """As the schema of JUnit has it, without a zone."""
    return _text(report.created_at.removesuffix("Z"))


def _text(text: str) -> str:
    """One line without a character that XML 1.0 does not know."""
    return words.clipped(text, _MOST_LETTERS)
