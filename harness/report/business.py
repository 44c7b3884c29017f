"""The same facts for who decides and does not read code: may it ship, what is at risk, what happens next."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.report import outlook, sampled, story, why, words
from harness.report.numbers import THE_LOG

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.records import PairSummary, QualitySummary, Report, Verdict, Word

_ANSWERS: dict[Word, tuple[str, str]] = {
    "GO": ("Yes, it may ship.", "Every check that was agreed on has passed."),
    "NO-GO": ("No, it should not ship.", "At least one check that was agreed on has failed."),
    "WAIT": ("Not yet.", "Nothing has failed, and the evidence is not enough to say yes."),
    "INVALID": ("We cannot say.", "The test itself went wrong, which says nothing about the new version."),
}
_NEXT: dict[Word, str] = {
    "GO": "The new version may take real traffic.",
    "NO-GO": "The version in production keeps all traffic. After the repair the same test is run again.",
    "WAIT": "The version in production keeps all traffic until the evidence is there.",
    "INVALID": "The version in production keeps all traffic. The test is repeated.",
}
#: what each kind of gate asks, in the order in which a reader would ask
_QUESTIONS: dict[str, tuple[str, ...]] = {
    "Does it read its inputs as it was trained to?": ("feature_parity",),
    "Does it give the scores and decisions it should?": ("score_parity", "decision_flips"),
    "Is it fast enough?": ("latency_p95", "live_latency"),
    "Does it answer at all?": ("errors", "live_errors"),
    "Are its results good for users?": ("label_guardrail", "label_improvement"),
    "Was the right version tested?": ("model_identity", "offline_reference"),
    "Did the test lose anything?": ("completeness", "harness_health", "live_split"),
}
_STANDING = {"PASS": "Yes", "FAIL": "No", "UNDECIDED": "Not known"}
#: what a request is that a gate counts
_WHAT = {
    "feature_parity": "with a wrong input",
    "score_parity": "with another score than it should have",
    "decision_flips": "with another decision than it should have",
    "errors": "without a proper answer",
    "completeness": "lost by the test",
    "model_identity": "answered by another version",
}
_LIMIT = (
    "It shows what these requests show: other traffic may behave otherwise, and times hold for the machine "
    "and the arrivals of this test."
)
_MOST_RISKS = 4


@dataclass(frozen=True)
class Check:
    """One question with its answer in a word, the ruling behind it, and a sentence of figures."""

    question: str
    answer: str
    ruling: str
    told: str


@dataclass(frozen=True)
class Summary:
    """The page: the answer and why, the checks, what is at risk, what happens next, what it does not say."""

    answer: str
    because: str
    headline: str
    checks: tuple[Check, ...]
    risks: tuple[str, ...]
    next_steps: tuple[str, ...]
    limits: tuple[str, ...]


def summary(report: Report) -> Summary:
    """All of the page's sentences; the facts are those of the other pages."""
    answer, because = _ANSWERS[report.decision.word]
    return Summary(
        answer=answer,
        because=because,
        headline=words.sentence(report.decision.headline),
        checks=tuple(_checks(report)),
        risks=tuple(_risks(report))[:_MOST_RISKS],
        next_steps=(_NEXT[report.decision.word], *_steps(report)),
        limits=tuple(_limits(report)),
    )


def of_hundred(share: float) -> str:
    """A share as people count: .041 is "4 of 100", .0004 "4 of 10,000", 1 "all"."""
    if share >= 1.0:
        return "all"
    if share <= 0.0:
        return "none"
    size = 100
    while share * size < 1.0 and size < 10**9:
        size *= 10
    whole = round(share * size)
    return f"nearly all ({size - 1:,} or more of {size:,})" if whole >= size else f"{whole:,} of {size:,}"


def _checks(report: Report) -> Iterator[Check]:
    for question, gates in _QUESTIONS.items():
        mine = [gate for gate in story.required_gates(report) if gate.gate in gates]
        if mine:
            # what fails stands first, then what is open; among equals the kind that says most
            ruling = mine[0].ruling
            worst = min((g for g in mine if g.ruling == ruling), key=lambda g: gates.index(g.gate))
            yield Check(question, _STANDING[ruling], ruling, _figures(report, worst))


def _figures(report: Report, gate: Verdict) -> str:
    """What a gate counted, in plain words; its own reason where it counts nothing."""
    if gate.gate.startswith("label"):
        return _results(report, gate)
    if gate.gate.startswith("latency") and not gate.n:
        return "Its speed was not measured in this run."
    if gate.value is None or gate.limit is None or not gate.n:
        return story.gate_reason(gate)
    tested = words.counted(gate.n, "request")
    if gate.unit == "ms":
        late = f"95 of 100 answers came within {words.ms(gate.value)}, the promise is {words.ms(gate.limit)}"
        return f"{late} ({tested})."
    if not gate.unit.startswith("share"):
        return story.gate_reason(gate)
    counted = round(gate.value * gate.n)
    often = f" ({of_hundred(gate.value)})" if counted else ""
    allowed = f"at most {of_hundred(gate.limit)} may be" if gate.limit > 0 else "none may be"
    what = _WHAT.get(gate.gate, f"over the limit of {words.clipped(gate.gate.replace('_', ' '))}")
    return f"{counted:,} of {tested}{often} {what}; {allowed}."


