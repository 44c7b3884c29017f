"""Heads of HTTP/1.1 messages: what is refused, and how each is written for its next hop. Pure functions.

Whatever framed a message on its way in is not passed on: the head is written anew, and the body after it is
framed by what was parsed. So no two servers behind each other can disagree about where a request ends.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from http import HTTPStatus

Fields = list[tuple[bytes, bytes]]

#: of one hop only (RFC 9110, section 7.6.1), written anew where they are needed
HOP = frozenset(
    {
        b"connection",
        b"http2-settings",
        b"keep-alive",
        b"proxy-connection",
        b"te",
        b"transfer-encoding",
        b"upgrade",
    }
)
#: `Connection` may not name these away: they say whose the message is and where it ends
_STAYS = frozenset({b"content-length", b"host"})
#: appended to, so written anew; `Trailer` announces what is not passed on with a request
_OURS = frozenset({b"via", b"x-forwarded-for", b"trailer"})
_PLAIN = frozenset({b"", b"close", b"keep-alive"})
_ORIGIN_FORM = re.compile(rb"/[\x21-\x22\x24-\x7e]*")
_ABSOLUTE_FORM = re.compile(rb"https?://([^/?#@\s]+)([/?][\x21-\x22\x24-\x7e]*)?", re.IGNORECASE)
_HOST = re.compile(rb"[A-Za-z0-9._~:\[\]-]*")
_NO_UPGRADE = frozenset({b"", b"h2c"})
_UPGRADES = frozenset({101, 426})
#: content codings that a record can be freed from
_UNDONE = frozenset({b"gzip", b"x-gzip", b"deflate", b"identity"})
#: a coding of no weight is one that is not wanted (RFC 9110, section 12.4.2)
_REFUSED = re.compile(rb";[ \t]*q=0(?:\.0{0,3})?[ \t]*$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Refusal:
    """A request that is not passed on: what it is answered with."""

    status: int
    words: str


@dataclass(frozen=True, slots=True)
class RequestHead:
    """A request as it is passed on: its body has `length` bytes, comes in chunks, or is none."""

    method: bytes
    target: bytes
    fields: Fields
    minor: int = 1
    length: int = 0
    chunked: bool = False
    keep_alive: bool = True
    upgrade: bool = False
    expects: bool = False


@dataclass(frozen=True, slots=True)
class AnswerHead:
    """An answer; without a body, a length or chunks it ends where its connection does (`to_close`)."""

    status: int
    reason: bytes
    fields: Fields
    chunked: bool = False
    to_close: bool = False
    keep_alive: bool = True


def request_head(
    method: bytes, target: bytes, *, fields: Fields, version: str, keep_alive: bool
) -> RequestHead | Refusal:
    """The request that these lines ask for, or why it is refused (RFC 9112, sections 3.2, 6.1 and 6.3).

    The parser has refused what is no HTTP, two lengths, and a length beside chunks; this is about the rest.
    """
    if version not in {"1.0", "1.1"}:
        return Refusal(505, "only HTTP/1.1 and HTTP/1.0 are spoken here")
    if method == b"CONNECT":
        return Refusal(501, "this is no forward proxy")
    known = {name.lower(): value.strip() for name, value in fields}
    minor = int(version == "1.1")
    said = _unframed(fields, minor) or _host(fields, minor)
    if said is not None:
        return said
    found = _target(method, target, fields=fields)
    if isinstance(found, Refusal):
        return found
    length, chunked = int(known.get(b"content-length", b"0")), b"transfer-encoding" in known
    expects = known.get(b"expect", b"").lower()
    if expects not in {b"", b"100-continue"}:
        return Refusal(417, "only 100-continue can be expected")
    wanted = known.get(b"upgrade", b"").lower() not in _NO_UPGRADE
    asked = b"upgrade" in _tokens(known.get(b"connection", b""))
    return RequestHead(
        method,
        *found,
        minor=minor,
        length=length,
        chunked=chunked,
        keep_alive=keep_alive and minor == 1,
        upgrade=wanted and asked and minor == 1 and not length and not chunked,
        expects=bool(expects) and minor == 1,
    )


def framing(head: RequestHead) -> bytes:
    """A head that says of this request how its body ends and whether another follows, and nothing else."""
    length = b"Transfer-Encoding: chunked" if head.chunked else b"Content-Length: %d" % head.length
    lines = (b"POST / HTTP/1.1", length, b"Connection: " + (b"keep-alive" if head.keep_alive else b"close"))
    return b"\r\n".join((*lines, b"", b""))


def _unframed(fields: Fields, minor: int) -> Refusal | None:
    """Why the end of this request cannot be known for certain."""
    codings = [value.strip().lower() for name, value in fields if name.lower() == b"transfer-encoding"]
    if not codings:
        return None
    if not minor or any(name.lower() == b"content-length" for name, _ in fields):
        return Refusal(400, "the length of this request is ambiguous")
    if codings == [b"chunked"]:
        return None
    return Refusal(501, "the only transfer coding known here is chunked")


def _host(fields: Fields, minor: int) -> Refusal | None:
    """Why it is not clear for whom the request is: exactly one host is named in HTTP/1.1."""
    hosts = [value for name, value in fields if name.lower() == b"host"]
    if len(hosts) > 1 or (minor and not hosts) or not all(_HOST.fullmatch(host.strip()) for host in hosts):
        return Refusal(400, "the request names no host, or more than one")
    return None


def _target(method: bytes, target: bytes, *, fields: Fields) -> tuple[bytes, Fields] | Refusal:
    """The target in origin form; an absolute one also says the host (RFC 9112, section 3.2.2)."""
    if _ORIGIN_FORM.fullmatch(target) or (target == b"*" and method == b"OPTIONS"):
        return target, fields
    absolute = _ABSOLUTE_FORM.fullmatch(target)
    if absolute is None or not _HOST.fullmatch(absolute[1]):
        return Refusal(400, "the target of the request is not in origin form")
    path = absolute[2] or b"/"
    rest = [(name, value) for name, value in fields if name.lower() != b"host"]
    return (path if path[:1] == b"/" else b"/" + path), [(b"Host", absolute[1]), *rest]


def _tokens(value: bytes) -> frozenset[bytes]:
    """What `Connection` names, in lower case."""
    lower = value.strip().lower()
    if lower in _PLAIN:
        return frozenset()
    return frozenset(token.strip() for token in lower.split(b","))


def dropped(fields: Fields) -> frozenset[bytes]:
    """The names that end here: those of one hop, and those that `Connection` declares to be such."""
    named: frozenset[bytes] = frozenset()
    for name, value in fields:
        if name.lower() == b"connection":
            named |= _tokens(value)
    return HOP if not named else HOP | (named - _STAYS)


def passed_on(head: RequestHead, *, peer: bytes, via: bytes, host: bytes = b"localhost") -> bytes:
    """The head as the upstream gets it, with `peer` and `via` appended to who has passed it on so far.

    `host` is named where the user, in HTTP/1.0, has named none.
    """
    gone = dropped(head.fields)
    lines = [b"%b %b HTTP/1.1" % (head.method, head.target)]
    if not head.minor and not any(name.lower() == b"host" for name, _ in head.fields):
        lines.append(b"Host: " + host)
    before: dict[bytes, list[bytes]] = {b"x-forwarded-for": [], b"via": []}
    for name, value in head.fields:
        lower = name.lower()
        if lower in before and lower not in gone:
            before[lower].append(value)
        elif lower not in gone and lower not in _OURS and (lower != b"expect" or head.expects):
            lines.append(b"%b: %b" % (name, readable(value) if lower == b"accept-encoding" else value))
    lines.append(b"X-Forwarded-For: " + b", ".join([*before[b"x-forwarded-for"], peer]))
    lines.append(b"Via: " + b", ".join([*before[b"via"], b"1.%d %b" % (head.minor, via)]))
    if head.chunked:
        lines.append(b"Transfer-Encoding: chunked")
    if head.upgrade:
        lines += _upgrade(head.fields)
    return b"\r\n".join((*lines, b"", b""))


def readable(accepted: bytes) -> bytes:
    """Of an `Accept-Encoding` what a record can be freed from; where none of that is welcome, `identity`."""
    codings = [coding.strip() for coding in accepted.split(b",")]
    kept = [coding for coding in codings if coding.partition(b";")[0].strip().lower() in _UNDONE]
    return b", ".join(kept) if any(not _REFUSED.search(coding) for coding in kept) else b"identity"


def _upgrade(fields: Fields) -> list[bytes]:
    wanted = b", ".join(value for name, value in fields if name.lower() == b"upgrade")
    return [b"Connection: Upgrade", b"Upgrade: " + wanted]


def has_passed(head: RequestHead, via: bytes) -> bool:
    """Whether the request was passed on by this very proxy before: a loop."""
    return any(name.lower() == b"via" and via in value for name, value in head.fields)


def given_back(head: AnswerHead, *, minor: int, close: bool) -> bytes:
    """The head of an answer as the user gets it: all of it but what is of one hop."""
    gone = dropped(head.fields)
    lines = [b"HTTP/1.1 %d %b" % (head.status, head.reason)]
    lines += [b"%b: %b" % (name, value) for name, value in head.fields if name.lower() not in gone]
    if head.chunked and minor:
        lines.append(b"Transfer-Encoding: chunked")
    if head.status in _UPGRADES:
        lines += _upgrade(head.fields)
    elif close and head.status >= 200:
        lines.append(b"Connection: close")
    return b"\r\n".join((*lines, b"", b""))


def said(status: int, words: str, *, error: str = "http_request_error", head_only: bool = False) -> bytes:
    """An answer of the proxy itself, which closes; `error` is a word of RFC 9209, section 2.3."""
    body = f"replaygate capture proxy: {words}\n".encode()
    lines = (
        f"HTTP/1.1 {status} {HTTPStatus(status).phrase}",
        "Content-Type: text/plain; charset=utf-8",
        f"Content-Length: {len(body)}",
        f"Proxy-Status: replaygate; error={error}",
        "Connection: close",
    )
    return "\r\n".join((*lines, "", "")).encode() + (b"" if head_only else body)


def chunk(data: bytes) -> bytes:
    """One chunk of a body that comes in chunks."""
    return b"%x\r\n%b\r\n" % (len(data), data)


def last_chunk(trailers: Fields) -> bytes:
    """The end of a body that comes in chunks."""
    gone = dropped(trailers)
    lines = [b"%b: %b\r\n" % (name, value) for name, value in trailers if name.lower() not in gone]
    return b"0\r\n%b\r\n" % b"".join(lines)
