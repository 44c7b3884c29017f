"""The pool: which connection carries what, what is sent again, what is remembered, and who is trusted."""

import asyncio
from pathlib import Path

import anyio.lowlevel
import pytest

from harness.records import State
from harness.replay.arm import Reply
from harness.replay.clock import run_async
from replayers.faulty import Faulty
from replayers.process import free_port
from replayers.wire import Origin, Pool, Terms
from tests.kit.asking import RIGHT, ask, data, with_pool, with_script
from tests.kit.scripted import Scripted, certificates, ok


def test_stamps_are_in_order() -> None:
    """Submitted, written, first byte, done, on one clock."""

    async def use(pool: Pool, _: Faulty) -> None:
        one = (await ask(pool, data())).final
        stamps = [one.submit_ns, one.written_ns, one.first_ns, one.done_ns]
        assert None not in stamps
        assert stamps == sorted(stamp for stamp in stamps if stamp is not None)

    with_pool(use)


def test_only_wanted_headers_are_kept() -> None:
    """By lower-case name."""

    async def use(pool: Pool, _: Faulty) -> None:
        assert (await ask(pool, data())).final.headers == {"x-model-hash": "stub"}

    with_pool(use, terms=Terms(headers=frozenset({"x-model-hash", "x-absent"})))


def test_connections_are_reused() -> None:
    """Ten requests, one after another, on one warm connection."""

    async def use(pool: Pool, faulty: Faulty) -> None:
        await pool.warm(1)
        for _ in range(10):
            assert (await ask(pool, data())).final.state is State.OK
        assert faulty.connections == 1

    with_pool(use)


def test_after_a_long_silence_old_connections_are_dropped_before_use() -> None:
    """Sixteen idle seconds (of the pool's clock): nothing is sent on what the server may be closing."""
    now = [0]

    async def use(pool: Pool, faulty: Faulty) -> None:
        await pool.warm(3)
        now[0] += 16_000_000_000
        reply = await ask(pool, data())
        assert len(reply.tries) == 1
        assert (reply.final.state, faulty.connections, pool.open_connections) == (State.OK, 4, 1)

    with_pool(use, terms=Terms(clock=lambda: now[0]))


def test_nothing_is_sent_twice_where_that_is_not_agreed() -> None:
    """Without `resend` the lost try is the answer."""

    async def use(pool: Pool, server: Scripted) -> None:
        await ask(pool, data())
        (only,) = (await ask(pool, data())).tries
        assert (only.state, only.detail) == (State.CONNECTION_ERROR, "closed before an answer")
        assert len(server.requests) == 2

    with_script(use, ok(), None, ok(), terms=Terms(resend=False))


def test_a_known_head_says_the_same_of_other_bodies() -> None:
    """The same head thrice, with bodies of its length, then one that comes in two reads and one too short."""
    head = b"HTTP/1.1 200 OK\r\nX-Model-Hash: m1\r\nContent-Length: 2\r\n\r\n"

    async def in_two(writer: asyncio.StreamWriter) -> None:
        writer.write(head + b"d")
        await writer.drain()
        await asyncio.sleep(0.02)
        writer.write(b"4")

    async def short(writer: asyncio.StreamWriter) -> None:
        writer.write(head + b"e")
        writer.close()

    async def use(pool: Pool, server: Scripted) -> None:
        replies = [(await ask(pool, data())).final for _ in range(5)]
        assert [one.body for one in replies] == [b"a1", b"b2", b"c3", b"d4", b""]
        assert [one.state for one in replies] == [State.OK] * 4 + [State.CONNECTION_ERROR]
        assert {one.headers["x-model-hash"] for one in replies[:4]} == {"m1"}
        assert (server.connections, len(pool.heads)) == (1, 1)

    wanted = Terms(headers=frozenset({"x-model-hash"}))
    with_script(use, head + b"a1", head + b"b2", head + b"c3", in_two, short, terms=wanted)


def test_heads_that_never_repeat_are_not_kept_for_ever() -> None:
    """A service that numbers its answers costs a bounded memory."""

    async def use(pool: Pool, server: Scripted) -> None:
        for n in range(len(server.answers)):
            assert (await ask(pool, data())).final.state is State.OK
            assert len(pool.heads) <= 256
            assert n or len(pool.heads) == 1
        assert not pool.heads

    with_script(use, *(ok(headers=b"X-Request-Id: %d\r\n" % n) for n in range(17 * 257)))


def test_head_answers_are_not_taken_for_known_ones() -> None:
    """The same head after POST and after HEAD: once with a body, once without, on one connection."""

    async def use(pool: Pool, server: Scripted) -> None:
        bodies = [(await ask(pool, data(method=m))).final.body for m in (b"POST", b"HEAD", b"POST", b"HEAD")]
        assert bodies == [b"0", b"", b"0", b""]
        assert server.connections == 1

    with_script(use, ok(), ok()[:-1], ok(), ok()[:-1])


def test_the_first_burst_after_a_silence_finds_warm_connections() -> None:
    """Sixteen idle seconds of the pool's clock: all have been replaced, and a burst opens nothing."""
    now = [0]

    async def use(pool: Pool, faulty: Faulty) -> None:
        await pool.warm(3)
        now[0] += 16_000_000_000
        await pool.refresh()
        assert (faulty.connections, pool.open_connections) == (6, 3)
        async with anyio.create_task_group() as group:
            for _ in range(3):
                group.start_soon(ask, pool, data())
        assert (faulty.connections, len(faulty.seen)) == (6, 3)

    with_pool(use, terms=Terms(clock=lambda: now[0]))


