"""`replaygate gate-server`: verdicts over HTTP."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click

from harness.cli.options import FOLDER, PATH
from harness.errors import UsageError

INSTALL = "Install it: pip install 'replaygate[serve]'"


@click.command("gate-server", short_help="Answer rollout controllers with verdicts.")
@click.argument("results", type=FOLDER, default=Path("results"))
@click.option(
    "--scenario",
    "scenarios",
    type=PATH,
    multiple=True,
    metavar="FILE",
    help="A scenario that requests may have run (may be repeated; none: verdicts are only read).",
)
@click.option(
    "--port", type=click.IntRange(0, 65_535), default=8321, show_default=True, help="0: a free one."
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Where to listen; others need a token.")
@click.option(
    "--token-env", default="", metavar="NAME", help="Variable with the token that callers must send."
)
@click.option(
    "--allow-host",
    "allow_hosts",
    multiple=True,
    metavar="NAME",
    help="A further Host that the server answers as (may be repeated).",
)
@click.option(
    "--allow-public",
    multiple=True,
    metavar="HOST",
    help="Confirm a host of a scenario's allow_hosts, as `replaygate run` asks for it (may be repeated).",
)
@click.option("--accept-approvals", is_flag=True, help="Let `replaygate approve` make a pass of a verdict.")
@click.option(
    "--report-url", default="", metavar="URL", help="Where the results folder is served, for links."
)
@click.option(
    "--concurrency", type=click.IntRange(1, 16), default=1, show_default=True, help="Runs at a time."
)
@click.option(
    "--queue", type=click.IntRange(0, 1000), default=20, show_default=True, help="Runs that may wait."
)
@click.option(
    "--timeout",
    type=click.IntRange(1),
    default=3600,
    show_default=True,
    metavar="SECONDS",
    help="Stop a run that takes longer.",
)
def gate_server(concurrency: int, queue: int, *, timeout: int, **given: Any) -> int:  # noqa: ANN401  -- as declared to click
    """Answer Flagger, Argo Rollouts, Kayenta's callers and scripts with the verdicts in RESULTS."""
    try:
        from harness.gate_server import Limits, serving
    except ModuleNotFoundError as error:
        raise UsageError(
            "the gate server needs the extra `serve`", found=f"no {error.name}", fix=INSTALL
        ) from error
    limits = Limits(concurrency=concurrency, queue=queue, seconds=float(timeout))
    serving.serve(serving.Settings(limits=limits, **given), environ=os.environ, say=click.echo)
    return 0
