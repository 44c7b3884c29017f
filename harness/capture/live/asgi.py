"""The middleware for ASGI 3: FastAPI, Starlette, Litestar, Quart, or an application of one's own."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, MutableMapping
from time import perf_counter_ns
from typing import Any, Unpack
from urllib.parse import quote

from .exchange import CURRENT, KEY, Exchange
from .recorder import Recorder
from .watch import Options, Watch

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

#: messages that name a file instead of holding its bytes
_UNSEEN = frozenset({"http.response.pathsend", "http.response.zerocopysend"})


class CaptureMiddleware:
    """Records HTTP calls into `folder`, or with a `recorder` of one's own; see `Options` for the others.

    Each message is passed on as it comes; of bodies only references are taken. Errors of the application are
    recorded and raised again. Websockets pass untouched, and the end of the lifespan ends the recorder.
    """

    def __init__(
        self,
        app: App,
        folder: str | os.PathLike[str] | None = None,
        *,
        recorder: Recorder | None = None,
        **options: Unpack[Options],
    ) -> None:
        self.app = app
        self._watch = Watch(folder, recorder, options=options)
        self.recorder = self._watch.recorder

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: PLR0917  -- as ASGI says
        """One connection, as ASGI says."""
        if scope["type"] == "lifespan":
            await self._lived(scope, receive, send=send)
            return
        if scope["type"] != "http" or not self._watch.wants(scope["method"], scope["path"]):
            await self.app(scope, receive, send)
            return
        raw_path = scope.get("raw_path")
        call = Exchange(
            self._watch,
            method=scope["method"],
            path=raw_path if raw_path is not None else quote(scope["path"]),
            query=scope.get("query_string", b""),
            headers=scope["headers"],
        )
        call.unsaid = scope.get("http_version", "1.1")[:1] > "1"
        scope[KEY] = call
        before = CURRENT.get()
        CURRENT.set(call)
        try:
            await self.app(scope, _hearing(call, receive), _telling(call, send, echo=self._watch.echo_id))
        except BaseException as error:
            call.failed(error)
            raise
        finally:
            CURRENT.set(before)
            call.end()

    async def _lived(self, scope: Scope, receive: Receive, *, send: Send) -> None:
        """The lifespan, with the recorder's end before that of the application, even if that knows none.

        One that listened and then raised has failed to start: that is the server's to hear.
        """
        heard: list[Message] = []
        told: list[str] = []

        async def hearing() -> Message:
            heard.append(await receive())
            return heard[-1]

        def telling(message: Message) -> Awaitable[None]:
            told.append(message.get("type", ""))
            if told[-1].startswith("lifespan.shutdown"):
                self.recorder.close()
            return send(message)

        try:
            await self.app(scope, hearing, telling)
        except Exception:
            if told or heard:
                raise
        if told:
            return
        if not heard:
            await hearing()
        await telling({"type": "lifespan.startup.complete"})
        await receive()
        await telling({"type": "lifespan.shutdown.complete"})


def _hearing(call: Exchange, receive: Receive) -> Receive:
    """`receive`, and what comes is noted."""

    async def hearing() -> Message:
        message = await receive()
        kind = message.get("type")
        if kind == "http.request":
            call.asked.add(message.get("body", b""))
            call.asked_ns = perf_counter_ns()
            call.ended = not message.get("more_body")
        elif kind == "http.disconnect" and not call.done_ns:
            call.left = True
        return message

    return hearing


def _telling(call: Exchange, send: Send, *, echo: bool) -> Send:
    """`send`, and what goes is noted; the server's own awaitable is given back."""

    def telling(message: Message) -> Awaitable[None]:
        kind = message.get("type")
        if kind == "http.response.body":
            call.answer.add(message.get("body", b""))
            if not message.get("more_body"):
                call.end()
        elif kind == "http.response.start":
            return send(_begun(call, message, echo=echo))
        elif kind in _UNSEEN:
            call.answer.cut = True
            if not message.get("more_body"):
                call.end()
        return send(message)

    return telling


def _begun(call: Exchange, message: Message, *, echo: bool) -> Message:
    """The head of the answer, with the call's id where that is wanted and the application gave none."""
    headers = message.get("headers", ())
    if type(headers) is not list:
        headers = list(headers)
        message = {**message, "headers": headers}
    if echo and not any(name.lower() == b"x-request-id" for name, _ in headers):
        headers = [*headers, (b"x-request-id", call.request_id.encode("latin-1", "replace"))]
        message = {**message, "headers": headers}
    call.status = message["status"]
    call.answer_headers = headers
    return message
