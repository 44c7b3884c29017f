"""What is kept of a call, within bounds, and the record of it."""

from __future__ import annotations

import gzip
import zlib

import pytest

from harness.proxy.heads import AnswerHead, RequestHead
from harness.proxy.recording import Kept, Passed, Room, memory_of, unpacked

PLAIN = b'{"score": 0.5}' * 20
RAW = zlib.compressobj(wbits=-15)
RAW_DEFLATE = RAW.compress(PLAIN) + RAW.flush()


def test_a_body_is_kept_as_far_as_there_is_room() -> None:
    """Its beginning, and that it is not whole; what is freed is there for others."""
    room = Room(each=5, left=5 + 3 + 3 * 60)
    one, other = Kept(room), Kept(room)
    one.add(b"abc")
    one.add(b"def")
    one.add(b"ghi")
    assert (one.parts, one.whole, room.left) == ([b"abc", b"de"], False, 3 + 60)
    other.add(b"1234")
    assert (other.parts, other.whole, room.left) == ([b"123"], False, 0)
    one.free()
    one.free()
    assert room.left == 5 + 2 * 60
    other.stop()
    other.add(b"5")
    assert (other.parts, room.left) == ([], 8 + 3 * 60)


def test_a_body_in_tiny_pieces_takes_the_memory_that_is_counted() -> None:
    """Each piece takes some beside its bytes, until many are one; the body is the same."""
    room = Room(left=1 << 20)
    kept = Kept(room)
    data = bytes(n % 251 for n in range(20_001))
    for at in range(0, len(data), 2):
        kept.add(data[at : at + 2])
        used = (1 << 20) - room.left
        assert used == memory_of(kept.parts)
        assert used <= 2 * kept.size + 1_024 * 60
    assert (b"".join(kept.parts), kept.size) == (data, len(data))
    assert len(kept.parts) < 1_024 + 10
    kept.free()
    assert room.left == 1 << 20


def test_pieces_without_room_are_not_kept() -> None:
    """Where only the bytes would fit, nothing does."""
    room = Room(left=60)
    kept = Kept(room)
    kept.add(b"a")
    assert (kept.parts, kept.whole, room.left) == ([], False, 60)


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        ("gzip", gzip.compress(PLAIN)),
        ("gzip", gzip.compress(PLAIN[:5]) + gzip.compress(PLAIN[5:])),
        (" GZIP", gzip.compress(PLAIN)),
        ("deflate", zlib.compress(PLAIN)),
        ("deflate", RAW_DEFLATE),
    ],
)
def test_an_answer_is_unpacked(encoding: str, body: bytes) -> None:
    """As clients do; the headers of the packing go with it."""
    headers = {"content-encoding": encoding, "content-length": "9", "a": "b"}
    assert unpacked(headers, body, limit=1_000) == ({"a": "b"}, PLAIN)


@pytest.mark.parametrize(
    ("encoding", "body", "limit"),
    [
        ("", PLAIN, 1_000),
        ("br", PLAIN, 1_000),
        ("gzip", PLAIN, 1_000),
        ("gzip", gzip.compress(PLAIN)[:-9], 1_000),
        ("gzip", gzip.compress(PLAIN) + b"junk", 1_000),
        ("gzip", gzip.compress(PLAIN), 100),
        ("gzip", b"", 100),
    ],
)
def test_what_cannot_be_unpacked_stays_as_it_is(encoding: str, body: bytes, limit: int) -> None:
    """Damaged, cut, with something behind it, unknown, or a bomb."""
    headers = {"content-encoding": encoding}
    assert unpacked(headers, body, limit=limit) == (headers, body)


def test_a_record_says_what_was_seen() -> None:
    """Headers by lower-case name, bodies joined; it is made later, so its size is told before."""
    head = RequestHead(b"PUT", b"/p?q", [(b"A", b"1"), (b"a", b"2")])
    answer = AnswerHead(200, b"OK", [(b"Content-Encoding", b"gzip")])
    zipped = gzip.compress(PLAIN)
    call = Passed(
        request_id="r",
        ts_ns=1,
        head=head,
        body=[b"ab", b"c"],
        status=200,
        answer=answer,
        answer_body=[zipped[:5], zipped[5:]],
        latency_ns=7,
    )
    record = call.record()
    assert (record.method, record.path, record.headers, record.body) == ("PUT", "/p?q", {"a": "1, 2"}, b"abc")
    assert (record.answer_body, record.answer_headers, record.latency_ns) == (PLAIN, {}, 7)
    assert call.size > len(zipped) + 3
