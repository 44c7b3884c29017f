"""Parts of messages, whatever reads their bytes come in."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.proxy.heads import AnswerHead, Refusal, RequestHead
from harness.proxy.reading import HEAD_ROOM, AnswerReader, End, Fault, RequestReader

HEAD = b"POST / HTTP/1.1\r\nHost: a\r\n"
REQUESTS = (
    HEAD + b"Content-Length: 5\r\n\r\nhello"
    b"GET /b HTTP/1.1\r\nHost: a\r\n\r\n"
    b"POST /c HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"3;x=y\r\nabc\r\n2\r\nde\r\n0\r\nT: v\r\n\r\n"
    b"GET /d HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\nwhat comes after the last"
)
ANSWER = b"HTTP/1.1 103 Early\r\nL: x\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
ANSWER += b"3\r\nabc\r\n2\r\nde\r\n0\r\nT: v\r\n\r\n"


def fed(reader: RequestReader | AnswerReader, data: bytes, cuts: list[int]) -> list[object]:
    """The parts of the data, cut there, with the pieces of a body joined."""
    edges = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    found: list[object] = []
    for start, end in pairwise(edges):
        for part in reader.feed(data[start:end]) if end > start else []:
            if isinstance(part, bytes) and found and isinstance(found[-1], bytes):
                found[-1] += part
            else:
                found.append(part)
    return found


def of_requests(data: bytes, cuts: list[int] | None = None) -> list[object]:
    """The parts of requests."""
    return fed(RequestReader(), data, cuts or [])


def of_answer(data: bytes, *, head_only: bool = False, cuts: list[int] | None = None) -> list[object]:
    """The parts of an answer."""
    reader = AnswerReader()
    reader.begin(head_only=head_only)
    return fed(reader, data, cuts or [])


@given(st.lists(st.integers(0, len(REQUESTS)), max_size=12))
def test_requests_are_the_same_however_they_are_cut(cuts: list[int]) -> None:
    """Four requests behind each other; what follows the last is nobody's."""
    found = of_requests(REQUESTS, cuts)
    assert found == of_requests(REQUESTS)
    heads = [part for part in found if isinstance(part, RequestHead)]
    assert [head.target for head in heads] == [b"/", b"/b", b"/c", b"/d"]
    assert [part for part in found if isinstance(part, bytes)] == [b"hello", b"abcde"]
    assert found[-1] == End([])


@given(st.lists(st.integers(0, len(ANSWER)), max_size=12))
def test_an_answer_is_the_same_however_it_is_cut(cuts: list[int]) -> None:
    """A 1xx is a head alone; trailers come with the end."""
    early, head, body, end = of_answer(ANSWER, cuts=cuts)
    assert isinstance(early, AnswerHead)
    assert early.status == 103
    assert isinstance(head, AnswerHead)
    assert (head.status, head.chunked, body) == (200, True, b"abcde")
    assert end == End([(b"T", b"v")])


@pytest.mark.parametrize(
    "data",
    [
        HEAD + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        HEAD + b"Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n",
        HEAD + b"Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc",
        HEAD + b"Content-Length: 3, 3\r\n\r\nabc",
        HEAD + b"Content-Length: +3\r\n\r\nabc",
        HEAD + b"Content-Length: 0x3\r\n\r\nabc",
        HEAD + b"Content-Length: -1\r\n\r\n",
        HEAD + b"Content-Length:\r\n\r\n",
        HEAD + b"Content-Length: 99999999999999999999999\r\n\r\n",
        HEAD + b"Content-Length : 3\r\n\r\nabc",
        HEAD + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
        HEAD + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
        HEAD + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        HEAD + b"Transfer-Encoding: identity\r\n\r\n0\r\n\r\n",
        HEAD + b"Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        HEAD + b"Transfer-Encoding:\x0bchunked\r\n\r\n0\r\n\r\n",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n3\nabc\r\n0\r\n\r\n",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n0x3\r\nabc\r\n0\r\n\r\n",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n0\r\n\r\n",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\nabc\r\n0\r\n\r\n",
        HEAD + b"X: a\r\n b\r\n\r\n",
        HEAD + b" X: a\r\n\r\n",
        HEAD + b"X: a\rb\r\n\r\n",
        HEAD + b"X: a\x00b\r\n\r\n",
        HEAD + b"X: a\nTransfer-Encoding: chunked\r\n\r\n",
        HEAD + b"X\r\n\r\n",
        b"GET / HTTP/1.1\nHost: a\n\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        b"GET /\r\n\r\n",
        b"GET /a b HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET http://a@b/ HTTP/1.1\r\nHost: a\r\n\r\n",
        b"BREW / HTTP/1.1\r\nHost: a\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n",
        b"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00",
    ],
)
def test_nothing_ambiguous_goes_further(data: bytes) -> None:
    """Whatever could smuggle a second request is refused, and nothing is read after it."""
    found = of_requests(data + b"GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n")
    assert isinstance(found[-1], Refusal)
    assert found == of_requests(data + b"GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n", [*range(len(data) + 20)])
    assert b"/smuggled" not in [part.target for part in found if isinstance(part, RequestHead)]


