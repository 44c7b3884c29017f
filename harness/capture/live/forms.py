"""Forms, queries and CSV: their pieces by name, and all else of them byte for byte."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Protocol

#: of a cell and what ends it; a quote that nothing closes was cut
_CELL = r'("(?:[^"]++|"")*+(?:"[^{0}\r\n]*+|\Z)|[^{0}\r\n]*+)({0}|\r\n|\r|\n|\Z)'
_DELIMITERS = ",;\t|"
#: of a header line that is looked at for what parts its cells
_HEADER = 1 << 16


class Cell(Protocol):
    """What stands for the text of a cell in the column of this name, which has a rule."""

    def __call__(self, text: str, /, *, name: str, action: str) -> str:
        """The text by the rule."""


def pairs(text: str, *, ruled: Callable[[str], bool]) -> list[tuple[str, str]]:
    """The pairs of a form or query, each with the mark before it.

    A semicolon parts pairs too, but not in a value that a rule is for: all of that is the value.
    """
    found: list[tuple[str, str]] = []
    for number, given in enumerate(text.split("&")):
        pieces = given.split(";")
        last = next((n for n, one in enumerate(pieces) if ruled(one.partition("=")[0])), len(pieces) - 1)
        marks = ["&" if number else "", *(";" * last)]
        found += zip(marks, [*pieces[:last], ";".join(pieces[last:])], strict=True)
    return found


def joined(pieces: Iterable[tuple[str, str | None]]) -> str:
    """The pairs that stay, each after its mark; the first has none."""
    kept = [(mark, pair) for mark, pair in pieces if pair is not None]
    text = "".join(mark + pair for mark, pair in kept)
    return text[1:] if kept and kept[0][0] else text


def delimiter(line: str) -> str:
    """What parts the cells of a line: that which makes most of them, a comma before all others."""
    return max(_DELIMITERS, key=lambda mark: len(_cells(line, mark)))


def table(text: str, *, rule: Callable[[str], str | None], cell: Cell) -> str | None:
    """A table with the cells of ruled columns put through `cell`; None where no column has a rule.

    `rule` says which is for a column by its name, `cell` what stands for a text.
    """
    start = len(text) - len(text.lstrip("\ufeff\r\n"))
    body = text[start:]
    mark = delimiter(body[:_HEADER].partition("\n")[0])
    cells = _cells(body, mark)
    width = next((n for n, (_, end) in enumerate(cells) if end != mark), len(cells)) + 1
    names = [_plain(one).strip() for one, _ in cells[:width]]
    ruled = {n: action for n, name in enumerate(names) if (action := rule(name)) is not None}
    if not ruled:
        return None
    pieces, column = [text[:start], *(piece for pair in cells[:width] for piece in pair)], 0
    for given, end in cells[width:]:
        action = ruled.get(column) if given else None
        pieces += [
            given if action is None else _like(given, cell(_plain(given), name=names[column], action=action)),
            end,
        ]
        column = column + 1 if end == mark else 0
    return "".join(pieces)


def _cells(text: str, mark: str) -> list[tuple[str, str]]:
    return [(one[1], one[2]) for one in re.finditer(_CELL.format(re.escape(mark)), text)]


def _plain(cell: str) -> str:
    quoted = cell.startswith('"')
    return cell[1:].removesuffix('"').replace('""', '"') if quoted else cell


def _like(given: str, new: str) -> str:
    """The new text, in quotes where the old one was."""
    if new == _plain(given):
        return given
    return '"' + new.replace('"', '""') + '"' if given.startswith('"') else new
