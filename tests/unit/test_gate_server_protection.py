"""What stands before every route: every refusal is a 4xx that the application never hears of."""

from __future__ import annotations

import asyncio
import base64
import json
from dataclasses import dataclass, field
from typing import Any

import pytest

from harness.gate_server.protection import LOOPBACK, Message, Protection, Receive, Rules, Scope, Send

TOKEN = "correct horse battery"  # noqa: S105  -- of these tests alone


@dataclass
class App:
    """Answers 200 after a while with the body that it was given."""

    delay_s: float = 0.0
    heard: list[bytes] = field(default_factory=list)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        assert scope["type"] == "http"
        self.heard.append((await receive())["body"])
        await asyncio.sleep(self.delay_s)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"ok"})


def call(
    rules: Rules,
    *headers: tuple[str, str],
    path: str = "/verdict/b1",
    parts: tuple[bytes, ...] | None = (b"",),
    app: App | None = None,
) -> tuple[int, bytes]:
    """Status and body of one request; without parts the body never comes."""
    sent: list[Message] = []
    left = list(parts or ())

    async def receive() -> Message:
        if parts is None:
            await asyncio.Event().wait()
        return {"type": "http.request", "body": left.pop(0), "more_body": bool(left)}

    async def send(message: Message) -> None:
        await asyncio.sleep(0)
        sent.append(message)

    scope: Any = {
        "type": "http",
        "path": path,
        "headers": [(name.encode(), value.encode("latin-1")) for name, value in headers],
    }
    asyncio.run(Protection(app or App(), rules)(scope, receive, send))
    return sent[0]["status"], sent[1]["body"]


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1", 200),
        ("127.0.0.1:8321", 200),
        ("LOCALHOST:1", 200),
        ("[::1]:8321", 200),
        ("evil.example", 421),
        ("127.0.0.1.evil.example", 421),
        ("evil.example:8321", 421),
        ("user@127.0.0.1@evil.example", 421),
        ("evil.example#127.0.0.1", 421),
        ("[::1", 421),
        ("", 421),
    ],
)
def test_only_its_own_names_are_answered(host: str, status: int) -> None:
    """A page of another name that resolves to this machine reads nothing (DNS rebinding)."""
    app = App()
    assert call(Rules(), ("host", host), app=app)[0] == status
    assert bool(app.heard) is (status == 200)


def test_a_request_without_a_host_or_with_two_is_refused() -> None:
    """Nothing says whom it is for."""
    assert call(Rules())[0] == 421
    assert call(Rules(), ("host", "127.0.0.1"), ("host", "evil.example"))[0] == 400


def test_further_hosts_are_answered_where_they_were_allowed() -> None:
    """In a cluster the server has a name."""
    rules = Rules(hosts=LOOPBACK | {"gate.shop.svc"})
    assert call(rules, ("host", "gate.shop.svc:80"))[0] == 200
    assert call(rules, ("host", "gate.other.svc"))[0] == 421


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        ("http://127.0.0.1:8321", 200),
        ("http://127.0.0.1:99", 403),
        ("https://evil.example", 403),
        ("null", 403),
    ],
)
def test_pages_of_other_origins_are_refused(origin: str, status: int) -> None:
    """They could start evaluations without reading the answer."""
    assert call(Rules(), ("host", "127.0.0.1:8321"), ("origin", origin))[0] == status


def basic(text: str) -> str:
    """Basic credentials."""
    return f"Basic {base64.b64encode(text.encode()).decode()}"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ([], 401),
        ([("authorization", f"Bearer {TOKEN}")], 200),
        ([("authorization", f"bearer  {TOKEN}")], 200),
        ([("authorization", f"Bearer {TOKEN}x")], 401),
        ([("authorization", f"Bearer {TOKEN[:-1]}")], 401),
        ([("authorization", "Bearer ")], 401),
        ([("authorization", "Bearer \xe9")], 401),
        ([("authorization", TOKEN)], 401),
        ([("authorization", f"Digest {TOKEN}")], 401),
        ([("authorization", basic(f"any:{TOKEN}"))], 200),
        ([("authorization", basic(f":{TOKEN}"))], 200),
        ([("authorization", basic(TOKEN))], 401),
        ([("authorization", basic("any:other"))], 401),
        ([("authorization", "Basic %%%")], 401),
        ([("authorization", "Basic /w==")], 401),
        ([("authorization", f"Bearer {TOKEN}"), ("authorization", "Bearer x")], 400),
    ],
)
def test_a_token_is_asked_for_where_there_is_one(headers: list[tuple[str, str]], status: int) -> None:
    """As a bearer, or in the URL of clients that can send no header."""
    app = App()
    assert call(Rules(token=TOKEN), ("host", "localhost"), *headers, app=app)[0] == status
    assert bool(app.heard) is (status == 200)


class Counted(bytes):
    """Bytes that count how often they are measured."""

    measured = 0

    def __len__(self) -> int:
        Counted.measured += 1
        return super().__len__()


def test_a_body_in_many_pieces_is_measured_once_a_piece() -> None:
    """Whoever sends single bytes gets no more work done than bytes sent."""
    Counted.measured = 0
    pieces = tuple(Counted(b"x") for _ in range(500))
    app = App()
    assert call(Rules(), ("host", "localhost"), parts=pieces, app=app)[0] == 200
    assert app.heard == [b"x" * 500]
    assert Counted.measured <= 2 * len(pieces)


def test_health_is_told_to_anybody() -> None:
    """A probe knows neither name nor token."""
    assert call(Rules(token=TOKEN), path="/healthz")[0] == 200


@pytest.mark.parametrize(
    ("parts", "status"),
    [
        ((b"x" * 10,), 200),
        ((b"x" * 5, b"x" * 5), 200),
        ((b"x" * 11,), 413),
        ((b"x" * 5, b"x" * 5, b"x"), 413),
        (None, 408),
    ],
)
def test_a_body_is_small_and_comes_in_time(parts: tuple[bytes, ...] | None, status: int) -> None:
    """However it is cut; the application gets it whole or not at all."""
    app, rules = App(), Rules(largest_body=10, body_s=0.05)
    assert call(rules, ("host", "localhost"), parts=parts, app=app)[0] == status
    assert app.heard == ([b"x" * 10] if status == 200 else [])


def test_an_answer_that_takes_too_long_is_a_refusal_with_its_reason() -> None:
    """Before a controller gives up by itself; never a 5xx, whose text it would not show."""
    status, body = call(Rules(answer_s=0.02), ("host", "localhost"), app=App(delay_s=30))
    assert status == 409
    assert json.loads(body) == {"error": "the results folder does not answer in time"}
