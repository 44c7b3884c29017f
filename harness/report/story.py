"""The sentences and the order of a report, shared by every rendering: nothing here knows a format."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.records import State
from harness.report import sampled, words

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from harness.records import (
        Calibrated,
        Counterfactual,
        Decision,
        Estimate,
        Finding,
        LatencySummary,
        Ledger,
        LiveSummary,
        Look,
        Loss,
        PhaseNote,
        QualitySummary,
        Report,
        Verdict,
    )

#: word and shape, so that colour never speaks alone
SHAPES = {
    "GO": "●",
    "NO-GO": "■",
    "WAIT": "▲",
    "INVALID": "◆",
    "PASS": "●",
    "FAIL": "■",
    "UNDECIDED": "▲",
}
LATENT = "Features differ, or are not shown, and scores do not: no decision is lost on these requests today."
NOTHING_COSTLY = "No finding changes a score."
NO_GATES = "No gates are required: nothing was judged."
IDENTICAL = "Scores and decisions are identical: label guardrails pass by identity."
_MAIN_STEPS = {"captured", "sent", "answered", "compared"}
#: steps that choose requests; what they leave out is not lost
_CHOOSING_STEPS = {"sampled", "scheduled"}
#: nor are those that were not sent once a FAIL was certain
_SPARED = State.NOT_NEEDED.value.replace("_", " ")
_THE_LOG = "recorded"
_MAIN_REASONS = 3
_VERSUS = " vs "
_REASON = re.compile(r"(\w+ \()([^()]*)(\) (?:PASS|FAIL|UNDECIDED): .*)", re.DOTALL)


@dataclass(frozen=True)
class Account:
    """Targets of a phase whose requests went the same way: their names, the line and the losses."""

    name: str
    line: str
    losses: tuple[str, ...]


@dataclass(frozen=True)
class Group:
    """Findings of one cause, the worst first."""

    cause: str
    findings: tuple[Finding, ...]

    @property
    def requests(self) -> int:
        """Requests touched by the worst of them: the findings of one cause may overlap."""
        return max(finding.requests for finding in self.findings)

    @property
    def flips(self) -> int:
        """Decision flips of the worst of them."""
        return max(finding.flips for finding in self.findings)


def masthead(report: Report) -> str:
    """Which run this is, in one line."""
    parts = (report.scenario, f"run {report.run_id}", f"as of {words.moment(report.as_of)}")
    return words.sentence(" · ".join(parts))


def builds(report: Report) -> str:
    """The builds that answered, by arm: "champion 7f3c → challenger 9a1e"; the log is no build to move to."""
    served = [
        (item.arm, max(item.served, key=lambda name: item.served[name]))
        for item in report.identities
        if item.served and item.arm != _THE_LOG
    ]
    return " → ".join(f"{words.clipped(arm)} {words.clipped(name, 16)}" for arm, name in served)


def accounts(report: Report) -> list[Account]:
    """The ledgers, those that read the same told once: "parity · champion, challenger, recorded"."""
    alike: dict[tuple[str, tuple[str, ...]], list[Ledger]] = {}
    for ledger in report.ledgers:
        alike.setdefault((ledger_line(ledger), tuple(losses(ledger))), []).append(ledger)
    return [Account(_phases_and_targets(ledgers), *said) for said, ledgers in alike.items()]


def _phases_and_targets(ledgers: list[Ledger]) -> str:
    """By phase; the log ran in no phase, so it stands with the targets of the last one."""
    phases: dict[str, list[str]] = {}
    for ledger in sorted(ledgers, key=lambda item: item.phase == item.target):
        phase = next(reversed(phases), ledger.phase) if ledger.phase == ledger.target else ledger.phase
        phases.setdefault(phase, []).append(ledger.target)
    return words.sentence("; ".join(f"{phase} · {', '.join(who)}" for phase, who in phases.items()))


def ledger_line(ledger: Ledger) -> str:
    """The line "7,122 captured → 7,122 sent → 7,122 answered → 7,122 compared · lost 0".

    Steps between the main ones appear where requests fell away.
    """
    last = len(ledger.steps) - 1
    shown = [
        f"{step.count:,} {words.clipped(step.step)}"
        for place, step in enumerate(ledger.steps)
        if place in (0, last) or step.step in _MAIN_STEPS or step.lost
    ]
    lost = sum(loss.count for step in ledger.steps for loss in step.lost if not _chosen(step.step, loss))
    return f"{' → '.join(shown)} · lost {lost:,}"


def losses(ledger: Ledger) -> list[str]:
    """Why requests fell away, step by step: lost, or left out on purpose."""
    return [
        f"{loss.count:,} {words.clipped(loss.reason)}, "
        f"{'left out' if _chosen(step.step, loss) else 'lost'} before {words.clipped(step.step)}"
        for step in ledger.steps
        for loss in step.lost
        if loss.count
    ]


def _chosen(step: str, loss: Loss) -> bool:
    """Whether requests were left out before a step on purpose."""
    return step in _CHOOSING_STEPS or loss.reason == _SPARED


def main_reasons(decision: Decision) -> list[str]:
    """The first reasons that the headline does not already give, and how many more the gates hold.

    Gates that say the same of several arms say it once.
    """
    new = _told_once(reason for reason in decision.reasons if not reason.endswith(decision.headline))
    rest = len(new) - _MAIN_REASONS
    more = [f"And {words.counted(rest, 'more reason')}, under Gates."] if rest > 0 else []
    return [words.sentence(reason) for reason in new[:_MAIN_REASONS]] + more


def _told_once(reasons: Iterable[str]) -> list[str]:
    """Of "g (a) FAIL: x" and "g (b) FAIL: x" one "g (a and b) FAIL: x"; other sentences as they stand."""
    arms: dict[tuple[str, str], list[str]] = {}
    for reason in reasons:
        found = _REASON.fullmatch(reason)
        before, arm, after = found.groups() if found else (reason, "", "")
        arms.setdefault((before, after), []).append(arm)
    return [f"{before}{named_arms(who)}{after}" for (before, after), who in arms.items()]


def named_arms(arms: list[str]) -> str:
    """Arms in one phrase: "a vs b" and "a vs c" is "a vs b and c"."""
    lefts = {arm.rpartition(_VERSUS)[0] for arm in arms}
    if len(arms) > 1 and len(lefts) == 1 and lefts != {""}:
        return f"{lefts.pop()}{_VERSUS}{words.listed([arm.rpartition(_VERSUS)[2] for arm in arms])}"
    return words.listed(arms)


def required_gates(report: Report) -> list[Verdict]:
    """The gates that the decision hangs on: what failed, what is open, what holds."""
    return _by_weight(gate for gate in report.gates if gate.required)


def advisory_gates(report: Report) -> list[Verdict]:
    """The gates that only inform, in the same order."""
    return _by_weight(gate for gate in report.gates if not gate.required)


def _by_weight(gates: Iterable[Verdict]) -> list[Verdict]:
    order = {"FAIL": 0, "UNDECIDED": 1, "PASS": 2}
    return sorted(gates, key=lambda gate: order[gate.ruling])


def advisory_line(report: Report) -> str:
    """How the advisory gates stand: "12 advisory gates, all PASS", "13 advisory gates, 1 UNDECIDED"."""
    rulings = [gate.ruling for gate in advisory_gates(report)]
    open_ones = words.joined((f"{n} {r}" for r, n in Counter(rulings).items() if r != "PASS"), ", ")
    standing = open_ones or ("all PASS" if len(rulings) > 1 else "PASS")
    return f"{words.counted(len(rulings), 'advisory gate')}, {standing}"


def gate_reason(gate: Verdict) -> str:
    """Why a gate rules as it does, and what would close it when it is open."""
    needs = f" Needs: {gate.needs.rstrip('.')}." if gate.needs else ""
    return words.sentence(f"{gate.reason}{needs}")


def arm_under_test(report: Report) -> str:
    """The one arm that all required comparisons are about, or nothing when there are several."""
    arms = {gate.arm.partition(_VERSUS)[0] for gate in report.gates if gate.required and _VERSUS in gate.arm}
    return arms.pop() if len(arms) == 1 else ""


def short_arm(arm: str, tested: str) -> str:
    """For narrow columns: "a vs offline:b" is "vs offline b" where a is the one arm under test."""
    left, versus, right = arm.partition(_VERSUS)
    short = f"{versus.lstrip()}{right}" if versus and left == tested else arm
    return short.replace("offline:", "offline ")


def worst_first(findings: tuple[Finding, ...]) -> tuple[Finding, ...]:
    """By the share of the decision flips, then of the score change; latent findings after all others."""
    return tuple(sorted(findings, key=lambda f: (f.latent, *_weight(f), -f.requests)))


def _weight(finding: Finding) -> tuple[float, float]:
    cost = finding.cost
    flips = cost.flips_share if cost else finding.flips
    return -flips, -(cost.mean_abs_share if cost else finding.mean_abs) * finding.requests


def costly(findings: tuple[Finding, ...]) -> tuple[Finding, ...]:
    """The findings that change scores, the worst first."""
    return tuple(finding for finding in worst_first(findings) if not finding.latent)


def latent(findings: tuple[Finding, ...]) -> tuple[Finding, ...]:
    """The findings that change no score yet, those on most requests first."""
    return tuple(finding for finding in worst_first(findings) if finding.latent)


def grouped(findings: tuple[Finding, ...]) -> list[Group]:
    """The findings by cause, each group at the place of its worst finding."""
    groups: dict[str, list[Finding]] = {}
    for finding in worst_first(findings):
        groups.setdefault(finding.cause, []).append(finding)
    return [Group(cause, tuple(members)) for cause, members in groups.items()]


def finding_title(finding: Finding) -> str:
    """The arms and the fields: "challenger vs offline: request_hour, day_of_week and 2 more"."""
    versus = f"{_VERSUS}{finding.left}" if finding.left else ""
    return f"{words.clipped(finding.arm + versus, 2 * words.NAME)}: {words.listed(finding.fields)}"


def finding_facts(finding: Finding) -> list[str]:
    """How often, how much of it the cause explains, since when, and what it does to decisions."""
    facts = [
        words.counted(finding.requests, "request"),
        f"{_explained(finding)} explained by {cause_name(finding.cause)}" if finding.explained else "",
        f"since {words.moment(finding.first_seen)}" if finding.first_seen else "",
        f"last seen {words.moment(finding.last_seen)}" if finding.last_seen else "",
        "scores agree (latent)" if finding.latent else words.counted(finding.flips, "decision flip"),
        *([] if finding.latent or finding.cost is None else cost_facts(finding.cost)),
    ]
    return [fact for fact in facts if fact]


def cost_facts(cost: Counterfactual) -> list[str]:
    """What a bug is charged where it meets others, and of the log loss: "its share 12.5 flips"."""
    share = f"{words.number(cost.flips_share)}{give_or_take(cost.flips_error)}"
    return [
        f"its share {share} flips" if cost.together > 1 else "",
        f"log loss +{words.number(cost.log_loss)}" if cost.log_loss and cost.log_loss > 0 else "",
    ]


def give_or_take(error: float | None) -> str:
    """A standard error: " ± 0.4", nothing where the number is exact."""
    return "" if error is None else f" ± {words.number(error)}"


def _explained(finding: Finding) -> str:
    return "all" if finding.explained == finding.requests else f"{finding.explained:,}"


def cause_name(cause: str) -> str:
    """A cause in words."""
    return words.clipped(cause.replace("_", " "))


def exemplar_lines(report: Report, finding: Finding, *, limit: int = 3) -> list[str]:
    """The first exemplars in words, both arms named: "request 81c2: offline 14, challenger 13"."""
    left = words.clipped(finding.left or _held_against(report, finding.arm))
    right = words.clipped(finding.arm)
    return [
        f"request {words.clipped(e.request_id)}: "
        f"{left} {words.clipped(e.left)}, {right} {words.clipped(e.right)}"
        for e in finding.exemplars[:limit]
    ]


def _held_against(report: Report, arm: str) -> str:
    """For a report that was written before findings named their left arm."""
    return next((pair.left for pair in report.pairs if pair.right == arm), "reference")


def no_findings(report: Report) -> str:
    """The calm line in place of an empty section."""
    if not report.pairs:
        return "No findings: no arms were compared."
    compared = min(pair.compared for pair in report.pairs)
    differ = sum(pair.score_mismatches + (pair.feature_mismatches or 0) for pair in report.pairs)
    if differ:
        return (
            f"No findings: what differs has no named cause, see the tables; {compared:,} requests compared."
        )
    return f"No findings: nothing differs on {words.counted(compared, 'compared request')}."


def latency_line(item: LatencySummary, budget_ms: float | None) -> str:
    """How many responses of one arm came too late, failed or were lost, and whether that was judged."""
    late = (
        f"{item.over_budget:,} of {item.requests - item.spared:,} over {words.ms(budget_ms)}"
        if budget_ms is not None and item.judged
        else words.counted(item.requests - item.spared, "request")
    )
    spared = f", {item.spared:,} not sent after the stop" if item.spared else ""
    judged = "judged" if item.judged else "not judged"
    return (
        f"{words.clipped(item.phase)} · {words.clipped(item.target)}: {late}, {item.failed:,} failed, "
        f"{item.lost:,} lost{spared}; {words.clipped(item.pace)} pace, {judged}{sampled.thin(item)}"
    )


def phase_lines(report: Report) -> list[str]:
    """How each phase was run: cut short, sent again, targets apart or not, the harness's own part."""
    return [
        f"{words.clipped(note.phase)}: {words.sentence(line)}"
        for note in report.phases
        for line in _phase_lines(note)
        if line
    ]


