"""The options that commands share."""

from __future__ import annotations

from pathlib import Path

import click
from click.testing import CliRunner

from harness.cli.options import PUBLIC, RESULTS, RUN


def test_shared_options_are_read_the_same_everywhere() -> None:
    """A run, hosts that may be repeated, and a folder with a default."""

    @click.command()
    @RUN
    @PUBLIC
    @RESULTS
    def tell(run_folder: Path, *, allow_public: tuple[str, ...], results: Path) -> None:
        click.echo(f"{run_folder} {allow_public} {results}")

    done = CliRunner().invoke(tell, ["x", "--allow-public", "a", "--allow-public", "b"])
    assert done.output == "x ('a', 'b') results\n"
