"""The proxy as a process: where it listens, where it may send to, what it says, and how it ends."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import ipaddress
import resource
import secrets
import signal
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import anyio
import msgspec

from harness.capture.live import Recorder, Redactor, Sample, Sampler
from harness.capture.live.rules import Policy, Rules, policy
from harness.errors import UsageError
from harness.proxy.counts import Tally
from harness.proxy.exchange import Shared
from harness.proxy.mirror import Mirror, Terms
from harness.proxy.recording import Room
from harness.proxy.running import Proxy
from harness.proxy.upstream import Pool
from harness.replay.guard import Endpoint, Safety, check_method, check_target

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

DRAIN_S = 10.0
#: a recorder's thread gives way by itself after 0.1 ms; this is for a body that keeps it longer
TURN_S = 0.001
WRITE_S = 10.0
MOST_USERS = 16_384
#: descriptors that are not connections: files, pipes, the listening socket
_SPARED = 64
#: a user's connection, one to the service, and one to the shadow
_EACH = 3


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What the command line says."""

    listen: str
    to: str
    into: Path
    mirror: str = ""
    mirror_share: float = 1.0
    mirror_methods: tuple[str, ...] = ("POST", "GET")
    mirror_credentials: bool = False
    mirror_timeout_s: float = 10.0
    allow_hosts: tuple[str, ...] = ()
    allow_remote: bool = False
    sample: float = 1.0
    sample_by: str = "request_id"
    redact: Path | None = None
    max_body: int = 10 << 20
    timeout_s: float = 60.0
    every_s: float = 5.0


def serve(settings: Settings, *, environ: Mapping[str, str], say: Callable[[str], None]) -> None:
    """Answers until SIGINT or SIGTERM; then what is under way is finished, written down and counted."""
    host, port = listening_at(settings)
    service = endpoint(settings.to, option="--to", allowed=None)
    shadow = shadow_of(settings)
    folders = [settings.into, *([mirror_folder(settings.into)] if shadow else [])]
    recorder, *shadows = [recorder_of(settings, folder, environ=environ) for folder in folders]
    tally, room = Tally(), Room(each=settings.max_body)

    async def main() -> None:
        mirror = None
        if shadow is not None:
            mirror = Mirror(Pool(shadow), shadows[0], tally, terms=terms(settings), room=_room(settings))
        via = f"replaygate-{secrets.token_hex(4)}".encode()
        shared = Shared(
            Pool(service),
            recorder,
            via=via,
            room=room,
            tally=tally,
            timeout_ns=round(settings.timeout_s * 1e9),
        )
        await _answer(Proxy(shared, mirror, most_users=most_users()), (host, port), told=told)

    def line() -> str:
        return tally.line(recorder.counts, mirror=shadow is not None)

    told = _Told(settings, say, line)
    with _undisturbed():
        anyio.run(main, backend="asyncio", backend_options={"use_uvloop": sys.platform != "win32"})
    for each in (recorder, *shadows):
        each.close(WRITE_S)
    say(f"stopped: {line()}")


@contextlib.contextmanager
def _undisturbed() -> Iterator[None]:
    """Inside, no other thread keeps the interpreter for long, and the collector looks only at what is new.

    Shorter turns are worse: the recorder's threads would then cut into the loop's own work.
    """
    usual = sys.getswitchinterval()
    sys.setswitchinterval(TURN_S)
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()
        sys.setswitchinterval(usual)


@dataclass(frozen=True)
class _Told:
    """What is said, and when."""

    settings: Settings
    say: Callable[[str], None]
    line: Callable[[], str]

    def started(self, port: int) -> None:
        """Where users find the proxy, and where their requests go."""
        settings = self.settings
        host = settings.listen.rpartition(":")[0]
        self.say(f"recording http://{host}:{port} -> {settings.to} into {settings.into}")
        if settings.mirror:
            share = "" if settings.mirror_share >= 1 else f"{settings.mirror_share:.3g} of "
            self.say(f"mirroring {share}{', '.join(settings.mirror_methods)} to {settings.mirror}")


