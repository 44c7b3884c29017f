"""The server as a process: where it listens, whom it lets in, and how it ends."""

from __future__ import annotations

import ipaddress
import socket
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import uvicorn

from harness.errors import UsageError
from harness.gate_server.app import protected
from harness.gate_server.board import Board
from harness.gate_server.evaluations import Evaluations, Limits
from harness.gate_server.protection import LOOPBACK, Rules
from harness.scenario import load

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

_SHORTEST_TOKEN = 16
_LARGEST_HEADERS = 16_384
_MOST_CONNECTIONS = 100


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What the command line says; `token_env` names a variable of the environment."""

    results: Path
    scenarios: tuple[Path, ...] = ()
    host: str = "127.0.0.1"
    port: int = 8321
    token_env: str = ""
    allow_hosts: tuple[str, ...] = ()
    allow_public: tuple[str, ...] = ()
    accept_approvals: bool = False
    report_url: str = ""
    limits: Limits = field(default_factory=Limits)


def serve(settings: Settings, *, environ: Mapping[str, str], say: Callable[[str], None]) -> None:
    """Answers until it is told to stop; evaluations that it started are stopped with it."""
    rules = guarded(settings, environ)
    scenarios = listed(settings)
    settings.results.mkdir(parents=True, exist_ok=True)
    limits, public = settings.limits, settings.allow_public
    evaluations = Evaluations(scenarios, settings.results.absolute(), limits=limits, public=public)
    board = Board(settings.results, evaluations, approvals=settings.accept_approvals)
    config = uvicorn.Config(
        protected(board, rules, report_url=settings.report_url),
        http="h11",
        h11_max_incomplete_event_size=_LARGEST_HEADERS,
        limit_concurrency=_MOST_CONNECTIONS,
        timeout_keep_alive=5,
        timeout_graceful_shutdown=10,
        lifespan="on",
        log_level="warning",
        access_log=False,
        server_header=False,
        ws="none",
    )
    with _listening(settings) as listening:
        port = listening.getsockname()[1]
        at = f"[{settings.host}]" if ":" in settings.host else settings.host
        say(f"gate server at http://{at}:{port}, contract at /openapi.json")
        try:
            uvicorn.Server(config).run(sockets=[listening])
        except KeyboardInterrupt:  # how a server is told to stop, once it has
            say("stopped")


def guarded(settings: Settings, environ: Mapping[str, str]) -> Rules:
    """Whom the server answers; UsageError where it would listen beyond this machine without a token."""
    token = environ.get(settings.token_env, "") if settings.token_env else ""
    if settings.token_env and len(token) < _SHORTEST_TOKEN:
        raise UsageError(
            "the token is missing or too short",
            where=f"environment variable {settings.token_env}",
            expected=f"at least {_SHORTEST_TOKEN} characters",
        )
    if not _is_loopback(settings.host) and not token:
        raise UsageError(
            f"--host {settings.host} is open to others", expected="--token-env NAME, a variable with a token"
        )
    named = {host.lower().strip("[]") for host in (*settings.allow_hosts, settings.host)}
    return Rules(hosts=LOOPBACK | (named - {"", "0.0.0.0", "::"}), token=token)  # noqa: S104  -- not listened on here


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def listed(settings: Settings) -> dict[str, Path]:
    """The scenarios that may be run, by name; UsageError where two share one."""
    found: dict[str, Path] = {}
    for given in settings.scenarios:
        path = (given / "scenario.toml" if given.is_dir() else given).absolute()
        name = load(path, public=settings.allow_public).scenario.name
        if name in found:
            raise UsageError("two scenarios have one name", where=str(path), found=name)
        found[name] = path
    return found


def _listening(settings: Settings) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        return socket.create_server((settings.host, settings.port), family=family, backlog=64)
    except OSError as error:
        raise UsageError(
            "cannot listen", where=f"{settings.host}:{settings.port}", found=error.strerror or error
        ) from error
