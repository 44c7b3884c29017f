"""The report as metrics: read back by the published grammar, no NaN, each series once."""

from __future__ import annotations

import math

import numpy as np
import pytest
from msgspec.structs import replace

from harness import report as faces
from harness.evidence.latency import EDGES_MS, spread
from harness.records import EXIT_CODES, Approval
from tests.kit import sample_report
from tests.kit.exposition import parse, value


@pytest.mark.parametrize("name", sample_report.ALL)
def test_every_sample_is_read_back_by_the_grammar(name: str) -> None:
    """Hostile names too; and one verdict is 1."""
    report = sample_report.ALL[name]()
    series = parse(faces.prometheus([report]))
    words = [value(series, "replaygate_verdict", verdict=word) for word in EXIT_CODES]
    assert sorted(word or 0 for word in words) == [0, 0, 0, 1]
    assert value(series, "replaygate_verdict", verdict=report.decision.word) == 1


def test_rates_counts_and_the_ledger_are_those_of_the_report() -> None:
    """Numbers of the demonstration's bug."""
    series = parse(faces.prometheus([sample_report.no_go()]))
    pair = {"left": "offline", "right": "challenger"}
    assert value(series, "replaygate_compared_requests", **pair) == 7122
    assert value(series, "replaygate_mismatching_requests", what="decisions", **pair) == 292
    assert value(series, "replaygate_mismatch_ratio", what="decisions", **pair) == 292 / 7122
    told = {"phase": "rush", "target": "challenger"}
    assert value(series, "replaygate_ledger_requests", step="compared", **told) == 723
    assert value(series, "replaygate_ledger_lost_requests", reason="outside the phase", **told) == 6399
    gate = {"gate": "feature_parity", "arm": "challenger vs offline", "required": "true"}
    assert value(series, "replaygate_gate", ruling="FAIL", **gate) == 1
    assert value(series, "replaygate_gate_limit", **gate) == 0.002
    assert value(series, "replaygate_target_requests", target="challenger", state="timeout") == 12


def test_what_is_not_finite_or_not_known_is_left_out() -> None:
    """No NaN, no division by nothing, no quantile of no requests."""
    report = sample_report.no_go()
    nothing = spread(np.array([]))
    broken = replace(
        report,
        as_of="yesterday",
        gates=tuple(replace(g, value=math.nan, limit=math.inf) for g in report.gates),
        pairs=tuple(replace(p, compared=0, feature_mismatches=None) for p in report.pairs),
        latency=tuple(replace(i, response=nothing, service=nothing) for i in report.latency),
    )
    series = parse(faces.prometheus([broken]))
    names = {name for name, _ in series}
    assert not names & {"replaygate_gate_value", "replaygate_gate_limit", "replaygate_mismatch_ratio"}
    assert "replaygate_run_as_of_timestamp_seconds" not in names
    assert value(series, "replaygate_latency_quantile_seconds", latency="response", quantile="0.5") is None


def test_a_latency_is_a_histogram_in_seconds_whose_failures_are_only_in_inf() -> None:
    """Cumulative whole numbers; the sum is of what was answered."""
    report = sample_report.wait()
    item = replace(report.latency[0], response=spread(np.array([0.5, 1.5, 30.0, 20_000.0, math.inf])))
    series = parse(faces.prometheus([replace(report, latency=(item,))]))
    name = "replaygate_latency_seconds"
    edges = [repr(edge / 1000) for edge in EDGES_MS] + ["+Inf"]
    counts = [value(series, f"{name}_bucket", latency="response", le=le) for le in edges]
    assert counts == [1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 3, 3, 3, 3, 5]
    assert value(series, f"{name}_count", latency="response") == 5
    assert value(series, f"{name}_sum", latency="response") == pytest.approx(20.032)
    quantiles = [
        value(series, "replaygate_latency_quantile_seconds", latency="response", quantile=q)
        for q in ("0.5", "1")
    ]
    assert quantiles == [0.03, None]


def test_a_report_without_buckets_still_has_its_quantiles() -> None:
    """One that was written before they were counted."""
    series = parse(faces.prometheus([sample_report.wait()]))
    assert {name for name, _ in series if name.startswith("replaygate_latency")} == {
        "replaygate_latency_quantile_seconds"
    }


def test_scenarios_stand_side_by_side_and_a_series_is_told_once() -> None:
    """A scraper refuses a text that has one twice: the worst of two gates of one name stays."""
    go, no_go = replace(sample_report.go(), scenario="other"), sample_report.no_go()
    twice = replace(no_go, gates=tuple(replace(g, gate="same", arm="a", required=True) for g in no_go.gates))
    series = parse(faces.prometheus([go, twice]))
    assert value(series, "replaygate_verdict", scenario="other", verdict="GO") == 1
    assert value(series, "replaygate_gate", gate="same", ruling="FAIL") == 1


def test_an_approval_shows() -> None:
    """Only while it stands."""
    one = Approval(by="Ada", why="w", at="2026-11-22T07:00:00Z", word="NO-GO", sha256="", stands=True)
    for stands, shown in ((True, 1), (False, 0)):
        report = replace(sample_report.no_go(), approvals=(replace(one, stands=stands),))
        assert value(parse(faces.prometheus([report])), "replaygate_approved") == shown


def test_no_reports_are_no_metrics() -> None:
    """An empty text is a valid one."""
    assert faces.prometheus([]) == ""