def test_connections_are_looked_after_unasked() -> None:
    """Within `keepalive_s` the pool has replaced them by itself, while nothing is sent."""

    async def use(pool: Pool, faulty: Faulty) -> None:
        await pool.warm(2)
        while faulty.connections < 6:
            await anyio.lowlevel.checkpoint()
        assert pool.open_connections <= 3

    with_pool(use, terms=Terms(keepalive_s=0.05))


def test_what_the_server_closed_is_opened_again_and_no_more() -> None:
    """As many as were warmed, also after a burst that needed more."""
    now = [0]

    async def use(pool: Pool, faulty: Faulty) -> None:
        await pool.warm(2)
        async with anyio.create_task_group() as group:
            for _ in range(5):
                group.start_soon(ask, pool, data("slow:20"))
        assert (faulty.connections, pool.open_connections) == (5, 5)
        await ask(pool, data("announced_close"))
        now[0] += 16_000_000_000
        await pool.refresh()
        assert pool.open_connections == 2
        for _ in range(2):
            await ask(pool, data("announced_close"))
        assert pool.open_connections == 0
        await pool.refresh()
        assert pool.open_connections == 2

    with_pool(use, terms=Terms(clock=lambda: now[0]))


def test_a_server_that_has_gone_is_met_by_the_next_request_only() -> None:
    """Looking after connections reports nothing."""

    async def use(_: Pool, __: Faulty) -> None:
        async with Faulty() as faulty:
            pool = Pool(Origin(addresses=("127.0.0.1",), port=faulty.port))
            await pool.warm(1)
        while pool.open_connections:
            await anyio.lowlevel.checkpoint()
        await pool.refresh()
        assert (await ask(pool, data())).final.detail == "connection refused"
        await pool.aclose()

    with_pool(use)


def test_a_cancelled_exchange_takes_its_connection_along() -> None:
    """Nobody is called back, and its late answer cannot be another's; cancelling it again does nothing."""

    async def use(pool: Pool, _: Faulty) -> None:
        replies: list[Reply] = []
        await pool.warm(1)
        exchange = pool.submit(data("slow:20"), timeout_s=5.0, done=replies.append)
        pool.cancel(exchange)
        assert pool.open_connections == 0
        assert (await ask(pool, data())).final.body == RIGHT
        pool.cancel(exchange)
        assert (replies, pool.open_connections) == ([], 1)

    with_pool(use)


def test_a_request_may_be_cancelled_before_its_connection_is_there() -> None:
    """The connection is then kept for the next one."""

    async def use(pool: Pool, faulty: Faulty) -> None:
        replies: list[Reply] = []
        pool.cancel(pool.submit(data(), timeout_s=5.0, done=replies.append))
        while not pool.open_connections:
            await anyio.lowlevel.checkpoint()
        assert (await ask(pool, data())).final.body == RIGHT
        assert (replies, faulty.connections) == ([], 1)

    with_pool(use)


@pytest.mark.parametrize(
    ("names", "trusted", "complaint"),
    [
        ("DNS:localhost,IP:127.0.0.1", True, None),
        ("DNS:localhost,IP:127.0.0.1", False, "unable to get local issuer certificate"),
        ("DNS:elsewhere", True, "not valid for '127.0.0.1'"),
    ],
)
def test_tls_is_verified(tmp_path: Path, names: str, complaint: str | None, *, trusted: bool) -> None:
    """Who is vouched for under its own name is talked to, and nobody else."""
    made = certificates(tmp_path, names=names)
    other = tmp_path / "other"
    other.mkdir()
    client = made.trusting() if trusted else certificates(other).trusting()

    async def main() -> None:
        async with Scripted(ok(), tls=made.server) as server:
            origin = Origin(addresses=("127.0.0.1",), port=server.port, tls=client, hostname="127.0.0.1")
            pool = Pool(origin)
            for _ in range(2):
                final = (await ask(pool, data())).final
                if complaint is None:
                    assert (final.state, final.body) == (State.OK, b"0")
                else:
                    assert final.state is State.CONNECTION_ERROR
                    assert complaint in final.detail
            assert len(server.requests) == (2 if complaint is None else 0)
            assert server.connections == (1 if complaint is None else 0)
            await pool.aclose()

    run_async(main)


def test_nobody_listening_is_a_connection_error() -> None:
    """Refused, and called back exactly once."""

    async def use(_: Pool, __: Faulty) -> None:
        pool = Pool(Origin(addresses=("127.0.0.1",), port=free_port()))
        assert [(one.state, one.detail) for one in (await ask(pool, data())).tries] == [
            (State.CONNECTION_ERROR, "connection refused")
        ]
        with pytest.raises(ConnectionRefusedError):
            await pool.warm(1)
        await pool.aclose()

    with_pool(use)


def test_the_next_address_is_tried_when_one_refuses() -> None:
    """As for a name that resolves to IPv6 first, with a server on IPv4 only."""

    async def use(_: Pool, faulty: Faulty) -> None:
        pool = Pool(Origin(addresses=("127.0.0.2", "127.0.0.1"), port=faulty.port))
        assert (await ask(pool, data())).final.state is State.OK
        await pool.aclose()

    with_pool(use)


def test_closing_the_pool_ends_what_is_in_flight() -> None:
    """Everything is called back once, as abandoned, also what comes afterwards."""

    async def use(pool: Pool, _: Faulty) -> None:
        replies: list[Reply] = []
        for _attempt in range(3):
            pool.submit(data("hang"), timeout_s=60.0, done=replies.append)
        await pool.aclose()
        pool.submit(data(), timeout_s=60.0, done=replies.append)
        assert [reply.final.state for reply in replies] == [State.ABANDONED] * 4

    with_pool(use)
