"""Two runs side by side: what is new, gone, better or worse is said, and what cannot be compared too."""

from __future__ import annotations

from dataclasses import replace

import pytest
from msgspec import structs

from harness.records import LatencySummary, MetricRow, QualitySummary, Report, Spread, Verdict
from harness.ui.sides import Change, side_by_side
from tests.kit import sample_report
from tests.kit.sample_parts import finding


def changes(left: Report, right: Report) -> list[Change]:
    """How the findings changed."""
    return [row.change for row in side_by_side(left, right).findings]


def test_a_bug_that_is_put_right_is_gone_and_the_other_way_round_new() -> None:
    """The sentence says it with the verdicts; nothing changes between a run and itself."""
    bad, good = sample_report.no_go(), sample_report.go()
    there = side_by_side(bad, good)
    assert (there.change, changes(bad, good)) == ("better", ["gone"])
    assert there.sentence.startswith("NO-GO became GO; 0 gates worse, 1 better; 0 findings new, 1 gone")
    assert (side_by_side(good, bad).change, changes(good, bad)) == ("worse", ["new"])
    same = side_by_side(bad, bad)
    assert (same.change, changes(bad, bad)) == ("same", ["same"])
    assert {row.change for row in same.gates} | {row.change for row in same.numbers} == {"same"}
    assert same.sentence == "NO-GO both times; 0 gates worse, 0 better; 0 findings new, 0 gone."


@pytest.mark.parametrize(
    ("fields", "cause", "arm", "requests", "expected"),
    [
        (("hour", "day"), "time_shift", "challenger", 50, ["better"]),
        (("hour", "day"), "time_shift", "challenger", 100, ["same"]),
        (("hour",), "time_shift", "challenger", 200, ["worse"]),
        (("week",), "time_shift", "challenger", 100, ["new", "gone"]),
        (("hour", "day"), "stale", "challenger", 100, ["new", "gone"]),
        (("hour", "day"), "time_shift", "champion", 100, ["new", "gone"]),
    ],
)
def test_a_finding_is_the_same_by_arm_cause_and_a_field_in_common(
    fields: tuple[str, ...], cause: str, arm: str, requests: int, expected: list[Change]
) -> None:
    """On fewer requests it is better, on more worse; another arm or cause is another finding."""
    before = structs.replace(finding(("hour", "day"), "time_shift"), requests=100)
    after = structs.replace(before, fields=fields, cause=cause, arm=arm, requests=requests)
    left, right = (structs.replace(sample_report.go(), findings=(one,)) for one in (before, after))
    assert changes(left, right) == expected


def test_of_many_findings_each_is_paired_once_with_the_one_most_alike() -> None:
    """Fifty with themselves are all the same."""
    fifty = sample_report.fifty()
    assert set(changes(fifty, fifty)) == {"same"}
    assert len(side_by_side(fifty, sample_report.go()).of("gone")) == len(fifty.findings)


def gate(ruling: str, name: str = "errors") -> Verdict:
    """One gate."""
    return Verdict(gate=name, arm="challenger", ruling=ruling, reason="")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ([gate("FAIL")], [gate("PASS")], ["better"]),
        ([gate("PASS")], [gate("UNDECIDED")], ["worse"]),
        ([gate("PASS")], [gate("PASS"), gate("PASS", "other")], ["after", "same"]),
        ([gate("PASS")], [], ["before"]),
    ],
)
def test_a_gate_is_known_by_its_name_and_arm(
    before: list[Verdict], after: list[Verdict], expected: list[Change]
) -> None:
    """What moved comes first; a gate that only one run has is neither better nor worse."""
    left, right = (structs.replace(sample_report.go(), gates=tuple(one)) for one in (before, after))
    assert [row.change for row in side_by_side(left, right).gates] == expected


def test_figures_know_which_way_is_better() -> None:
    """A latency that falls, a metric whose higher values are better, one that has no better."""
    spread = Spread(n=9, p50=1.0, p95=20.0, p99=30.0, max=31.0)
    slow = LatencySummary(
        phase="rush",
        target="challenger",
        pace="recorded",
        judged=True,
        requests=9,
        over_budget=0,
        failed=0,
        response=spread,
        service=spread,
        send_lag=spread,
    )
    fast = structs.replace(slow, response=structs.replace(spread, p95=10.0))
    rows = tuple(
        MetricRow(metric=name, direction=way, arms={"challenger": 0.5})  # type: ignore[arg-type]
        for name, way in (("auc", "higher"), ("loss", "lower"), ("rate", "neither"))
    )
    quality = QualitySummary(as_of="", outcome="label", counts={}, metrics=rows)
    more = tuple(structs.replace(one, arms={"challenger": 0.6}) for one in rows)
    left = structs.replace(sample_report.go(), pairs=(), latency=(slow,), quality=(quality,))
    right = structs.replace(left, latency=(fast,), quality=(structs.replace(quality, metrics=more),))
    found = {row.name: row.change for row in side_by_side(left, right).numbers}
    assert found == {
        "challenger, rush: response p95, ms": "better",
        "challenger: auc of label": "better",
        "challenger: loss of label": "worse",
        "challenger: rate of label": "other",
    }


def test_what_keeps_two_runs_from_being_compared_is_said() -> None:
    """Another scenario, another capture, other limits."""
    left = sample_report.go()
    right = structs.replace(left, scenario="other", digests={"capture": "x", "scenario": "y"})
    assert [line.split()[0] for line in side_by_side(left, right).warnings] == ["Two", "Not", "The"]
    assert side_by_side(left, left).warnings == ()
    assert replace(side_by_side(left, left), findings=()).of("new") == []
