"""Our HTTP client against real sockets that misbehave: each fault has one ending, and never another's."""

import asyncio
import socket

import anyio.lowlevel
import pytest

from harness.records import State
from harness.replay.arm import Reply
from replayers.faulty import Faulty
from replayers.process import free_port
from replayers.wire import Pool, Terms
from tests.kit.asking import RIGHT, ask, data, with_pool, with_script
from tests.kit.scripted import Scripted, ok

SHORT_S = 0.2


@pytest.mark.parametrize(
    ("behaviour", "state", "detail", "stays"),
    [
        ("ok", State.OK, "", True),
        ("chunked", State.OK, "", True),
        ("gzip", State.OK, "", True),
        ("deflate", State.OK, "", True),
        ("early_hints", State.OK, "", True),
        ("slow:20", State.OK, "", True),
        ("until_eof", State.OK, "", False),
        ("announced_close", State.OK, "", False),
        ("too_long", State.OK, "", False),
        ("500", State.HTTP_ERROR, "HTTP 500", True),
        ("422", State.HTTP_ERROR, "HTTP 422", True),
        ("redirect", State.HTTP_ERROR, "HTTP 302", True),
        ("huge", State.BAD_BODY, "over 1048576 bytes", False),
        ("bomb", State.BAD_BODY, "over 1048576 bytes", True),
        ("hang", State.TIMEOUT, "no answer in time", False),
        ("half", State.TIMEOUT, "the answer was not finished in time", False),
        ("truncated", State.CONNECTION_ERROR, "closed in the middle of the answer", False),
        ("not_http", State.CONNECTION_ERROR, "the answer is not HTTP/1.1", False),
    ],
)
def test_each_fault_has_its_ending(behaviour: str, state: State, detail: str, *, stays: bool) -> None:
    """One try, one state, and a connection that is kept only when its answer was clean."""

    async def use(pool: Pool, _: Faulty) -> None:
        timeout_s = SHORT_S if state is State.TIMEOUT else 5.0
        (only,) = (await ask(pool, data(behaviour), timeout_s=timeout_s)).tries
        assert (only.state, only.detail) == (state, detail)
        assert pool.open_connections == int(stays)
        if state is State.OK:
            assert only.body == RIGHT
        else:
            assert (await ask(pool, data())).final.state is State.OK

    with_pool(use)


@pytest.mark.parametrize("behaviour", ["204", "empty"])
def test_answers_without_a_body_end_at_once(behaviour: str) -> None:
    """No length, or a length of zero."""

    async def use(pool: Pool, _: Faulty) -> None:
        reply = await ask(pool, data(behaviour))
        assert (reply.final.state, reply.final.body) == (State.OK, b"")
        assert (await ask(pool, data())).final.body == RIGHT

    with_pool(use)


def test_a_head_answer_has_a_length_and_no_body() -> None:
    """It is over after its headers, although they announce a body."""

    async def use(pool: Pool, _: Faulty) -> None:
        reply = await ask(pool, data(method=b"HEAD"))
        assert (reply.final.state, reply.final.status, reply.final.body) == (State.OK, 200, b"")

    with_pool(use)


def test_a_connection_that_the_server_closes_while_idle_is_not_used() -> None:
    """Its end is noticed when it comes, and the next request opens its own: one try, no error."""

    async def use(pool: Pool, faulty: Faulty) -> None:
        assert (await ask(pool, data("close_after"))).final.state is State.OK
        while pool.open_connections:
            await anyio.lowlevel.checkpoint()
        reply = await ask(pool, data())
        assert (len(reply.tries), reply.final.state, faulty.connections) == (1, State.OK, 2)

    with_pool(use)


def test_a_connection_that_speaks_unasked_is_dropped() -> None:
    """What it says cannot become the next request's answer."""
    go = asyncio.Event()

    async def then_more(writer: asyncio.StreamWriter) -> None:
        writer.write(ok())
        await go.wait()
        writer.write(ok(b"9"))

    async def use(pool: Pool, _: Scripted) -> None:
        assert (await ask(pool, data())).final.body == b"0"
        go.set()
        while pool.open_connections:
            await anyio.lowlevel.checkpoint()

    with_script(use, then_more)


