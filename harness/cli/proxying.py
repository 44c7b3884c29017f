"""`replaygate capture proxy`: live traffic recorded, and mirrored, on its way."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import click

_SIZE = re.compile(r"(\d+)\s*(B|KiB|MiB|GiB)?", re.IGNORECASE)
_UNITS = {"": 0, "b": 0, "kib": 10, "mib": 20, "gib": 30}


class Bytes(click.ParamType[int]):
    """A number of bytes: 4096, 64KiB, 10MiB."""

    name = "size"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:  # noqa: ANN401, PLR0917  -- click's
        """The number, or click's error."""
        found = _SIZE.fullmatch(str(value).strip())
        if found is None:
            self.fail(f"{value!r} is no size; write 64KiB or 10MiB", param, ctx)
        return int(found[1]) << _UNITS[(found[2] or "").lower()]


@click.command(short_help="Record live traffic on its way to a service, and mirror it.")
@click.option(
    "--listen", metavar="HOST:PORT", default="127.0.0.1:8080", show_default=True, help="Port 0: a free one."
)
@click.option("--to", metavar="URL", required=True, help="The service that answers.")
@click.option(
    "--into",
    type=click.Path(path_type=Path, file_okay=False),
    required=True,
    metavar="FOLDER",
    help="Where the capture is written.",
)
@click.option("--mirror", metavar="URL", default="", help="A shadow that gets a copy of each request.")
@click.option(
    "--mirror-share",
    type=click.FloatRange(0, 1, min_open=True),
    default=1.0,
    show_default=True,
    help="Share of the requests that are copied, chosen by request id.",
)
@click.option(
    "--mirror-method",
    "mirror_methods",
    multiple=True,
    default=("POST", "GET"),
    show_default=True,
    metavar="NAME",
    help="A method that is copied (may be repeated).",
)
@click.option("--mirror-credentials", is_flag=True, help="Copy credentials, too.")
@click.option(
    "--mirror-timeout",
    "mirror_timeout_s",
    type=click.FloatRange(0, min_open=True),
    default=10.0,
    show_default=True,
    metavar="SECONDS",
    help="How long the shadow may take.",
)
@click.option(
    "--allow-host",
    "allow_hosts",
    multiple=True,
    metavar="NAME",
    help="A host beside this machine that may be sent copies (may be repeated).",
)
@click.option("--allow-remote", is_flag=True, help="Listen where others can reach it.")
@click.option(
    "--sample",
    type=click.FloatRange(0, 1, min_open=True),
    default=1.0,
    show_default=True,
    help="Share of the requests that are recorded; the others are passed on all the same.",
)
@click.option(
    "--sample-by",
    default="request_id",
    show_default=True,
    metavar="PLACE",
    help="What is recorded or left out whole: header:NAME, body:a.b, query:NAME.",
)
@click.option(
    "--redact",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="A TOML with [redact], what must not be written down, and [sample].",
)
@click.option(
    "--max-body",
    type=Bytes(),
    default="10MiB",
    show_default=True,
    help="What is kept of a body; all of it is passed on.",
)
@click.option(
    "--timeout",
    "timeout_s",
    type=click.FloatRange(0, min_open=True),
    default=60.0,
    show_default=True,
    metavar="SECONDS",
    help="How long the service may be silent.",
)
@click.option(
    "--every",
    "every_s",
    type=click.FloatRange(0.1),
    default=5.0,
    show_default=True,
    metavar="SECONDS",
    help="How often a line says what was done.",
)
def proxy(**given: Any) -> int:  # noqa: ANN401  -- as declared to click
    """Pass requests on to a service that cannot be changed, and write down both sides.

    The copies of `--mirror` are requests like any other: what they change at the shadow is changed.
    """
    from harness.proxy import Settings, serve

    serve(Settings(**given), environ=os.environ, say=click.echo)
    return 0
