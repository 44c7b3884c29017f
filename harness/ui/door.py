"""The way in: every request is shown to the guard before anything else, every answer binds the browser."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from typing import Any

from harness.ui.guard import HEADERS, Asked, Guard, Refusal

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]


@dataclass
class Door:
    """An application behind a guard; `refused` makes the answer to those who are not let in."""

    app: App
    guard: Guard
    refused: Callable[[Refusal], App]

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:  # noqa: PLR0917  -- as ASGI has it
        """One request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def bound(message: Message) -> None:
            if message["type"] == "http.response.start":
                there = {name for name, _ in message["headers"]}
                more = [(k.encode(), v.encode()) for k, v in HEADERS.items() if k.encode() not in there]
                message = {**message, "headers": [*message["headers"], *more]}
            await send(message)

        refusal = self.guard.refusal(_asked(scope))
        app = self.app if refusal is None else self.refused(refusal)
        await app(scope, receive, bound)


def _asked(scope: Message) -> Asked:
    size = len(scope.get("raw_path", b"")) + len(scope.get("query_string", b""))
    headers = {k.decode("latin-1").lower(): v.decode("latin-1") for k, v in scope["headers"]}
    return Asked(scope["method"], scope["path"], size, headers)
