"""A human decision beside a verdict, and the exit code that follows where one is asked for."""

from __future__ import annotations

from pathlib import Path

import click

from harness.cli.options import RUN

EXIT_WITH = click.option(
    "--exit-with",
    type=click.Choice(["0", "verdict", "approval"]),
    default="0",
    show_default=True,
    help="Exit with the verdict's code, or with 0 where an approval of this very report stands.",
)


def a_build(_context: click.Context, _option: click.Parameter, build: str) -> str:
    """A build named as a gate server can be asked for it."""
    from harness.run.catalogue import BUILD

    if build and not BUILD.fullmatch(build):
        raise click.BadParameter(
            f"{build!r} names no build: letters, digits and . _ : / @ + = -, at most 200"
        )
    return build


@click.command(short_help="Record that a person lets a build pass.")
@RUN
@click.option("--by", required=True, metavar="NAME", help="Who approves.")
@click.option("--why", required=True, metavar="TEXT", help="For what reason.")
def approve(run_folder: Path, *, by: str, why: str) -> int:
    """Record in RUN who approves it and why. The verdict stays; a new verdict ends the approval."""
    from harness import run as stages

    report = stages.approve(run_folder, by=by, why=why)
    click.echo(f"{report.decision.word} approved; every report of {run_folder} says so.")
    click.echo(f"For CI: replaygate report {run_folder} --exit-with approval")
    return 0


def exit_code(run_folder: Path, chosen: str) -> int:
    """0, or that of the verdict, unless an approval of it stands and is to count."""
    from harness.run import showing

    if chosen == "0":
        return 0
    report = showing.verdict(run_folder)
    pardoned = chosen == "approval" and any(one.stands for one in report.approvals)
    return 0 if pardoned else report.decision.exit_code
