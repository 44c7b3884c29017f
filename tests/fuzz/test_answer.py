"""The parser of answers under fire: the same bytes mean the same in any cut, and nothing gets out of hand."""

import asyncio
from typing import cast

from hypothesis import example, given
from hypothesis import strategies as st

from harness.records import State
from harness.replay.arm import Reply, Try
from replayers.answer import HEAD_ROOM, Answer, Terms
from replayers.wire import Origin, Pool, _Connection
from tests.fuzz.answers import LIMIT, RAW, TERMS, cut, damaged, noise, parse, places, well_made

anything = well_made().map(lambda made: made[0]) | damaged() | noise
terms = st.sampled_from([TERMS, RAW])


@given(made=well_made(), at=places)
def test_well_made_answers_are_understood_in_any_cut(made: tuple[bytes, int, bytes], at: list[int]) -> None:
    """Status, body and state, whatever the framing and the encoding; a body over the cap is one."""
    data, status, body = made
    one = parse(cut(data, at))
    assert one.status == status
    if len(body) <= LIMIT:
        assert one.state is (State.OK if status < 300 else State.HTTP_ERROR)
        assert one.body == body
    else:
        assert (one.state is State.BAD_BODY) == (status < 300)
        assert one.headers.get("x-a") in {None, "one"}


@given(data=anything, at=places, kept=terms, head_only=st.booleans())
@example(data=b"HTTP/1.1 200 OK\r\nX-A:\r\nX-B: 1\r\n\r\n", at=[20], kept=TERMS, head_only=False)
def test_the_cut_does_not_matter(data: bytes, at: list[int], kept: Terms, *, head_only: bool) -> None:
    """In one read, in some, and byte by byte: the same try, or the same fault."""
    whole = parse([data] if data else [], kept, head_only=head_only)
    assert parse(cut(data, at), kept, head_only=head_only) == whole
    assert parse(cut(data, range(len(data))), kept, head_only=head_only) == whole


@given(start=anything, filler=st.binary(min_size=1, max_size=40))
def test_no_flood_goes_on_for_ever(start: bytes, filler: bytes) -> None:
    """Whatever comes first, an answer is over once twice the cap and a head's room have come."""
    answer = Answer(TERMS)
    flood = filler * ((2 * LIMIT + HEAD_ROOM) // len(filler) + 1)
    answer.feed(start + flood)
    assert answer.over
    assert len(answer.result().body) <= LIMIT


class _Sink(asyncio.Transport):
    """Takes what is written, and forgets it."""

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Nobody reads it."""

    def abort(self) -> None:
        """There is nothing to close."""


async def through_a_pool(answers: list[list[bytes]]) -> tuple[list[Try], int]:
    """The final tries of answers that come one after another, each on the connection that the pool takes."""
    pool = Pool(Origin(addresses=(), port=0), terms=Terms(headers=TERMS.headers, max_body=LIMIT))
    finals: list[Try] = []
    for pieces in answers:
        if not pool.open_connections:
            fresh = _Connection(pool)
            fresh.connection_made(_Sink())
            pool._all.add(fresh)  # noqa: SLF001  -- what _connect does, without a socket
            pool.release(fresh, pool.clock())
        replies: list[Reply] = []
        used = pool.submit(b"POST / HTTP/1.1\r\n\r\n", timeout_s=60.0, done=replies.append).connection
        for piece in pieces:
            cast("_Connection", used).data_received(piece)
            if replies:
                break
        else:
            cast("_Connection", used).connection_lost(None)
        finals += [reply.final for reply in replies]
    known = len(pool.heads)
    await pool.aclose()
    return finals, known


def unstamped(one: Try) -> tuple[object, ...]:
    """A try without its times."""
    return one.state, one.status, one.headers, one.body, one.detail


@given(
    answers=st.lists(st.tuples(anything.filter(bool), places), min_size=1, max_size=4), again=st.booleans()
)
def test_what_was_said_before_does_not_matter(answers: list[tuple[bytes, list[int]]], *, again: bool) -> None:
    """On one connection, and with heads known from before, each answer is what it is by itself."""
    pieces = [cut(data, at) for data, at in answers]
    if again:
        pieces += [[data] for data, _ in answers] * 2
    finals, _ = asyncio.run(through_a_pool(pieces))
    assert [unstamped(one) for one in finals] == [unstamped(parse(piece)) for piece in pieces]


def test_a_repeated_head_is_known_the_second_time() -> None:
    """The property above would hold without any memory; this one says that there is one."""
    said = b"HTTP/1.1 200 OK\r\nX-A: 1\r\nContent-Length: 1\r\n\r\n"
    finals, known = asyncio.run(through_a_pool([[said + b"1"], [said + b"2"]]))
    assert ([one.body for one in finals], known) == ([b"1", b"2"], 1)