def _phase_lines(note: PhaseNote) -> tuple[str, ...]:
    torn = f"{words.listed(note.torn)} cut by the end of an earlier process, kept apart, counted nowhere"
    return (
        f"STOPPED: {note.stopped}" if note.stopped else "",
        torn if note.torn else "",
        f"targets {note.arms}" if note.arms else "",
        calibration_line(note.calibration) if note.calibration else "",
    )


def noise_lines(report: Report) -> list[str]:
    """What the champion differs from itself in, asked twice: "champion, asked 712 requests twice: …"."""
    found = report.noise
    if found is None:
        return []
    moving = [row for row in found.rows if row.differ]
    head = f"{words.clipped(found.target)}, asked {found.asked:,} requests twice"
    if not found.compared:
        return [f"{head}: answered none of them twice, so its noise is not known."]
    if not moving:
        bound = words.percent(max(row.upper for row in found.rows))
        return [f"{head}: the same answer each time (noise at most {bound} at 95 %)."]
    return [
        f"{head}: {words.clipped(row.field)} is not deterministic, {row.differ:,} of {row.n:,} differ "
        f"({words.percent(row.rate)}, {words.percent(row.lower)} to {words.percent(row.upper)} at 95 %)."
        for row in moving
    ]


def calibration_line(found: Calibrated) -> str:
    """The harness's own part in a latency, declared: "harness bias p50 0.1 ms, p95 0.3 ms, …"."""
    trust = "" if found.trusted else f"; latency is not judged: {found.why}"
    note = f"; {found.note}" if found.note else ""
    return (
        f"harness bias p50 {words.ms(found.bias_p50_ms)}, p95 {words.ms(found.bias_p95_ms)}, "
        f"send lag p99 {words.ms(found.send_lag_p99_ms)}, {words.percent(found.shed_share)} shed, measured "
        f"with {found.requests:,} requests at {found.rate:,.0f}/s and subtracted from nothing{trust}{note}"
    )


