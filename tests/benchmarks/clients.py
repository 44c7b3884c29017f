"""Closed loops of Python clients, each in a program of its own: `python -m tests.benchmarks.clients JSON`.

64 connections post one body, and post it again as soon as the answer is there. Also run by the Python that
has the peers, so nothing is imported here that only we have.
"""

from __future__ import annotations

import asyncio
import gc
import importlib
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from tests.benchmarks.machine import Json, answer_on_stdout, cpu_s, given

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

CONNECTIONS = 64
JSON = {"content-type": "application/json"}
UVLOOP = frozenset({"wire", "wire_unique", "transport", "httpx_pyreqwest", "httpx_aiohttp"})


class Count:
    """Answers counted from when the clients are warm until time is up; any wrong answer ends it all."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.answers = 0
        self.over = False

    def start(self) -> None:
        """From now on; no collection of garbage falls into anybody's time."""
        gc.collect()
        gc.freeze()
        asyncio.get_running_loop().call_later(self.seconds, self.stop)
        self.answers, self.cpu, self.at = 0, cpu_s(), time.perf_counter()

    def stop(self) -> None:
        """Until now."""
        self.over = True
        self.found = {
            "requests": self.answers,
            "cpu_s": cpu_s() - self.cpu,
            "wall_s": time.perf_counter() - self.at,
        }

    def check(self, status: int | None, body: bytes) -> None:
        """One more answer, a right one."""
        if status != 200 or len(body) < 250:
            raise SystemExit(f"wrong answer: status {status}, {len(body)} bytes")
        self.answers += 1


async def wire(asked: Json, count: Count, body: bytes) -> None:
    """Our pool, by callback."""
    from replayers.wire import Origin, Pool

    parts = urlsplit(asked["url"])
    data = (
        b"POST %b HTTP/1.1\r\nHost: %b\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b"
        % (
            parts.path.encode(),
            parts.netloc.encode(),
            len(body),
            body,
        )
    )
    pool = Pool(Origin(addresses=(parts.hostname or "",), port=parts.port or 80))
    await pool.warm(CONNECTIONS)
    finished = asyncio.Event()

    def done(reply: Any) -> None:  # noqa: ANN401  -- a Reply, which the peers' Python does not know
        if count.over:
            finished.set()
            return
        final = reply.final
        count.check(final.status, final.body)
        pool.submit(data, timeout_s=10.0, done=done)

    count.start()
    for _ in range(CONNECTIONS):
        pool.submit(data, timeout_s=10.0, done=done)
    await finished.wait()
    await pool.aclose()


async def through_httpx(asked: Json, count: Count, body: bytes) -> None:
    """An httpx client over the transport of that name, 64 tasks."""
    import httpx

    async with httpx.AsyncClient(**_transport(asked["kind"])) as client:

        async def one() -> None:
            response = await client.post(asked["url"], content=body, headers=JSON)
            count.check(response.status_code, response.content)

        async def again_and_again() -> None:
            while not count.over:
                await one()

        await asyncio.gather(*(one() for _ in range(CONNECTIONS)))
        count.start()
        await asyncio.gather(*(again_and_again() for _ in range(CONNECTIONS)))


def _transport(kind: str) -> dict[str, Any]:
    """How httpx is set up for this kind."""
    import httpx

    limits = httpx.Limits(max_connections=CONNECTIONS, max_keepalive_connections=CONNECTIONS)
    if kind == "httpx":
        return {}
    if kind == "transport":
        from replayers.transport import WireTransport

        return {"transport": WireTransport(max_connections=CONNECTIONS)}
    if kind == "httpx_aiohttp":
        return {"transport": importlib.import_module("httpx_aiohttp").AiohttpTransport(limits=limits)}
    if kind == "httpx_pyreqwest":
        return {"transport": importlib.import_module("pyreqwest.compatibility.httpx").HttpxTransport()}
    return {"limits": limits}


async def measured(asked: Json) -> Json:
    """What one client did in the seconds asked for."""
    count = Count(asked["seconds"])
    client: Callable[[Json, Count, bytes], Awaitable[None]]
    client = wire if asked["kind"].startswith("wire") else through_httpx
    await client(asked, count, asked["body"].encode())
    return count.found


def main() -> None:
    """Measure, on uvloop where the client is meant for it."""
    asked = given(dict)
    if asked["kind"] in UVLOOP:
        import uvloop

        answer_on_stdout(uvloop.run(measured(asked)))
    else:
        answer_on_stdout(asyncio.run(measured(asked)))


if __name__ == "__main__":
    main()