async def _answer(proxy: Proxy, where: tuple[str, int], *, told: _Told) -> None:
    """From the first connection to the end of the last."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for each in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(each, stop.set)
    try:
        port = await proxy.start(*where)
    except OSError as error:
        raise UsageError(
            "cannot listen", where=told.settings.listen, found=error.strerror or error
        ) from error
    told.started(port)
    before = told.line()
    while not stop.is_set():
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), told.settings.every_s)
        if told.line() != before and not stop.is_set():
            before = told.line()
            told.say(before)
    told.say("stopping: answers under way are finished; once more to end at once")
    stop.clear()
    drained = asyncio.ensure_future(proxy.drain(DRAIN_S))
    again = asyncio.ensure_future(stop.wait())
    await asyncio.wait((drained, again), return_when=asyncio.FIRST_COMPLETED)
    again.cancel()
    if not drained.done():
        drained.cancel()
        await proxy.drain(0)


def recorder_of(settings: Settings, folder: Path, *, environ: Mapping[str, str]) -> Recorder:
    """A recorder into the folder, which samples and redacts as the command line says.

    Each has a sampler of its own, so that the shadow's capture keeps the requests that the service's keeps.
    Raises UsageError for rules that cannot be used.
    """
    try:
        sample = Sample(share=settings.sample, by=settings.sample_by)
        said = policy(settings.redact) if settings.redact else Policy()
        rules = said.redact or Rules() if settings.redact else None
        redactor = Redactor(rules, rules.key_in(environ) if rules else b"")
    except (OSError, ValueError, msgspec.DecodeError) as error:
        where = f"--redact {settings.redact}" if settings.redact else "--sample-by"
        raise UsageError("what is to be recorded cannot be read", where=where, found=error) from error
    if said.sample is not None and sample != Sample():
        raise UsageError(
            "two samples are asked for",
            where="--sample, --sample-by",
            found=f"[sample] in {settings.redact}",
            expected="one of the two",
        )
    sample = said.sample or sample
    folder.mkdir(parents=True, exist_ok=True)
    return Recorder(folder, sampler=Sampler(sample) if sample.share < 1 else None, redactor=redactor)


def listening_at(settings: Settings) -> tuple[str, int]:
    """Host and port; UsageError for an address that others reach, unless it is allowed."""
    host, _, port = settings.listen.rpartition(":")
    host = host.strip("[]")
    if not host or not port.isdecimal() or int(port) > 65_535:
        raise UsageError("where to listen cannot be read", found=settings.listen, expected="127.0.0.1:8080")
    if not _is_loopback(host) and not settings.allow_remote:
        raise UsageError(
            f"--listen {settings.listen} is open to others",
            fix="If they may use and be recorded by this proxy, add --allow-remote.",
        )
    return host, int(port)


def endpoint(url: str, *, option: str, allowed: tuple[str, ...] | None) -> Endpoint:
    """Where requests go: `allowed` None says that the user named the service itself, wherever it is.

    A shadow outside of loopback must be among `allowed`: it is sent what users wrote. Raises ScenarioError,
    and UsageError for a URL with a path, as each request has its own.
    """
    if "://" not in url and "@" not in url:
        raise UsageError(f"{option} is no URL", found=url, expected="http://host:port")
    named = check_target(url, Safety(allow_hosts=(_host_of(url),)))
    if named.path != "/":
        raise UsageError(
            f"{option} has a path", found=url, expected="http://host:port, as each request has its own path"
        )
    local = all(_is_loopback(address) for address in named.addresses)
    if allowed is not None and not local and named.host.lower() not in {host.lower() for host in allowed}:
        raise UsageError(
            "live traffic may not be mirrored to this host",
            where=f"{option} {url}",
            found=f"{named.host} ({', '.join(named.addresses[:2])})",
            expected="a loopback address",
            fix=f"If it is meant, add --allow-host {named.host}.",
        )
    return named


def shadow_of(settings: Settings) -> Endpoint | None:
    """Where copies go, when they go anywhere."""
    if not settings.mirror:
        return None
    for method in settings.mirror_methods:
        check_method(method, Safety(methods=settings.mirror_methods))
    return endpoint(settings.mirror, option="--mirror", allowed=settings.allow_hosts)


def terms(settings: Settings) -> Terms:
    """What is mirrored."""
    return Terms(
        share=settings.mirror_share,
        methods=frozenset(method.encode() for method in settings.mirror_methods),
        credentials=settings.mirror_credentials,
        timeout_ns=round(settings.mirror_timeout_s * 1e9),
    )


def mirror_folder(into: Path) -> Path:
    """Where the shadow's answers go: a capture of its own beside that of the service's.

    Raises UsageError for a folder that nothing is beside.
    """
    named = into if into.name not in {"", ".."} else into.resolve()
    if not named.name:
        raise UsageError("nothing can be written beside this folder", where="--into", found=into)
    return named.with_name(f"{named.name}-mirror")


def most_users() -> int:
    """How many connections the descriptors of this process are enough for, once it has all it may have."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST_USERS * _EACH + _SPARED
    if soft != resource.RLIM_INFINITY and soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(hard, wanted)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return (
        MOST_USERS if soft == resource.RLIM_INFINITY else min(MOST_USERS, max(1, (soft - _SPARED) // _EACH))
    )


def _room(settings: Settings) -> Room:
    return Room(each=settings.max_body, left=64 << 20)


def _host_of(url: str) -> str:
    """The host, as far as it can be read; the guard says what is wrong with the rest."""
    from urllib.parse import urlsplit

    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        return False
