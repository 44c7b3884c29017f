"""What is refused at the door, and how heads are written for their next hop."""

from __future__ import annotations

import pytest

from harness.proxy import heads
from harness.proxy.heads import AnswerHead, Fields, Refusal, RequestHead

HOST = (b"Host", b"a")


def head(
    *fields: tuple[bytes, bytes], method: bytes = b"POST", target: bytes = b"/x"
) -> RequestHead | Refusal:
    """What becomes of a request with these fields."""
    return heads.request_head(method, target, fields=[*fields], version="1.1", keep_alive=True)


def right(*fields: tuple[bytes, bytes], method: bytes = b"POST", target: bytes = b"/x") -> RequestHead:
    """The same, which is not refused."""
    found = head(*fields, method=method, target=target)
    assert isinstance(found, RequestHead)
    return found


@pytest.mark.parametrize(
    ("method", "target", "fields", "status"),
    [
        (b"GET", b"/", [], 400),
        (b"GET", b"/", [HOST, HOST], 400),
        (b"GET", b"/", [(b"Host", b"a b")], 400),
        (b"GET", b"/", [(b"Host", b"a@b")], 400),
        (b"GET", b"x", [HOST], 400),
        (b"GET", b"/a#b", [HOST], 400),
        (b"GET", b"*", [HOST], 400),
        (b"GET", b"ftp://a/", [HOST], 400),
        (b"GET", b"http://u:p@a/", [HOST], 400),
        (b"CONNECT", b"a:1", [HOST], 501),
        (b"POST", b"/", [HOST, (b"Transfer-Encoding", b"gzip, chunked")], 501),
        (b"POST", b"/", [HOST, (b"Transfer-Encoding", b"chunked"), (b"content-length", b"3")], 400),
        (b"POST", b"/", [HOST, (b"Expect", b"a miracle")], 417),
    ],
)
def test_what_is_not_clear_is_refused(method: bytes, target: bytes, fields: Fields, status: int) -> None:
    """A request that two servers could read in two ways goes no further."""
    found = head(*fields, method=method, target=target)
    assert isinstance(found, Refusal)
    assert found.status == status


@pytest.mark.parametrize(("version", "status"), [("0.9", 505), ("2.0", 505)])
def test_other_versions_are_refused(version: str, status: int) -> None:
    """Only 1.0 and 1.1 are spoken."""
    found = heads.request_head(b"GET", b"/", fields=[HOST], version=version, keep_alive=True)
    assert isinstance(found, Refusal)
    assert found.status == status


def test_chunks_in_http_1_0_are_refused() -> None:
    """RFC 9112, section 6.1: such framing is faulty."""
    chunks = (b"Transfer-Encoding", b"chunked")
    found = heads.request_head(b"POST", b"/", fields=[chunks], version="1.0", keep_alive=False)
    assert isinstance(found, Refusal)


@pytest.mark.parametrize(
    ("target", "path", "host"),
    [
        (b"http://b:8/x?y", b"/x?y", b"b:8"),
        (b"HTTP://b", b"/", b"b"),
        (b"https://b?y", b"/?y", b"b"),
        (b"/x", b"/x", b"a"),
    ],
)
def test_an_absolute_target_says_path_and_host(target: bytes, path: bytes, host: bytes) -> None:
    """RFC 9112, section 3.2.2: it outranks the field Host."""
    found = right(HOST, target=target)
    assert (found.target, dict(found.fields)[b"Host"]) == (path, host)


def test_a_request_is_passed_on_without_what_is_of_one_hop() -> None:
    """RFC 9110, section 7.6.1: also what Connection names, but never the framing; the way is told."""
    found = right(
        HOST,
        (b"Connection", b"close, X-Mine, Host, Content-Length"),
        (b"X-Mine", b"1"),
        (b"Keep-Alive", b"5"),
        (b"TE", b"trailers"),
        (b"Trailer", b"x"),
        (b"Content-Length", b"3"),
        (b"X-Forwarded-For", b"9.9.9.9"),
        (b"X-Forwarded-For", b"8.8.8.8"),
        (b"Via", b"1.0 other"),
        (b"Authorization", b"Bearer t"),
    )
    assert heads.passed_on(found, peer=b"1.2.3.4", via=b"p") == (
        b"POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nAuthorization: Bearer t\r\n"
        b"X-Forwarded-For: 9.9.9.9, 8.8.8.8, 1.2.3.4\r\nVia: 1.0 other, 1.1 p\r\n\r\n"
    )


def test_chunks_are_announced_anew() -> None:
    """The framing is ours, so its field is, too."""
    found = right(HOST, (b"transfer-encoding", b"Chunked"))
    assert found.chunked
    assert heads.passed_on(found, peer=b"p", via=b"v").endswith(b"Transfer-Encoding: chunked\r\n\r\n")


