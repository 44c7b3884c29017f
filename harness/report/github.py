"""The report as workflow commands of GitHub: annotations within its limits, one a line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from harness.report import approvals, story, words
from harness.report.junit import figures

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.records import Report, Verdict

Level = Literal["error", "warning", "notice"]
#: GitHub shows so many of a level a step, and drops the rest without a word
MOST = 10
#: letters of a title and of a message
_TITLE, _MESSAGE = 120, 2_000
_LEVELS: dict[str, Level] = {"GO": "notice", "WAIT": "warning", "NO-GO": "error", "INVALID": "error"}


def render(report: Report) -> str:
    """The verdict first, then required gates that fail or are void, then what is open, one command a line."""
    decision = report.decision
    told = [words.sentence(decision.headline), *story.main_reasons(decision)]
    said = [*told, *approvals.lines(report), *decision.next_steps]
    verdict = _LEVELS[decision.word], f"{decision.word}: {report.scenario}", " ".join(said)
    every = [verdict, *_gates(report)]
    levels: tuple[Level, ...] = ("error", "warning", "notice")
    return "".join(
        f"{command(level, title, message=message)}\n"
        for level in levels
        for _, title, message in _shown([told for told in every if told[0] == level])
    )


def command(level: Level, title: str, *, message: str) -> str:
    """One annotation; no sign of the texts ends its title or its line.

    Known: the title "a:b" is written "a%3Ab", a line break shows as the two letters of its escape.
    """
    return f"::{level} title={_property(words.clipped(title, _TITLE))}::{_data(_clipped(message))}"


def _gates(report: Report) -> Iterator[tuple[Level, str, str]]:
    for gate in (*story.required_gates(report), *story.advisory_gates(report)):
        if gate.ruling != "PASS":
            name = f"{gate.ruling} {gate.gate.replace('_', ' ')} ({gate.arm})"
            yield _level(gate), name, f"{figures(gate)}: {story.gate_reason(gate)}"


def _level(gate: Verdict) -> Level:
    if not gate.required:
        return "notice"
    return "error" if gate.ruling == "FAIL" or gate.fault == "harness" else "warning"


def _shown(told: list[tuple[Level, str, str]]) -> list[tuple[Level, str, str]]:
    """At most as many as GitHub shows, the last one saying how many more there are."""
    if len(told) <= MOST:
        return told
    rest = len(told) - MOST + 1
    return [*told[: MOST - 1], (told[0][0], f"{rest:,} more", "See the gates in the step summary.")]


def _clipped(text: str) -> str:
    return words.clipped(text, _MESSAGE)


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
