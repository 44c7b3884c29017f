"""Connections to one server behind the proxy: kept alive, the last used first, opened when none is idle."""

from __future__ import annotations

import asyncio
import ssl
import time
from typing import TYPE_CHECKING, Protocol

from harness.proxy.reading import AnswerPart, AnswerReader

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.replay.guard import Endpoint

CONNECT_S = 5.0
#: shorter than any server's own (gunicorn closes after 2 s): a request on a closing connection is lost
IDLE_S = 1.5


class Owner(Protocol):
    """Who waits for the answer on a connection; each call may come at any time, in this order."""

    def connected(self, connection: Connection) -> None:
        """Here is the connection that was asked for."""

    def unconnected(self, error: str) -> None:
        """There is none; `error` is a word of RFC 9209, section 2.3."""

    def answered(self, parts: list[AnswerPart]) -> None:
        """More of the answer has come."""

    def full(self, *, is_full: bool) -> None:
        """The server takes no more of the request for now, or takes it again."""

    @property
    def over(self) -> bool:
        """It no longer waits."""


class Connection(asyncio.Protocol):
    """One connection to the server: at most one owner at a time."""

    __slots__ = ("_last", "_paused", "_pool", "idle_s", "owner", "reader", "reused", "transport")

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self.owner: Owner | None = None
        self.reader = AnswerReader()
        self.transport: asyncio.Transport | None = None
        self.reused = self._last = self._paused = False
        self.idle_s = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """It is open."""
        self.transport = transport  # type: ignore[assignment]  # a stream transport, as create_connection says

    def write(self, data: bytes) -> None:
        """Send some of the request."""
        if self.transport is not None:
            self.transport.write(data)

    def write_eof(self) -> None:
        """The request was the last here."""
        self._last = True
        if self.transport is not None and self.transport.can_write_eof():
            self.transport.write_eof()

    def data_received(self, data: bytes) -> None:
        """More of an answer."""
        owner = self.owner
        if owner is None:  # it speaks unasked
            self.drop()
        else:
            owner.answered(self.reader.feed(data))

    def connection_lost(self, exc: Exception | None) -> None:
        """The server has closed, or the connection broke."""
        owner, self.owner, self.transport = self.owner, None, None
        self._pool.forget(self)
        if owner is not None:
            owner.answered(self.reader.eof(reset=exc is not None))
        self.reader.end()

    def pause_writing(self) -> None:
        """The server is slow to take the request."""
        if self.owner is not None:
            self.owner.full(is_full=True)

    def resume_writing(self) -> None:
        """The server takes more of the request."""
        if self.owner is not None:
            self.owner.full(is_full=False)

    def pause(self, *, paused: bool) -> None:
        """Whether to read no more for now."""
        if self.transport is not None and paused != self._paused and not self.transport.is_closing():
            self._paused = paused
            (self.transport.pause_reading if paused else self.transport.resume_reading)()

    def release(self) -> None:
        """The answer is over: the connection is kept if it can carry another request."""
        self.owner = None
        if self._last or not self.reader.reusable or self.transport is None or self.transport.is_closing():
            self.drop()
        else:
            self.pause(paused=False)
            self._pool.keep(self)

    def drop(self) -> None:
        """Nothing more is sent or read here, and nobody is told."""
        self.owner = None
        self._pool.forget(self)
        if self.transport is not None:
            self.transport.abort()


class Pool:
    """Connections to one endpoint that passed the guard; all calls on one loop."""

    def __init__(self, endpoint: Endpoint, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.endpoint = endpoint
        self._clock = clock
        self._tls = ssl.create_default_context() if endpoint.scheme == "https" else None
        self._idle: dict[Connection, None] = {}
        self._all: set[Connection] = set()
        self._opening: set[asyncio.Task[None]] = set()

    def ask(self, owner: Owner, *, fresh: bool = False) -> None:
        """Give the owner a connection: at once when one is idle, unless it is to be `fresh`."""
        while self._idle and not fresh:
            connection, _ = self._idle.popitem()
            if self._clock() - connection.idle_s < IDLE_S:
                connection.reused = True
                self._give(connection, owner)
                return
            connection.drop()
        task = asyncio.get_running_loop().create_task(self._open(owner))
        self._opening.add(task)
        task.add_done_callback(self._opening.discard)

    @property
    def idle(self) -> int:
        """How many connections wait to be used again."""
        return len(self._idle)

    def keep(self, connection: Connection) -> None:
        """The connection is idle, and the next to be used."""
        connection.idle_s = self._clock()
        self._idle[connection] = None

    def forget(self, connection: Connection) -> None:
        """The connection is no longer ours to use."""
        self._all.discard(connection)
        self._idle.pop(connection, None)

    def sweep(self) -> None:
        """What has lain idle for long is closed."""
        oldest = self._clock() - IDLE_S
        for connection in [one for one in self._idle if one.idle_s <= oldest]:
            connection.drop()

    async def aclose(self) -> None:
        """Every connection is closed; who still waits for one is not told."""
        for task in self._opening:
            task.cancel()
        await asyncio.gather(*self._opening, return_exceptions=True)
        for connection in list(self._all):
            connection.drop()
        await asyncio.sleep(0)

    async def _open(self, owner: Owner) -> None:
        error = "destination_ip_unroutable"
        try:
            async with asyncio.timeout(CONNECT_S):
                connection, error = await self._first()
        except TimeoutError:
            connection, error = None, "connection_timeout"
        if connection is None:
            if not owner.over:
                owner.unconnected(error)
        elif owner.over:
            self.keep(connection)
        else:
            self._give(connection, owner)

    async def _first(self) -> tuple[Connection | None, str]:
        """A connection to the first address that takes one, or why none does."""
        error = "destination_ip_unroutable"
        for address in self.endpoint.addresses:
            try:
                _, connection = await asyncio.get_running_loop().create_connection(
                    lambda: Connection(self),
                    address,
                    self.endpoint.port,
                    ssl=self._tls,
                    server_hostname=self.endpoint.host if self._tls else None,
                )
            except ssl.SSLError:
                error = "tls_certificate_error"
            except ConnectionError:
                error = "connection_refused"
            except OSError:
                error = "destination_ip_unroutable"
            else:
                self._all.add(connection)
                return connection, ""
        return None, error

    def _give(self, connection: Connection, owner: Owner) -> None:
        connection.owner = owner
        owner.connected(connection)