@pytest.mark.parametrize(
    ("fields", "granted"),
    [
        ([(b"Connection", b"keep-alive, Upgrade"), (b"Upgrade", b"websocket")], True),
        ([(b"Connection", b"Upgrade"), (b"Upgrade", b"h2c")], False),
        ([(b"Connection", b"Upgrade"), (b"Upgrade", b"websocket"), (b"Content-Length", b"3")], False),
        ([(b"Upgrade", b"websocket")], False),
    ],
)
def test_an_upgrade_is_asked_for_only_where_it_can_be_granted(fields: Fields, *, granted: bool) -> None:
    """Not to HTTP/2 past this proxy, and not with a body."""
    found = right(HOST, *fields)
    assert found.upgrade is granted
    assert (b"Upgrade: websocket" in heads.passed_on(found, peer=b"p", via=b"v")) is granted


def test_a_request_that_was_here_is_known() -> None:
    """Its Via names this very proxy."""
    assert heads.has_passed(right(HOST, (b"Via", b"1.1 x, 1.1 mine")), b"mine")
    assert not heads.has_passed(right(HOST, (b"X", b"mine")), b"mine")


def test_an_answer_is_given_back_as_it_is() -> None:
    """All fields in order, but those of one hop; no Via: the user's answer is not touched."""
    fields = [(b"A", b"1"), (b"Keep-Alive", b"5"), (b"Connection", b"a-B"), (b"A-b", b"2")]
    answer = AnswerHead(200, b"Fine", fields)
    assert heads.given_back(answer, minor=1, close=False) == b"HTTP/1.1 200 Fine\r\nA: 1\r\n\r\n"
    assert heads.given_back(answer, minor=1, close=True).endswith(b"Connection: close\r\n\r\n")


def test_an_answer_to_an_old_client_has_no_chunks() -> None:
    """HTTP/1.0 knows none."""
    answer = AnswerHead(200, b"OK", [(b"Transfer-Encoding", b"chunked")], chunked=True)
    assert b"chunked" in heads.given_back(answer, minor=1, close=False)
    assert b"chunked" not in heads.given_back(answer, minor=0, close=True)


def test_an_answer_of_our_own_says_so() -> None:
    """With a word of RFC 9209, so that nobody takes it for the service's."""
    said = heads.said(504, "too late", error="http_response_timeout")
    assert b"504 Gateway Timeout" in said
    assert b"Proxy-Status: replaygate; error=http_response_timeout" in said
    assert heads.said(504, "x", head_only=True).endswith(b"\r\n\r\n")


def test_chunks() -> None:
    """Sizes are hexadecimal; trailers that are of one hop stay here."""
    assert heads.chunk(b"x" * 26).startswith(b"1a\r\n")
    assert heads.last_chunk([(b"T", b"v"), (b"TE", b"x")]) == b"0\r\nT: v\r\n\r\n"


@pytest.mark.parametrize(
    ("accepted", "passed"),
    [
        (b"gzip, deflate, br, zstd", b"gzip, deflate"),
        (b"br;q=1.0, GZIP;q=0.8, *;q=0.1", b"GZIP;q=0.8"),
        (b"br", b"identity"),
        (b"", b"identity"),
        (b"identity", b"identity"),
        (b"identity;q=0, br", b"identity"),
        (b"br, identity; Q=0.00, gzip;q=0", b"identity"),
        (b"*;q=0, zstd", b"identity"),
        (b"identity;q=0, gzip;q=0.5", b"identity;q=0, gzip;q=0.5"),
    ],
)
def test_only_codings_that_a_record_can_be_freed_from_are_asked_for(accepted: bytes, passed: bytes) -> None:
    """An answer in another could not be read by any replay; the record says what the user asked for."""
    assert heads.readable(accepted) == passed
    asked = RequestHead(b"GET", b"/", [(b"Host", b"a"), (b"Accept-Encoding", accepted)])
    assert b"\r\nAccept-Encoding: " + passed + b"\r\n" in heads.passed_on(asked, peer=b"p", via=b"v")


@pytest.mark.parametrize(
    ("minor", "fields", "hosts"),
    [(0, [], [b"Host: s:1"]), (0, [(b"HOST", b"a")], [b"HOST: a"]), (1, [(b"Host", b"a")], [b"Host: a"])],
)
def test_a_host_is_always_named(minor: int, fields: Fields, hosts: list[bytes]) -> None:
    """HTTP/1.0 needs none, but HTTP/1.1, in which all is passed on, does."""
    text = heads.passed_on(RequestHead(b"GET", b"/", fields, minor=minor), peer=b"p", via=b"v", host=b"s:1")
    assert [line for line in text.split(b"\r\n") if line.lower().startswith(b"host:")] == hosts
