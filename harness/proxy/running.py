"""The proxy as it runs: it listens, looks after what takes too long, and ends without cutting an answer."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from harness.proxy.client import Client

if TYPE_CHECKING:
    from harness.proxy.exchange import Shared
    from harness.proxy.mirror import Mirror

SWEEP_S = 0.25
BACKLOG = 1_024


class Proxy:
    """Users on one side, the service and its shadow on the other."""

    def __init__(self, shared: Shared, mirror: Mirror | None = None, *, most_users: int = 4_096) -> None:
        shared.mirror = mirror
        self.shared = shared
        self.mirror = mirror
        self._most = most_users
        self._clients: set[Client] = set()
        self._server: asyncio.Server | None = None
        self._sweeper: asyncio.TimerHandle | None = None

    async def start(self, host: str, port: int) -> int:
        """Listen; the port, which the system chooses for 0. Raises OSError."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._client, host, port, backlog=BACKLOG)
        self._sweeper = loop.call_later(SWEEP_S, self._sweep)
        return int(self._server.sockets[0].getsockname()[1])

    async def drain(self, seconds: float, *, clock: Callable[[], float] = time.monotonic) -> None:
        """No new request is taken; answers and copies under way have so long, then they are cut."""
        if self._server is not None:
            self._server.close()
        for client in list(self._clients):
            client.drain()
        until = clock() + seconds
        # they end in many places, and this once: nobody is to be told of every end
        while (self._clients or (self.mirror is not None and self.mirror.busy)) and clock() < until:  # noqa: ASYNC110  -- see above
            await asyncio.sleep(SWEEP_S / 10)
        for client in list(self._clients):
            client.abort()
        if self.mirror is not None:
            self.mirror.close()
            await self.mirror.pool.aclose()
        await self.shared.pool.aclose()
        if self._sweeper is not None:
            self._sweeper.cancel()

    @property
    def users(self) -> int:
        """How many connections there are."""
        return len(self._clients)

    def _client(self) -> Client:
        return Client(self.shared, self._clients, most=self._most)

    def _sweep(self) -> None:
        """Four times a second whatever takes too long is ended."""
        self._sweeper = asyncio.get_running_loop().call_later(SWEEP_S, self._sweep)
        now_ns = self.shared.clock_ns()
        for client in list(self._clients):
            client.sweep(now_ns)
        self.shared.pool.sweep()
        if self.mirror is not None:
            self.mirror.sweep()
            self.mirror.pool.sweep()
