"""One request and its answer: failures of the service are answers of our own, and are recorded."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

from harness.proxy.exchange import Exchange, Shared
from harness.proxy.heads import RequestHead
from harness.proxy.reading import End, RequestPart
from harness.proxy.recording import Room
from harness.proxy.upstream import Pool
from harness.replay.guard import Safety, check_target
from replayers.process import free_port
from tests.kit.proxied import LAST, OK, POST, Between, Calls, Handler, Heard, body_of, proxied

GET = b"GET /g HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n2\r\nbc\r\n0\r\n\r\n"


def saying(*pieces: bytes, until: bytes = b"\r\n\r\n") -> Handler:
    """A service that reads a request so far, says this and closes."""

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(until)
        for piece in pieces:
            writer.write(piece)
            await writer.drain()

    return handler


@pytest.mark.parametrize(
    ("said", "status", "outcome"),
    [
        (b"", b"502 Bad Gateway", "connection terminated"),
        (b"HTTP/1.1 20", b"502 Bad Gateway", "connection terminated"),
        (b"junk\r\n\r\n", b"502 Bad Gateway", "http protocol error"),
        (
            b"HTTP/1.1 101 Sure\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n",
            b"502 Bad",
            "http upgrade failed",
        ),
        (b"HTTP/1.1 100 Continue\r\n\r\n", b"502 Bad Gateway", "connection terminated"),
    ],
)
def test_a_service_that_fails_is_a_502(said: bytes, status: bytes, outcome: str) -> None:
    """The user is told by whom, and the record says the same."""

    async def use(it: Between) -> None:
        got = await it.ask(LAST)
        assert b"HTTP/1.1 " + status in got
        assert b"Proxy-Status: replaygate; error=" + outcome.replace(" ", "_").encode() in got
        (record,) = it.recorded.records
        assert (record.status, record.tags, record.latency_ns) == (502, {"proxy": outcome}, None)
        assert it.tally.failed == {outcome: 1}

    proxied(use, saying(said, until=b"abc"))


def test_a_service_that_is_not_there_is_a_502() -> None:
    """Refused is refused at once."""

    async def use(it: Between) -> None:
        assert b"error=connection_refused" in await it.ask(LAST)
        assert it.recorded.records[0].status == 502

    proxied(use, free_port())


def test_a_service_that_is_silent_is_a_504() -> None:
    """After the time that it has."""

    async def silent(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await reader.read()

    async def use(it: Between) -> None:
        it.proxy.shared.timeout_ns = 100_000_000
        assert (await it.ask(LAST)).startswith(b"HTTP/1.1 504")
        assert it.recorded.records[0].tags == {"proxy": "http response timeout"}

    proxied(use, silent)


def test_a_user_who_takes_nothing_is_let_go() -> None:
    """After the time that a service has, too; what was not taken is not said to be whole."""

    async def endless(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"abc")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 999999999\r\n\r\n")
        while True:
            writer.write(b"x" * 65_536)
            await writer.drain()

    async def use(it: Between) -> None:
        it.proxy.shared.timeout_ns = 100_000_000
        async with it.user() as (_, writer):
            writer.transport.pause_reading()  # type: ignore[attr-defined]  # both ways are one transport
            writer.write(LAST)
            await it.until(lambda: it.recorded.calls)
        (record,) = it.recorded.records
        assert (record.tags, record.answer_truncated) == ({"proxy": "user stalled"}, True)

    proxied(use, endless, room=Room(each=1_000))


def test_a_user_who_stops_in_the_middle_is_a_408() -> None:
    """A request that is not whole is marked so."""

    async def use(it: Between) -> None:
        it.proxy.shared.timeout_ns = 100_000_000
        assert (await it.ask(POST[:-1])).startswith(b"HTTP/1.1 408")
        (record,) = it.recorded.records
        assert (record.truncated, record.body) == (True, b"ab")

    proxied(use, saying(until=b"never"))


@pytest.mark.parametrize(
    ("said", "reset"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", False),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n", False),
    ],
)
def test_an_answer_that_is_cut_stays_cut(said: bytes, *, reset: bool) -> None:
    """The user gets what came, and no end that would make it look whole."""

    async def use(it: Between) -> None:
        got = b""
        with contextlib.suppress(ConnectionResetError):
            got = await it.ask(GET)
        assert reset or got.partition(b"\r\n\r\n")[2] in {b"half", b"4\r\nhalf\r\n"}
        (record,) = it.recorded.records
        assert (record.status, record.answer_body, record.answer_truncated) == (200, b"half", True)
        assert record.tags == {"proxy": "http response incomplete"}

    proxied(use, saying(said))


def test_an_answer_to_the_close_passes() -> None:
    """It has no length; it ends with the connection, here and there."""

    async def use(it: Between) -> None:
        got = await it.ask(POST)
        assert got == b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nall of it"
        assert not it.recorded.records[0].answer_truncated

    proxied(use, saying(b"HTTP/1.1 200 OK\r\n\r\nall ", b"of it", until=b"abc"))


def test_continue_is_passed_on_both_ways() -> None:
    """The user waits for the service's word, and gets it before the answer."""

    async def service(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert b"Expect: 100-continue" in await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        assert await reader.readexactly(3) == b"abc"
        writer.write(OK)

    async def use(it: Between) -> None:
        async with it.user() as (reader, writer):
            writer.write(POST[:-3].replace(b"Host: a", b"Host: a\r\nExpect: 100-continue"))
            assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
            writer.write(b"abc")
            assert (await reader.readuntil(b"hi")).startswith(b"HTTP/1.1 200 OK\r\n")

    proxied(use, service)


def test_an_answer_to_head_has_no_body() -> None:
    """Its length is that of another; the connection goes on."""
    heard = Heard([b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n", OK])

    async def use(it: Between) -> None:
        got = await it.ask(b"HEAD / HTTP/1.1\r\nHost: a\r\n\r\n" + GET)
        assert got.startswith(b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\nHTTP/1.1 200 OK")

    proxied(use, heard)


def test_an_upgrade_is_a_tunnel_that_is_not_recorded() -> None:
    """Bytes pass both ways as they are, in pieces of any kind, until one side closes."""

    async def service(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert b"Upgrade: websocket" in await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 101 S\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n\x00first")
        while data := await reader.read(100):
            writer.write(data[::-1])

    async def use(it: Between) -> None:
        async with it.user() as (reader, writer):
            writer.write(
                b"GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nearly"
            )
            head = await reader.readuntil(b"\r\n\r\n")
            assert head == b"HTTP/1.1 101 S\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
            assert await reader.readexactly(11) == b"\x00firstylrae"
            writer.write(b"GET / HTTP/1.1\r\n")
            assert await reader.readexactly(16) == b"\n\r1.1/PTTH / TEG"
        await it.until(lambda: not it.proxy.users)
        assert it.recorded.calls == []
        assert (it.tally.tunnels, it.tally.failed) == (1, {})

    proxied(use, service)


def test_an_upgrade_that_is_not_granted_is_an_answer() -> None:
    """The next request on the connection goes on as usual."""
    heard = Heard([OK])

    async def use(it: Between) -> None:
        got = await it.ask(
            b"GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n" + GET
        )
        assert got.count(b"HTTP/1.1 200 OK") == 2
        assert len(it.recorded.calls) == 2

    proxied(use, heard)


WISH = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAE\r\n"


@pytest.mark.parametrize("framed", [b"Content-Length: 3\r\n\r\nabc", CHUNKED], ids=["length", "chunks"])
def test_a_request_that_wishes_for_http2_is_passed_on_with_its_body(framed: bytes) -> None:
    """As Java's client asks by default: it gets HTTP/1.1, and its next request is the next one."""
    heard = Heard([OK])
    post = b"POST /p HTTP/1.1\r\nHost: a\r\n" + WISH + framed

    async def use(it: Between) -> None:
        assert (await it.ask(post + GET)).count(b"HTTP/1.1 200 OK") == 2
        assert [record.body for record in it.recorded.records] == [b"abc", b""]

    proxied(use, heard)
    post, get = heard.requests
    assert (post[-3:], get[:6], b"pgrade" in post) == (b"abc", b"GET /g", False)


def test_nobody_else_s_request_is_taken_for_a_body() -> None:
    """A service that answers a head alone still waits for the body: its connection is used no more."""
    heard: list[bytes] = []

    async def service(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            heard.append(head[:6])
            writer.write(b"HTTP/1.1 401 Who?\r\nContent-Length: 2\r\n\r\nno")
            await body_of(head, reader)

    async def use(it: Between) -> None:
        post = b"POST /p HTTP/1.1\r\nHost: a\r\n" + WISH + b"Content-Length: 90\r\n\r\n"
        assert (await it.ask(post)).endswith(b"\r\n\r\nno")
        assert it.proxy.shared.pool.idle == 0
        assert (await it.ask(GET)).endswith(b"\r\n\r\nno")

    proxied(use, service)
    assert heard == [b"POST /", b"GET /g"]


class Nobody:
    """A user of whom only the end is known."""

    peer = b"p"
    last = False

    def __init__(self) -> None:
        self.got = b""
        self.closed = False

    def write(self, data: bytes) -> None:
        """Noted."""
        self.got += data

    def over(self, *, close: bool, cut: bool = False) -> None:
        """Noted."""
        self.closed = close or cut

    def regulate(self) -> None:
        """Nothing."""

    def granted(self) -> list[RequestPart]:
        """Nothing."""
        return []


@pytest.mark.parametrize("body", [b"", b"ab", b"abcd"])
def test_a_request_that_is_not_as_long_as_it_says_is_refused(body: bytes) -> None:
    """Whatever the parser made of it: it goes to no service, and the connection is over."""
    calls, user = Calls(), Nobody()
    pool = Pool(check_target("http://127.0.0.1:9", Safety()))
    exchange = Exchange(
        RequestHead(b"POST", b"/", [(b"Host", b"a")], length=3), user, shared=Shared(pool, calls)
    )
    exchange.take(body)
    exchange.take(End([]))
    exchange.flush()
    assert (exchange.over, user.closed, user.got[:12]) == (True, True, b"HTTP/1.1 400")
    (record,) = calls.records
    assert (record.truncated, record.tags) == (True, {"proxy": "http request error"})


def test_a_harmless_request_is_sent_again_where_the_connection_was_closing() -> None:
    """A GET is, once; a POST never: the service may have done what it says."""
    heard = Heard([OK, b""])

    async def use(it: Between) -> None:
        assert (await it.ask(POST.replace(b"Host: a", b"Host: a\r\nConnection: close"))).endswith(b"hi")
        heard.answers = [b"", OK]
        assert (await it.ask(GET)).endswith(b"hi")
        heard.answers = [b"", OK]
        assert b"error=connection_terminated" in await it.ask(GET.replace(b"GET", b"POST"))
        assert [record.status for record in it.recorded.records] == [200, 200, 502]

    proxied(use, heard)
    assert [request[:4] for request in heard.requests] == [b"POST", b"GET ", b"GET ", b"POST"]


def test_the_user_s_own_id_names_the_record() -> None:
    """One that comes again gets a number, as every line of a capture has an id of its own."""

    async def use(it: Between) -> None:
        for _ in range(2):
            await it.ask(LAST.replace(b"Host: a", b"Host: a\r\nX-Request-Id: mine"))
        assert [record.request_id for record in it.recorded.records] == ["mine", "mine~2"]

    proxied(use, Heard([OK]))
