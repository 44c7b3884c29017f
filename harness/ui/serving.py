"""The port is opened, the address is printed, and pages are served until Ctrl-C."""

from __future__ import annotations

import ipaddress
import os
import socket
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from harness.errors import UsageError
from harness.ui.guard import Guard

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

PORT = 8642
_SHORTEST_TOKEN = 16
_INSTALL = "Install it with: pip install 'replaygate[serve]'"


@dataclass(frozen=True, kw_only=True)
class Options:
    """Where to listen; `token_env` names the variable that holds a token, `names` what else a Host may be."""

    results: Path = Path("results")
    host: str = "127.0.0.1"
    port: int = PORT
    token_env: str = ""
    names: tuple[str, ...] = ()
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ, repr=False)


def serve(
    options: Options, *, say: Callable[[str], None], opened: Callable[[str], object] | None = None
) -> None:
    """Pages about the runs of a results folder, until the process is interrupted.

    `opened` is told the address once the port is open. Raises UsageError for a folder that is none, a port
    that is taken, another host than this machine without a token, and a missing extra.
    """
    guard = guard_of(options)
    if not options.results.is_dir():
        raise UsageError(
            "no such folder",
            where=str(options.results),
            fix="Name the folder that holds your runs: replaygate ui RESULTS",
        )
    try:
        import uvicorn

        from harness.ui.app import create_app
    except ImportError as error:
        raise UsageError("the web page needs fastapi and uvicorn", found=error, fix=_INSTALL) from error
    app = create_app(options.results.resolve(), guard=guard, cache=cache_folder(options.environ))
    config = uvicorn.Config(
        app, log_level="warning", access_log=False, server_header=False, proxy_headers=False,
        limit_concurrency=64, h11_max_incomplete_event_size=16_384, timeout_graceful_shutdown=2,
    )  # fmt: skip
    with _listening(options) as listening:
        address = _address(options, listening.getsockname()[1])
        say(f"replaygate ui: {address}  (Ctrl-C ends it)")
        if opened is not None:
            opened(address)
        try:
            uvicorn.Server(config).run(sockets=[listening])
        except KeyboardInterrupt:  # it is how it is ended
            say("replaygate ui: ended")


def guard_of(options: Options) -> Guard:
    """Who is let in; UsageError for a host that others can reach without a token."""
    token = options.environ.get(options.token_env, "") if options.token_env else ""
    if options.token_env and len(token) < _SHORTEST_TOKEN:
        raise UsageError(
            "the token is missing or too short",
            where=f"environment variable {options.token_env}",
            expected=f"at least {_SHORTEST_TOKEN} characters",
            fix=f'For example: export {options.token_env}="$(openssl rand -hex 16)"',
        )
    here = is_loopback(options.host)
    if not here and not token:
        raise UsageError(
            "others can reach this address, so a token is needed",
            where=f"--host {options.host}",
            fix="Name an environment variable that holds one: --token-env REPLAYGATE_UI_TOKEN",
        )
    names = frozenset(name.lower() for name in (*options.names, options.host))
    return Guard(names=names, anywhere=not here, token=token)


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach an address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def cache_folder(environ: Mapping[str, str]) -> Path:
    """Where indexes are kept: they are made again when they are gone."""
    home = environ.get("XDG_CACHE_HOME") or (environ.get("HOME") and str(Path(environ["HOME"], ".cache")))
    return Path(home or tempfile.mkdtemp(prefix="replaygate-"), "replaygate", "ui")


def _listening(options: Options) -> socket.socket:
    family = socket.AF_INET6 if ":" in options.host else socket.AF_INET
    try:
        return socket.create_server((options.host, options.port), family=family, backlog=128)
    except OSError as error:
        raise UsageError(
            "cannot listen there",
            where=f"{options.host}:{options.port}",
            found=error.strerror,
            fix="Choose another port with --port (0: any that is free).",
        ) from error


def _address(options: Options, port: int) -> str:
    host = f"[{options.host}]" if ":" in options.host else options.host
    return f"http://{host}:{port}/"
