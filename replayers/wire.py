"""Our HTTP/1.1 client for the timed path: a warm keep-alive pool that calls back, without tasks or queues.

A request is bytes; its answer is a `Reply`. Failures are states of the reply, never exceptions.
"""

from __future__ import annotations

import asyncio
import errno
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.records import State
from harness.replay.arm import Reply, Try
from replayers.answer import HEAD_END, HEAD_END_BYTES, HEADS_KEPT, Answer, Head, RawTry, Terms

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Coroutine, Iterator

__all__ = ["Exchange", "Origin", "Pool", "Terms"]

SWEEP_S = 0.01
WARM_BATCH = 16
LESSONS = 16
_HOST_IS_FULL = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.EADDRNOTAVAIL})
_STALE = "stale keep-alive"
_AFTER_ERROR = "closed after error"


@dataclass(frozen=True, kw_only=True)
class Origin:
    """Where connections go: addresses tried in order, and TLS for `hostname` when a context is given."""

    addresses: tuple[str, ...]
    port: int
    tls: ssl.SSLContext | None = None
    hostname: str | None = None


class Exchange:
    """One request on its way; `done` is None once it has been called back."""

    __slots__ = ("connection", "data", "deadline_ns", "done", "first_ns", "submit_ns", "tries", "written_ns")

    def __init__(self, data: bytes, done: Callable[[Reply], None]) -> None:
        self.data = data
        self.done: Callable[[Reply], None] | None = done
        self.submit_ns = self.deadline_ns = 0
        self.written_ns: int | None = None
        self.first_ns: int | None = None
        self.tries: tuple[Try, ...] = ()
        self.connection: _Connection | None = None

    def known(self, head: Head, body: bytes) -> Try:
        """The try whose answer came whole in its first read."""
        if head.fields is not None:
            return RawTry(
                whole=True,
                fields=head.fields,
                state=head.state,
                status=head.status,
                body=body,
                submit_ns=self.submit_ns,
                written_ns=self.written_ns,
                first_ns=self.first_ns,
                done_ns=self.first_ns,
                detail=head.detail,
            )
        return Try(
            state=head.state,
            status=head.status,
            headers=head.headers,
            body=body,
            submit_ns=self.submit_ns,
            written_ns=self.written_ns,
            first_ns=self.first_ns,
            done_ns=self.first_ns,
            detail=head.detail,
        )

    def lost(self, state: State, detail: str, *, now_ns: int) -> Try:
        """The try that ends now, without an answer."""
        return Try(
            state=state,
            detail=detail,
            submit_ns=self.submit_ns,
            written_ns=self.written_ns,
            first_ns=self.first_ns,
            done_ns=now_ns,
        )


class _Connection(asyncio.Protocol):
    """One connection: at most one exchange at a time, and the pool knows when it is idle."""

    __slots__ = (
        "answer",
        "closed",
        "exchange",
        "head_only",
        "idle_ns",
        "pool",
        "reused",
        "status",
        "transport",
    )

    def __init__(self, pool: Pool) -> None:
        self.pool = pool
        self.transport: asyncio.Transport | None = None
        self.exchange: Exchange | None = None
        self.answer = Answer(pool.terms)
        self.closed = self.reused = self.head_only = False
        self.idle_ns = self.status = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport  # type: ignore[assignment]  # a stream transport, as create_connection says

    def send(self, exchange: Exchange, now_ns: int) -> None:
        """Write the whole request; the answer calls the exchange back."""
        assert self.transport is not None  # noqa: S101  -- the pool hands out connected ones only
        self.exchange, exchange.connection = exchange, self
        self.head_only = exchange.data.startswith(b"HEAD ")
        exchange.written_ns = now_ns
        self.transport.write(exchange.data)

    def data_received(self, data: bytes) -> None:
        """Most often the first read is the whole answer, and its head one that has been parsed before."""
        exchange, pool = self.exchange, self.pool
        if exchange is None:
            self.drop()
            return
        now_ns = pool.clock()
        if exchange.first_ns is None:
            exchange.first_ns = now_ns
            size = data.find(HEAD_END) + HEAD_END_BYTES
            head = pool.heads.get(data[:size])
            if head is not None and len(data) == size + head.length and not self.head_only:
                self.exchange = None
                self.status = head.status
                pool.release(self, now_ns)
                pool.end(exchange, exchange.known(head, data[size:]))
                return
            self.answer.begin(head_only=self.head_only)
        self.answer.feed(data)
        if self.answer.over:
            self._finish(exchange, data, now_ns=now_ns)

    def connection_lost(self, exc: Exception | None) -> None:
        self.closed = True
        exchange = self.exchange
        if exchange is None:
            self.drop()
            return
        if exchange.first_ns is None:
            if self.reused and not exchange.tries and self.pool.terms.resend:
                self.drop()
                self.pool.retry(exchange, _AFTER_ERROR if self.status >= 500 else _STALE)
                return
            self.answer.begin()
        self.answer.eof(reset=exc is not None)
        self._finish(exchange, b"", now_ns=self.pool.clock())

    def drop(self) -> None:
        """Nothing more is sent or read here, and nobody is called back."""
        self.closed = True
        self.exchange = None
        self.answer.end()
        self.pool.forget(self)
        if self.transport is not None:
            self.transport.abort()

    def _finish(self, exchange: Exchange, last: bytes, *, now_ns: int) -> None:
        """The answer is over, whole or not; `last` is what was read last, at `now_ns`."""
        answer = self.answer
        self.status = answer.status
        one = answer.result(
            submit_ns=exchange.submit_ns,
            written_ns=exchange.written_ns,
            first_ns=exchange.first_ns,
            done_ns=now_ns,
        )
        if answer.reusable and not self.closed:
            self.exchange = None
            self.pool.learn(answer, last)
            self.pool.release(self, now_ns)
        else:
            self.drop()
        self.pool.end(exchange, one)


