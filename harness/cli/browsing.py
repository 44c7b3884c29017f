"""The command that shows runs in a browser."""

from __future__ import annotations

import webbrowser
from pathlib import Path

import click

from harness.cli.options import FOLDER


@click.command(short_help="Look into runs in a browser.")
@click.argument("results", type=FOLDER, default=Path("results"))
@click.option(
    "--port", type=click.IntRange(0, 65_535), default=8642, show_default=True, help="0: any free one."
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Another one needs --token-env.")
@click.option("--token-env", metavar="NAME", default="", help="The environment variable that holds a token.")
@click.option(
    "--allow-host",
    "names",
    multiple=True,
    metavar="NAME",
    help="A further Host that the pages are reached by, as behind a proxy (may be repeated).",
)
@click.option("--open", "opens", is_flag=True, help="Open the page in a browser.")
def ui(results: Path, *, port: int, host: str, token_env: str, names: tuple[str, ...], opens: bool) -> int:
    """Show the runs in RESULTS (default: results) as web pages on this machine, until Ctrl-C."""
    from harness.ui import Options, serve

    options = Options(results=results, host=host, port=port, token_env=token_env, names=names)
    serve(options, say=click.echo, opened=webbrowser.open if opens else None)
    return 0