def _results(report: Report, gate: Verdict) -> str:
    """What labels say of the outcome that a gate is about, without the name of a metric."""
    quality = _ruled_on(report, gate)
    if quality is None or not gate.n:
        return "No outcomes of users are known that could tell."
    seen = f"on {words.counted(gate.n, 'request')} whose outcome is known"
    outcome = words.sentence(quality.outcome)
    name = f"{outcome[:1].upper()}{outcome[1:]}"
    if quality.identical:
        return f"{name}: every score is the same as today's, {seen} too."
    goal = "shown to be better" if quality.superiority else "shown not to be worse by more than was agreed on"
    says = {"PASS": goal, "FAIL": "shown to be worse", "UNDECIDED": "not decided yet"}[gate.ruling]
    return f"{name}: {says}, {seen}."


def _ruled_on(report: Report, gate: Verdict) -> QualitySummary | None:
    """The outcome that a gate is about: a guardrail names its own, an improvement is on any of its kind."""
    if gate.gate != "label_improvement":
        named = [q for q in report.quality if gate.arm.endswith(f", {q.name}")]
        return next(iter(named or report.quality), None)
    tried = [q for q in report.quality if q.superiority]
    ruled = [q for q in tried if q.looks and q.looks[-1].ruling == gate.ruling]
    return next(iter(ruled or tried or report.quality), None)


def _risks(report: Report) -> Iterator[str]:
    """What shipping now would do, the worst first; one calm line where nothing was found."""
    told = [*_decisions(report), *_slow(report), *_quality(report)]
    wrong = [f for f in story.costly(report.findings) if f.arm == _tested(report)]
    if wrong:
        fields = words.listed([field for finding in wrong[:3] for field in finding.fields])
        told.append(f"{words.counted(len(wrong), 'fault')} found by name, the worst in {fields}.")
    hidden = len(story.latent(report.findings))
    if hidden:
        told.append(
            f"{words.counted(hidden, 'input')} differ without any effect on decisions today. They may have "
            "one after the next training."
        )
    unknown = report.decision.word == "INVALID" or _pair(report) is None
    calm = (
        "Not known: nothing could be compared." if unknown else "Nothing was found that users would notice."
    )
    yield from told or [calm]


def _tested(report: Report) -> str:
    arms = [gate.arm.partition(" vs ")[0].partition(",")[0] for gate in story.required_gates(report)]
    return max(arms, key=arms.count) if arms else ""


def _pair(report: Report) -> PairSummary | None:
    """The build under test against what it should answer."""
    tested = _tested(report)
    mine = [pair for pair in report.pairs if pair.right == tested and pair.compared and pair.right != THE_LOG]
    return max(mine, key=lambda pair: (pair.left.startswith("offline"), pair.flips), default=None)


def _decisions(report: Report) -> Iterator[str]:
    pair = _pair(report)
    if pair is None or not pair.flips:
        return
    rate = pair.flips / pair.compared
    often = of_hundred(sampled.share(rate, pair.traffic.flips) if pair.traffic else rate)
    yield (
        f"{often} decisions would be other ones than the trained model makes "
        f"({pair.flips:,} of {pair.compared:,} replayed)."
    )


def _slow(report: Report) -> Iterator[str]:
    tested, budget = _tested(report), report.budget_ms
    for item in report.latency:
        if item.judged and item.target == tested and item.over_budget and budget is not None:
            rate = item.over_budget / max(item.requests, 1)
            often = of_hundred(item.thin.slow if item.thin and item.thin.slow is not None else rate)
            yield f"{often} requests would take longer than {words.ms(budget)} or get no answer."


def _quality(report: Report) -> Iterator[str]:
    for quality in report.quality:
        last = quality.looks[-1] if quality.looks else None
        if quality.role != "watched" and last is not None and last.ruling == "FAIL":
            yield f"On {words.sentence(quality.outcome)} the new version is shown to be worse."


def _steps(report: Report) -> Iterator[str]:
    """What closes each open check, in requests and days where they are known."""
    found = list(dict.fromkeys(f.fields for f in story.costly(report.findings) if f.arm == _tested(report)))
    if found and report.decision.word == "NO-GO":
        yield f"To repair first: {words.listed(found[0])}."
    for gate in story.required_gates(report):
        if gate.ruling == "UNDECIDED" and gate.needs:
            yield f"{why.title(gate.gate)} needs {words.sentence(gate.needs).rstrip('.')}."
    yield from filter(None, (_plain_ahead(quality) for quality in report.quality))


def _plain_ahead(quality: QualitySummary) -> str:
    line = outlook.ahead_line(quality)
    found = quality.ahead
    if not line or found is None or found.days is None:
        return ""
    last = quality.looks[-1]
    return (
        f"On {words.sentence(quality.outcome)}: about {found.requests - last.n:,} more requests, "
        f"{words.number(max(found.days, 0.0))} days at this rate, until it can be decided."
    )


def _limits(report: Report) -> Iterator[str]:
    """What was looked at, and what that cannot say."""
    pair = _pair(report)
    if pair is not None:
        yield f"Tested on {pair.compared:,} real requests that were recorded and sent again."
        yield _LIMIT
    yield from sampled.plain(report)
    if not report.quality:
        yield "Nothing is known about results for users: no outcomes were given."
