"""The findings of a report by number: F1 is the first of report.json, whatever order a page tells them in."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from harness.errors import UsageError

if TYPE_CHECKING:
    from harness.records import Finding, Report

#: the arm that answers nothing but what was recorded
THE_LOG = "recorded"
_REPORT = "replaygate report "


def numbered(report: Report) -> dict[str, Finding]:
    """Every finding by its number."""
    return {f"F{place}": finding for place, finding in enumerate(report.findings, start=1)}


def number_of(report: Report, finding: Finding) -> str:
    """The number of a finding of this report."""
    return next(name for name, known in numbered(report).items() if known == finding)


def again(report: Report, finding: Finding) -> str:
    """The command that shows a finding again; the recorded log can only be looked at."""
    known = (line.removeprefix(_REPORT) for line in report.reproduce if line.startswith(_REPORT))
    run = next(known, "RUN")
    if finding.arm == THE_LOG and finding.exemplars:
        return f"replaygate show {run} --request {shlex.quote(finding.exemplars[0].request_id)}"
    return f"replaygate reproduce {run} {number_of(report, finding)}"


def find(report: Report, text: str) -> tuple[str, Finding]:
    """The finding that is meant by F2, f2 or 2, with its number; UsageError where there is none."""
    known = numbered(report)
    name = f"F{text.strip().upper().removeprefix('F')}"
    if name in known:
        return name, known[name]
    raise UsageError(
        f"no finding {text!r}" if known else "the run has no findings",
        where=f"{report.scenario}, run {report.run_id}",
        expected=(f"F1 to F{len(known)}" if len(known) > 1 else "F1") if known else None,
        fix="See them with: replaygate show RUN" if known else "",
    )
