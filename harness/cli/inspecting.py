"""The commands that look into a run: its findings and requests, one shown again, one made a test."""

from __future__ import annotations

import math
from pathlib import Path

import click

from harness.cli.options import PATH, PUBLIC, RUN
from harness.cli.output import screen
from harness.cli.progress import Watch

FORM = click.option(
    "--format",
    "form",
    type=click.Choice(["terminal", "json"]),
    default="terminal",
    show_default=True,
    help="Which rendering to print.",
)


@click.command(short_help="Look at one request, offline and served.")
@RUN
@click.option("--request", "wanted", metavar="ID", help="The request's id, or its seq.")
@FORM
def show(run_folder: Path, *, wanted: str | None, form: str) -> int:
    """Print one request of RUN, offline and served side by side; without --request, the findings of RUN."""
    from harness.report import request as page
    from harness.run import showing

    if wanted is None:
        report = showing.findings(run_folder)
        if form == "json":
            click.echo(page.findings_as_json(report))
        else:
            page.render_findings(report, screen(), run=str(run_folder))
        return 0
    shown = showing.show(run_folder, wanted)
    click.echo(page.as_json(shown)) if form == "json" else page.render(shown, screen())
    return 0


def _finite(_context: click.Context, _option: click.Parameter, value: float) -> float:
    """A number that is one: NaN would be below and above every limit."""
    if not math.isfinite(value):
        raise click.BadParameter("expected a finite number")
    return value


@click.command(short_help="Reduce a finding to the smallest request.")
@RUN
@click.argument("finding", metavar="[FINDING]", default="F1")
@click.option(
    "--max-sends",
    type=click.IntRange(min=1),
    default=200,
    show_default=True,
    help="Send at most so many requests.",
)
@click.option(
    "--max-seconds",
    type=click.FloatRange(min=0, min_open=True),
    callback=_finite,
    default=60.0,
    show_default=True,
    help="Send nothing later than this.",
)
@click.option(
    "--rate",
    type=click.FloatRange(min=0, max=1000, min_open=True),
    callback=_finite,
    default=20.0,
    show_default=True,
    help="Requests a second, at most.",
)
@PUBLIC
def reproduce(run_folder: Path, finding: str, *, allow_public: tuple[str, ...], **bounds: float) -> int:
    """Show FINDING (F1 unless given) on the live service again, with the smallest request, as curl."""
    from harness.report import reproduction
    from harness.run import probing, reproducing

    limits = probing.Limits(
        sends=int(bounds["max_sends"]), seconds=bounds["max_seconds"], rate=bounds["rate"]
    )
    options = reproducing.Options(limits=limits, allow_public=allow_public)
    with Watch(quiet=False) as watch:
        found, files = reproducing.reproduce(run_folder, finding, options=options, say=watch.say)
    reproduction.render(found, screen())
    click.echo("\n".join(["", *(f"wrote {path}" for path in files)]))
    return 0


@click.command("export-test", short_help="Write a regression test of a finding.")
@RUN
@click.argument("finding", metavar="FINDING")
@click.option("--output", "-o", type=PATH, metavar="FILE", help="Where the test goes (default: into RUN).")
def export_test(run_folder: Path, finding: str, *, output: Path | None) -> int:
    """Write a pytest file that fails while FINDING is in the service and passes once it is gone."""
    from harness.run.exporting import export_test as export

    with Watch(quiet=False) as watch:
        path = export(run_folder, finding, output=output, say=watch.say)
    click.echo(f"wrote {path}")
    click.echo(f"Run it: REPLAYGATE_TARGET=http://HOST:PORT python -m pytest {path}")
    return 0