def test_a_head_without_end_is_refused() -> None:
    """Memory has an end, too."""
    reader = RequestReader()
    assert reader.feed(b"GET / HTTP/1.1\r\nX: ") == []
    found = [part for _ in range(HEAD_ROOM // 1000 + 1) for part in reader.feed(b"x" * 1000)]
    assert [part.status for part in found if isinstance(part, Refusal)] == [431]


@pytest.mark.parametrize("flood", [b"3;", b"0\r\nT: "], ids=["extension", "trailer"])
def test_a_body_that_says_nothing_for_long_is_refused(flood: bytes) -> None:
    """Endless extensions and trailers are nothing that anybody waits for, on either side."""
    request, answer = RequestReader(), AnswerReader()
    assert len(request.feed(HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + flood)) == 1
    assert len(answer.feed(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + flood)) == 1
    parts = [part for _ in range(HEAD_ROOM // 1000 + 1) for part in request.feed(b"x" * 1000)]
    assert [part.status for part in parts if isinstance(part, Refusal)] == [431]
    faults = [part for _ in range(HEAD_ROOM // 1000 + 1) for part in answer.feed(b"x" * 1000)]
    assert faults == [Fault("http_response_trailer_section_size")]


def test_what_follows_an_upgrade_waits_for_the_answer() -> None:
    """Granted it is bytes, else the next request."""
    wish = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
    granted, refused = RequestReader(), RequestReader()
    for reader in (granted, refused):
        assert len(reader.feed(wish + b"GET /n HT")) == 2
        assert reader.feed(b"TP/1.1\r\nHost: a\r\n\r\n") == []
    assert granted.go_on(raw=True) == [b"GET /n HTTP/1.1\r\nHost: a\r\n\r\n"]
    assert granted.feed(b"more") == [b"more"]
    head, _ = refused.go_on(raw=False)
    assert isinstance(head, RequestHead)
    assert head.target == b"/n"


def test_an_upgrade_that_is_not_passed_on_is_an_ordinary_request() -> None:
    """What follows is the next request."""
    wish = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n"
    found = of_requests(wish + HEAD + b"\r\n")
    assert [type(part) for part in found] == [RequestHead, End, RequestHead, End]


NEXT = b"GET /next HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
WISH = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: %b\r\nHTTP2-Settings: AAE\r\n"
SMUGGLED = b"GET /admin HTTP/1.1\r\nHost: a\r\n\r\n"


@pytest.mark.parametrize("protocol", [b"h2c", b"websocket"])
@pytest.mark.parametrize("body", [b'{"amount": 1}', SMUGGLED, NEXT * 2])
@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_beside_a_wish_for_an_upgrade_is_a_body(
    protocol: bytes, body: bytes, *, chunked: bool
) -> None:
    """Cut at any byte: the wish ends here, the body is no request, and what follows it is the next one."""
    framed = b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body) if chunked else body
    length = b"Transfer-Encoding: chunked" if chunked else b"Content-Length: %d" % len(body)
    data = HEAD + WISH % protocol + length + b"\r\n\r\n" + framed + NEXT
    whole = of_requests(data)
    head, kept, end, after, last = whole
    assert isinstance(head, RequestHead)
    assert isinstance(after, RequestHead)
    assert (head.length, head.chunked, head.upgrade) == (0 if chunked else len(body), chunked, False)
    assert (kept, end, after.target, last) == (body, End([]), b"/next", End([]))
    assert all(of_requests(data, [cut]) == whole for cut in range(len(data)))
    assert of_requests(data, [*range(len(data))]) == whole


def test_nothing_follows_a_last_request_that_wished_for_an_upgrade() -> None:
    """Its body is read, to the end, and no more."""
    head = HEAD + b"Connection: close, Upgrade\r\nUpgrade: h2c\r\nContent-Length: 3\r\n\r\n"
    found = of_requests(head + b"abc" + NEXT)
    assert found[1:] == [b"abc", End([])]


def test_many_wishes_in_one_read_are_many_requests() -> None:
    """However many stand behind each other."""
    wish = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n"
    found = of_requests(wish * 2_000)
    assert [type(part) for part in found] == [RequestHead, End] * 2_000


@pytest.mark.parametrize(
    ("data", "head_only", "reusable"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", False, True),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi", False, False),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi and more", False, False),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhiHTTP/1.1 200 OK\r\n", False, False),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", True, True),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", True, True),
        (b"HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n", False, True),
        (b"HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\n\r\n", False, True),
        (b"HTTP/1.1 204 No Content\r\n\r\n", False, True),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nhi", False, False),
    ],
)
def test_where_an_answer_ends(data: bytes, *, head_only: bool, reusable: bool) -> None:
    """By its length, its chunks, its status or the method; whoever says more is not asked again."""
    reader = AnswerReader()
    for _ in range(2 if reusable else 1):
        reader.begin(head_only=head_only)
        assert isinstance(fed(reader, data, [])[-1], End)
        assert reader.reusable is reusable


def test_an_answer_to_the_close_ends_there() -> None:
    """Unless the close is a reset: then nobody knows whether it was whole."""
    for reset, last in ((False, End([])), (True, Fault("http_response_incomplete"))):
        reader = AnswerReader()
        head, body = reader.feed(b"HTTP/1.1 200 OK\r\n\r\nabc")
        assert isinstance(head, AnswerHead)
        assert (head.to_close, body) == (True, b"abc")
        assert reader.eof(reset=reset) == [last]


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (b"", "connection_terminated"),
        (b"HTTP/1.1 200", "connection_terminated"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nh", "http_response_incomplete"),
        (b"junk", "http_protocol_error"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n", "http_protocol_error"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n", "http_response_transfer_coding"),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: gzip\r\n\r\n",
            "http_response_transfer_coding",
        ),
        (b"HTTP/1.1 200 OK\r\nX: " + b"x" * HEAD_ROOM, "http_response_header_section_size"),
    ],
)
def test_what_is_no_answer_is_a_fault(data: bytes, error: str) -> None:
    """Named as RFC 9209 names it; only once."""
    reader = AnswerReader()
    found = [*(reader.feed(data) if data else []), *reader.eof()]
    assert [part for part in found if isinstance(part, Fault)] == [Fault(error)]


