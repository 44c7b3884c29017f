"""The report in a terminal: the verdict first, at 80 columns or more, plain where there is no terminal."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from msgspec import structs
from rich import box
from rich.console import Group
from rich.padding import Padding
from rich.panel import Panel
from rich.table import Table as Grid
from rich.text import Text

from harness.report import approvals, numbers, outlook, sampled, story, tables, words
from harness.report.feature_tables import cut, traffic

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from rich.console import Console, ConsoleOptions, RenderableType, RenderResult

    from harness.records import Decision, Finding, Report, Verdict
    from harness.report.tables import Kind, Table

_COLOURS = {
    "GO": "#0072B2",
    "NO-GO": "#D55E00",
    "WAIT": "#E69F00",
    "INVALID": "#6B7280",
    "PASS": "#0072B2",
    "FAIL": "#D55E00",
    "UNDECIDED": "#E69F00",
}
_MOST_FINDINGS = 5
_MOST_LATENT = 3
_MOST_SHARES = 12
_ROOMY = 96
TIE = "\ue000"


@dataclass(frozen=True)
class Tied:
    """What is printed with ties, each a blank at which no line is broken."""

    inner: RenderableType

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for part in console.render(self.inner, options):
            yield part._replace(text=part.text.replace(TIE, " "))


def render(report: Report, console: Console, *, folder: Path | None = None) -> None:
    """The report is printed on `console`; `folder`, where the run lies, is named at the end when given."""
    console.print(Text(f"replaygate · {story.masthead(report)}", style="dim"))
    console.print(Tied(_verdict(report.decision)))
    _lines(console, approvals.lines(report))
    _lines(console, _ledger(report))
    _gates(report, console)
    _findings(report, console)
    _lines(console, story.noise_lines(report))
    _section(console, cut(traffic(report), _MOST_SHARES, rest="all in report.html"))
    _latency(report, console)
    _quality(report, console)
    if report.live is not None:
        _heading(console, "Live canary")
        _lines(console, story.live_lines(report.live))
    _section(console, tables.ignored(report))
    if folder is not None:
        _paths(console, folder)


def _verdict(decision: Decision) -> Panel:
    colour = _COLOURS[decision.word]
    word = Text(f"{story.SHAPES[decision.word]} {decision.word}", style=f"bold {colour}", no_wrap=True)
    steps = [
        (Text("" if place else "Do next", style="bold"), Text(words.printable(step)))
        for place, step in enumerate(decision.next_steps)
    ]
    reasons = [(Text("·"), sentence(reason)) for reason in story.main_reasons(decision)]
    return Panel(
        Group(
            _side_by_side([(word, sentence(decision.headline, style="bold"))]),
            _side_by_side(reasons, gap=1),
            _side_by_side(steps),
        ),
        border_style=colour,
        box=box.SQUARE,
        subtitle=f"exit code {decision.exit_code}",
        subtitle_align="right",
    )


def _side_by_side(rows: Iterable[tuple[Text, Text]], *, gap: int = 2) -> Grid:
    """A narrow column that keeps its words whole, and sentences beside it."""
    grid = Grid.grid(padding=(0, gap, 0, 0))
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    for row in rows:
        grid.add_row(*row)
    return grid


def _ledger(report: Report) -> Iterable[str]:
    for account in story.accounts(report):
        yield f"{account.name}: {account.line}"
        yield from (f"  {loss}" for loss in account.losses)
    yield from sampled.lines(report)


def _gates(report: Report, console: Console) -> None:
    """What the decision hangs on and what else is not PASS; reasons that the box has not given."""
    required, advisory = story.required_gates(report), story.advisory_gates(report)
    _heading(console, "Gates" if required else story.NO_GATES)
    passing = sum(gate.ruling == "PASS" for gate in advisory)
    shown = required + [gate for gate in advisory if gate.ruling != "PASS"]
    if shown:
        console.print(_gate_grid(report, shown, width=console.width))
    if passing:
        console.print(Text(f"{words.counted(passing, 'advisory gate')} PASS (in report.html)"))
    told = story.main_reasons(report.decision)
    for gate in required:
        reason = story.gate_reason(gate)
        if gate.ruling != "PASS" and not any(reason in line for line in told):
            name = words.printable(f"{gate.gate.replace('_', ' ')}, {gate.arm}: ")
            console.print(Tied(Text.assemble(_ruling(gate.ruling), " ", (name, "bold"), sentence(reason))))
    if report.decision.claim:
        console.print(Tied(sentence(report.decision.claim, style="dim")))


def _gate_grid(report: Report, gates: list[Verdict], *, width: int) -> Grid:
    """The gates in short names, figures never broken; the interval only where there is room for it."""
    tested = story.arm_under_test(report)
    table = tables.gates([_short(gate, tested) for gate in gates])
    kept = [c for c, column in enumerate(table.columns) if width >= _ROOMY or column.head != "Interval"]
    cut = replace(
        table,
        columns=tuple(table.columns[c] for c in kept),
        rows=tuple(tuple(row[c].removeprefix("exact; ") for c in kept) for row in table.rows),
    )
    return _grid(cut, unbroken=("number", "ruling"))


def _short(gate: Verdict, tested: str) -> Verdict:
    name = gate.gate if gate.required else f"{gate.gate} (advisory)"
    return structs.replace(gate, gate=name, arm=story.short_arm(gate.arm, tested))


def _findings(report: Report, console: Console) -> None:
    if not report.findings:
        _heading(console, story.no_findings(report))
        return
    costly = story.costly(report.findings)
    _heading(console, "Findings, the worst first" if costly else story.NOTHING_COSTLY)
    for place, finding in enumerate(costly[:_MOST_FINDINGS], start=1):
        _finding(report, finding, console=console, place=place)
    _rest(console, len(costly) - _MOST_FINDINGS)
    _latent(console, story.latent(report.findings))


def _latent(console: Console, found: tuple[Finding, ...]) -> None:
    """What differs and changes no score, apart: a sentence each."""
    if not found:
        return
    _heading(console, "Latent skew")
    console.print(Text(story.LATENT, style="dim"))
    for finding in found[:_MOST_LATENT]:
        title = (f"{story.finding_title(finding)}. ", "bold")
        console.print(Tied(Text.assemble("· ", title, sentence(finding.sentence))))
    _rest(console, len(found) - _MOST_LATENT)


def _rest(console: Console, rest: int) -> None:
    if rest > 0:
        console.print(Text(f"and {rest:,} more in report.md"))


def _finding(report: Report, finding: Finding, *, console: Console, place: int) -> None:
    known = finding.sentence == report.decision.headline
    more = sentence("" if known else f". {finding.sentence}")
    console.print(Tied(Text.assemble(f"{place}. ", (story.finding_title(finding), "bold"), more)))
    details = [" · ".join(story.finding_facts(finding))]
    number = numbers.number_of(report, finding)
    details += [
        f"e.g. {line} · reproduce {number}" for line in story.exemplar_lines(report, finding, limit=1)
    ]
    for line in details:
        console.print(Padding(Text(line), (0, 0, 0, 3)))


def _latency(report: Report, console: Console) -> None:
    table = tables.judged_latency(report)
    if table.rows:
        _section(console, table)
    else:
        _heading(console, "Latency: not measured")
    _lines(console, story.phase_lines(report))


def _quality(report: Report, console: Console) -> None:
    for quality in report.quality:
        if quality.identical:
            _heading(console, tables.quality_title(quality))
            _lines(console, (story.quality_coverage(quality), story.IDENTICAL))
            continue
        _section(console, tables.served_metrics(quality))
        estimate = story.estimate_line(quality.estimate) if quality.estimate else ""
        standing = story.last_look(quality) or estimate
        lines = (story.quality_coverage(quality), standing, outlook.ahead_line(quality))
        _lines(console, filter(None, lines))


def _paths(console: Console, folder: Path) -> None:
    _heading(console, "Report")
    _lines(console, (str(folder / name) for name in ("report.html", "report.md", "report.json")))


def _section(console: Console, table: Table) -> None:
    """A heading and the table under it, or nothing when the table is empty."""
    if table.rows:
        _heading(console, table.title)
        console.print(_grid(table))


def _grid(table: Table, *, unbroken: tuple[Kind, ...] = ("ruling",)) -> Grid:
    grid = Grid(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0), show_edge=False)
    for column in table.columns:
        grid.add_column(
            Text(column.head),
            justify="right" if column.kind == "number" else "left",
            overflow="fold",
            no_wrap=column.kind in unbroken,
        )
    for row in table.rows:
        grid.add_row(
            *(
                _ruling(cell) if column.kind == "ruling" else Text(cell)
                for column, cell in zip(table.columns, row, strict=True)
            )
        )
    return grid


def _ruling(word: str) -> Text:
    return Text(f"{story.SHAPES[word]} {word}", style=f"bold {_COLOURS[word]}", no_wrap=True)


def sentence(text: str, style: str = "") -> Text:
    """A sentence whose per cent signs are tied to their numbers; `Tied` prints the tie as a blank."""
    return Text(words.sentence(text).replace(" %", f"{TIE}%"), style=style)


def _heading(console: Console, text: str) -> None:
    console.print()
    console.print(Text(text, style="bold"))


def _lines(console: Console, lines: Iterable[str]) -> None:
    for line in lines:
        console.print(Text(words.printable(line)))