class Pool:
    """Keep-alive connections to one origin, the last used first; all calls on one loop.

    The pool opens a connection whenever none is idle: how many requests are in flight is the caller's to
    bound. Idle connections are dropped before use when older than `keepalive_s` (servers close theirs after
    5 s or so), and at once when the server closes them or speaks unasked; as many as were warmed are replaced
    in the background, so that the first burst after a silence finds them. A request that meets a reused
    connection closed without a byte of answer is sent once more on a fresh one; both tries are in the reply.

    Stamps are taken when the pool is asked, when it writes, and when a read comes back: an answer that comes
    whole in one read has its first byte and its end at once.
    """

    def __init__(self, origin: Origin, *, terms: Terms | None = None) -> None:
        self.origin = origin
        self.terms = terms or Terms()
        self.clock = self.terms.clock
        self.heads: dict[bytes, Head] = {}
        self._lessons = LESSONS
        self._keepalive_ns = round(self.terms.keepalive_s * 1e9)
        self._idle: dict[_Connection, None] = {}
        self._all: set[_Connection] = set()
        self._waiting: dict[Exchange, None] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._sweeper: asyncio.TimerHandle | None = None
        self._sweep_ns = 0
        self._keeper: asyncio.TimerHandle | None = None
        self._keeping: asyncio.Task[None] | None = None
        self._warmed = 0
        self._closed = False

    async def warm(self, connections: int) -> None:
        """At least this many connections are idle, and as many stay; raises OSError when none is taken."""
        self._closed = False
        self._warmed = connections
        while (missing := connections - len(self._idle)) > 0:
            batch = (self._connect() for _ in range(min(missing, WARM_BATCH)))
            for made in await asyncio.gather(*batch, return_exceptions=True):
                if isinstance(made, BaseException):
                    raise made
                self.release(made, self.clock())
        if connections and self._keeper is None:
            self._keep_later()

    async def refresh(self) -> None:
        """What has lain idle for most of `keepalive_s` is replaced, one by one, as far as it was warmed."""
        old_ns = self.clock() - self._keepalive_ns * 3 // 4
        try:
            for old in [one for one in self._idle if one.idle_ns <= old_ns]:
                if len(self._all) <= self._warmed:
                    self.release(await self._connect(), self.clock())
                if old in self._idle:
                    old.drop()
            while len(self._all) < self._warmed:
                self.release(await self._connect(), self.clock())
        except OSError:
            return  # the next request meets the same, and says so

    def submit(self, data: bytes, *, timeout_s: float, done: Callable[[Reply], None]) -> Exchange:
        """Send a request; `done` is called exactly once, within `timeout_s` give or take 10 ms.

        What is returned can be given to `cancel`.
        """
        exchange = Exchange(data, done)
        exchange.submit_ns = now_ns = self.clock()
        exchange.deadline_ns = deadline_ns = now_ns + int(timeout_s * 1e9)
        if self._closed:
            self.end(exchange, exchange.lost(State.ABANDONED, "the pool is closed", now_ns=now_ns))
            return exchange
        if self._sweeper is None or deadline_ns < self._sweep_ns:
            self._watch(deadline_ns)
        while self._idle:
            connection, _ = self._idle.popitem()
            if now_ns - connection.idle_ns < self._keepalive_ns:
                connection.send(exchange, now_ns)
                return exchange
            connection.drop()
        self._send_on_new(exchange)
        return exchange

    def cancel(self, exchange: Exchange) -> None:
        """The exchange is over, with its connection, and nobody is called back."""
        if exchange.done is not None:
            exchange.done = None
            self._waiting.pop(exchange, None)
            if exchange.connection is not None:
                exchange.connection.drop()

    async def aclose(self) -> None:
        """Every connection is closed, and every request in flight called back as ABANDONED."""
        self._closed = True
        for handle in (self._sweeper, self._keeper):
            if handle is not None:
                handle.cancel()
        self._sweeper = self._keeper = None
        for task in self._tasks:
            task.cancel()
        for exchange in list(self._live()):
            self._cut(exchange, State.ABANDONED, detail="the pool was closed")
        for connection in list(self._all):
            connection.drop()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.sleep(0)

    @property
    def open_connections(self) -> int:
        """How many connections there are, idle or not."""
        return len(self._all)

    def release(self, connection: _Connection, now_ns: int) -> None:
        """The connection is idle, and the next to be used."""
        connection.idle_ns = now_ns
        connection.reused = True
        self._idle[connection] = None

    def forget(self, connection: _Connection) -> None:
        """The connection is no longer ours to use."""
        self._all.discard(connection)
        self._idle.pop(connection, None)

    def learn(self, answer: Answer, data: bytes) -> None:
        """Answers that begin as this one need no parser from now on; given up where heads do not repeat."""
        if self._lessons:
            known = answer.head(data)
            if known is not None:
                self.heads[known[0]] = known[1]
            if len(self.heads) > HEADS_KEPT:
                self.heads.clear()
                self._lessons -= 1

    def end(self, exchange: Exchange, last: Try) -> None:
        """The exchange is over; what comes for it later is ignored."""
        done, exchange.done = exchange.done, None
        if done is not None:
            done(Reply(tries=(*exchange.tries, last) if exchange.tries else (last,)))

    def retry(self, exchange: Exchange, label: str) -> None:
        """The first try met a dead connection, which says nothing about the request."""
        now_ns = self.clock()
        exchange.tries = (exchange.lost(State.CONNECTION_ERROR, label, now_ns=now_ns),)
        exchange.submit_ns = now_ns
        exchange.written_ns = exchange.first_ns = exchange.connection = None
        self._send_on_new(exchange)

    def _live(self) -> Iterator[Exchange]:
        """What has been submitted and not called back."""
        yield from self._waiting
        yield from (one.exchange for one in self._all if one.exchange is not None)

    def _cut(self, exchange: Exchange, state: State, *, detail: str) -> None:
        """The exchange ends without an answer, and its connection with it."""
        done = exchange.done
        self.cancel(exchange)
        exchange.done = done
        self.end(exchange, exchange.lost(state, detail, now_ns=self.clock()))

    def _send_on_new(self, exchange: Exchange) -> None:
        self._waiting[exchange] = None
        self._in_background(self._open_and_send(exchange))

    def _in_background(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _open_and_send(self, exchange: Exchange) -> None:
        try:
            connection = await self._connect()
        except OSError as error:
            full = error.errno in _HOST_IS_FULL
            self._cut(exchange, State.SHED if full else State.CONNECTION_ERROR, detail=_plain(error))
            return
        self._waiting.pop(exchange, None)
        if exchange.done is None:
            self.release(connection, self.clock())
        else:
            connection.send(exchange, self.clock())

    async def _connect(self) -> _Connection:
        """A new connection to the first address that takes one."""
        loop = asyncio.get_running_loop()
        error: OSError = ConnectionError("no address")
        for address in self.origin.addresses:
            try:
                _, connection = await loop.create_connection(
                    lambda: _Connection(self),
                    address,
                    self.origin.port,
                    ssl=self.origin.tls,
                    server_hostname=self.origin.hostname if self.origin.tls else None,
                )
            except OSError as failed:
                error = failed
            else:
                self._all.add(connection)
                return connection
        raise error

    def _watch(self, deadline_ns: int) -> None:
        """One timer for all: set for the earliest deadline."""
        if self._sweeper is not None:
            self._sweeper.cancel()
        self._sweep_ns = deadline_ns
        wait_s = max(SWEEP_S, (deadline_ns - self.clock()) / 1e9)
        self._sweeper = asyncio.get_running_loop().call_later(wait_s, self._sweep)

    def _sweep(self) -> None:
        """Requests past their deadlines end."""
        now_ns = self.clock()
        self._sweeper = None
        for exchange in [one for one in self._live() if one.deadline_ns <= now_ns]:
            begun = "the answer was not finished" if exchange.first_ns else "no answer"
            self._cut(exchange, State.TIMEOUT, detail=f"{begun} in time")
        earliest = min((exchange.deadline_ns for exchange in self._live()), default=None)
        if earliest is not None:
            self._watch(earliest)

    def _keep_later(self) -> None:
        self._keeper = asyncio.get_running_loop().call_later(self.terms.keepalive_s / 4, self._keep)

    def _keep(self) -> None:
        """Four times in `keepalive_s` the idle connections are looked after."""
        self._keep_later()
        if self._keeping is None or self._keeping.done():
            self._keeping = self._in_background(self.refresh())


def _plain(error: OSError) -> str:
    """A connection failure in a few words, the same on every system."""
    if isinstance(error, ConnectionRefusedError):
        return "connection refused"
    reason = getattr(error, "verify_message", None) or getattr(error, "reason", None)
    return f"cannot connect: {reason or error.strerror or type(error).__name__}"
