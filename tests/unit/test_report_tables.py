"""Tables and sentences that every rendering shares."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from harness.records import Ledger, LedgerStep, Loss, Report, Ruling
from harness.report import story, tables
from tests.kit.sample_report import ALL, fifty, go, invalid, no_go, wait


def _every_table(report: Report) -> list[tables.Table]:
    made = [
        tables.gates(report.gates),
        tables.pairs(report),
        tables.scores(report),
        tables.latency(report),
        tables.judged_latency(report),
        tables.targets(report),
        tables.ignored(report),
        tables.phases(report),
        tables.identities(report),
        tables.facts("Digests", report.digests),
    ]
    for pair in report.pairs:
        made += [tables.features(pair), tables.segments(pair), tables.exemplars(pair)]
    if report.quality:
        made += [
            tables.metrics(report.quality),
            tables.served_metrics(report.quality),
            *tables.looks(report.quality),
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


@pytest.mark.parametrize(
    ("rulings", "line"),
    [
        (["PASS"], "1 advisory gate, PASS"),
        (["PASS", "PASS"], "2 advisory gates, all PASS"),
        (["PASS", "UNDECIDED", "FAIL", "PASS"], "4 advisory gates, 1 FAIL, 1 UNDECIDED"),
    ],
)
def test_advisory_gates_fold_under_their_standing(rulings: list[Ruling], line: str) -> None:
    """The line over the folded gates says whether opening it is worth while."""
    gate = story.advisory_gates(no_go())[0]
    gates = tuple(replace(gate, ruling=ruling) for ruling in rulings)
    assert story.advisory_line(replace(no_go(), gates=gates)) == line


@pytest.mark.parametrize(
    ("arm", "short"),
    [
        ("challenger vs offline:rebuild", "vs offline rebuild"),
        ("challenger vs champion", "vs champion"),
        ("recorded vs offline:champion", "recorded vs offline champion"),
        ("challenger, rush", "challenger, rush"),
        ("challenger", "challenger"),
    ],
)
def test_arms_are_short_where_one_is_tested(arm: str, short: str) -> None:
    """In a narrow column the arm under test goes without saying, and only that one."""
    assert story.arm_under_test(no_go()) == "challenger"
    assert story.short_arm(arm, "challenger") == short


def test_two_arms_under_test_are_both_named() -> None:
    """Where required comparisons are about several arms none goes without saying."""
    gates = tuple(replace(gate, required=True) for gate in no_go().gates)
    assert story.arm_under_test(replace(no_go(), gates=gates)) == ""
    assert story.short_arm("challenger vs champion", "") == "challenger vs champion"


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
    assert len(tables.agreeing(pair)) == 22


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
    quality = fifty().quality
    assert quality is not None
    (newest,), (every,) = tables.looks(quality, newest=1), tables.looks(quality)
    assert [row[0] for row in newest.rows] == ["2025-06-18 00:00 UTC"]
    assert len(every.rows) == 2


def test_each_test_has_its_own_table_of_looks() -> None:
    """The test is named once over its looks, not in each row."""
    quality = fifty().quality
    assert quality is not None
    other = replace(quality.looks[1], test="brier")
    first, second = tables.looks(replace(quality, looks=(*quality.looks, other)))
    assert (first.title, len(first.rows)) == ("Looks at log loss, challenger − champion", 2)
    assert (second.title, len(second.rows)) == ("Looks at brier", 1)
    assert "Test" not in [column.head for column in first.columns]


def test_the_last_look_is_a_sentence() -> None:
    """How often was looked, what it showed, on how much, and the ruling; nothing without looks."""
    quality = fifty().quality
    assert quality is not None
    assert story.last_look(quality) == (
        "Last of 2 looks: log loss, challenger − champion: 0.004 (−0.005 to 0.013) on 2,848 requests of "
        "701 units: UNDECIDED."
    )
    assert story.last_look(replace(quality, looks=())) == ""


def test_what_a_single_look_would_say_is_told() -> None:
    """The fixed-n estimate is one line with its counts and its method."""
    quality = fifty().quality
    assert quality is not None
    assert story.quality_lines(quality)[2] == (
        "decisions right only in the challenger, of those right in one arm only: 32.1 %, 45 of 140. exact "
        "McNemar, two-sided p < 0.0001, if looked at once and requests were independent"
    )


def test_served_metrics_leave_the_references_out() -> None:
    """Only builds that answered are compared in the short table."""
    quality = fifty().quality
    assert quality is not None
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


def test_the_ledger_separates_lost_from_left_out() -> None:
    """Requests outside a phase are no loss; the steps where requests fell away are shown."""
    rush, lossy = no_go().ledgers[2], invalid().ledgers[0]
    assert story.ledger_line(rush) == (
        "7,122 captured → 723 scheduled → 723 sent → 723 answered → 723 compared · lost 0"
    )
    assert story.losses(rush) == ["6,399 outside the phase, left out before scheduled"]
    assert story.ledger_line(lossy).endswith("6,410 compared · lost 712")
    assert story.losses(lossy)[0] == "700 shed, lost before sent"


def test_equal_ledgers_are_told_once() -> None:
    """Targets whose requests went the same way share a line; the log stands with its last phase."""
    assert [account.name for account in story.accounts(no_go())] == [
        "parity · champion, challenger, recorded",
        "rush · challenger",
    ]
    assert story.accounts(no_go())[1].losses == ("6,399 outside the phase, left out before scheduled",)
    alone = replace(no_go(), ledgers=no_go().ledgers[-1:])
    assert [account.name for account in story.accounts(alone)] == ["recorded · recorded"]
    twice = replace(no_go(), ledgers=(*no_go().ledgers, replace(no_go().ledgers[0], phase="again")))
    assert story.accounts(twice)[0].name == "parity · champion, challenger; again · champion, recorded"


def test_a_short_ledger_is_one_step() -> None:
    """A ledger that never went anywhere still reads."""
    step = LedgerStep(step="captured", count=0, lost=(Loss(reason="bad JSON", count=3),))
    assert story.ledger_line(Ledger(phase="p", target="t", steps=(step,))) == "0 captured · lost 3"


def test_fifty_findings_are_five_groups() -> None:
    """Findings group by cause, the costliest first, latent ones last."""
    groups = story.grouped(fifty().findings)
    assert groups[0].cause == "time_shift"
    assert groups[-1].cause == "float32_cast"
    assert [len(group.findings) for group in groups] == [10] * 5
    flips = [finding.flips for finding in groups[0].findings]
    assert flips == sorted(flips, reverse=True)


@pytest.mark.parametrize(
    ("report", "line"),
    [
        (go(), "No findings: nothing differs on 7,122 compared requests."),
        (invalid(), "No findings: no arms were compared."),
        (
            replace(wait(), findings=()),
            "No findings: what differs has no named cause, see the tables; 7,122 requests compared.",
        ),
    ],
)
def test_nothing_found_is_one_calm_line(report: Report, line: str) -> None:
    """An empty list of findings says why it is empty, and never that all is well when it is not."""
    assert story.no_findings(report) == line


def test_many_reasons_are_cut_and_counted() -> None:
    """The box holds three reasons and how many more there are."""
    decision = replace(go().decision, reasons=("a", "b", "c", "d", "e"))
    assert story.main_reasons(decision) == ["a", "b", "c", "And 2 more reasons, under Gates."]


def test_equal_reasons_are_told_once() -> None:
    """Gates that say the same of several arms are one reason, and are not counted among the rest."""
    says = "FAIL: 3 of 9 (11%) differ."
    decision = replace(
        go().decision,
        reasons=(
            f"score_parity (challenger vs offline:rebuild) {says}",
            f"score_parity (challenger vs champion) {says}",
            f"decision_flips (champion) {says}",
            f"decision_flips (rebuild) {says}",
        ),
    )
    assert story.main_reasons(decision) == [
        "score_parity (challenger vs offline:rebuild and champion) FAIL: 3 of 9 (11 %) differ.",
        "decision_flips (champion and rebuild) FAIL: 3 of 9 (11 %) differ.",
    ]


def test_no_reason_repeats_the_headline() -> None:
    """Where the headline is a gate's own sentence it is said once."""
    assert story.main_reasons(wait().decision) == []
    assert len(story.main_reasons(no_go().decision)) == 2
