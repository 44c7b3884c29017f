"""The edge of the program: whatever ends a command becomes an exit code, and an error one line."""

from __future__ import annotations

import sys
import traceback
from typing import TYPE_CHECKING, Any

import click

from harness.cli.commands import cli
from harness.cli.output import complain, unread
from harness.errors import HarnessError, Interrupted, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

DEBUG = "--debug"


def run_command(arguments: Sequence[str], *, program: click.Group = cli) -> int:
    """The exit code of a command line; an error is one line on standard error (`--debug`: and a traceback).

    Never 1 or 2 of click's or Python's own. A reader of standard output who goes away changes no code; a
    command that breaks on any other pipe has come to no verdict, and is never taken for a GO.
    """
    try:
        code = _run(program, [a for a in arguments if a != DEBUG])
    except BaseException as error:  # noqa: BLE001  -- here ends everything: nothing may exit with 1
        if isinstance(error, BrokenPipeError) and unread(sys.stdout):
            return 0  # the text of a command without a verdict: those who read it have seen enough
        if DEBUG in arguments:
            traceback.print_exception(error)
        code = _explain(error)
    unread(sys.stdout)
    return code


def _run(program: click.Group, arguments: list[str]) -> int:
    try:
        with program.make_context("replaygate", arguments) as context:
            result: Any = program.invoke(context)
    except click.exceptions.Exit as exit_:  # --help and --version
        return exit_.exit_code
    return result if isinstance(result, int) else 0


def _explain(error: BaseException) -> int:
    """One line about what ended the command, and its exit code."""
    match error:
        case click.exceptions.NoArgsIsHelpError():
            click.echo(error.format_message(), err=True)
            return UsageError.exit_code
        case click.ClickException():
            complain(error.format_message(), hint="Try: replaygate --help")
            return UsageError.exit_code
        case HarnessError():
            complain(error.sentence())
            return error.exit_code
        case KeyboardInterrupt() | click.exceptions.Abort():
            complain("interrupted")
            return Interrupted.exit_code
        case OSError() if error.strerror:
            place = f"{error.filename}: " if error.filename else ""
            complain(f"{place}{error.strerror}", hint="Free space or mend permissions, and run again.")
        case SystemExit():
            complain(f"internal error: something called sys.exit({error.code})")
        case _:
            complain(
                f"internal error: {type(error).__name__}: {error}",
                hint="Run again with --debug and report the traceback.",
            )
    return HarnessError.exit_code