@pytest.mark.parametrize("junk", [ok(b"9"), b"\x00junk", b"HTTP/1.1 200 OK\r\nContent-Le"])
def test_what_follows_an_answer_in_one_read_is_nobodys(junk: bytes) -> None:
    """The answer counts, what came behind it is thrown away with the connection."""

    async def use(pool: Pool, server: Scripted) -> None:
        for body in (b"0", b"1", b"2"):
            reply = await ask(pool, data())
            assert (reply.final.state, reply.final.body) == (State.OK, body)
        assert server.connections == 2

    with_script(use, ok(b"0") + junk, ok(b"1"), ok(b"2"))


@pytest.mark.parametrize(
    ("status", "label"), [(b"500 Oops", "closed after error"), (b"200 OK", "stale keep-alive")]
)
def test_a_reused_connection_closed_without_a_byte_is_retried_once(status: bytes, label: str) -> None:
    """The second request meets the end of the first one's connection: both tries stay, the last counts."""

    async def use(pool: Pool, server: Scripted) -> None:
        await ask(pool, data())
        lost, final = (await ask(pool, data())).tries
        assert (lost.state, lost.detail) == (State.CONNECTION_ERROR, label)
        assert lost.done_ns is not None
        assert final.status == int(status[:3])
        assert len(server.requests) == 3

    with_script(use, ok(status=status), None, ok(status=status))


def test_a_fresh_connection_closed_without_a_byte_is_the_servers_fault() -> None:
    """No retry: nothing was stale."""

    async def use(pool: Pool, _: Faulty) -> None:
        (only,) = (await ask(pool, data("reset"))).tries
        assert only.state is State.CONNECTION_ERROR
        assert only.detail.endswith("before an answer")

    with_pool(use)


def test_a_second_loss_is_final() -> None:
    """The retry happens once, on a fresh connection."""

    async def use(pool: Pool, _: Faulty) -> None:
        await pool.warm(1)
        reply = await ask(pool, data("reset"))
        assert [one.state for one in reply.tries] == [State.CONNECTION_ERROR] * 2
        assert reply.tries[0].detail == "stale keep-alive"

    with_pool(use)


def test_an_error_that_closes_without_saying_is_never_charged_to_the_next_request() -> None:
    """As uvicorn does: 500, then EOF. The request sent at that very moment still gets its own answer."""

    async def use(pool: Pool, _: Faulty) -> None:
        replies: list[list[Reply]] = [[] for _ in range(60)]
        finished = anyio.Event()

        def send(number: int) -> None:
            def done(reply: Reply) -> None:
                replies[number].append(reply)
                if number + 1 < len(replies):
                    send(number + 1)
                else:
                    finished.set()

            pool.submit(data("ok" if number % 2 else "500-then-close"), timeout_s=5.0, done=done)

        send(0)
        await finished.wait()
        finals = [reply.final for (reply,) in replies]
        assert [one.status for one in finals] == [500, 200] * 30
        labels = {one.detail for (reply,) in replies for one in reply.tries[:-1]}
        assert labels <= {"closed after error"}

    with_pool(use)


def test_a_late_answer_is_ignored() -> None:
    """A timed-out request is called back once; its connection is gone, so nothing can arrive for it."""

    async def use(pool: Pool, _: Faulty) -> None:
        reply = await ask(pool, data("slow:400"), timeout_s=0.05)
        assert reply.final.state is State.TIMEOUT
        assert (await ask(pool, data())).final.body == RIGHT

    with_pool(use)


def test_many_requests_at_once_each_get_their_own_answer() -> None:
    """A hundred in flight, half of them failing in some way, and no two mixed up."""
    kinds = ("ok", "500-then-close", "chunked", "close_after", "reset", "gzip", "truncated", "early_hints")
    expected = {"500-then-close": State.HTTP_ERROR, "reset": State.CONNECTION_ERROR}
    expected["truncated"] = State.CONNECTION_ERROR

    async def use(pool: Pool, _: Faulty) -> None:
        asked = [kinds[i % len(kinds)] for i in range(104)]
        replies: list[Reply | None] = [None] * len(asked)

        async def one(place: int) -> None:
            replies[place] = await ask(pool, data(asked[place]))

        for _round in range(2):
            async with anyio.create_task_group() as group:
                for place in range(len(asked)):
                    group.start_soon(one, place)
            states = [reply.final.state for reply in replies if reply is not None]
            assert states == [expected.get(kind, State.OK) for kind in asked]

    with_pool(use)


