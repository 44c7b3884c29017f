"""The wire as an httpx transport: `httpx.AsyncClient(transport=WireTransport())`.

For HTTP/2 there is `http2_transport`: httpx's own, slower and not for the timed path.
"""

from __future__ import annotations

import asyncio
import importlib.util
import ssl
from datetime import timedelta
from functools import lru_cache
from typing import TYPE_CHECKING

import httpx

from harness.errors import UsageError
from harness.records import State
from replayers.answer import HEADS_KEPT, RawTry, Terms
from replayers.wire import Origin, Pool

if TYPE_CHECKING:
    from harness.replay.arm import Reply
    from replayers.answer import Fields

MAX_BODY = 64 << 20
_FOREVER_S = 366 * 86_400.0
_PORTS = {"http": 80, "https": 443}
_AS_IT_IS = ("content-encoding", "transfer-encoding")


class WireTransport(httpx.AsyncBaseTransport):
    """HTTP/1.1 through one pool an origin; `response.extensions["exchange"]` is the Reply with its stamps.

    Bodies are read whole, up to `max_body` bytes, before the response is there. Of httpx's timeouts, `read`
    bounds the whole exchange, and `pool` the wait for one of `max_connections`. A request that met a
    connection which the server had closed is sent once more, unless `resend` is False. Certificates are
    verified by the context `verify`, by default against the system's roots.

    Raises httpx errors: ConnectError, ConnectTimeout, PoolTimeout, ReadTimeout, ReadError (reset, or a body
    over the limit), RemoteProtocolError (cut short, not HTTP/1.1), LocalProtocolError, UnsupportedProtocol.
    """

    def __init__(
        self,
        *,
        verify: ssl.SSLContext | None = None,
        max_connections: int = 100,
        max_body: int = MAX_BODY,
        keepalive_s: float = 4.0,
        resend: bool = True,
    ) -> None:
        self._verify = verify
        self._terms = Terms(raw=True, max_body=max_body, keepalive_s=keepalive_s, resend=resend)
        self._free = asyncio.Semaphore(max_connections)
        self._pools: dict[tuple[str, bytes, int | None], Pool] = {}

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """The response to one request, whole; raises httpx errors."""
        pool, data = self._pool(request.url), await request_bytes(request)
        timeouts = request.extensions.get("timeout", {})
        if self._free.locked():
            await self._wait(timeouts.get("pool"))
        else:
            await self._free.acquire()
        try:
            reply = await _exchange(pool, data, timeout_s=timeouts.get("read"))
        finally:
            self._free.release()
        return response_of(reply)

    async def aclose(self) -> None:
        """Every connection is closed."""
        for pool in self._pools.values():
            await pool.aclose()
        self._pools.clear()

    def _pool(self, url: httpx.URL) -> Pool:
        """The pool of the origin that the url names."""
        key = (url.scheme, url.raw_host, url.port)
        pool = self._pools.get(key)
        if pool is None:
            pool = self._pools[key] = Pool(self._origin(url), terms=self._terms)
        return pool

    def _origin(self, url: httpx.URL) -> Origin:
        if url.scheme not in _PORTS:
            raise httpx.UnsupportedProtocol(f"the wire speaks http and https, not {url.scheme!r}")
        if url.scheme == "https" and self._verify is None:
            self._verify = ssl.create_default_context()
        host = url.raw_host.decode("ascii").strip("[]")
        tls = self._verify if url.scheme == "https" else None
        return Origin(addresses=(host,), port=url.port or _PORTS[url.scheme], tls=tls, hostname=host)

    async def _wait(self, timeout_s: float | None) -> None:
        """A connection may be used; raises PoolTimeout when none may in time."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._free.acquire()
        except TimeoutError:
            raise httpx.PoolTimeout("all connections are busy") from None


async def _exchange(pool: Pool, data: bytes, *, timeout_s: float | None) -> Reply:
    """The reply; cancelled, its connection is dropped."""
    future: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()

    def done(reply: Reply) -> None:
        if not future.done():  # cancelled a moment ago, and nobody has been told yet
            future.set_result(reply)

    exchange = pool.submit(data, timeout_s=_FOREVER_S if timeout_s is None else timeout_s, done=done)
    try:
        return await future
    except asyncio.CancelledError:
        pool.cancel(exchange)
        raise


async def request_bytes(request: httpx.Request) -> bytes:
    """The request as it is sent, its body whole; raises LocalProtocolError for one that must not be."""
    try:
        body = request.content
    except httpx.RequestNotRead:
        body = await request.aread()
    target: bytes = request.extensions.get("target", request.url.raw_path)
    lines = [b"%b %b HTTP/1.1\r\n" % (request.method.encode("ascii"), target)]
    length = b"%d" % len(body)
    for name, value in request.headers.raw:
        lower = name.lower()
        if lower == b"transfer-encoding":
            lines.append(b"Content-Length: %b\r\n" % length)
        elif lower == b"content-length" and value != length:
            raise httpx.LocalProtocolError(f"Content-Length is {value!r}, the body has {len(body)} bytes")
        else:
            lines.append(b"%b: %b\r\n" % (name, value))
    head = b"".join(lines)
    breaks = len(lines)
    if head.count(b"\r") != breaks or head.count(b"\n") != breaks or b"\0" in head or b" " in target:
        raise httpx.LocalProtocolError("a line break, NUL or blank in the path or a header")
    return b"%b\r\n%b" % (head, body)


def response_of(reply: Reply) -> httpx.Response:
    """The response that the reply holds; raises the httpx error for a reply that holds none."""
    final = reply.final
    if not (isinstance(final, RawTry) and final.whole):
        raise error_of(reply)
    headers, plain = _headers(final.fields)
    status, extensions = final.status or 0, {"http_version": b"HTTP/1.1", "exchange": reply}
    if not plain:
        stream = httpx.ByteStream(final.body)
        return httpx.Response(status, headers=headers, stream=stream, extensions=extensions)
    response = httpx.Response(status, headers=headers, content=final.body, extensions=extensions)
    response.elapsed = timedelta(microseconds=((final.done_ns or 0) - (final.submit_ns or 0)) / 1000)
    return response


@lru_cache(maxsize=HEADS_KEPT)
def _headers(fields: Fields) -> tuple[httpx.Headers, bool]:
    """Parsed once for each head, and whether the body is what it seems; a Response makes its own copy."""
    headers = httpx.Headers(list(fields))
    return headers, not any(name in headers for name in _AS_IT_IS)


def error_of(reply: Reply) -> httpx.TransportError:
    """What httpx calls a reply without an answer."""
    final = reply.final
    sent = final.written_ns is not None
    if final.state is State.TIMEOUT:
        return (httpx.ReadTimeout if sent else httpx.ConnectTimeout)(final.detail)
    if not sent:
        return httpx.ConnectError(final.detail)
    cut = final.state is State.CONNECTION_ERROR and not final.detail.startswith("reset")
    return (httpx.RemoteProtocolError if cut else httpx.ReadError)(final.detail)


def http2_transport(*, verify: ssl.SSLContext | None = None) -> httpx.AsyncBaseTransport:
    """What httpx has for HTTP/2, for services that speak nothing else; raises UsageError without h2."""
    if importlib.util.find_spec("h2") is None:
        raise UsageError("HTTP/2 needs the package h2", fix="pip install 'httpx[http2]', or use HTTP/1.1.")
    return httpx.AsyncHTTPTransport(http2=True, verify=verify or ssl.create_default_context())
