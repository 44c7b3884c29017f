"""The sentences of a report and their order, whatever renders them."""

from __future__ import annotations

import io

import pytest
from msgspec.structs import replace
from rich.console import Console

from harness.records import Identity, Ledger, LedgerStep, Loss, Report, Ruling
from harness.report import html, markdown, story, terminal
from tests.kit.sample_parts import BROKEN, finding, parity
from tests.kit.sample_report import fifty, go, hostile, invalid, no_go, wait
from tests.kit.some_evidence import live


def test_the_masthead_says_which_run_this_is() -> None:
    """The scenario, the run and the time it speaks of, on one line whatever their names hold."""
    assert story.masthead(no_go()) == "duo_acceptance · run 2026-11-22T061000Z · as of 2026-11-22 06:10 UTC"
    assert story.masthead(hostile()).isprintable()


@pytest.mark.parametrize(
    ("identities", "line"),
    [
        (go().identities, "champion 7f3c9a10 → challenger 9a1e77b2"),
        ((Identity(arm="challenger", expected="e", served={"old": 3, "new": 9}),), "challenger new"),
        ((Identity(arm="challenger", expected="e", served={"m" * 64: 1}),), f"challenger {'m' * 15}…"),
        ((Identity(arm="recorded", expected="e", served={"m": 9}),), ""),
        ((Identity(arm="challenger", expected="e"),), ""),
    ],
    ids=["both", "the one that answered most", "cut", "not the log", "nobody answered"],
)
def test_builds_are_those_that_answered(identities: tuple[Identity, ...], line: str) -> None:
    """By what they called themselves, not by what was expected."""
    assert story.builds(replace(go(), identities=identities)) == line


def test_required_gates_come_by_weight() -> None:
    """What failed, what is open, what holds; within each as they were judged, and without the advisory."""
    rulings: tuple[Ruling, ...] = ("PASS", "UNDECIDED", "FAIL", "PASS", "FAIL")
    gates = tuple(replace(parity(f"arm{k}", 0), ruling=ruling) for k, ruling in enumerate(rulings))
    report = replace(no_go(), gates=(*gates, replace(gates[2], arm="advisory", required=False)))
    order = ["arm2 vs offline", "arm4 vs offline", "arm1 vs offline", "arm0 vs offline", "arm3 vs offline"]
    assert [gate.arm for gate in story.required_gates(report)] == order
    assert [gate.arm for gate in story.advisory_gates(report)] == ["advisory"]


def test_a_reason_as_the_run_says_it() -> None:
    """Nothing is put into the gate's own words but its per cents, and what it needs stands behind them."""
    gate = replace(parity("a", 3), reason="The offline model\ndisagrees (0.20%).", needs="a fix.")
    assert story.gate_reason(gate) == r"The offline model\ndisagrees (0.2 %). Needs: a fix."
    assert story.gate_reason(replace(gate, needs="")) == r"The offline model\ndisagrees (0.2 %)."


@pytest.mark.parametrize(
    ("arms", "phrase"),
    [
        (["champion"], "champion"),
        (["a vs b"], "a vs b"),
        (["a vs b", "a vs c"], "a vs b and c"),
        (["a vs b", "a vs c", "a vs d"], "a vs b, c and d"),
        (["a vs b", "c vs b"], "a vs b and c vs b"),
        (["a", "b"], "a and b"),
        (["a vs b", "c"], "a vs b and c"),
    ],
)
def test_arms_in_one_phrase(arms: list[str], phrase: str) -> None:
    """What is compared with several is named once."""
    assert story.named_arms(arms) == phrase


def test_the_worst_finding_is_first() -> None:
    """By its share of the flips, then by requests; what changes no score is last however often it happens."""
    few, many = finding(("a",), "unit_scale", requests=420), finding(("b",), "unit_scale", requests=4200)
    alike = replace(few, fields=("c",), requests=421)
    latent = finding(("d",), "unit_scale", latent=True)
    order = story.worst_first((latent, few, alike, many))
    assert [f.fields for f in order] == [("b",), ("c",), ("a",), ("d",)]


def test_a_group_counts_its_worst_finding() -> None:
    """Findings of one cause may touch the same requests, so they are not added up."""
    one, two = finding(("a",), "unit_scale", requests=420), finding(("b",), "unit_scale", requests=4200)
    (group,) = story.grouped((one, two))
    assert (group.requests, group.flips) == (4200, 200)


def test_a_finding_is_titled_by_its_arms_and_fields() -> None:
    """Four fields are named, of more only the first three."""
    assert story.finding_title(finding(BROKEN, "time_shift")) == (
        "challenger vs offline: hour, day_of_week, repo_prs_7d and agent_prs_24h"
    )
    assert story.finding_title(finding((*BROKEN, "commits"), "time_shift")) == (
        "challenger vs offline: hour, day_of_week, repo_prs_7d and 2 more"
    )


