"""Approvals in words: who let a build pass, when and why, and whether that still holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.report import words

if TYPE_CHECKING:
    from harness.records import Approval, Report

LAPSED = "no longer in force: the report has changed since"


def lines(report: Report) -> list[str]:
    """A sentence for each approval, in the order given; what people typed is on one line and inert."""
    return [_line(approval) for approval in report.approvals]


def _line(approval: Approval) -> str:
    who, when = words.printable(approval.by), words.moment(approval.at)
    told = f"{approval.word} approved by {who}, {when}: {words.printable(approval.why)}"
    return told if approval.stands else f"{told} ({LAPSED})"
