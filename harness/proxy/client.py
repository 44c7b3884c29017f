"""One connection of a user: requests in order, each answered before the next is passed on."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING

from harness.proxy.exchange import Exchange
from harness.proxy.heads import Refusal, RequestHead, has_passed, said
from harness.proxy.reading import RequestPart, RequestReader

if TYPE_CHECKING:
    from harness.proxy.exchange import Shared

IDLE_NS = 75_000_000_000
LINGER_NS = 2_000_000_000


class Client(asyncio.Protocol):
    """A user's connection. What it sends while an answer is under way waits, and no more is read meanwhile.

    It is ended politely: the last answer goes out whole, and what the user still sends is read and thrown
    away for 2 s, as otherwise the system would take the answer back.
    """

    __slots__ = (
        "_clients",
        "_eof",
        "_exchange",
        "_lingering_ns",
        "_paused",
        "_reader",
        "_shared",
        "_since_ns",
        "_slow",
        "_transport",
        "_waiting",
        "_working",
        "last",
        "peer",
    )

    def __init__(self, shared: Shared, clients: set[Client], *, most: int) -> None:
        self._shared = shared
        self._clients = clients
        self._reader = RequestReader()
        self._waiting: deque[RequestPart] = deque()
        self._exchange: Exchange | None = None
        self._transport: asyncio.Transport | None = None
        self._paused = self._eof = self._slow = self._working = False
        self._lingering_ns = 0
        self._since_ns = shared.clock_ns()
        self.last = len(clients) >= most
        self.peer = b"unknown"

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A user is here; one too many is told so."""
        self._transport = transport  # type: ignore[assignment]  # a stream transport, as create_server says
        self._clients.add(self)
        peer = transport.get_extra_info("peername")
        if peer:
            self.peer = str(peer[0]).encode("ascii", "replace")
        if self.last:
            self._refuse(Refusal(503, "too many connections"))

    def data_received(self, data: bytes) -> None:
        """More of a request; after the last one it is thrown away."""
        if not self._lingering_ns:
            self._work(self._reader.feed(data))

    def eof_received(self) -> bool:
        """The user says no more: the service is told so and decides what that means, as it would directly."""
        self._eof = True
        exchange = self._exchange
        if exchange is None or exchange.tunnel or not exchange.asked_whole:
            return False
        exchange.last_word()
        return True

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  -- asyncio's signature
        """The user has gone."""
        self._transport = None
        self._clients.discard(self)
        self._waiting.clear()
        self._reader.end()
        if self._exchange is not None:
            self._exchange.abandon()

    def pause_writing(self) -> None:
        """The user is slow to take the answer: no more of it is read."""
        self._slow = True
        if self._exchange is not None:
            self._exchange.slow(is_slow=True)

    def resume_writing(self) -> None:
        """The user takes more of the answer."""
        self._slow = False
        if self._exchange is not None:
            self._exchange.slow(is_slow=False)
        else:
            self._work([])

    def write(self, data: bytes) -> None:
        """Send some of an answer."""
        if self._transport is not None:
            self._transport.write(data)

    def over(self, *, close: bool, cut: bool = False) -> None:
        """The answer is over: the next request, or the end; what is `cut` ends with a reset, to be seen."""
        exchange, self._exchange = self._exchange, None
        self._since_ns = self._shared.clock_ns()
        if self._transport is None:
            return
        if cut:
            self._transport.abort()
        elif close or (self._eof and not self._waiting):
            self._hang_up()
        else:
            rest = exchange is not None and exchange.head.upgrade
            self._work(self._reader.go_on(raw=False) if rest else [])

    def granted(self) -> list[RequestPart]:
        """What came after the request whose upgrade was granted; from now on bytes are passed as they are."""
        return self._reader.go_on(raw=True)

    def regulate(self) -> None:
        """No more is read while something waits, or nobody would take it."""
        exchange = self._exchange
        paused = not self._lingering_ns and (bool(self._waiting) or (exchange is not None and exchange.stuck))
        if self._transport is not None and paused != self._paused and not self._transport.is_closing():
            self._paused = paused
            (self._transport.pause_reading if paused else self._transport.resume_reading)()

    def sweep(self, now_ns: int) -> None:
        """End what has taken too long: an exchange, silence, or the wait for the user's own close."""
        transport = self._transport
        if transport is None:
            return
        if self._exchange is not None:
            self._exchange.check(now_ns)
            return
        unsent = transport.get_write_buffer_size()
        lingered = self._lingering_ns and now_ns > self._lingering_ns and not unsent
        if lingered or now_ns - self._since_ns > IDLE_NS:
            transport.abort()

    def drain(self) -> None:
        """No further request is taken: the answer under way is the last."""
        self.last = True
        if self._transport is None:
            return
        if self._exchange is None:
            self._transport.close()
        elif self._exchange.tunnel:
            self._transport.abort()

    def abort(self) -> None:
        """Gone, at once."""
        if self._transport is not None:
            self._transport.abort()

    def _work(self, parts: list[RequestPart]) -> None:
        """Hand on what may be handed on; the next request waits for the answer to the one before."""
        waiting = self._waiting
        waiting.extend(parts)
        if self._working:  # an answer came while this was being done
            return
        self._working = True
        while waiting and not self._lingering_ns:
            exchange = self._exchange
            if self._slow if exchange is None else exchange.asked_whole and not exchange.tunnel:
                break
            self._handle(waiting.popleft(), exchange)
        self._working = False
        if self._exchange is not None:
            self._exchange.flush()
        self.regulate()

    def _handle(self, part: RequestPart, exchange: Exchange | None) -> None:
        """One part of a request, in order."""
        if isinstance(part, RequestHead):
            if has_passed(part, self._shared.via):
                self._refuse(Refusal(508, "the request was here before"))
            else:
                self._exchange = Exchange(part, self, shared=self._shared)
        elif exchange is None:
            if isinstance(part, Refusal):
                self._refuse(part)
        elif isinstance(part, Refusal):
            exchange.fail("http_request_error", 400)
        else:
            exchange.take(part)

    def _refuse(self, refusal: Refusal) -> None:
        self._shared.tally.refused[str(refusal.status)] += 1
        self.write(said(refusal.status, refusal.words))
        self._hang_up()

    def _hang_up(self) -> None:
        """The end, once all is sent and the user has closed too."""
        self._waiting.clear()
        self._lingering_ns = self._shared.clock_ns() + LINGER_NS
        self.regulate()
        transport = self._transport
        if transport is None:
            return
        if self._eof:
            transport.close()
        elif transport.can_write_eof():
            transport.write_eof()
