"""A service that runs for as long as a replay needs it: started, awaited, stopped, its words logged."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import sys
from contextlib import asynccontextmanager
from subprocess import DEVNULL
from typing import TYPE_CHECKING

import anyio
import httpx
import msgspec

from harness.errors import ScenarioError, TargetUnreachable
from harness.replay.guard import Endpoint, Safety
from replayers.credentials import from_environment
from replayers.http import HttpTarget, endpoint_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from anyio.abc import Process

STOP_S = 5.0
POLL_S = 0.05
ANSWER_S = 1.0
#: characters of a service's last line that an error repeats: it stays one readable line
LAST_WORDS = 120
#: what a program needs to run at all; everything else, secrets above all, is named in start_env
INHERITED = frozenset(
    {
        *("HOME", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "PATH", "PYTHONPATH"),
        *("SSL_CERT_DIR", "SSL_CERT_FILE", "TMPDIR", "TZ", "VIRTUAL_ENV"),
    }
)


@asynccontextmanager
async def managed(
    target: HttpTarget, *, name: str, scenario: Path, folder: Path
) -> AsyncIterator[HttpTarget]:
    """The target under its real url: up if it has a `start` command, and gone on leaving, however that is.

    The command runs in the folder `scenario`, in a process group of its own, and logs to `<name>.log` in
    `folder`. Raises TargetUnreachable with its last words when it dies or stays silent, ScenarioError when
    there is no such command.
    """
    if not target.start:
        yield target
        return
    launch = _Launch(target, name=name, scenario=scenario, log=folder / f"{name}.log")
    process, running = await launch.up()
    try:
        yield running
    finally:
        await _stop(process)


def free_port() -> int:
    """A loopback port that nobody listens on just now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


class _Launch:
    """One start command and what it needs."""

    def __init__(self, target: HttpTarget, *, name: str, scenario: Path, log: Path) -> None:
        self.target = target
        self.name = name
        self.scenario = scenario.resolve()
        self.log = log

    async def up(self) -> tuple[Process, HttpTarget]:
        """The service, answering; on another port when somebody took the first one meanwhile."""
        try:
            return await self._attempt(free_port())
        except TargetUnreachable:
            if "in use" not in self._tail(40) or "{port}" not in self.target.url:
                raise
        return await self._attempt(free_port())

    async def _attempt(self, port: int) -> tuple[Process, HttpTarget]:
        url = self.target.url.replace("{port}", str(port))
        running = msgspec.structs.replace(self.target, url=url)
        endpoint = endpoint_of(running, Safety(methods=(running.method,)))
        if await _connects(endpoint):
            raise TargetUnreachable(
                "another service already answers where this one should start",
                where=endpoint.authority,
                fix="Stop it, or write {port} into url and start.",
            )
        process = await self._spawn(port)
        try:
            await self._wait(process, endpoint)
        except BaseException:
            await _stop(process)
            raise
        return process, running

    async def _spawn(self, port: int) -> Process:
        words = {"{python}": sys.executable, "{port}": str(port), "{scenario}": str(self.scenario)}
        command = [_filled(part, words) for part in self.target.start]
        declared = self.target.start_env.items()
        passed = {key: from_environment(value, os.environ, where=self.name) for key, value in declared}
        inherited = {key: value for key, value in os.environ.items() if key in INHERITED}
        self.log.parent.mkdir(parents=True, exist_ok=True)
        try:
            with self.log.open("ab") as log:
                return await anyio.open_process(
                    command,
                    stdin=DEVNULL,
                    stdout=log,
                    stderr=log,
                    cwd=self.scenario,
                    env={**inherited, "PYTHONUNBUFFERED": "1", **passed},
                    start_new_session=True,
                )
        except OSError as error:
            raise ScenarioError(
                "the start command cannot be run",
                where=f"target {self.name}",
                found=f"{command[0]}: {error.strerror}",
                fix="Correct start in the scenario.",
            ) from None

    async def _wait(self, process: Process, endpoint: Endpoint) -> None:
        """The service answers; raises TargetUnreachable when it ended or took too long."""
        with anyio.move_on_after(self.target.start_timeout_s):
            while process.returncode is None:
                if await _answers(endpoint, self.target.ready) and process.returncode is None:
                    return
                await anyio.sleep(POLL_S)
        ended = process.returncode is not None
        found = f"it ended with code {process.returncode}" if ended else "no answer"
        if words := self._tail(1):
            found += f", its last words: {words if len(words) <= LAST_WORDS else words[:LAST_WORDS] + ' …'}"
        wanted = f"an answer at {endpoint.authority}{self.target.ready} in {self.target.start_timeout_s:g} s"
        raise TargetUnreachable(
            "the target does not start",
            where=f"target {self.name}",
            found=found,
            expected=wanted,
            fix=f"See {self.log}.",
        )

    def _tail(self, lines: int) -> str:
        """The last lines of the log, as one."""
        if not self.log.exists():
            return ""
        with self.log.open("rb") as log:
            log.seek(max(0, self.log.stat().st_size - 8192))
            return " ".join(log.read().decode("utf-8", "replace").strip().splitlines()[-lines:])


def _filled(text: str, words: dict[str, str]) -> str:
    """The text with its placeholders filled in; other braces stay."""
    for placeholder, value in words.items():
        text = text.replace(placeholder, value)
    return text


async def _connects(endpoint: Endpoint) -> bool:
    """Whether anything listens there."""
    try:
        with anyio.fail_after(ANSWER_S):
            await (await anyio.connect_tcp(endpoint.addresses[0], endpoint.port)).aclose()
    except (OSError, TimeoutError):
        return False
    return True


async def _answers(endpoint: Endpoint, ready: str) -> bool:
    """Whether the service is up; 5xx says that it is still loading."""
    if not ready:
        return await _connects(endpoint)
    url = f"{endpoint.scheme}://{endpoint.authority}{ready}"
    try:
        async with httpx.AsyncClient(
            trust_env=False,
            timeout=ANSWER_S,
            verify=False,  # noqa: S501  -- our own process on our own host: a certificate proves nothing
        ) as client:
            answer = await client.get(url)
    except httpx.HTTPError:
        return False
    return answer.status_code < 500


async def _stop(process: Process) -> None:
    """The whole group is gone: asked first, killed after 5 s, and no zombie is left."""
    with anyio.CancelScope(shield=True):
        _signal_group(process.pid, signal.SIGTERM)
        with anyio.move_on_after(STOP_S):
            await process.wait()
        _signal_group(process.pid, signal.SIGKILL)
        await process.wait()
        await process.aclose()


def _signal_group(leader: int, which: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, which)