def test_after_an_upgrade_bytes_are_bytes() -> None:
    """What came with the 101 first."""
    reader = AnswerReader()
    reader.feed(b"HTTP/1.1 101 S\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\nfirst")
    assert reader.upgraded() == [b"first"]
    assert reader.feed(b"HTTP/1.1 404") == [b"HTTP/1.1 404"]
    assert reader.eof() == [End([])]


def test_a_reader_that_is_ended_reads_no_more() -> None:
    """Its parser is gone."""
    reader = RequestReader()
    reader.end()
    assert reader.feed(b"GET / HTTP/1.1\r\n") == []


@given(
    st.sampled_from([REQUESTS, ANSWER]),
    st.lists(st.tuples(st.integers(0, 400), st.binary(max_size=4)), max_size=6),
)
def test_damaged_bytes_raise_nothing(data: bytes, damage: list[tuple[int, bytes]]) -> None:
    """Whatever is written over whatever place: parts, and after a refusal, a fault or an end nothing."""
    for at, put in damage:
        data = data[:at] + put + data[at + len(put) :]
    for reader in (RequestReader(), AnswerReader()):
        found = fed(reader, data, [7, 50, 51, 120])
        over = [n for n, part in enumerate(found) if isinstance(part, Refusal | Fault)]
        assert over in ([], [len(found) - 1])
