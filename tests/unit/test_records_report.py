"""The report: it survives JSON with what the other modules put in, and claims nothing by itself."""

import msgspec
import pytest

from harness.records import (
    Decision,
    Finding,
    Ledger,
    LedgerStep,
    NoiseSummary,
    PhaseNote,
    Report,
    SlowLimits,
    Verdict,
)

REPORT = Report(
    scenario="duo",
    run_id="r",
    created_at="2026-01-01T00:00:00Z",
    as_of="2026-01-01T00:00:00Z",
    version="0",
    decision=Decision(word="NO-GO", exit_code=10, headline="x"),
    gates=(Verdict(gate="errors", arm="challenger", ruling="FAIL", reason="9 of 9."),),
)


def test_a_report_survives_json() -> None:
    """Nouns of every module are found again, each as what it was."""
    report = msgspec.structs.replace(
        REPORT,
        findings=(Finding(arm="a", fields=("hour",), cause="c", sentence="s", requests=1, explained=1),),
        ledgers=(Ledger(phase="parity", target="t", steps=(LedgerStep(step="planned", count=9),)),),
        phases=(PhaseNote(phase="parity", pace="fast", requests=9, targets=("t",), ran=False),),
        limits=(SlowLimits(phase="latency", within=((100, 1),), over=(), seen=()),),
        noise=NoiseSummary(target="champion", phase="parity", asked=0, compared=0),
        digests={"capture": "abc"},
    )
    assert msgspec.json.decode(msgspec.json.encode(report), type=Report) == report


def test_a_report_without_a_stage_says_nothing_of_it() -> None:
    """What was not measured is absent, and never an empty summary that reads as a good one."""
    assert (REPORT.live, REPORT.noise, REPORT.budget_ms) == (None, None, None)
    assert (REPORT.quality, REPORT.latency, REPORT.pairs) == ((), (), ())


@pytest.mark.parametrize("missing", ["decision", "gates", "as_of"])
def test_a_report_without_its_decision_is_none(missing: str) -> None:
    """The word, the verdicts behind it and the time it holds for may not be forgotten."""
    written = msgspec.to_builtins(REPORT)
    del written[missing]
    with pytest.raises(msgspec.ValidationError, match=missing):
        msgspec.convert(written, Report)
