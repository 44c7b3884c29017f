"""One request of a run with every arm's answer to it; and the findings of a run with their requests."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import msgspec
from rich import box
from rich.table import Table as Grid
from rich.text import Text

from harness.report import story, words
from harness.report.numbers import numbered

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from rich.console import Console

    from harness.records import Report

#: rows that a terminal shows of what agrees, and characters of a cell
_MOST_ALIKE = 40
_CELL = 60
_DIGITS = (6, 9, 12, 17)
_FLOAT = re.compile(r"-?\d+\.\d+([eE][-+]?\d+)?")


class Differs(msgspec.Struct, frozen=True, kw_only=True):
    """How one arm's cell differs from its reference's, and the findings that tell of it."""

    against: str
    kind: str
    magnitude: float | None = None
    findings: tuple[str, ...] = ()
    causes: tuple[str, ...] = ()


class Field(msgspec.Struct, frozen=True, kw_only=True):
    """A feature, or the score: its value by arm (NaN spelled, absent where not shown), and who differs."""

    field: str
    values: dict[str, msgspec.Raw]
    differs: dict[str, Differs] = {}


class Answered(msgspec.Struct, frozen=True, kw_only=True):
    """What an arm answered in a phase; `positive` is the decision at the threshold."""

    arm: str
    phase: str
    state: str
    status: int | None = None
    score: float | None = None
    positive: bool | None = None
    response_ms: float | None = None
    service_ms: float | None = None
    model: str | None = None
    detail: str = ""


class ShownRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A captured request and all that is known of its answers; a body that is not JSON is a text."""

    run: str
    request_id: str
    seq: int
    ts: str
    event_time: str | None
    unit: str | None
    segments: dict[str, str]
    method: str
    path: str
    headers: dict[str, str]
    body: msgspec.Raw
    truncated: bool
    threshold: float
    arms: tuple[str, ...]
    fields: tuple[Field, ...]
    answers: tuple[Answered, ...]
    findings: dict[str, str] = {}

    @property
    def differing(self) -> list[Field]:
        """The fields in which some arm differs."""
        return [one for one in self.fields if one.differs]


def as_json(shown: ShownRequest) -> str:
    """The request as indented JSON."""
    return msgspec.json.format(msgspec.json.encode(shown), indent=2).decode()


def findings_as_json(report: Report) -> str:
    """The findings by number, as indented JSON."""
    return msgspec.json.format(msgspec.json.encode(numbered(report)), indent=2).decode()


def render(shown: ShownRequest, console: Console) -> None:
    """The request on a console: what was asked, who answered what, and where that differs."""
    console.print(Text(f"request {words.printable(shown.request_id)} · seq {shown.seq:,}", style="bold"))
    for line in _facts(shown):
        console.print(Text(line))
    _titled(console, "Request", grid=_body(shown))
    _titled(console, "Answers", grid=_answers(shown))
    if shown.fields:
        _titled(console, "Offline and served, ≠ where they differ", grid=_fields(shown))
    _notes(shown, console)


def render_findings(report: Report, console: Console, *, run: str) -> None:
    """Every finding with its number, the requests to look at, and the commands that do."""
    if not report.findings:
        console.print(Text(story.no_findings(report)))
    for name, finding in numbered(report).items():
        console.print(Text(f"{name}  {story.finding_title(finding)}", style="bold"))
        console.print(Text(f"    {words.sentence(finding.sentence)}"))
        ids = ", ".join(words.clipped(one.request_id) for one in finding.exemplars)
        console.print(Text(f"    {' · '.join(story.finding_facts(finding))}"))
        console.print(Text(f"    requests: {ids}"))
        console.print()
    if report.findings:
        first = next((e.request_id for f in report.findings for e in f.exemplars), "ID")
        for line in (f"replaygate show {run} --request {first}", f"replaygate reproduce {run} F1"):
            console.print(Text(words.printable(line)), soft_wrap=True)


def _facts(shown: ShownRequest) -> Iterable[str]:
    when = [f"arrived {words.moment(shown.ts)}"]
    when += [f"event time {words.moment(shown.event_time)}"] if shown.event_time else []
    who = [f"unit {words.clipped(shown.unit)}"] if shown.unit else []
    who += [f"{words.clipped(k)} {words.clipped(v)}" for k, v in shown.segments.items()]
    yield " · ".join(when + who)
    headers = [f"{name}: {value}" for name, value in shown.headers.items()]
    yield words.clipped(" · ".join([f"{shown.method} {shown.path}", *headers]), 300)
    if shown.truncated:
        yield "Its body was cut short when it was recorded."


