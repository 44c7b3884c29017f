"""The wire under httpx: any client speaks through it, and every failure is an httpx error."""

import asyncio
import gzip
import importlib.util
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import anyio
import httpx
import pytest

from harness.errors import UsageError
from harness.replay.arm import Reply
from harness.replay.clock import run_async
from replayers.process import free_port
from replayers.transport import WireTransport, http2_transport, request_bytes
from tests.kit.scripted import Answer, Scripted, certificates, ok

URL = "http://service.test/score"


def with_client(
    use: Callable[[httpx.AsyncClient, Scripted], Awaitable[None]],
    *answers: Answer,
    transport: WireTransport | None = None,
) -> None:
    """Run with a server that says these things, and an httpx client that reaches it through the wire."""

    async def main() -> None:
        async with (
            Scripted(*answers) as server,
            httpx.AsyncClient(transport=transport or WireTransport(), base_url=server.url) as client,
        ):
            await use(client, server)

    run_async(main)


def test_any_httpx_client_works_through_it() -> None:
    """Body, status, headers with repeats, cookies and elapsed time, on one kept connection."""
    said = ok(
        b'{"a": 1}', headers=b"Set-Cookie: a=1\r\nSet-Cookie: b=2\r\nX-Odd: \xe9\r\n", status=b"201 Made"
    )

    async def use(client: httpx.AsyncClient, server: Scripted) -> None:
        for _ in range(3):
            response = await client.post("/score?x=1", json={"q": 1}, headers={"X-A": "b"})
            assert (response.status_code, response.json(), response.http_version) == (
                201,
                {"a": 1},
                "HTTP/1.1",
            )
            assert response.headers.get_list("set-cookie") == ["a=1", "b=2"]
            assert (dict(client.cookies), response.headers["x-odd"]) == ({"a": "1", "b": "2"}, "é")
            assert response.elapsed.total_seconds() > 0
        head, _, body = server.requests[0].partition(b"\r\n\r\n")
        assert head.startswith(b"POST /score?x=1 HTTP/1.1\r\n")
        assert b"\r\nx-a: b" in head.lower()
        assert body == b'{"q":1}'
        assert server.connections == 1

    with_client(use, said)


def test_the_stamps_are_in_the_response() -> None:
    """The whole reply, with its tries."""

    async def use(client: httpx.AsyncClient, _: Scripted) -> None:
        await client.get("/")
        reply = (await client.get("/")).extensions["exchange"]
        assert isinstance(reply, Reply)
        assert [one.detail for one in reply.tries] == ["stale keep-alive", ""]
        stamps = [reply.final.submit_ns, reply.final.written_ns, reply.final.first_ns, reply.final.done_ns]
        assert stamps == sorted(stamp or 0 for stamp in stamps)

    with_client(use, ok(), None, ok())


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        (ok(gzip.compress(b"hello", mtime=0), headers=b"Content-Encoding: gzip\r\n"), "hello"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", "hello"),
        (b"HTTP/1.1 204 No Content\r\n\r\n", ""),
        (ok(b"caf\xe9", headers=b"Content-Type: text/plain; charset=latin-1\r\n"), "café"),
    ],
)
def test_bodies_are_httpxs_to_decode(answer: bytes, text: str) -> None:
    """Encodings and charsets are undone once, and a stream can be read too."""

    async def use(client: httpx.AsyncClient, _: Scripted) -> None:
        response = await client.get("/")
        assert response.text == text
        assert response.elapsed.total_seconds() > 0
        async with client.stream("GET", "/") as streamed:
            assert "".join([part async for part in streamed.aiter_text()]) == text

    with_client(use, answer)


