"""The two kinds of service that a capture middleware stands before, called without a server."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from harness.capture.live import asgi, attach, wsgi
from harness.capture.live.recorder import Recorder

Kind = Literal["asgi", "wsgi"]
KINDS: tuple[Kind, ...] = ("asgi", "wsgi")
HEADERS = (("content-type", "application/json"),)


@dataclass(frozen=True, kw_only=True)
class Service:
    """What a service does with each call: reads so many bytes or chunks, attaches, answers, or fails."""

    reads: bool = True
    chunks: tuple[bytes, ...] = (b'{"score": 0.5}',)
    status: int = 200
    headers: tuple[tuple[str, str], ...] = HEADERS
    fails: Literal["", "before", "after"] = ""
    attaches: dict[str, Any] = field(default_factory=dict)
    seen: list[bytes] = field(default_factory=list)

    async def asgi(self, _scope: asgi.Scope, receive: asgi.Receive, send: asgi.Send) -> None:
        """As an ASGI application."""
        more = self.reads
        while more:
            message = await receive()
            self.seen.append(message.get("body", b""))
            more = message.get("more_body", False)
        attach(**self.attaches)
        self.fail("before")
        headers = [(name.encode(), value.encode()) for name, value in self.headers]
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        for chunk in self.chunks:
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
            self.fail("after")
        await send({"type": "http.response.body", "body": b""})

    def wsgi(self, environ: wsgi.Environ, start_response: wsgi.StartResponse) -> Iterable[bytes]:
        """As a WSGI application."""
        if self.reads:
            while chunk := environ["wsgi.input"].read(7):
                self.seen.append(chunk)
        attach(**self.attaches)
        self.fail("before")
        start_response(f"{self.status} As it is", list(self.headers))
        return self._chunks()

    def _chunks(self) -> Iterator[bytes]:
        for chunk in self.chunks:
            yield chunk
            self.fail("after")

    def fail(self, when: str) -> None:
        """Raises where the service is to fail now."""
        if self.fails == when:
            raise LookupError(when)


class Answered(NamedTuple):
    """What the client got: the status, headers and body, and what the server had to bear."""

    status: int
    headers: dict[str, str]
    body: bytes
    error: BaseException | None = None


@dataclass(frozen=True, kw_only=True)
class Asked:
    """One call as a client makes it, its body in chunks."""

    method: str = "POST"
    path: str = "/predict"
    query: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    chunks: tuple[bytes, ...] = (b'{"amount": 12.5}',)

    @property
    def body(self) -> bytes:
        """The whole body."""
        return b"".join(self.chunks)


def wrapped(kind: Kind, service: Service, recorder: Recorder, **options: Any) -> Callable[[Asked], Answered]:  # noqa: ANN401  -- options as a user gives them
    """A client of the service behind its middleware."""
    if kind == "asgi":
        app = asgi.CaptureMiddleware(service.asgi, recorder=recorder, **options)
        return lambda asked: asyncio.run(call_asgi(app, asked))
    other = wsgi.CaptureMiddleware(service.wsgi, recorder=recorder, **options)
    return lambda asked: call_wsgi(other, asked)


def bare(kind: Kind, service: Service) -> Callable[[Asked], Answered]:
    """A client of the service itself."""
    if kind == "asgi":
        return lambda asked: asyncio.run(call_asgi(service.asgi, asked))
    return lambda asked: call_wsgi(service.wsgi, asked)


async def call_asgi(app: asgi.App, asked: Asked) -> Answered:
    """One call of an ASGI application, as a server makes it."""
    scope: asgi.Scope = {
        "type": "http",
        "method": asked.method,
        "path": asked.path,
        "raw_path": asked.path.encode(),
        "query_string": asked.query.encode(),
        "headers": [(name.encode(), value.encode()) for name, value in _sent(asked)],
    }
    left = list(asked.chunks) or [b""]
    sent: list[asgi.Message] = []

    async def receive() -> asgi.Message:
        if not left:
            return {"type": "http.disconnect"}
        return {"type": "http.request", "body": left.pop(0), "more_body": bool(left)}

    async def send(message: asgi.Message) -> None:
        sent.append(message)

    try:
        await app(scope, receive, send)
        error = None
    except LookupError as raised:
        error = raised
    head: asgi.Message = sent[0] if sent else {"status": 500, "headers": []}
    headers = {name.decode(): value.decode() for name, value in head["headers"]}
    return Answered(head["status"], headers, b"".join(one["body"] for one in sent[1:]), error)


def call_wsgi(app: wsgi.App, asked: Asked) -> Answered:
    """One call of a WSGI application, as a server makes it."""
    environ: wsgi.Environ = {
        "REQUEST_METHOD": asked.method,
        "PATH_INFO": asked.path,
        "QUERY_STRING": asked.query,
        "wsgi.input": io.BytesIO(asked.body),
    }
    for name, value in _sent(asked):
        key = name.upper().replace("-", "_")
        environ[key if key in {"CONTENT_TYPE", "CONTENT_LENGTH"} else f"HTTP_{key}"] = value
    head: dict[str, Any] = {"status": "500", "headers": []}

    def start_response(*given: Any) -> Callable[[bytes], object]:  # noqa: ANN401  -- as PEP 3333 says
        head.update(status=given[0], headers=given[1])
        return len

    body = b""
    error: BaseException | None = None
    answer: Any = ()
    try:
        answer = app(environ, start_response)
        for chunk in answer:
            body += chunk
    except LookupError as raised:
        error = raised
    finally:
        if (close := getattr(answer, "close", None)) is not None:
            close()
    return Answered(int(head["status"][:3]), dict(head["headers"]), body, error)


def _sent(asked: Asked) -> Iterator[tuple[str, str]]:
    yield "content-length", str(len(asked.body))
    yield from asked.headers
