"""What a replay must not do: reach a host nobody allowed, or pass on a secret or a smuggled header."""

from __future__ import annotations

import ipaddress
import re
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Protocol
from urllib.parse import SplitResult, urlsplit

import msgspec
from msgspec import Meta

from harness.columns import is_private
from harness.errors import CaptureError, ScenarioError
from harness.replay.breaker import Breaker

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

#: RFC 1918 and RFC 4193; not link-local, where clouds keep their credentials
PRIVATE = tuple(
    ipaddress.ip_network(n)
    for n in ("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "::1/128", "fc00::/7")
)
SECRET = frozenset({"authorization", "cookie", "cookie2", "x-api-key", "x-auth-token"})
HOP = frozenset({"connection", "keep-alive", "te", "trailer", "trailers", "transfer-encoding", "upgrade"})
#: ours to set: they say where this connection goes, how this body is framed, what this client can read
OURS = frozenset({"host", "content-length", "expect", "http2-settings", "accept-encoding"})
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_ORIGIN_FORM = re.compile(r"/(?!/)[\x21-\x22\x24-\x7e]*")


class Safety(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where a replay may go and how it may ask."""

    allow_hosts: Annotated[
        tuple[str, ...],
        Meta(
            description="Hosts outside loopback and private networks that may be sent captured traffic, once "
            "`--allow-public HOST` confirms each on the command line."
        ),
    ] = ()
    methods: Annotated[
        tuple[str, ...], Meta(description="Methods that are safe to send again to the targets.")
    ] = ("POST", "GET")
    idempotent: Annotated[
        bool,
        Meta(
            description="Sending a request again does no harm: its answer is the same, and nothing is "
            "stored, counted or charged. Only then is a run that was cut resumed."
        ),
    ] = False
    max_seconds: Annotated[
        float, Meta(gt=0, description="No phase sends anything later than this after its start.")
    ] = 86_400.0
    drain_s: Annotated[
        float, Meta(ge=0, description="A phase that is stopped waits this long for answers under way.")
    ] = 2.0
    breaker: Annotated[
        Breaker, Meta(description="When a phase is stopped because a target is in trouble.")
    ] = Breaker()


@dataclass(frozen=True)
class Endpoint:
    """A target that passed the guard; connect to `addresses`, which were checked, not to the name again."""

    scheme: str
    host: str
    port: int
    path: str
    addresses: tuple[str, ...]

    @property
    def authority(self) -> str:
        """The value of the Host header."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"


class Resolver(Protocol):
    """Answers a host name with its addresses; raises OSError when there are none."""

    def __call__(self, host: str, port: int, /) -> Sequence[str]:
        """The addresses of `host`."""


_PORTS = {"http": 80, "https": 443}


def addresses(host: str, port: int) -> tuple[str, ...]:
    """The addresses of a host as the system resolves it, each once, in its order."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return tuple(dict.fromkeys(str(where[4][0]) for where in found))


def confirmed(safety: Safety, public: Collection[str]) -> Safety:
    """The safety in force: of the hosts that the scenario allows, those that the command line confirms."""
    named = {host.lower() for host in public}
    hosts = tuple(host for host in safety.allow_hosts if host.lower() in named)
    return msgspec.structs.replace(safety, allow_hosts=hosts)


def check_target(url: str, safety: Safety, *, resolve: Resolver = addresses) -> Endpoint:
    """The endpoint that captured traffic may be sent to.

    Raises ScenarioError unless the URL is http(s) without credentials, and its host is loopback, private (as
    a literal or by all its addresses), or named in the `allow_hosts` of a `confirmed` safety.
    """
    parts = _split(url)
    host, port = parts.hostname or "", parts.port or _PORTS[parts.scheme]
    try:
        found = tuple(resolve(host, port))
    except (OSError, UnicodeError):
        raise ScenarioError(
            "the host of a target cannot be resolved",
            where=shown(parts),
            found=repr(host),
            fix="Check the name in its url.",
        ) from None
    allowed = host.lower() in {name.lower() for name in safety.allow_hosts}
    if not allowed and not (found and all(map(_is_private, found))):
        raise ScenarioError(
            "captured traffic may not be sent to this host",
            where=shown(parts),
            found=f"{host} ({', '.join(found[:2])})",
            expected="a loopback or private address",
            fix=f'If it is meant, write allow_hosts = ["{host}"] under [safety], and confirm it with '
            f"--allow-public {host} on the command line.",
        )
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Endpoint(
        scheme=parts.scheme,
        host=host,
        port=port,
        path=safe_path(path, error=ScenarioError),
        addresses=found,
    )


def check_resumable(safety: Safety) -> None:
    """Raises ScenarioError unless the scenario says that requests may be sent again.

    What was in flight when a run was cut may have been received, and is sent once more.
    """
    if not safety.idempotent:
        raise ScenarioError(
            "a run that was cut is resumed by sending requests again, which the scenario does not allow",
            where="[safety]",
            found="idempotent = false",
            expected="idempotent = true",
            fix="Set it if an answer changes nothing at the service; otherwise start a new run.",
        )


def shown(parts: SplitResult) -> str:
    """The URL as it may be printed: without credentials, query and fragment."""
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def _split(url: str) -> SplitResult:
    """The parts of an http(s) URL that a target may have."""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        raise ScenarioError("a target's url cannot be read", expected="http://host:port/path") from None
    if parts.scheme not in _PORTS or not parts.hostname:
        raise ScenarioError(
            "a target's url must be http or https, with a host",
            found=repr(shown(parts)),
            expected="http://host:port/path",
        )
    if parts.username is not None or parts.password is not None:
        raise ScenarioError(
            "a target's url holds credentials",
            where=shown(parts),
            fix='Take them out and set headers = { authorization = "env:NAME" }.',
        )
    return parts


def _is_private(address: str) -> bool:
    """Whether an address is loopback or in a private network."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    mapped = getattr(ip, "ipv4_mapped", None)
    return any((mapped or ip) in network for network in PRIVATE)


def check_method(method: str, safety: Safety) -> str:
    """The method, when it was declared safe; raises ScenarioError otherwise."""
    if method not in safety.methods or not _TOKEN.fullmatch(method):
        raise ScenarioError(
            "a target's method is not declared safe",
            found=repr(method),
            expected=" or ".join(safety.methods),
            fix=f'If requests may be sent again with it, add it to methods under [safety]: "{method}".',
        )
    return method


def safe_headers(captured: Mapping[str, str]) -> dict[str, str]:
    """Captured headers by lower-case name, without secrets, hop-by-hop headers and those we set ourselves.

    Raises CaptureError on a name or value that could smuggle another header or request.
    """
    named = set(_connection_tokens(captured))
    return {
        name.lower(): value
        for name, value in captured.items()
        if (lower := check_header(name, value, error=CaptureError)) not in SECRET | HOP | OURS
        and not lower.startswith("proxy-")
        and not is_private(lower)
        and lower not in named
    }


def _connection_tokens(captured: Mapping[str, str]) -> list[str]:
    """The header names that `Connection` declares to be of one hop only."""
    values = [value for name, value in captured.items() if name.lower() == "connection"]
    return [token.strip().lower() for value in values for token in value.split(",")]


def check_header(name: str, value: str, *, error: type[CaptureError | ScenarioError]) -> str:
    """The lower-case name of a header that is safe to send; raises `error`, never showing the value."""
    if not _TOKEN.fullmatch(name):
        raise error("a header name is not a token", found=repr(name[:40]))
    if _CONTROL.search(value):
        raise error("a header value holds a control character", found=f"header {name[:40]!r}")
    return name.lower()


def safe_path(path: str, *, error: type[CaptureError | ScenarioError] = CaptureError) -> str:
    """A path in origin form (`/a/b?c=d`); raises `error` on absolute URLs, blanks and control characters."""
    if not _ORIGIN_FORM.fullmatch(path):
        raise error(
            "a path is not in origin form", found=repr(path[:60]), expected="/path?query, percent-encoded"
        )
    return path