@pytest.mark.parametrize(
    ("answer", "error", "words"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nab", httpx.ReadTimeout, "not finished in time"),
        (b"SSH-2.0-stub\r\n", httpx.RemoteProtocolError, "not HTTP/1.1"),
        (None, httpx.RemoteProtocolError, "closed before an answer"),
        (ok(b"x" * 2000), httpx.ReadError, "over 1000 bytes"),
        (ok(b"x" * 2000, status=b"500 Oops"), httpx.ReadError, "HTTP 500, over 1000 bytes"),
        (ok(b"junk", headers=b"Content-Encoding: gzip\r\n"), httpx.DecodingError, "incorrect header"),
    ],
)
def test_what_goes_wrong_is_an_httpx_error(answer: Answer, error: type[Exception], words: str) -> None:
    """With the request that it belongs to."""

    async def use(client: httpx.AsyncClient, _: Scripted) -> None:
        with pytest.raises(error, match=words) as caught:
            await client.get("/", timeout=httpx.Timeout(5, read=0.1))
        assert isinstance(caught.value, httpx.RequestError)
        assert caught.value.request.method == "GET"

    with_client(use, answer, transport=WireTransport(max_body=1000))


def test_nobody_listening_is_a_connect_error() -> None:
    """As with any httpx transport."""

    async def use(client: httpx.AsyncClient, _: Scripted) -> None:
        with pytest.raises(httpx.ConnectError, match="connection refused"):
            await client.get(f"http://127.0.0.1:{free_port()}/")

    with_client(use, ok())


