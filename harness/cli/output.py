"""What goes to standard output: the verdict, whole or on one line, and where its files are."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

from rich.console import Console
from rich.markup import escape

if TYPE_CHECKING:
    from harness.records import Report

#: of lines that go into a file or a pipe, where no terminal says how wide it is
WIDTH = 120


@dataclass(frozen=True)
class Ending:
    """What the commands that end in a verdict share."""

    quiet: bool
    as_of: str | None
    wait_as: int


class Screen(Console):
    """A console whose reader may go away (`replaygate run … | head`) without changing the exit code."""

    def on_broken_pipe(self) -> None:
        """Nothing more is written; rich would exit with 1 here."""
        self.quiet = True
        silence(self.file)


def screen(file: IO[str] | None = None) -> Screen:
    """A console on `file` (standard output), as wide as the terminal, or as `WIDTH` where there is none."""
    made = Screen(file=file, highlight=False)
    if not made.is_terminal and "COLUMNS" not in os.environ:
        made.width = WIDTH
    return made


def silence(file: IO[str]) -> None:
    """Whatever is still written to a stream that nobody reads goes nowhere."""
    with Path(os.devnull).open("w", encoding="utf-8") as nowhere:
        os.dup2(nowhere.fileno(), file.fileno())


def unread(file: IO[str]) -> bool:
    """Whether text is left that nobody will ever read; it goes nowhere then."""
    try:
        file.flush()
    except BrokenPipeError:
        silence(file)
        return True
    return False


def show(report: Report, root: Path, *, ending: Ending) -> int:
    """The verdict is printed with the paths of its renderings, or on one line; returns the exit code."""
    console = screen()
    word = report.decision.word
    if ending.quiet:
        line = f"{word}: {report.decision.headline} ({root / 'report.json'})"
        console.print(escape(line), soft_wrap=True)
    else:
        from harness import report as faces

        faces.terminal(report, console, folder=root)
    return ending.wait_as if word == "WAIT" else report.decision.exit_code


def complain(message: str, *, hint: str = "") -> None:
    """One line on standard error."""
    line = " ".join(f"error: {message} {hint}".split())
    try:
        print(line, file=sys.stderr, flush=True)  # noqa: T201  -- the one place that tells an error
    except BrokenPipeError:
        silence(sys.stderr)
