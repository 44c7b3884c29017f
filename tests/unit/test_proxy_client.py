"""A user's connection: requests in order, bytes as they were, and an end that takes no answer back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.proxy import client
from harness.proxy.recording import Room
from tests.kit.proxied import LAST, OK, POST, Between, Heard, proxied


async def stands_still(value: Callable[[], int]) -> int:
    """The value, once nothing moves any more."""
    before = -1
    while before != (before := value()):  # noqa: ASYNC110  -- nobody tells that nothing happens
        await asyncio.sleep(0.05)
    return before


NO_SERVICE = Heard([b""])


@settings(max_examples=15)
@given(
    body=st.binary(max_size=5_000),
    chunked=st.booleans(),
    cuts=st.lists(st.integers(1, 6_000), max_size=8),
    answer=st.binary(max_size=3_000),
)
def test_bodies_pass(body: bytes, cuts: list[int], answer: bytes, *, chunked: bool) -> None:
    """Whatever they are and however they come: the service gets the user's, and the user the service's."""
    framing = b"Transfer-Encoding: chunked" if chunked else b"Content-Length: %d" % len(body)
    told = b"%x\r\n%b\r\n" % (len(body), body) if chunked and body else body
    request = b"POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n%b\r\n\r\n%b%b" % (
        framing,
        told,
        b"0\r\n\r\n" if chunked else b"",
    )
    heard = Heard([b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(answer), answer)])
    edges = [0, *sorted(cut % len(request) for cut in cuts), len(request)]

    async def use(it: Between) -> None:
        got = await it.ask(*(request[a:b] for a, b in pairwise(edges)))
        head, _, rest = got.partition(b"\r\n\r\n")
        assert rest == answer
        assert b"Via" not in head
        assert heard.requests[0].partition(b"\r\n\r\n")[2] == body
        (record,) = it.recorded.records
        assert (record.body, record.answer_body, record.status) == (body, answer, 200)
        assert record.latency_ns is not None

    proxied(use, heard)


def test_requests_behind_each_other_are_answered_in_order() -> None:
    """One after the other, on one connection to the service."""
    heard = Heard([OK.replace(b"hi", b"%02d" % n) for n in range(5)])

    async def use(it: Between) -> None:
        got = await it.ask(POST * 4 + LAST)
        assert [got[at + 4 : at + 6] for at in range(len(got)) if got[at : at + 4] == b"\r\n\r\n"] == [
            b"00",
            b"01",
            b"02",
            b"03",
            b"04",
        ]
        assert len({record.request_id for record in it.recorded.records}) == 5

    proxied(use, heard)
    assert len(heard.requests) == 5


def test_a_refusal_waits_for_its_turn() -> None:
    """The request before it is answered first, and only that one is passed on."""
    heard = Heard([OK])

    async def use(it: Between) -> None:
        got = await it.ask(POST + b"nonsense\r\n\r\n" + POST)
        assert got.startswith(b"HTTP/1.1 200 OK")
        assert b"HTTP/1.1 400 Bad Request" in got
        assert it.tally.refused == {"400": 1}

    proxied(use, heard)
    assert len(heard.requests) == 1


def test_half_a_close_is_passed_on() -> None:
    """A user who has said all still gets the answer of a service that gives one."""

    async def service(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert (await reader.read()).endswith(b"abc")
        writer.write(OK)

    async def use(it: Between) -> None:
        async with it.user() as (reader, writer):
            writer.write(POST)
            writer.write_eof()
            assert (await reader.read()).endswith(b"\r\n\r\nhi")

    proxied(use, service)


def test_a_user_who_leaves_is_noted() -> None:
    """The service's connection is closed, and the record has no answer."""
    asked = asyncio.Event()
    left = asyncio.Event()

    async def service(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"abc")
        asked.set()
        assert await reader.read() == b""
        left.set()

    async def use(it: Between) -> None:
        async with it.user() as (_, writer):
            writer.write(POST)
            await asked.wait()
            writer.transport.abort()
        await left.wait()
        await it.until(lambda: bool(it.recorded.calls))
        (record,) = it.recorded.records
        assert (record.status, record.tags, record.body) == (None, {"proxy": "user left"}, b"abc")

    proxied(use, service)