def test_a_reset_is_a_read_error() -> None:
    """The connection is gone in the middle of the body."""

    async def reset(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nab")
        await writer.drain()
        writer.transport.set_write_buffer_limits(0)
        linger = b"\x01\x00\x00\x00\x00\x00\x00\x00"
        writer.get_extra_info("socket").setsockopt(1, 13, linger)  # SOL_SOCKET, SO_LINGER: RST, not FIN
        writer.transport.abort()

    async def use(client: httpx.AsyncClient, _: Scripted) -> None:
        with pytest.raises(httpx.ReadError, match="reset in the middle of the answer"):
            await client.get("/")

    with_client(use, reset)


def test_only_http_and_https_are_spoken() -> None:
    """Other schemes are refused before anything is opened."""

    async def use(client: httpx.AsyncClient, server: Scripted) -> None:
        with pytest.raises(httpx.UnsupportedProtocol, match="ftp"):
            await client.get("ftp://127.0.0.1/")
        assert server.connections == 0

    with_client(use, ok())


def test_no_more_connections_than_allowed() -> None:
    """Two at once: the others wait their turn, in order; who will not wait is told so."""
    go = asyncio.Event()

    async def held(writer: asyncio.StreamWriter) -> None:
        await go.wait()
        writer.write(ok())

    async def use(client: httpx.AsyncClient, server: Scripted) -> None:
        async with anyio.create_task_group() as group:
            for _ in range(6):
                group.start_soon(client.get, "/")
            while len(server.requests) < 2:
                await anyio.lowlevel.checkpoint()
            with pytest.raises(httpx.PoolTimeout):
                await client.get("/", timeout=httpx.Timeout(5, pool=0.01))
            go.set()
        assert (server.connections, len(server.requests)) == (2, 6)

    with_client(use, held, transport=WireTransport(max_connections=2))


def test_a_cancelled_request_gives_its_place_back() -> None:
    """Its connection is closed, and the next request is served on another one."""

    async def hang(_: asyncio.StreamWriter) -> None:
        await asyncio.Event().wait()

    async def use(client: httpx.AsyncClient, server: Scripted) -> None:
        async with anyio.create_task_group() as group:
            group.start_soon(client.get, "/")
            while not server.requests:
                await anyio.lowlevel.checkpoint()
            group.cancel_scope.cancel()
        assert (await client.get("/")).status_code == 200
        assert server.connections == 2

    with_client(use, hang, ok(), transport=WireTransport(max_connections=1))


def test_without_resend_a_lost_connection_is_told() -> None:
    """For requests that must not be sent twice."""

    async def use(client: httpx.AsyncClient, server: Scripted) -> None:
        await client.post("/")
        with pytest.raises(httpx.RemoteProtocolError, match="closed before an answer"):
            await client.post("/")
        assert len(server.requests) == 2

    with_client(use, ok(), None, ok(), transport=WireTransport(resend=False))


def test_redirects_are_the_clients_to_follow() -> None:
    """Not followed unless it was told to."""
    moved = b"HTTP/1.1 307 Moved\r\nLocation: /there\r\nContent-Length: 0\r\n\r\n"

    async def use(client: httpx.AsyncClient, server: Scripted) -> None:
        assert (await client.get("/here")).status_code == 307
        followed = await client.get("/here", follow_redirects=True)
        assert (followed.status_code, len(followed.history)) == (200, 1)
        assert server.requests[-1].startswith(b"GET /there ")

    with_client(use, moved, moved, ok())


async def chunks() -> AsyncIterator[bytes]:
    """A body of unknown length."""
    yield b"ab"
    yield b"c"


@pytest.mark.parametrize(
    ("request_", "sent"),
    [
        (
            httpx.Request("POST", URL, content=b"abc"),
            b"POST /score HTTP/1.1\r\nHost: service.test\r\nContent-Length: 3\r\n\r\nabc",
        ),
        (
            httpx.Request("POST", URL, content=chunks()),
            b"POST /score HTTP/1.1\r\nHost: service.test\r\nContent-Length: 3\r\n\r\nabc",
        ),
        (httpx.Request("GET", "http://h/"), b"GET / HTTP/1.1\r\nHost: h\r\n\r\n"),
        (
            httpx.Request("OPTIONS", "http://h/", extensions={"target": b"*"}),
            b"OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n",
        ),
    ],
)
def test_requests_become_bytes(request_: httpx.Request, sent: bytes) -> None:
    """As httpx has prepared them, with a length in place of chunks."""
    assert asyncio.run(request_bytes(request_)) == sent


@pytest.mark.parametrize(
    "request_",
    [
        httpx.Request("GET", URL, headers={"X-A": "b\r\nX-Evil: 1"}),
        httpx.Request("GET", URL, headers={"X-A": "b\nX-Evil: 1"}),
        httpx.Request("GET", URL, headers={"X-A\r\nX-Evil": "1"}),
        httpx.Request("GET", URL, headers={"X-A": "b\0"}),
        httpx.Request("GET", URL, extensions={"target": b"/ HTTP/1.1\r\nX-Evil: 1\r\n\r\n"}),
        httpx.Request("GET", URL, extensions={"target": b"/a b"}),
        httpx.Request("POST", URL, headers={"Content-Length": "1"}, content=b"xGET / HTTP/1.1\r\n\r\n"),
    ],
)
def test_nothing_is_smuggled(request_: httpx.Request) -> None:
    """Line breaks, blanks in the target and wrong lengths are refused before they are sent."""
    with pytest.raises(httpx.LocalProtocolError):
        asyncio.run(request_bytes(request_))


def test_tls_is_verified(tmp_path: Path) -> None:
    """By the context given, by the system's roots otherwise, and under the name in the url."""
    made = certificates(tmp_path, names="DNS:localhost")

    async def main() -> None:
        async with Scripted(ok(b"safe"), tls=made.server) as server:
            named, by_address = f"https://localhost:{server.port}/", f"https://127.0.0.1:{server.port}/"
            async with httpx.AsyncClient(transport=WireTransport(verify=made.trusting())) as client:
                assert (await client.get(named)).text == "safe"
                with pytest.raises(httpx.ConnectError, match="not valid for"):
                    await client.get(by_address)
            async with httpx.AsyncClient(transport=WireTransport()) as client:
                with pytest.raises(httpx.ConnectError, match="certificate"):
                    await client.get(named)
            assert len(server.requests) == 1

    run_async(main)


def test_http2_is_httpxs_own_and_needs_h2() -> None:
    """The fallback says what to install where the package is missing."""
    if importlib.util.find_spec("h2") is None:
        with pytest.raises(UsageError, match=r"httpx\[http2\]"):
            http2_transport()
    else:
        assert isinstance(http2_transport(verify=ssl.create_default_context()), httpx.AsyncHTTPTransport)
