"""The recording proxy between a test and servers of its own, on the loopback interface."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import Self

from harness.capture.live import Record
from harness.proxy.counts import Tally
from harness.proxy.exchange import Shared
from harness.proxy.mirror import Mirror, Terms
from harness.proxy.recording import Passed, Room
from harness.proxy.running import Proxy
from harness.proxy.upstream import Pool
from harness.replay.clock import run_async
from harness.replay.guard import Safety, check_target

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"
POST = b"POST /p?q=1 HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc"
LAST = POST.replace(b"Host: a", b"Host: a\r\nConnection: close")


class Calls:
    """A recorder that keeps what it is offered."""

    def __init__(self) -> None:
        self.calls: list[Passed] = []
        self.lost: Counter[str] = Counter()

    def offer(self, call: Passed) -> bool:
        """Always taken."""
        self.calls.append(call)
        return True

    def lose(self, reason: str) -> None:
        """Counted."""
        self.lost[reason] += 1

    @property
    def records(self) -> list[Record]:
        """What was offered, as records."""
        return [call.record() for call in self.calls]


class Server:
    """Every connection is handled by the function; it is gone with the block."""

    def __init__(self, handler: Handler) -> None:
        self._handler = handler
        self._tasks: set[asyncio.Task[None]] = set()
        self.connections = 0

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        task = asyncio.get_running_loop().create_task(self._serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with contextlib.suppress(OSError, asyncio.IncompleteReadError):
                await self._handler(reader, writer)
        finally:
            writer.close()


@dataclass
class Heard:
    """A handler that notes each request, its body by its length or chunks, and says the next answer."""

    answers: list[bytes]
    requests: list[bytes] = field(default_factory=list)

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer until the other end has gone; an empty answer closes."""
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            self.requests.append(head + await body_of(head, reader))
            answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
            if not answer:
                return
            writer.write(answer)
            await writer.drain()


async def body_of(head: bytes, reader: asyncio.StreamReader) -> bytes:
    """The body after a head that the proxy wrote, without its chunks."""
    fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:] if line)
    if b"transfer-encoding" not in fields:
        return await reader.readexactly(int(fields.get(b"content-length", b"0")))
    found = b""
    while size := int((await reader.readline()).strip(), 16):
        found += (await reader.readexactly(size + 2))[:-2]
    await reader.readline()
    return found


@dataclass
class Between:
    """The proxy as it runs, and what was recorded."""

    port: int
    proxy: Proxy
    recorded: Calls
    mirrored: Calls

    @property
    def tally(self) -> Tally:
        """What the proxy counts."""
        return self.proxy.shared.tally

    @contextlib.asynccontextmanager
    async def user(self) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
        """A connection to the proxy."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            yield reader, writer
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def ask(self, *pieces: bytes) -> bytes:
        """All that comes back, to the end of the connection, for these bytes, each in a write of its own."""
        async with self.user() as (reader, writer):
            for piece in pieces:
                writer.write(piece)
                await writer.drain()
                await asyncio.sleep(0)
            return await reader.read()

    @staticmethod
    async def until(holds: Callable[[], object]) -> None:
        """Return when it holds; the test's own limit ends one that never does."""
        while not holds():  # noqa: ASYNC110  -- what is waited for tells nobody
            await asyncio.sleep(0.001)


def proxied(
    use: Callable[[Between], Awaitable[None]],
    service: Handler | int,
    *,
    shadow: Handler | int | None = None,
    terms: Terms | None = None,
    room: Room | None = None,
    most_users: int = 100,
) -> None:
    """Run with a proxy before a service, and a shadow; a port instead of a handler is one's own affair."""

    async def main() -> None:
        async with contextlib.AsyncExitStack() as stack:

            async def pool(handler: Handler | int) -> Pool:
                server = (
                    handler if isinstance(handler, int) else await stack.enter_async_context(Server(handler))
                )
                port = server if isinstance(server, int) else server.port
                return Pool(check_target(f"http://127.0.0.1:{port}", Safety()))

            recorded, mirrored, tally = Calls(), Calls(), Tally()
            mirror = None
            if shadow is not None:
                mirror = Mirror(await pool(shadow), mirrored, tally, terms=terms or Terms())
            shared = Shared(await pool(service), recorded, tally=tally)
            proxy = Proxy(replace(shared, room=room or Room()), mirror, most_users=most_users)
            try:
                await use(Between(await proxy.start("127.0.0.1", 0), proxy, recorded, mirrored))
            finally:
                await proxy.drain(1)
            assert proxy.shared.room.left == Room().left

    run_async(main)