def test_a_finding_says_how_often_why_since_when_and_what_it_costs() -> None:
    """In this order."""
    assert story.finding_facts(finding(BROKEN, "time_shift")) == [
        "6,120 requests",
        "all explained by time shift",
        "since 2025-06-03 14:00:07 UTC",
        "last seen 2025-06-18 20:38:12 UTC",
        "291 decision flips",
        "its share 255 flips",
        "log loss +0.0041",
    ]


def test_a_bug_that_meets_no_other_has_no_share_to_tell() -> None:
    """And one whose share was sampled tells its standard error."""
    found = finding(("hour",), "time_shift")
    assert found.cost is not None
    alone = replace(found.cost, together=1, log_loss=None)
    assert [fact for fact in story.cost_facts(alone) if fact] == []
    assert story.cost_facts(found.cost)[0] == "its share 255 ± 0.8 flips"


def test_what_changes_no_score_is_apart() -> None:
    """Costly findings and latent ones are two lists, nothing in both and nothing lost."""
    one, other = finding(("a",), "unit_scale"), finding(("b",), "unit_scale", latent=True)
    assert story.costly((other, one)) == (one,)
    assert story.latent((other, one)) == (other,)


@pytest.mark.parametrize(
    ("changes", "said", "unsaid"),
    [
        ({"explained": 6000}, "6,000 explained by time shift", "all explained by time shift"),
        ({"explained": 0}, "6,120 requests", "0 explained by time shift"),
        ({"latent": True, "flips": 0}, "scores agree (latent)", "0 decision flips"),
        ({"flips": 1}, "1 decision flip", "291 decision flips"),
        ({"flips": 0}, "0 decision flips", "scores agree (latent)"),
        ({"requests": 1, "explained": 1}, "1 request", "1 requests"),
        ({"first_seen": None}, "6,120 requests", "since –"),
        ({"last_seen": None}, "6,120 requests", "last seen –"),
    ],
)
def test_a_finding_says_only_what_is_known(changes: dict[str, object], said: str, unsaid: str) -> None:
    """Each fact in its own form; what is not known is left out."""
    facts = story.finding_facts(replace(finding(BROKEN, "time_shift"), **changes))
    assert said in facts
    assert unsaid not in facts
    assert not [fact for fact in facts if "–" in fact]


def test_exemplars_name_both_arms_by_the_pair() -> None:
    """The reference is the one that the arm was compared with; at most as many as asked for."""
    found = finding(BROKEN, "time_shift")
    against = replace(found, left="champion")
    assert story.exemplar_lines(no_go(), against, limit=1) == [
        "request pr-81c2: champion 14.0, challenger 13.0"
    ]
    found = replace(found, left="")
    assert story.exemplar_lines(no_go(), found) == [
        "request pr-81c2: offline 14.0, challenger 13.0",
        "request pr-1f40: offline 0.0, challenger 23.0",
    ]
    assert story.exemplar_lines(no_go(), found, limit=1) == ["request pr-81c2: offline 14.0, challenger 13.0"]
    assert story.exemplar_lines(replace(no_go(), pairs=()), found, limit=1) == [
        "request pr-81c2: reference 14.0, challenger 13.0"
    ]


@pytest.mark.parametrize(
    ("changes", "budget", "line"),
    [
        ({}, 120.0, "231 of 723 over 120 ms, 0 failed, 0 lost; recorded pace, judged"),
        ({}, 2000.0, "231 of 723 over 2,000 ms, 0 failed, 0 lost; recorded pace, judged"),
        ({}, None, "723 requests, 0 failed, 0 lost; recorded pace, judged"),
        ({"judged": False}, 120.0, "723 requests, 0 failed, 0 lost; recorded pace, not judged"),
        ({"failed": 4, "lost": 2}, None, "723 requests, 4 failed, 2 lost; recorded pace, judged"),
    ],
)
def test_lateness_is_counted_where_it_is_judged(
    changes: dict[str, object], budget: float | None, line: str
) -> None:
    """Against the budget there is; elsewhere the line says how many were timed."""
    item = replace(fifty().latency[1], **changes)
    assert story.latency_line(item, budget) == f"rush · challenger: {line}"


def test_quality_is_told_from_coverage_to_claim() -> None:
    """What the labels cover, the paired estimate, what a single look would say, the scope of the claim."""
    (quality,) = fifty().quality
    coverage, paired, once, scope = story.quality_lines(quality)
    assert coverage == (
        "merged within 7 days, as of 2026-11-22 06:10 UTC: captured 7,122 · in scope 3,102 · "
        "compared 2,848 · matured 2,848 · not matured 254"
    )
    assert paired == (
        "log loss, challenger − champion: 0.004, −0.005 to 0.013 (95 %), n 2,848. asymptotic confidence "
        "sequence by unit"
    )
    assert once.startswith("decisions right only in the challenger")
    assert scope == "Claims are about exposed traffic."


