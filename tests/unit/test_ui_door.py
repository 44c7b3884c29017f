"""The way in: who is refused never reaches the application, and every answer is bound by headers."""

from __future__ import annotations

import anyio
import pytest

from harness.ui.door import App, Door, Message, Receive, Send
from harness.ui.guard import HEADERS, Guard, Refusal


def answering(status: int, **headers: str) -> App:
    """An application that always answers so."""

    async def app(scope: Message, receive: Receive, send: Send) -> None:  # noqa: ARG001  -- as ASGI has it
        told = [(k.replace("_", "-").encode(), v.encode()) for k, v in headers.items()]
        await send({"type": "http.response.start", "status": status, "headers": told})
        await send({"type": "http.response.body", "body": b""})

    return app


def refused(refusal: Refusal) -> App:
    """The answer to those who are not let in."""
    return answering(int(refusal.status))


def through(door: Door, *, host: bytes = b"127.0.0.1", kind: str = "http") -> Message:
    """The first message that comes back."""
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request"}

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {"type": kind, "method": "GET", "path": "/", "headers": [(b"Host", host)]}
    anyio.run(lambda: door(scope, receive, send))
    return sent[0]


def test_every_answer_is_bound_and_keeps_rules_of_its_own() -> None:
    """The report's page has others than ours."""
    door = Door(answering(200, content_security_policy="mine"), Guard(), refused)
    found = through(door)
    headers = {name.decode(): value.decode() for name, value in found["headers"]}
    assert found["status"] == 200
    assert headers == {**HEADERS, "content-security-policy": "mine"}


@pytest.mark.parametrize(("host", "status"), [(b"127.0.0.1", 200), (b"evil.example", 421), (b"\xff", 421)])
def test_who_is_refused_never_comes_in(host: bytes, status: int) -> None:
    """And is told in an answer that is bound as well."""
    found = through(Door(answering(200), Guard(), refused), host=host)
    assert found["status"] == status
    assert (b"x-frame-options", b"") not in found["headers"]
    assert len(found["headers"]) == len(HEADERS)


def test_what_is_not_http_is_left_alone() -> None:
    """The start and the end of the server are nobody's request."""
    assert through(Door(answering(200), Guard(), refused), kind="lifespan")["headers"] == []
