"""Copies to a shadow: the user's answer is the same, whatever the shadow does."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from harness.capture.live import Counts, Recorder
from harness.capture.recorded import not_recorded
from harness.proxy.heads import Fields, RequestHead
from harness.proxy.mirror import Copy, Terms, copied, in_share
from harness.proxy.recording import Room
from replayers.process import free_port
from tests.kit.proxied import LAST, OK, POST, Between, Handler, Heard, proxied

SHADOWED = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nshadow"


async def silent(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
    """A shadow that never answers."""
    await reader.read()


async def garbage(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A shadow that answers no HTTP."""
    await reader.readuntil(b"abc")
    writer.write(b"\x00\xff" * 1_000)


def answering(answer: bytes) -> Handler:
    """A shadow with this answer."""
    return Heard([answer])


def test_the_shadow_s_answer_is_recorded_under_the_same_id() -> None:
    """Two captures of the same requests at the same times: the service's answers and the shadow's."""
    heard = Heard([SHADOWED])

    async def use(it: Between) -> None:
        for _ in range(3):
            assert (await it.ask(LAST)).endswith(b"\r\n\r\nhi")
        await it.until(lambda: len(it.mirrored.calls) == 3)
        pairs = zip(it.recorded.records, it.mirrored.records, strict=True)
        for one, other in pairs:
            assert (one.request_id, one.ts_ns, one.body) == (other.request_id, other.ts_ns, other.body)
            assert (one.answer_body, other.answer_body) == (b"hi", b"shadow")
            assert other.latency_ns is not None
        assert it.tally.mirrored == 3

    proxied(use, Heard([OK]), shadow=heard)
    assert all(b"x-shadow-replay: mirror" in request for request in heard.requests)


def test_the_copy_goes_after_the_request_and_never_before() -> None:
    """A service that takes no connection is not overtaken by its shadow."""
    heard = Heard([SHADOWED])

    async def use(it: Between) -> None:
        assert b"502 Bad Gateway" in await it.ask(LAST)

    proxied(use, free_port(), shadow=heard)
    assert heard.requests == []