def quality_lines(quality: QualitySummary) -> list[str]:
    """What the labels cover, what the paired estimate says, and what a test that looks once would say."""
    lines = [quality_coverage(quality)]
    if quality.identical:
        lines.append(IDENTICAL)
    lines += [estimate_line(e) for e in (quality.estimate, quality.fixed_n) if e is not None]
    return [*lines, *([words.sentence(quality.note)] if quality.note else [])]


def quality_coverage(quality: QualitySummary) -> str:
    """Which label it is, as of when, and how many requests have one."""
    counts = words.tally(quality.counts, 12)
    return f"{words.sentence(quality.outcome)}, as of {words.moment(quality.as_of)}: {counts}"


def estimate_line(e: Estimate) -> str:
    """Value, interval and n, then the method: "log_loss: 0.0096, −0.0005 to 0.0188, n 2,681. …"."""
    bounds = words.interval(e)
    count = f"{e.count:,} of {e.n:,}" if e.count is not None else f"n {e.n:,}" if e.n else ""
    value = words.quantity(e.value, e.unit)
    numbers = words.joined((value, "" if bounds == words.NONE else bounds, count), ", ")
    method = words.sentence(words.joined((e.method, e.note), "; "))
    return f"{words.sentence(e.name)}: {numbers}. {method}".rstrip()


