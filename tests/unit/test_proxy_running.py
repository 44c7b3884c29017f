"""The proxy as it runs: its limits, and an end that cuts nothing short."""

from __future__ import annotations

import asyncio

import pytest

from tests.kit.proxied import OK, POST, Between, Heard, proxied


def test_an_answer_under_way_is_finished() -> None:
    """At the end nobody new is let in, silent connections close, and the one that waits gets its answer."""
    asked, go = asyncio.Event(), asyncio.Event()

    async def service(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"abc")
        asked.set()
        await go.wait()
        writer.write(OK)

    async def use(it: Between) -> None:
        async with it.user() as (silent, _), it.user() as (reader, writer):
            writer.write(POST)
            await asked.wait()
            draining = asyncio.ensure_future(it.proxy.drain(30))
            assert await silent.read() == b""
            with pytest.raises(OSError, match="refused"):
                await asyncio.open_connection("127.0.0.1", it.port)
            go.set()
            assert (
                await reader.read() == b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi"
            )
            writer.close()
            await draining

    proxied(use, service)


def test_what_does_not_end_is_cut() -> None:
    """After the time that it has."""
    asked = asyncio.Event()

    async def silent(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"abc")
        asked.set()
        await reader.read()

    async def use(it: Between) -> None:
        async with it.user() as (reader, writer):
            writer.write(POST)
            await asked.wait()
            await it.proxy.drain(0)
            assert await reader.read() == b""
        assert it.recorded.records[0].tags == {"proxy": "user left"}

    proxied(use, silent)


def test_one_user_too_many_is_told_so() -> None:
    """503, and the others go on."""

    async def use(it: Between) -> None:
        async with it.user() as (reader, writer):
            writer.write(POST)
            assert (await reader.readuntil(b"hi")).startswith(b"HTTP/1.1 200")
            assert (await it.ask()).startswith(b"HTTP/1.1 503")
            writer.write(POST)
            assert (await reader.readuntil(b"hi")).startswith(b"HTTP/1.1 200")

    proxied(use, Heard([OK]), most_users=1)