@pytest.mark.parametrize(
    ("shadow", "why"),
    [
        (silent, "timeout"),
        (garbage, "http protocol error"),
        (answering(b""), "connection terminated"),
        (answering(SHADOWED[:-1] + b"\r\n"), ""),
        (answering(SHADOWED.replace(b"6", b"999")), "timeout"),
        (answering(b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n" + b"x" * 5_000), "too large"),
        (answering(b"HTTP/1.1 101 S\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n"), "http protocol error"),
    ],
)
def test_a_shadow_in_trouble_touches_no_answer(shadow: Handler, why: str) -> None:
    """The user's bytes are the same, and what became of the copy is counted and recorded."""

    async def use(it: Between) -> None:
        assert it.proxy.mirror is not None
        it.proxy.mirror.room = Room(each=1_000, left=100_000)
        assert await it.ask(LAST) == b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi"
        await it.until(lambda: bool(it.mirrored.calls))
        (record,) = it.mirrored.records
        assert record.tags == ({"proxy": why} if why else {})
        assert (record.status is None) == bool(why)
        assert dict(it.tally.mirror_failed) == ({why: 1} if why else {})
        assert it.proxy.mirror.room.left == 100_000

    proxied(use, Heard([OK]), shadow=shadow, terms=Terms(timeout_ns=200_000_000))


def test_a_dead_shadow_is_counted() -> None:
    """Nothing listens there."""

    async def use(it: Between) -> None:
        assert (await it.ask(LAST)).endswith(b"hi")
        await it.until(lambda: bool(it.mirrored.calls))
        assert dict(it.tally.mirror_failed) == {"connection refused": 1}

    proxied(use, Heard([OK]), shadow=free_port())


def test_a_slow_shadow_delays_nobody_and_fills_no_memory() -> None:
    """Two under way, two waiting, the others not mirrored; at the end nothing waits."""

    async def use(it: Between) -> None:
        got = await it.ask(POST * 9 + LAST)
        assert got.count(b"HTTP/1.1 200 OK") == 10
        assert (it.tally.mirrored, dict(it.tally.unmirrored)) == (2, {"queue full": 6})
        await it.proxy.drain(0)
        assert dict(it.tally.mirror_failed) == {"end": 2}
        assert dict(it.tally.unmirrored) == {"queue full": 6, "end": 2}
        assert it.mirrored.lost == {"not mirrored: queue full": 6, "not mirrored: end": 2}

    proxied(use, Heard([OK]), shadow=silent, terms=Terms(at_once=2, waiting=2))


@pytest.mark.parametrize(
    ("request_", "room", "why", "lost"),
    [
        (LAST.replace(b"POST", b"PUT"), Room(), "method PUT", {}),
        (LAST, Room(each=2), "too large", {"not mirrored: too large": 1}),
    ],
)
def test_what_may_not_or_cannot_be_copied_is_not(
    request_: bytes, room: Room, why: str, lost: dict[str, int]
) -> None:
    """Only methods that were allowed, and only whole bodies; the latter are missing in the capture."""
    heard = Heard([SHADOWED])

    async def use(it: Between) -> None:
        assert (await it.ask(request_)).endswith(b"hi")
        assert dict(it.tally.unmirrored) == {why: 1}
        assert it.mirrored.lost == lost

    proxied(use, Heard([OK]), shadow=heard, room=room)
    assert heard.requests == []


def test_a_share_is_the_same_for_the_same_ids() -> None:
    """A tenth of many ids is about a tenth, and is part of any larger share."""
    ids = [f"r{n}" for n in range(10_000)]
    tenth = {one for one in ids if in_share(one, 0.1)}
    assert 900 < len(tenth) < 1_100
    assert tenth <= {one for one in ids if in_share(one, 0.2)}
    assert all(in_share(one, 1.0) for one in ids)


def test_the_shadow_s_folder_tells_what_is_missing(tmp_path: Path) -> None:
    """By its reason, where readers of captures look, even if nothing else was written."""
    recorder = Recorder(tmp_path)
    recorder.lose("not mirrored: end")
    assert recorder.close()
    assert recorder.counts == Counts(offered=1, dropped={"not mirrored: end": 1})
    assert not_recorded([tmp_path]) == {"recorder: not mirrored: end": 1}


def test_a_share_says_for_how_many_requests_each_stands() -> None:
    """Answered or not; and by what chance it was taken."""

    async def use(it: Between) -> None:
        named = [LAST.replace(b"Host: a", b"Host: a\r\nX-Request-Id: r%d" % n) for n in range(20)]
        for request in named:
            await it.ask(request)
        await it.until(lambda: it.proxy.mirror is not None and not it.proxy.mirror.busy)
        records = it.mirrored.records
        assert len(records) == sum(in_share(f"r{n}", 0.5) for n in range(20)) > 0
        assert {record.sampling_weight for record in records} == {2.0}
        assert {record.tags["sampled"] for record in records} == {'{"request_id mirror":0.5}'}
        assert {record.sampling_weight for record in it.recorded.records} == {1.0}

    proxied(use, Heard([OK]), shadow=Heard([SHADOWED]), terms=Terms(share=0.5))


@pytest.mark.parametrize("credentials", [True, False])
def test_a_copy_has_no_credentials_unless_they_are_wanted(*, credentials: bool) -> None:
    """Nor what is of one hop, nor who passed it on; its own host, id, mark and length."""
    fields: Fields = [
        (b"Host", b"user"),
        (b"Authorization", b"Bearer t"),
        (b"Cookie", b"c"),
        (b"X-Api-Key", b"k"),
        (b"X-Session", b"s"),
        (b"Connection", b"X-Hop"),
        (b"X-Hop", b"1"),
        (b"X-Forwarded-For", b"1.2.3.4"),
        (b"Content-Type", b"application/json"),
        (b"Transfer-Encoding", b"chunked"),
    ]
    head = RequestHead(b"POST", b"/p", fields, chunked=True)
    text = copied(Copy(head, [b"ab", b"c"], "id", 1), b"shadow:1", credentials=credentials)
    kept = b"authorization: Bearer t\r\ncookie: c\r\nx-api-key: k\r\nx-session: s\r\n" if credentials else b""
    assert text == (
        b"POST /p HTTP/1.1\r\nhost: shadow:1\r\n" + kept + b"content-type: application/json\r\n"
        b"x-request-id: id\r\nx-shadow-replay: mirror\r\ncontent-length: 3\r\n\r\nabc"
    )


def test_credentials_in_the_query_stay_here() -> None:
    """As those in headers do, unless they are wanted."""
    target, sent = b"/p?api_key=k&a=1", b"/p?api_key=masked&a=1"
    for credentials, line in ((False, sent), (True, target)):
        head = RequestHead(b"GET", target, [(b"Host", b"a")])
        assert copied(Copy(head, [], "id", 1), b"s", credentials=credentials).split(b" ")[1] == line
