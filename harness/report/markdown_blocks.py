"""Tables, lists and code blocks of GitHub-flavoured Markdown, and the cut of a page that is too long."""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING

from harness.report import words
from harness.report.markdown import escape

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from harness.report.tables import Table


def section(table: Table, *, heading: str = "##") -> Iterator[str]:
    """A table under its title; nothing at all where it has no rows."""
    if table.rows:
        yield from ([f"{heading} {escape(table.title)}", ""] if table.title else [])
        yield from rows(table)


def rows(table: Table) -> Iterator[str]:
    """The table alone, numbers to the right; nothing where it has no rows."""
    if not table.rows:
        return
    yield _row(escape(column.head) for column in table.columns)
    yield _row("---:" if column.kind == "number" else "---" for column in table.columns)
    yield from (_row(map(escape, row)) for row in table.rows)
    yield ""


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def bullets(lines: Iterable[str]) -> Iterator[str]:
    """A list of sentences."""
    yield from (f"- {escape(words.sentence(line))}" for line in lines)
    yield ""


def fenced(lines: Iterable[str]) -> list[str]:
    """A code block whose fence is longer than any run of backticks in it."""
    clean = [words.printable(line) for line in lines]
    longest = max((len(run) for line in clean for run in re.findall(r"`+", line)), default=0)
    fence = "`" * max(3, longest + 1)
    return [f"{fence}sh", *clean, fence, ""]


def inside_html(text: str) -> str:
    """Text within a tag, where Markdown is not read but mentions and addresses still are."""
    broken = re.sub(r"(@|#)(?=\w)", "\\1\u200b", words.printable(text))
    return html.escape(broken).replace("://", "&#58;//").replace("www.", "www&#46;").replace("`", "&#96;")


def fitted(lines: Iterable[str], most_bytes: int, *, note: str) -> str:
    """The whole lines that fit into so many bytes of UTF-8, and the note where any are left out."""
    kept: list[str] = []
    room = most_bytes - len(note.encode()) - 2
    for line in lines:
        room -= len(line.encode()) + 1
        if room < 0:
            return "\n".join([*kept, note]) + "\n"
        kept.append(line)
    return "\n".join(kept).rstrip("\n") + "\n"
