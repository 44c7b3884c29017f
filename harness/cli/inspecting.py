"""The commands that look into a run: its findings and requests, one shown again, one made a test."""

from __future__ import annotations

from pathlib import Path

import click

from harness.cli.options import PATH, PUBLIC, RUN
from harness.cli.output import screen
from harness.cli.progress import Watch

FINDING = click.argument("finding", metavar="FINDING")


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
    default=60.0,
    show_default=True,
    help="Send nothing later than this.",
)
@click.option(
    "--rate",
    type=click.FloatRange(min=0, max=1000, min_open=True),
    default=20.0,
    show_default=True,
    help="Requests a second, at most.",
)
@PUBLIC
def reproduce(run_folder: Path, finding: str, *, allow_public: tuple[str, ...], **bounds: float) -> int:
    """Show FINDING (F1 unless given) again on the live service with the smallest request, as a curl command."""
    from harness import run as stages
    from harness.report import reproduction

    limits = stages.Limits(sends=int(bounds["max_sends"]), seconds=bounds["max_seconds"], rate=bounds["rate"])
    options = stages.ReproduceOptions(limits=limits, allow_public=allow_public)
    with Watch(quiet=False) as watch:
        found, files = stages.reproduce(run_folder, finding, options, say=watch.say)
    reproduction.render(found, screen())
    click.echo("\n".join(["", *(f"wrote {path}" for path in files)]))
    return 0
