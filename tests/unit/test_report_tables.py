"""Tables and sentences that every rendering shares."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from harness.records import IgnoredRule, Report
from harness.report import story, tables
from tests.kit.sample_report import ALL, fifty, go, no_go, wait


def _every_table(report: Report) -> list[tables.Table]:
    made = [
        tables.gates(report.gates),
        tables.pairs(report),
        tables.scores(report),
        tables.latency(report),
        tables.judged_latency(report),
        tables.targets(report),
        tables.ignored(report),
        tables.costs(report),
        tables.phases(report),
        tables.identities(report),
        tables.facts("Digests", report.digests),
    ]
    for pair in report.pairs:
        made += [tables.features(pair), tables.segments(pair), tables.exemplars(pair)]
    for quality in report.quality:
        made += [
            tables.metrics(quality),
            tables.served_metrics(quality),
            *tables.looks(quality),
        ]
    return made


@pytest.mark.parametrize("name", ALL)
def test_every_row_fills_every_column(name: str) -> None:
    """No table has a ragged row, an empty cell or a control character, and notes stand beside rows."""
    for table in _every_table(ALL[name]()):
        assert {len(row) for row in table.rows} <= {len(table.columns)}
        assert all(cell and cell.isprintable() for row in table.rows for cell in row)
        assert len(table.notes) in {0, len(table.rows)}


def test_gates_begin_with_what_decides() -> None:
    """Required failures stand first, advisory gates apart, each with its own reason."""
    table = tables.gates(story.required_gates(no_go()))
    assert [row[-1] for row in table.rows] == ["FAIL", "FAIL", "PASS", "PASS", "PASS"]
    assert table.rows[0] == (
        "feature parity",
        "challenger vs offline",
        "85.9 %",
        "≤ 0.2 %",
        "exact; future ≤ 86.4 %",
        "7,122",
        "FAIL",
    )
    assert table.notes[1].startswith("292 of 7,122")
    assert [gate.ruling for gate in story.advisory_gates(no_go())] == ["UNDECIDED", "PASS"]


def test_a_gate_that_waits_says_what_it_needs() -> None:
    """The reason of an open gate ends with what would close it."""
    assert tables.gates(story.required_gates(wait())).notes[0].endswith("Needs: 1,380 more requests.")


def test_features_come_by_rate() -> None:
    """The most frequent mismatch is first; features that agree are only named."""
    pair = no_go().pairs[1]
    assert [row[0] for row in tables.features(pair).rows] == [
        "hour",
        "agent_prs_24h",
        "day_of_week",
        "repo_prs_7d",
    ]
    agreeing = tables.agreeing(no_go(), pair)
    assert len(agreeing) == 22
    rule = IgnoredRule(
        field=agreeing[0], rule="ignore", reason="known", silenced=157, arm=f"{pair.right} vs {pair.left}"
    )
    for ignored, left in ((rule, agreeing[1:]), (replace(rule, arm="other"), agreeing)):
        assert tables.agreeing(replace(no_go(), ignored=(ignored,)), pair) == left


def test_a_percentile_on_a_failed_request_says_failed() -> None:
    """A missing percentile of timed requests is a failure, of none a dash."""
    timed = go().latency[0]
    failed = replace(timed.response, p99=None, max=None)
    nothing = replace(timed.service, n=0, p50=None, p95=None, p99=None, max=None)
    rows = tables.latency(replace(no_go(), latency=(replace(timed, response=failed, service=nothing),))).rows
    assert rows[0][-2:] == ("failed", "failed")
    assert rows[1][3:] == ("0", "–", "–", "–", "–")


def test_only_the_newest_looks_when_asked() -> None:
    """A limit keeps the newest looks, oldest of them first."""
    (quality,) = fifty().quality
    (newest,), (every,) = tables.looks(quality, newest=1), tables.looks(quality)
    assert [row[0] for row in newest.rows] == ["2025-06-18 00:00 UTC"]
    assert len(every.rows) == 2


def test_each_test_has_its_own_table_of_looks() -> None:
    """The test is named once over its looks, not in each row."""
    (quality,) = fifty().quality
    other = replace(quality.looks[1], test="brier")
    first, second = tables.looks(replace(quality, looks=(*quality.looks, other)))
    assert (first.title, len(first.rows)) == ("Looks at log loss, challenger − champion", 2)
    assert (second.title, len(second.rows)) == ("Looks at brier", 1)
    assert "Test" not in [column.head for column in first.columns]


def test_served_metrics_leave_the_references_out() -> None:
    """Only builds that answered are compared in the short table."""
    (quality,) = fifty().quality
    assert [c.head for c in tables.metrics(quality).columns][-1] == "offline:champion"
    table = tables.served_metrics(quality)
    assert [c.head for c in table.columns] == ["Metric", "champion", "challenger"]
    assert table.rows[0] == ("log loss", "0.571", "0.575")


def test_only_judged_phases_are_held_against_the_budget() -> None:
    """A closed-loop phase has percentiles, but no row among the figures that decide."""
    assert {row[0] for row in tables.latency(no_go()).rows} == {"parity", "rush"}
    table = tables.judged_latency(no_go())
    assert [row[:2] for row in table.rows] == [("rush", "champion"), ("rush", "challenger")]
    assert table.rows[1][2:] == ("723", "3.1", "4.03", "4.96", "3.63", "0.128", "0", "0")
    assert story.latency_line(no_go().latency[0], 120.0) == (
        "parity · challenger: 723 requests, 0 failed, 0 lost; saturate pace, not judged"
    )
