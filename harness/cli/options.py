"""Arguments and options that several commands share, declared once."""

from __future__ import annotations

from pathlib import Path

import click

PATH = click.Path(path_type=Path)
FOLDER = click.Path(path_type=Path, file_okay=False)
RESULTS = click.option(
    "--results",
    type=FOLDER,
    default=Path("results"),
    show_default=True,
    help="Where the run's folder is made.",
)
RUN = click.argument("run_folder", metavar="RUN", type=PATH)
PUBLIC = click.option(
    "--allow-public",
    "allow_public",
    multiple=True,
    metavar="HOST",
    help="Confirm a host of the scenario's allow_hosts that is not in a private network (may be repeated).",
)
