"""A scoring service that is recorded while it is measured: `python -m tests.benchmarks.recorded_app JSON`.

The middleware's own time is what a call takes from outside of it, less what the server's `receive` and `send`
take: the service itself, and reading the clock, are counted against the middleware.
"""

from __future__ import annotations

import asyncio
import time
from array import array
from pathlib import Path

import msgspec
import numpy as np
import uvloop

from harness.capture.live import attach
from harness.capture.live.asgi import App, CaptureMiddleware, Message, Receive, Scope, Send
from tests.benchmarks.machine import answer_on_stdout, given

FEATURES = {f"feature_{k:02d}": 100 * k + 0.123456789 for k in range(40)}
BODY = msgspec.json.encode(FEATURES)
TIMES = "_times.json"
_HEAD = {"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]}
_BODY = {"type": "http.response.body", "body": b'{"score": 0.0731928374655, "model": "lgbm-2026-11-01"}'}


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """A service on a port (0: called in this process so many times, at this rate), recorded or not."""

    folder: str
    recorded: bool = True
    port: int = 0
    calls: int = 20_000
    rate: float = 2_000.0


class Times(msgspec.Struct, frozen=True, kw_only=True):
    """The middleware's own time over all calls, us, and what became of the records."""

    calls: int
    p50: float
    p95: float
    p99: float
    written: int = 0
    dropped: int = 0


async def service(scope: Scope, receive: Receive, send: Send) -> None:
    """Reads the features, attaches them, answers."""
    if scope["type"] != "http":
        return
    await receive()
    attach(features=FEATURES, unit="u1")
    await send(_HEAD)
    await send(_BODY)


class Timed:
    """Takes the time of each call, from outside of the middleware."""

    def __init__(self, app: App, folder: Path) -> None:
        self.app = app
        self.folder = folder
        self.own_ns = array("q")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One call."""
        clock = time.perf_counter_ns
        servers = 0

        async def receiving() -> Message:
            nonlocal servers
            begun = clock()
            message = await receive()
            servers += clock() - begun
            return message

        async def sending(message: Message) -> None:
            nonlocal servers
            begun = clock()
            await send(message)
            servers += clock() - begun

        begun = clock()
        await self.app(scope, receiving, sending)
        if scope["type"] == "http":
            self.own_ns.append(clock() - begun - servers)
        else:
            (self.folder / TIMES).write_bytes(msgspec.json.encode(self.times()))

    def times(self) -> Times:
        """Over all calls so far."""
        own = np.asarray(self.own_ns) / 1_000
        p50, p95, p99 = (float(np.quantile(own, q)) for q in (0.5, 0.95, 0.99))
        counts = self.app.recorder.counts if isinstance(self.app, CaptureMiddleware) else None
        return Times(
            calls=len(own),
            p50=p50,
            p95=p95,
            p99=p99,
            written=counts.written if counts else 0,
            dropped=sum(counts.dropped.values()) if counts else 0,
        )


def application(asked: Asked) -> Timed:
    """The service, behind its middleware where it is recorded."""
    folder = Path(asked.folder)
    app: App = service
    if asked.recorded:
        app = CaptureMiddleware(service, folder, paths=["/predict"], methods=["POST"], model="a" * 64)
    return Timed(app, folder)


def headers(k: int) -> list[tuple[bytes, bytes]]:
    """What a client of a service sends."""
    return [
        (b"host", b"127.0.0.1:8000"),
        (b"user-agent", b"bench/1"),
        (b"accept", b"*/*"),
        (b"accept-encoding", b"gzip, deflate"),
        (b"authorization", b"Bearer 0123456789abcdef0123456789abcdef"),
        (b"content-type", b"application/json"),
        (b"content-length", b"%d" % len(BODY)),
        (b"x-request-id", b"r%d" % k),
    ]


async def called(timed: Timed, asked: Asked) -> None:
    """So many calls, each when it is due, by a server that takes no time."""

    async def receive() -> Message:
        return {"type": "http.request", "body": BODY, "more_body": False}

    async def send(_message: Message) -> None:
        return

    begun = time.perf_counter()
    for k in range(asked.calls):
        ahead = begun + k / asked.rate - time.perf_counter()
        if ahead > 0:
            await asyncio.sleep(ahead)
        scope: Scope = {
            "type": "http",
            "method": "POST",
            "path": "/predict",
            "raw_path": b"/predict",
            "query_string": b"",
            "headers": headers(k),
        }
        await timed(scope, receive, send)


def main() -> None:
    """The service, as asked for by the first argument."""
    asked = given(Asked)
    timed = application(asked)
    if asked.port:
        import uvicorn

        uvicorn.run(timed, port=asked.port, http="httptools", loop="uvloop", log_level="critical")
        return
    uvloop.run(called(timed, asked))
    if isinstance(timed.app, CaptureMiddleware):
        timed.app.recorder.close(30)
    answer_on_stdout(timed.times())


if __name__ == "__main__":
    main()
