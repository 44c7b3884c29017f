"""Why the verdict is what it is, in three plain sentences, and where on the page each is proved."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.report import story, tables, words

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from harness.records import Report, Verdict

MOST = 3
#: the part of the page that proves a gate
_PLACES = {
    "feature_parity": "features",
    "score_parity": "scores",
    "decision_flips": "scores",
    "offline_reference": "run",
    "latency_p95": "latency",
    "errors": "run",
    "completeness": "run",
    "model_identity": "run",
    "label_guardrail": "quality",
    "label_improvement": "quality",
}
#: gates that a reader of a GO wants to see proved, in this order
_PROOFS = ("feature_parity", "score_parity", "latency_p95", "label_improvement", "label_guardrail")
_SAYS = {"FAIL": "fails", "UNDECIDED": "is open", "PASS": "passes"}


@dataclass(frozen=True)
class Sentence:
    """One reason, and the part of the page where it is told in full."""

    text: str
    place: str


def sentences(report: Report) -> list[Sentence]:
    """At most three: what fails, else what is open, else what was proved; the rest is counted in the last."""
    required = story.required_gates(report)
    said = [gate for gate in required if gate.ruling != "PASS" and not _in_headline(gate, report)]
    passed = [gate for gate in required if gate.ruling == "PASS"]
    told = _told(said, report) if said or report.decision.word != "GO" else _told(_proofs(passed), report)
    room = MOST - 1 if passed and (said or report.decision.word != "GO") else MOST
    shown = told[:room]
    if len(told) > room:
        rest = f" And {words.counted(len(told) - room, 'more reason')}, in the table of gates."
        shown[-1] = Sentence(shown[-1].text + rest, shown[-1].place)
    return [*shown, *([_passing(passed)] if room < MOST else [])]


def place(gate: str) -> str:
    """The part of the page that a gate is about; the gates themselves where it has none."""
    return _PLACES.get(gate, "live" if gate.startswith("live") else "gates")


def title(gate: str) -> str:
    """The name of a gate as a sentence begins: "Latency p95"."""
    return words.clipped(gate.replace("_", " ")).capitalize()


def _in_headline(gate: Verdict, report: Report) -> bool:
    return words.sentence(gate.reason) == words.sentence(report.decision.headline)


def _told(gates: Sequence[Verdict], report: Report) -> list[Sentence]:
    """A sentence a gate; what is said alike of several arms is said once."""
    tested = story.arm_under_test(report)
    arms: dict[tuple[str, str, str], list[str]] = {}
    for gate in gates:
        key = (gate.gate, gate.ruling, story.gate_reason(gate))
        arms.setdefault(key, []).append(story.short_arm(gate.arm, tested))
    return [
        Sentence(f"{title(gate)} ({story.named_arms(who)}) {_SAYS[ruling]}: {_begun(reason)}", place(gate))
        for (gate, ruling, reason), who in arms.items()
    ]


def _begun(reason: str) -> str:
    """A reason after a colon: without a capital where its first word is a plain one."""
    return re.sub(r"^(The|All|Of|On|No|Each)\b", lambda found: found[0].lower(), reason)


def _proofs(passed: list[Verdict]) -> list[Verdict]:
    """One gate of each kind that proves something, the first of its kind."""
    first: dict[str, Verdict] = {}
    for gate in passed:
        first.setdefault(gate.gate, gate)
    return [first[name] for name in _PROOFS if name in first] or passed


def _passing(passed: list[Verdict]) -> Sentence:
    """What holds, in one line: the value of each gate beside its limit."""
    row = {gate.gate: tables.gates([gate]).rows[0] for gate in passed}
    held = [
        f"{words.clipped(name.replace('_', ' '))} {value[2]} ({value[3]})"
        if value[2] != words.NONE
        else words.clipped(name.replace("_", " "))
        for name, value in row.items()
    ]
    return Sentence(f"What passes: {_listed(held)}.", "gates")


def _listed(parts: Iterable[str]) -> str:
    return words.listed(list(parts), 6)
