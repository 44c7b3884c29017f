"""A diagnosis in a terminal of 80 columns or more: the answer, the main metric in parts, what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich import box
from rich.console import Group
from rich.panel import Panel
from rich.table import Table as Grid
from rich.text import Text

from harness.report import diagnosis_story as story
from harness.report import diagnosis_tables as tables
from harness.report import words
from harness.report.diagnosis_words import status, step
from harness.report.terminal import Tied, sentence

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from rich.console import Console

    from harness.records import Diagnosis, LikelyCause
    from harness.report.tables import Table

_MOST_PARTS, _MOST_REMEDIES, _MOST_MISSING = 16, 4, 5
_ROOMY = 110


def render(found: Diagnosis, console: Console, *, folder: Path | None = None) -> None:
    """The diagnosis is printed on `console`; `folder`, where it lies, is named at the end when given."""
    console.print(Text(f"replaygate diagnose · {story.masthead(found)}", style="dim"))
    console.print(Tied(_answer(found)))
    for said, before, now in story.promises(found):
        console.print(Text(f"{said}: {before} promised, {now} now"))
    _parts(found, console)
    _section(console, tables.worth_short(found, most=_MOST_REMEDIES), otherwise=story.NO_REMEDIES)
    _evidence(found, console)
    _heading(console, "What could not be checked")
    for line in found.missing[:_MOST_MISSING] or (story.NOTHING_MISSING,):
        console.print(Tied(sentence(f"· {line}")))
    _more(console, len(found.missing) - _MOST_MISSING)
    uses = story.uses_line(found)
    if uses:
        console.print(Tied(sentence(uses, style="dim")))
    if folder is not None:
        _heading(console, "Report")
        for name in ("diagnosis.html", "diagnosis.md", "diagnosis.json"):
            console.print(Text(words.printable(str(folder / name))))


def likely(causes: Sequence[LikelyCause], console: Console) -> None:
    """What fits a table of metrics alone, best first, with what to measure next."""
    _heading(console, "What fits the table of metrics alone, best first")
    for place, cause in enumerate(causes, start=1):
        console.print(Tied(sentence(f"{place}. {cause.name}", style="bold")))
        for line in cause.because:
            console.print(Tied(sentence(f"   · {line}")))
        console.print(Tied(sentence(f"   measure next: {cause.next_measurement}", style="dim")))
    if not causes:
        console.print(Text("No cause fits: no number is worse in production beyond chance of 2,000 rows."))


def _answer(found: Diagnosis) -> Panel:
    first, *others = found.summary or (story.NO_SUMMARY,)
    lines = [sentence(first, style="bold"), *map(sentence, others)]
    if found.next_steps:
        lines.append(Text("Do next", style="bold"))
        lines += [sentence(f"{place}. {line}") for place, line in enumerate(found.next_steps, start=1)]
    return Panel(Group(*lines), box=box.SQUARE)


def _parts(found: Diagnosis, console: Console) -> None:
    """The main metric in parts, in pipeline order; where there are many, the largest."""
    main = story.main_gap(found)
    if main is None:
        _heading(console, story.NO_METRICS)
        return
    _heading(console, story.gap_sentence(main))
    table = tables.parts_short(found, main, most=_MOST_PARTS, roomy=console.width >= _ROOMY)
    console.print(_grid(table))
    _more(console, sum(part.value is not None for part in main.parts) - _MOST_PARTS)
    missing = [step(part.step) for part in main.parts if part.value is None]
    if missing:
        console.print(Text(f"Not computed: {words.listed(missing, 8)}"))
    if story.outside_line(main):
        console.print(Text(story.outside_line(main)))


def _evidence(found: Diagnosis, console: Console) -> None:
    """A line to each exhibit that found something, and which others there are."""
    if not found.exhibits:
        return
    _heading(console, "Evidence")
    grid = Grid.grid(padding=(0, 1, 0, 0))
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    others: dict[str, list[str]] = {}
    for name, exhibit in story.numbered(found.exhibits).items():
        if exhibit.found != "found":
            others.setdefault(exhibit.found, []).append(f"{name} {words.clipped(exhibit.title, 60)}")
            continue
        title = Text(f"{words.clipped(exhibit.title)}: ", style="bold")
        grid.add_row(Text(name), Text.assemble(title, sentence(words.clipped(exhibit.answer, 240))))
    console.print(Tied(grid))
    for why, names in others.items():
        console.print(Text(f"{status(why)}: {words.listed(names, 12)}"))


def _section(console: Console, table: Table, *, otherwise: str) -> None:
    _heading(console, table.title if table.rows else otherwise)
    if table.rows:
        console.print(_grid(table))


def _grid(table: Table) -> Grid:
    grid = Grid(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0), show_edge=False)
    for column in table.columns:
        is_number = column.kind == "number"
        grid.add_column(
            Text(column.head), justify="right" if is_number else "left", overflow="fold", no_wrap=is_number
        )
    for row in table.rows:
        grid.add_row(*map(Text, row))
    return grid


def _more(console: Console, rest: int) -> None:
    if rest > 0:
        console.print(Text(f"and {rest:,} more in diagnosis.md"))


def _heading(console: Console, text: str) -> None:
    console.print()
    console.print(Text(text, style="bold"))
