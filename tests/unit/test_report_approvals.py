"""Approvals in every face of a report: told beside the verdict, inert whatever was typed."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from harness import report as faces
from harness.records import Approval, Report
from harness.report import approvals
from tests.kit import sample_report

HOSTILE = sample_report.HOSTILE


def _approved(by: str = "Ada", why: str = "hotfix", *, stands: bool = True) -> Report:
    one = Approval(by=by, why=why, at="2026-11-22T07:00:00Z", word="NO-GO", sha256="0" * 64, stands=stands)
    return replace(sample_report.no_go(), approvals=(one,))


@pytest.mark.parametrize(
    ("stands", "line"),
    [
        (True, "NO-GO approved by Ada, 2026-11-22 07:00 UTC: hotfix"),
        (False, f"NO-GO approved by Ada, 2026-11-22 07:00 UTC: hotfix ({approvals.LAPSED})"),
    ],
)
def test_an_approval_says_who_when_why_and_whether_it_stands(line: str, *, stands: bool) -> None:
    """One sentence, the same in every face."""
    report = _approved(stands=stands)
    assert approvals.lines(report) == [line]
    flat = " ".join(sample_report.screen(report).split())
    assert line in flat
    assert line in faces.html(report)
    assert line in faces.markdown(report)


def test_the_verdict_stays_the_first_word_everywhere() -> None:
    """An approval explains; it takes nothing back."""
    report = _approved()
    assert faces.markdown(report).startswith("# ■ NO-GO")
    assert "exit code 10" in faces.markdown(report)
    assert faces.decode(faces.encode(report)) == report


def test_what_people_typed_is_inert() -> None:
    """Markup, mentions, terminal escapes and line breaks in a name or a reason."""
    report = _approved(by=HOSTILE, why=HOSTILE)
    page, told, drawn = faces.html(report), faces.markdown(report), sample_report.screen(report)
    assert "<script" not in page
    assert "<script" not in told
    assert "://evil" not in told
    assert "\\`" in told
    assert all(sign not in text for sign in ("\x1b", "\u202e") for text in (page, told, drawn))
    assert approvals.lines(report)[0].count("\n") == 0


def test_an_approval_is_bound_to_all_of_a_report_but_approvals() -> None:
    """Its digest moves with the verdict and the time, and not with what people say."""
    plain = sample_report.no_go()
    digest = faces.judged_sha256(plain)
    assert faces.judged_sha256(_approved()) == digest
    assert faces.judged_sha256(replace(plain, as_of="2026-11-23T00:00:00Z")) != digest
    assert faces.judged_sha256(sample_report.go()) != digest