def _body(shown: ShownRequest) -> Grid:
    """The fields of the body, each with its value as JSON."""
    grid = _grid("field", "value")
    document: Any = json.loads(bytes(shown.body))
    if isinstance(document, dict):
        for name, value in document.items():
            grid.add_row(_cell(name), _cell(json.dumps(value, ensure_ascii=False)))
    else:
        grid.add_row(_cell("(whole body)"), _cell(bytes(shown.body).decode()))
    return grid


def _answers(shown: ShownRequest) -> Grid:
    decision = f"score ≥ {shown.threshold:g}"
    grid = _grid("arm", "phase", "state", "score", decision, "response", "service", "model", "detail")
    for one in shown.answers:
        status = f"{one.state} {one.status}" if one.status is not None else one.state
        score = words.NONE if one.score is None else f"{one.score:.9g}"
        said = words.NONE if one.positive is None else "yes" if one.positive else "no"
        times = (words.ms(one.response_ms), words.ms(one.service_ms))
        model = words.clipped(one.model or words.NONE, 12)
        grid.add_row(*map(_cell, (one.arm, one.phase, status, score, said, *times, model, one.detail)))
    return grid


def _fields(shown: ShownRequest) -> Grid:
    """What differs first, then what agrees."""
    grid = _grid("field", *shown.arms, "difference", "finding")
    alike = [one for one in shown.fields if not one.differs]
    for one in (*shown.differing, *alike[:_MOST_ALIKE]):
        values = [_value(one, arm) for arm in shown.arms]
        told = list(dict.fromkeys(_told(d) for d in one.differs.values()))
        causes = list(dict.fromkeys(c for d in one.differs.values() for c in _causes(d)))
        grid.add_row(_cell(one.field), *values, _cell("; ".join(told)), _cell("; ".join(causes)))
    if len(alike) > _MOST_ALIKE:
        grid.add_row(_cell(f"and {len(alike) - _MOST_ALIKE:,} more agree"))
    return grid


def spoken(one: Field) -> dict[str, str]:
    """The cells of a field by arm, numbers with no more digits than keep different ones different."""
    digits = _digits(one)
    return {arm: words.clipped(_spoken(raw, digits), _CELL) for arm, raw in one.values.items()}


def _value(one: Field, arm: str) -> Text:
    text = spoken(one).get(arm, words.NONE)
    return Text(f"≠ {text}", style="bold #D55E00") if arm in one.differs else Text(text)


def _digits(one: Field) -> int:
    """As few digits as keep different values different; those of another arm may differ in the last bit."""
    whole = {bytes(raw) for raw in one.values.values()}
    enough = (d for d in _DIGITS if len({_spoken(raw, d) for raw in one.values.values()}) == len(whole))
    return next(enough, _DIGITS[-1])


def _spoken(raw: msgspec.Raw, digits: int) -> str:
    """A cell as JSON, a number to some digits."""
    text = bytes(raw).decode()
    return f"{json.loads(text):.{digits}g}" if _FLOAT.fullmatch(text) else text


def _told(one: Differs) -> str:
    by = f" by {words.number(one.magnitude)}" if one.magnitude else ""
    return f"{one.kind}{by}"


def _causes(one: Differs) -> Iterable[str]:
    return (
        f"{n} {words.printable(c.replace('_', ' '))}" for n, c in zip(one.findings, one.causes, strict=True)
    )


def _notes(shown: ShownRequest, console: Console) -> None:
    console.print()
    if not shown.differing:
        console.print(Text("Nothing differs on this request."))
    for name, sentence in shown.findings.items():
        console.print(Text(f"{name}: {words.sentence(sentence)}"))
        line = f"    replaygate reproduce {shown.run} {name}"
        console.print(Text(words.printable(line)), soft_wrap=True)


def _titled(console: Console, title: str, *, grid: Grid) -> None:
    console.print()
    console.print(Text(title, style="bold"))
    console.print(grid)


def _grid(*heads: str) -> Grid:
    grid = Grid(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0), show_edge=False)
    for head in heads:
        grid.add_column(_cell(head), overflow="fold", no_wrap=head in {"field", "arm"})
    return grid


def _cell(text: str) -> Text:
    return Text(words.clipped(text, 300))


def covered(kinds: Mapping[str, str], name: str, *, arm: str, report: Report) -> dict[str, str]:
    """The findings that tell of a cell of an arm, with their causes; `kinds` are the arm's differing fields.

    A score that differs beside features is told by theirs.
    """
    features = [field for field in kinds if field != "score"]
    wanted = features if name == "score" and features else [name]
    unstable = kinds[name] == "nondeterministic"
    return {
        number: finding.cause
        for number, finding in numbered(report).items()
        if finding.arm == arm
        and not set(wanted).isdisjoint(finding.fields)
        and (name != "score" or features or (finding.cause == "nondeterministic") == unstable)
    }