def last_look(quality: QualitySummary) -> str:
    """Where the sequential test stands, in a sentence; nothing where there was no look."""
    return _last_of(quality.looks) if quality.looks else ""


def live_lines(live: LiveSummary) -> list[str]:
    """What the log of a live canary holds, by which blocks its p95 is judged, and where each test stands."""
    tests: dict[str, list[Look]] = {}
    for look in live.looks:
        tests.setdefault(look.test, []).append(look)
    routed = "by unit" if live.sticky else "by request"
    given = f"{words.percent(live.share)} of the traffic, routed {routed}"
    worth = f"{words.counted(live.blocks, 'value')}, worth {words.number(live.effective)} of equal size"
    return [
        f"Live canary, as of {words.moment(live.as_of)}, {given}: {words.tally(live.counts, 12)}",
        f"p95 is judged on {live.rule}, declared: {worth}; {live.left_over:,} requests in none",
        *(_last_of(looks) for looks in tests.values()),
        words.sentence(live.note),
    ]


def _last_of(looks: Sequence[Look]) -> str:
    look = looks[-1]
    refused = f" (refused: {words.sentence(look.refused)})" if look.refused else ""
    return (
        f"Last of {words.counted(len(looks), 'look')}: {words.sentence(look.test)}: "
        f"{words.number(look.estimate)} ({words.number(look.lower)} to {words.number(look.upper)}) on "
        f"{words.counted(look.n, 'request')} of {words.counted(look.units, 'unit')}: {look.ruling}{refused}."
    )