def test_identical_arms_are_said_to_be_so() -> None:
    """Before the estimate, which is then about nothing."""
    (quality,) = go().quality
    assert story.quality_lines(quality)[1] == story.IDENTICAL
    assert story.IDENTICAL not in story.quality_lines(replace(quality, identical=False))


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"lower": None, "upper": None}, "log loss, challenger − champion: 0.004, n 2,848. m"),
        ({"value": None, "n": 0}, "log loss, challenger − champion: –, −0.005 to 0.013 (95 %). m"),
        (
            {"note": "701 units"},
            "log loss, challenger − champion: 0.004, −0.005 to 0.013 (95 %), n 2,848. m; 701 units",
        ),
        ({"count": 7}, "log loss, challenger − champion: 0.004, −0.005 to 0.013 (95 %), 7 of 2,848. m"),
    ],
    ids=["no interval", "no value", "note", "count"],
)
def test_an_estimate_is_its_numbers_then_its_method(changes: dict[str, object], line: str) -> None:
    """A count of n in place of n where there is one; nothing stands for what is missing."""
    (quality,) = fifty().quality
    assert quality.estimate is not None
    assert story.estimate_line(replace(quality.estimate, method="m", **changes)) == line


def test_a_refused_look_says_why() -> None:
    """A look that must not rule is told with its reason."""
    (quality,) = fifty().quality
    first = replace(quality, looks=quality.looks[:1])
    assert story.last_look(first).startswith("Last of 1 look: ")
    assert story.last_look(first).endswith("UNDECIDED (refused: fewer than 300 units).")


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


def test_the_last_look_is_a_sentence() -> None:
    """How often was looked, what it showed, on how much, and the ruling; nothing without looks."""
    (quality,) = fifty().quality
    assert story.last_look(quality) == (
        "Last of 2 looks: log loss, challenger − champion: 0.004 (−0.005 to 0.013) on 2,848 requests of "
        "701 units: UNDECIDED."
    )
    assert story.last_look(replace(quality, looks=())) == ""


def test_what_a_single_look_would_say_is_told() -> None:
    """The fixed-n estimate is one line with its counts and its method."""
    (quality,) = fifty().quality
    assert story.quality_lines(quality)[2] == (
        "decisions right only in the challenger, of those right in one arm only: 32.1 %, 45 of 140. exact "
        "McNemar, two-sided p < 0.0001, if looked at once and requests were independent"
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


def test_what_was_not_sent_because_a_fail_was_certain_is_not_lost() -> None:
    """Ten of sixty were enough."""
    loss = Loss(reason="not needed", count=50)
    steps = (LedgerStep(step="captured", count=60), LedgerStep(step="sent", count=10, lost=(loss,)))
    found = Ledger(phase="parity", target="challenger", steps=steps)
    assert story.ledger_line(found) == "60 captured → 10 sent · lost 0"
    assert story.losses(found) == ["50 not needed, left out before sent"]


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


def test_a_live_canary_is_told_with_its_blocks_and_its_tests() -> None:
    """What was given, who answered, by which blocks the p95 is judged, and where each test stands."""
    given, blocks, *tests, note = story.live_lines(live(note="Latency is the log's."))
    assert given.startswith(
        "Live canary, as of 2026-03-03 00:00 UTC, 5 % of the traffic, routed by request: "
    )
    assert "champion 38,000" in given
    assert blocks == (
        "p95 is judged on blocks of 20 consecutive requests, declared: 100 values, worth 100 of equal size; "
        "3 requests in none"
    )
    assert [line[:22] for line in tests] == ["Last of 2 looks: live "] * 3
    assert note == "Latency is the log's."


def test_every_rendering_shows_the_looks_at_a_live_canary() -> None:
    """Terminal, Markdown and HTML alike; without one nothing is said of it."""
    found = replace(go(), live=live())
    console = Console(file=io.StringIO(), width=120)
    terminal(found, console)
    drawn = console.file
    assert isinstance(drawn, io.StringIO)
    for text in (drawn.getvalue(), markdown(found), html(found)):
        assert "Live canary" in text
        assert "live errors: of 2026" in text
    assert "Live canary" not in markdown(go()) + html(go())


def test_requests_that_were_spared_are_no_answers_in_time() -> None:
    """Of those sent so many were late, and the others are named."""
    item = replace(
        no_go().latency[-1], requests=1000, over_budget=60, failed=0, lost=0, spared=880, judged=True
    )
    line = story.latency_line(item, 120.0)
    assert "60 of 120 over 120 ms" in line
    assert "880 not sent after the stop" in line
