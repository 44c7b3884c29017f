"""What stands before every route: whom the server answers, how much it reads, and how long it takes."""

from __future__ import annotations

import asyncio
import base64
import binascii
import hmac
import json
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
#: answered to anybody, and saying nothing
HEALTH = "/healthz"


@dataclass(frozen=True)
class Rules:
    """The hosts that the server answers as, the token it asks for, and its bounds."""

    hosts: frozenset[str] = LOOPBACK
    token: str = ""
    largest_body: int = 65_536
    body_s: float = 5.0
    answer_s: float = 8.0


class _RefusedError(Exception):
    """Ends a request with a status and a reason."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status


class Protection:
    """An ASGI application that hands on only what its rules allow; every refusal is a 4xx, never a pass."""

    def __init__(self, app: Application, rules: Rules) -> None:
        """Wraps `app`."""
        self._app = app
        self._rules = rules

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: PLR0917  -- as ASGI calls it
        """Answer one request, or hand it on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun = False

        async def sent(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            if scope["path"] != HEALTH:
                _check(scope, self._rules)
            body = await _body(receive, self._rules)
            async with asyncio.timeout(self._rules.answer_s):
                await self._app(scope, _again(body, receive), sent)
        except _RefusedError as error:
            await _refuse(send, error.status, why=str(error))
        except TimeoutError:
            if not begun:
                await _refuse(send, 409, why="the results folder does not answer in time")


def _check(scope: Scope, rules: Rules) -> None:
    """The request is for this server, from no page of another origin, and by one who knows the token."""
    headers = scope["headers"]
    host = _only(headers, b"host")
    if _name(host) not in rules.hosts:
        raise _RefusedError(421, "this server does not answer to that Host; see --allow-host")
    origin = _only(headers, b"origin")
    if origin and urlsplit(origin).netloc.lower() != host.lower():
        raise _RefusedError(403, "pages of another origin may not ask")
    if rules.token and not _knows(_only(headers, b"authorization"), rules.token):
        raise _RefusedError(401, "the token is missing or wrong")


def _only(headers: list[tuple[bytes, bytes]], name: bytes) -> str:
    """The one header of a name, empty where there is none; two contradict each other and are refused."""
    found = [value for key, value in headers if key == name]
    if len(found) > 1:
        raise _RefusedError(400, f"several headers {name.decode()}")
    return found[0].decode("latin-1").strip() if found else ""


def _name(host: str) -> str:
    """A Host header without its port; empty where it cannot be read."""
    try:
        return (urlsplit(f"//{host}").hostname or "").lower()
    except ValueError:
        return ""


def _knows(header: str, token: str) -> bool:
    """Whether the token came: as a bearer, or as the password of Basic, where a client knows only URLs."""
    kind, _, value = header.partition(" ")
    given = value.strip()
    if kind.lower() == "basic":
        try:
            given = base64.b64decode(given, validate=True).decode("utf-8", "replace").partition(":")[2]
        except binascii.Error:
            given = ""
    elif kind.lower() != "bearer":
        given = ""
    return hmac.compare_digest(given.encode(), token.encode())


async def _body(receive: Receive, rules: Rules) -> bytes:
    """The whole body, if it is small and comes in time."""
    body = bytearray()
    try:
        async with asyncio.timeout(rules.body_s):
            while True:
                message = await receive()
                body += message.get("body", b"")
                if len(body) > rules.largest_body:
                    raise _RefusedError(413, f"more than {rules.largest_body:,} bytes")
                if message["type"] == "http.disconnect" or not message.get("more_body", False):
                    return bytes(body)
    except TimeoutError:
        raise _RefusedError(408, "the body did not come in time") from None


def _again(body: bytes, receive: Receive) -> Receive:
    """The body once more, in one piece; then whatever comes."""
    given = False

    async def replayed() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replayed


async def _refuse(send: Send, status: int, *, why: str) -> None:
    body = json.dumps({"error": why}).encode()
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        (b"connection", b"close"),
        *([(b"www-authenticate", b"Bearer")] if status == 401 else []),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