def test_an_answer_before_the_end_of_the_request_ends_the_connection() -> None:
    """What the user still sends is thrown away, so that the answer is not."""

    async def service(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 413 No\r\nContent-Length: 2\r\n\r\nno")
        await reader.read()

    async def use(it: Between) -> None:
        async with it.user() as (reader, writer):
            writer.write(POST.replace(b"Length: 3", b"Length: 9000000"))
            assert (await reader.readuntil(b"\r\n\r\nno")).startswith(b"HTTP/1.1 413")
            writer.write(b"x" * 2_000_000)
            assert await reader.read() == b""
        (record,) = it.recorded.records
        assert (record.status, record.truncated) == (413, True)

    proxied(use, service)


@pytest.mark.parametrize("version", [b"1.0", b"1.1"])
def test_chunks_become_what_the_user_can_read(version: bytes) -> None:
    """HTTP/1.0 has none: the body ends with the connection."""
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n3\r\nyou\r\n0\r\nT: v\r\n\r\n"
    body = {b"1.0": b"hiyou", b"1.1": b"2\r\nhi\r\n3\r\nyou\r\n0\r\nT: v\r\n\r\n"}[version]

    async def use(it: Between) -> None:
        got = await it.ask(b"GET / HTTP/%b\r\nHost: a\r\nConnection: close\r\n\r\n" % version)
        assert got.partition(b"\r\n\r\n")[2] == body
        assert it.recorded.records[0].answer_body == b"hiyou"

    proxied(use, Heard([chunked]))


def test_a_slow_user_holds_back_the_service_and_no_memory() -> None:
    """16 MB go to a user who reads nothing for a while; only what the limit allows is kept."""
    size, sent = 16 << 20, 0

    async def service(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        await reader.readuntil(b"abc")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size)
        while sent < size:
            writer.write(b"x" * 65_536)
            sent += 65_536
            await writer.drain()

    async def use(it: Between) -> None:
        async with it.user() as (reader, writer):
            writer.write(LAST)
            await reader.readuntil(b"\r\n\r\n")
            await stands_still(lambda: sent)
            assert sent < size
            assert len(await reader.read()) == size
        (record,) = it.recorded.records
        assert (len(record.answer_body), record.answer_truncated) == (100_000, True)

    proxied(use, service, room=Room(each=100_000))


def test_a_large_request_is_held_back_where_the_service_is_slow() -> None:
    """The user cannot send more than the service takes and the buffers hold."""
    size, go = 16 << 20, asyncio.Event()

    async def service(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        await go.wait()
        assert len(await reader.readexactly(size)) == size
        writer.write(OK)

    async def use(it: Between) -> None:
        async with it.user() as (reader, writer):
            writer.write(b"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % size + b"x" * size)
            assert await stands_still(writer.transport.get_write_buffer_size) > 0
            go.set()
            assert (await reader.readuntil(b"hi")).startswith(b"HTTP/1.1 200")
        (record,) = it.recorded.records
        assert (len(record.body), record.truncated) == (10, True)

    proxied(use, service, room=Room(each=10))


def test_what_takes_too_long_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection without a request is closed, as is one whose user does not close after the end."""
    monkeypatch.setattr(client, "IDLE_NS", 0)
    monkeypatch.setattr(client, "LINGER_NS", 1)

    async def use(it: Between) -> None:
        async with it.user() as (reader, _):
            assert await reader.read() == b""
        async with it.user() as (reader, writer):
            writer.write(b"nonsense\r\n\r\n")
            assert (await reader.read()).startswith(b"HTTP/1.1 400")

    proxied(use, NO_SERVICE)


def test_a_request_that_comes_round_again_is_refused() -> None:
    """A proxy that is its own service says 508, once."""

    async def use(it: Between) -> None:
        got = await it.ask(LAST.replace(b"Host: a", b"Host: a\r\nVia: 1.1 replaygate"))
        assert got.startswith(b"HTTP/1.1 508")

    proxied(use, NO_SERVICE)
