"""One request through a pool, and a pool for a server: what the tests of the wire begin with."""

from collections.abc import Awaitable, Callable

import anyio

from harness.replay.arm import Reply
from harness.replay.clock import run_async
from replayers.faulty import Faulty, score_of
from replayers.wire import Origin, Pool, Terms
from tests.kit.scripted import Answer, Scripted

BODY = b'{"a": 1}'
RIGHT = b'{"score": %s}' % str(score_of(BODY)).encode()


def data(behaviour: str = "ok", *, method: bytes = b"POST") -> bytes:
    """A request that asks the stub for a behaviour."""
    return b"%b /faulty/%b HTTP/1.1\r\nhost: a\r\ncontent-length: %d\r\n\r\n%b" % (
        method,
        behaviour.encode(),
        len(BODY),
        BODY,
    )


async def ask(pool: Pool, request: bytes, *, timeout_s: float = 5.0) -> Reply:
    """The reply to one request."""
    replies: list[Reply] = []
    done = anyio.Event()

    def note(reply: Reply) -> None:
        replies.append(reply)
        done.set()

    pool.submit(request, timeout_s=timeout_s, done=note)
    await done.wait()
    (reply,) = replies
    return reply


def with_pool(use: Callable[[Pool, Faulty], Awaitable[None]], *, terms: Terms | None = None) -> None:
    """Run with a stub server and a pool for it."""

    async def main() -> None:
        async with Faulty() as faulty:
            pool = Pool(Origin(addresses=("127.0.0.1",), port=faulty.port), terms=terms)
            try:
                await use(pool, faulty)
            finally:
                await pool.aclose()
            assert pool.open_connections == 0

    run_async(main)


def with_script(
    use: Callable[[Pool, Scripted], Awaitable[None]], *answers: Answer, terms: Terms | None = None
) -> None:
    """Run with a server that says these things, and a pool for it."""

    async def main() -> None:
        async with Scripted(*answers) as server:
            pool = Pool(Origin(addresses=("127.0.0.1",), port=server.port), terms=terms)
            try:
                await use(pool, server)
            finally:
                await pool.aclose()
            assert pool.open_connections == 0

    run_async(main)