def test_a_port_that_is_free_can_be_bound() -> None:
    """On the loopback interface."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", free_port()))


def test_a_slow_loris_is_cut_at_the_deadline() -> None:
    """A byte every 5 ms keeps nobody waiting: the deadline is for the whole answer."""

    async def drip(writer: asyncio.StreamWriter) -> None:
        for byte in ok(b"x" * 10_000):
            writer.write(b"%c" % byte)
            await writer.drain()
            await asyncio.sleep(0.005)

    async def use(pool: Pool, _: Scripted) -> None:
        (only,) = (await ask(pool, data(), timeout_s=SHORT_S)).tries
        assert (only.state, only.detail) == (State.TIMEOUT, "the answer was not finished in time")
        assert (await ask(pool, data())).final.state is State.OK

    with_script(use, drip, ok())


@pytest.mark.parametrize(
    ("head", "piece"),
    [
        (b"Content-Length: 100000000\r\n\r\n", b"x" * 65_536),
        (b"Transfer-Encoding: chunked\r\n\r\n", b"10000\r\n" + b"x" * 65_536 + b"\r\n"),
        (b"\r\n", b"x" * 65_536),
        (b"", b"X-Filler: " + b"x" * 65_536 + b"\r\n"),
    ],
)
def test_a_hundred_megabytes_are_not_read(head: bytes, piece: bytes) -> None:
    """The connection is dropped at the cap, whatever the bytes are spent on; most are never sent."""
    written = 0

    async def flood(writer: asyncio.StreamWriter) -> None:
        nonlocal written
        writer.write(b"HTTP/1.1 200 OK\r\n" + head)
        while written < 100_000_000:
            writer.write(piece)
            await writer.drain()
            written += len(piece)

    async def use(pool: Pool, _: Scripted) -> None:
        (only,) = (await ask(pool, data())).tries
        assert (only.state, only.detail, only.body) == (State.BAD_BODY, "over 1048576 bytes", b"")
        assert (await ask(pool, data())).final.state is State.OK
        assert written < 50_000_000

    with_script(use, flood, ok())


def test_a_body_up_to_the_cap_is_read_whole() -> None:
    """Eight megabytes in many reads, byte for byte."""
    body = bytes(range(256)) * (8 << 12)

    async def use(pool: Pool, _: Scripted) -> None:
        assert (await ask(pool, data())).final.body == body

    with_script(use, ok(body), terms=Terms(max_body=len(body)))


def test_a_half_closed_connection_is_not_used_again() -> None:
    """The server says that it will send no more, and still reads: an answer could never come."""

    async def half_close(writer: asyncio.StreamWriter) -> None:
        writer.write(ok())
        writer.write_eof()

    async def use(pool: Pool, server: Scripted) -> None:
        assert (await ask(pool, data())).final.state is State.OK
        while pool.open_connections:
            await anyio.lowlevel.checkpoint()
        reply = await ask(pool, data())
        assert (len(reply.tries), reply.final.state, server.connections) == (1, State.OK, 2)

    with_script(use, half_close, ok())


def test_several_1xx_come_before_the_answer() -> None:
    """None of them is it, and none of their headers are its."""
    early = b"HTTP/1.1 103 Early Hints\r\nX-Model-Hash: early\r\n\r\n"

    async def use(pool: Pool, server: Scripted) -> None:
        for _ in range(2):
            final = (await ask(pool, data())).final
            assert (final.status, final.headers, final.body) == (200, {}, b"0")
        assert server.connections == 1

    hundred = b"HTTP/1.1 100 Continue\r\n\r\n"
    with_script(use, hundred + early + early + ok(), terms=Terms(headers=frozenset({"x-model-hash"})))


def test_a_switch_of_protocols_is_no_answer() -> None:
    """Nobody asked for one."""

    async def use(pool: Pool, _: Scripted) -> None:
        (only,) = (await ask(pool, data())).tries
        assert (only.state, pool.open_connections) == (State.CONNECTION_ERROR, 0)

    with_script(use, b"HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\nhello")
