"""Connections to a server: kept, used again, opened anew, and never left behind."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from harness.proxy import upstream
from harness.proxy.reading import AnswerPart, End
from harness.proxy.upstream import Connection, Pool
from harness.replay.clock import run_async
from harness.replay.guard import Safety, check_target
from replayers.process import free_port
from tests.kit.proxied import OK, Between, Heard, Server
from tests.kit.scripted import Scripted, certificates, ok

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"


class Asking:
    """An owner that asks once and notes what comes."""

    def __init__(self) -> None:
        self.connection: Connection | None = None
        self.error = ""
        self.over = False
        self.parts: list[AnswerPart] = []
        self.fullness: list[bool] = []
        self.done = asyncio.Event()

    def connected(self, connection: Connection) -> None:
        """Asks."""
        self.connection = connection
        connection.reader.begin()
        connection.write(GET)

    def unconnected(self, error: str) -> None:
        """Notes why."""
        self.error = error
        self.done.set()

    def answered(self, parts: list[AnswerPart]) -> None:
        """Gives the connection back at the end."""
        self.parts += parts
        if parts and isinstance(parts[-1], End) and self.connection is not None:
            self.connection.release()
            self.done.set()

    def full(self, *, is_full: bool) -> None:
        """Notes it."""
        self.fullness.append(is_full)


async def asked(pool: Pool, *, fresh: bool = False) -> Asking:
    """One request, answered or not."""
    one = Asking()
    pool.ask(one, fresh=fresh)
    await one.done.wait()
    return one


def pool_of(port: int, *, now: list[float] | None = None, scheme: str = "http") -> Pool:
    """A pool for a loopback port, with a clock of one's own."""
    times = now or [0.0]
    return Pool(check_target(f"{scheme}://127.0.0.1:{port}", Safety()), clock=lambda: times[0])


def test_a_connection_is_used_again_until_it_is_old() -> None:
    """The last one first; one that lay idle for long is not trusted, nor when a fresh one is wanted."""
    now = [0.0]

    async def main() -> None:
        async with Server(Heard([OK])) as server:
            pool = pool_of(server.port, now=now)
            assert [(await asked(pool)).parts[1] for _ in range(3)] == [b"hi"] * 3
            assert server.connections == 1
            now[0] += upstream.IDLE_S
            await asked(pool)
            assert server.connections == 2
            await asked(pool, fresh=True)
            assert server.connections == 3
            now[0] += upstream.IDLE_S
            pool.sweep()
            await asked(pool)
            assert server.connections == 4
            await pool.aclose()

    run_async(main)


def test_a_connection_that_says_more_than_an_answer_is_not_used() -> None:
    """The next request goes on another one, which is kept."""

    async def main() -> None:
        async with Server(Heard([OK + b"HTTP/1.1 200 unasked\r\n", OK])) as server:
            pool = pool_of(server.port)
            for _ in range(3):
                await asked(pool)
            assert server.connections == 2
            await pool.aclose()

    run_async(main)


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_nobody_there_is_an_error_with_a_name(scheme: str) -> None:
    """A refusal, with or without TLS."""

    async def main() -> None:
        pool = pool_of(free_port(), scheme=scheme)
        assert (await asked(pool)).error == "connection_refused"
        await pool.aclose()

    run_async(main)


def test_a_certificate_that_nobody_trusts_is_an_error(tmp_path: Path) -> None:
    """TLS is checked, always."""
    made = certificates(tmp_path)

    async def main() -> None:
        async with Scripted(ok(), tls=made.server) as server:
            pool = pool_of(server.port, scheme="https")
            assert (await asked(pool)).error == "tls_certificate_error"
            await pool.aclose()

    run_async(main)


def test_a_connection_for_one_who_has_gone_is_kept_for_the_next() -> None:
    """It is open, so it is used."""

    async def main() -> None:
        async with Server(Heard([OK])) as server:
            pool = pool_of(server.port)
            gone = Asking()
            gone.over = True
            pool.ask(gone)
            await Between.until(lambda: pool.idle)
            await asked(pool)
            assert (server.connections, gone.connection) == (1, None)
            await pool.aclose()

    run_async(main)
