"""A finding shown on a live endpoint by the smallest request: a record, a page, a script."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

import msgspec
from rich import box
from rich.table import Table as Grid
from rich.text import Text

from harness.replay.disclosure import PORT, Written
from harness.report import curl, words

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import Console

MISSING = "missing"
AGREES = "agrees"
#: parts that a terminal lists one by one
_MOST_PARTS = 40


class Mismatch(msgspec.Struct, frozen=True, kw_only=True):
    """A field of the finding as it was expected and as it was served, as JSON texts."""

    field: str
    kind: str
    expected: str
    served: str


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """A part of the body that could not be left out, and what happens without it."""

    path: str
    value: str
    matters: bool
    without: str


class Start(msgspec.Struct, frozen=True, kw_only=True):
    """How the service is started: a command with its placeholders, the folder it runs in, its environment."""

    command: tuple[str, ...]
    folder: str
    environment: tuple[str, ...] = ()


class Reproduction(msgspec.Struct, frozen=True, kw_only=True):
    """`reproduce/F1.json`: whether a finding still shows, and the smallest request that shows it.

    `tried` says what became of each exemplar that does not show it. `before` and `after` count the parts of
    the body. `expected` holds what the reference gives for the finding's fields, `tolerances` how far (atol,
    rtol) a served value may be from it; `score` is None where other fields differ too. `times` is how often
    the request is sent to show it. `note` is a reservation about all of it.
    """

    finding: str
    arm: str
    against: str
    cause: str
    fields: tuple[str, ...]
    sentence: str
    reproduced: bool
    tried: tuple[str, ...] = ()
    request_id: str = ""
    seq: int = -1
    request: Written | None = None
    start: Start | None = None
    before: int = 0
    after: int = 0
    parts: tuple[Part, ...] = ()
    minimal: bool = False
    stopped: str = ""
    note: str = ""
    sends: int = 0
    seconds: float = 0.0
    mismatches: tuple[Mismatch, ...] = ()
    others: tuple[str, ...] = ()
    expected: dict[str, float | str | None] = {}
    score: float | None = None
    tolerances: dict[str, tuple[float, float]] = {}
    times: int = 1


def render(found: Reproduction, console: Console) -> None:
    """What was found, on a console: the request that is left and why, the command, both sides."""
    title = f"{found.finding}  {found.arm}: {words.listed(found.fields)}"
    console.print(
        Text(f"{words.printable(title)} ({words.printable(found.cause.replace('_', ' '))})", "bold")
    )
    for line in summary(found):
        console.print(Text(words.printable(line)))
    if found.request is None:
        return
    if found.parts:
        console.print()
        console.print(_parts(found))
    console.print()
    for line in curl.command(found.request).split("\n"):
        console.print(Text(words.printable(line)), soft_wrap=True)
    console.print()
    console.print(_mismatches(found))


def summary(found: Reproduction) -> Iterator[str]:
    """How it went, a sentence a line."""
    if not found.reproduced:
        yield f"NOT REPRODUCED: {found.stopped or 'no exemplar shows it any more'}."
        yield from (f"  {line}" for line in found.tried)
    else:
        matter = sum(part.matters for part in found.parts)
        size = f"{words.counted(found.before, 'field')} reduced to {found.after:,}"
        null = f", {found.after - matter:,} of them null or empty" if found.after > matter else ""
        size = size if found.before else "its body is empty"
        yield f"REPRODUCED by request {found.request_id}: {size}{null}; {_minimal(found)}."
    yield f"{words.counted(found.sends, 'request')} sent in {found.seconds:.1f} s."
    if found.note:
        yield words.sentence(found.note)
    if found.others:
        yield f"Beside the finding, {words.listed(found.others)} differ on this request too."
    if found.start is not None and found.request is not None:
        yield f"Start the service first: {start_line(found.start)}"


def _minimal(found: Reproduction) -> str:
    if found.minimal:
        return "without any one of them it is gone"
    return f"perhaps not the fewest: stopped {found.stopped}" if found.stopped else "nothing was taken out"


def start_line(start: Start) -> str:
    """The command that starts the service, its port a variable."""
    shown = [f'"${{PORT:-{curl.USUAL_PORT}}}"' if one == PORT else shlex.quote(one) for one in start.command]
    environment = [f"{name}=…" for name in start.environment]
    return f"cd {shlex.quote(start.folder)} && {' '.join([*environment, *shown])}"


def script(found: Reproduction) -> str:
    """`reproduce/F1.sh`: the command with what it shows; only for a finding that was reproduced."""
    assert found.request is not None  # noqa: S101  -- reproduced, so there is a request
    expected = (
        f"{m.field}: expected {m.expected} ({found.against}), served {m.served}" for m in found.mismatches
    )
    about = (f"{found.finding}: {found.sentence}", *summary(found), *expected)
    return curl.script(found.request, about=about)


def _parts(found: Reproduction) -> Grid:
    grid = _grid("field", "value", "without it")
    for part in found.parts[:_MOST_PARTS]:
        value = part.value if part.matters else f"{part.value} will do"
        grid.add_row(*map(_text, (part.path, value, part.without)))
    if len(found.parts) > _MOST_PARTS:
        grid.add_row(_text(f"and {len(found.parts) - _MOST_PARTS:,} more in {found.finding}.json"), "", "")
    return grid


def _mismatches(found: Reproduction) -> Grid:
    grid = _grid("field", f"expected ({found.against})", f"served ({found.arm})", "difference")
    for one in found.mismatches:
        mark = "" if one.kind == AGREES else "≠ "
        grid.add_row(*map(_text, (one.field, one.expected, mark + one.served, one.kind)))
    return grid


def _grid(*heads: str) -> Grid:
    grid = Grid(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0), show_edge=False)
    for head in heads:
        grid.add_column(_text(head), overflow="fold")
    return grid


def _text(text: str) -> Text:
    return Text(words.clipped(text, 200))
