"""Answers to throw at the parser: well made, damaged, and pure noise; and the one way to parse them all."""

from __future__ import annotations

import gzip
import zlib
from typing import TYPE_CHECKING

from hypothesis import strategies as st

from replayers.answer import HEAD_ROOM, Answer, Terms

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from harness.replay.arm import Try

LIMIT = 512
TERMS = Terms(headers=frozenset({"x-a", "x-b"}), max_body=LIMIT)
RAW = Terms(raw=True, max_body=LIMIT)
#: bytes that mean something to a parser
TOKENS = (
    *(
        b"HTTP/1.1 ",
        b"HTTP/1.0 ",
        b"200",
        b"204 No Content",
        b"304",
        b"100 Continue",
        b"101",
        b"500 Oops",
        b"\r\n",
    ),
    *(b"\n", b"\r", b"\r\n\r\n", b": ", b" ", b"\0", b"\t", b"Content-Length: ", b"5", b"0", b"-1", b"1e3"),
    *(
        b"Transfer-Encoding: chunked\r\n",
        b"Transfer-Encoding: gzip\r\n",
        b"0\r\n\r\n",
        b"a;x=y\r\n",
        b"ffffffffffff",
    ),
    *(
        b"Connection: close\r\n",
        b"Connection: keep-alive\r\n",
        b"Upgrade: x\r\n",
        b"Content-Encoding: gzip\r\n",
    ),
    *(
        b"Content-Encoding: deflate\r\n",
        b"Content-Encoding: br\r\n",
        b"X-A: ",
        b"x-a:",
        b"\xff\xfe",
        b"hello",
    ),
)


def parse(pieces: Sequence[bytes], terms: Terms = TERMS, *, head_only: bool = False) -> Try:
    """What the answer is that comes in these reads, and then the end of the connection."""
    answer = Answer(terms)
    answer.begin(head_only=head_only)
    for piece in pieces:
        answer.feed(piece)
        if answer.over:
            break
    else:
        answer.eof()
    assert answer.received <= 2 * terms.max_body + HEAD_ROOM + max(map(len, pieces), default=0)
    assert sum(map(len, answer.body)) <= terms.max_body
    assert len(answer.result().body) <= terms.max_body
    return answer.result()


def cut(data: bytes, places: Sequence[int]) -> list[bytes]:
    """The bytes in reads that end at these places (modulo the length), and none of them empty."""
    ends = sorted({place % (len(data) + 1) for place in places} | {len(data)})
    pieces = [data[start:end] for start, end in zip([0, *ends], ends, strict=False)]
    return [piece for piece in pieces if piece]


def chunked(body: bytes, sizes: Sequence[int]) -> bytes:
    """The body in chunks of these sizes, the last as long as it must be."""
    out, left = b"", body
    for size in [*sizes, len(body)]:
        if part := left[:size]:
            out += b"%x\r\n%b\r\n" % (len(part), part)
            left = left[size:]
    return out + b"0\r\n\r\n"


def raw_deflate(body: bytes) -> bytes:
    """Deflate without the zlib frame, as some servers send it."""
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(body) + packer.flush()


ENCODERS: dict[bytes, Callable[[bytes], bytes]] = {
    b"": bytes,
    b"identity": bytes,
    b"gzip": gzip.compress,
    b"deflate": zlib.compress,
    b"Deflate": raw_deflate,
}
_bodies = st.binary(max_size=LIMIT // 2) | st.binary(min_size=LIMIT + 1, max_size=3 * LIMIT)
_statuses = st.sampled_from([200, 201, 302, 404, 422, 500, 503, 599])


@st.composite
def well_made(draw: st.DrawFn) -> tuple[bytes, int, bytes]:
    """An answer as a server would send it, its status, and its body before any encoding."""
    status, body = draw(_statuses), draw(_bodies)
    encoding = draw(st.sampled_from(sorted(ENCODERS)))
    packed = ENCODERS[encoding](body)
    early = draw(
        st.sampled_from(
            [b"", b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 103 Early Hints\r\nX-A: no\r\n\r\n"]
        )
    )
    fields = draw(
        st.lists(st.sampled_from([b"X-A: one", b"x-b:two", b"X-C: three", b"Connection: keep-alive"]))
    )
    if encoding:
        fields.append(b"Content-Encoding: " + encoding)
    framing = draw(st.sampled_from(["length", "chunked", "eof"]))
    if framing == "length":
        fields.append(b"Content-Length: %d" % len(packed))
    if framing == "chunked":
        fields.append(b"Transfer-Encoding: chunked")
        packed = chunked(packed, draw(st.lists(st.integers(1, 40), max_size=8)))
    head = b"HTTP/1.1 %d Said\r\n%b\r\n" % (
        status,
        b"".join(field + b"\r\n" for field in draw(st.permutations(fields))),
    )
    return early + head + packed, status, body


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """A well-made answer after some bytes were put in, taken out, changed or doubled."""
    data = draw(well_made())[0]
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(data)))
        put_in = draw(st.sampled_from(TOKENS) | st.binary(max_size=3) | st.just(data[:at]))
        data = data[:at] + put_in + data[at + draw(st.integers(0, 9)) :]
    return data


noise = st.binary(max_size=300) | st.lists(st.sampled_from(TOKENS), max_size=30).map(b"".join)
places = st.lists(st.integers(0, 1 << 16), max_size=12)
