"""HTTP messages out of bytes: chunks and compression undone, what is missing said."""

from __future__ import annotations

import gzip
import zlib

import pytest

from harness.capture.formats.http_message import Remembered, head_of, missing_bytes, parsed, plain_head
from harness.errors import CaptureError

ZIPPED = gzip.compress(b"plain", mtime=0)


@pytest.mark.parametrize(
    ("head", "rest", "body", "truncated"),
    [
        (b"Content-Length: 3", b"abcd", b"abc", False),
        (b"Content-Length: 5", b"abc", b"abc", True),
        (b"Content-Length: x", b"abc", b"abc", False),
        (b"Transfer-Encoding: chunked", b"3\r\nabc\r\n2;x=1\r\nde\r\n0\r\n\r\n", b"abcde", False),
        (b"Transfer-Encoding: chunked", b"3\r\nabc\r\n5\r\nde", b"abcde", True),
        (b"Transfer-Encoding: chunked", b"3\r\nabc\r\n", b"abc", True),
        (b"Transfer-Encoding: chunked", b'{"a": 1}', b'{"a": 1}', False),
        (b"Content-Encoding: gzip", ZIPPED, b"plain", False),
        (b"Content-Encoding: deflate", zlib.compress(b"plain"), b"plain", False),
        (b"Content-Encoding: gzip", gzip.compress(b"pl") + gzip.compress(b"ain"), b"plain", False),
        (b"Content-Encoding: gzip", ZIPPED[:-9], ZIPPED[:-9], False),
        (b"Content-Encoding: br", b"abc", b"abc", False),
    ],
)
def test_the_body_is_what_the_application_meant(
    head: bytes, rest: bytes, body: bytes, *, truncated: bool
) -> None:
    """What cannot be unpacked stays as it is, its encoding with it."""
    message = parsed(b"POST / HTTP/1.1\r\n" + head + b"\r\n\r\n" + rest)
    assert (message.body, message.truncated) == (body, truncated)
    assert ("Content-Encoding" in message.headers) == (head.startswith(b"Content-Enc") and body != b"plain")


def test_lengths_are_claims() -> None:
    """What a message lacks of its Content-Length; nothing where it names none, or has no head."""
    assert missing_bytes(b"POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\nabc") == 6
    assert missing_bytes(b"POST / HTTP/1.1\r\n\r\nabc") == missing_bytes(b"x") == 0


@pytest.mark.parametrize(("text", "reason"), [(b"GET / HTTP/1.1", "cut short"), (b"\r\n\r\n", "not HTTP")])
def test_what_is_no_message_is_refused(text: bytes, reason: str) -> None:
    """In a stable word."""
    with pytest.raises(CaptureError, match=reason):
        parsed(text)


@pytest.mark.parametrize("ends", [b"\r\n\r\n", b"\n\n", b"\n\r\n", b"\r\n\n"])
@pytest.mark.parametrize("more", [b"", b"\n\n", b"\r\n\r\n", b"\n\r\n"])
def test_a_head_ends_at_its_first_empty_line(ends: bytes, more: bytes) -> None:
    """With or without carriage returns; what looks like an end in the body is none."""
    message = parsed(b"meta\nGET / HTTP/1.1\nA: 1" + ends + b"x" + more, len(b"meta\n"))
    assert (message.headers, message.body) == ({"A": "1"}, b"x" + more)


def test_long_heads_are_read_as_short_ones() -> None:
    """They are only not remembered."""
    line = b"X-Long: " + b"y" * 4_000
    message = parsed(b"GET / HTTP/1.1\r\n" + line + b"\r\nx-long: z\r\ncontent-length: 1\r\n\r\nab")
    assert message.headers == {"X-Long": "y" * 4_000 + ", z"}
    assert message.body == b"a"


def test_a_head_that_is_remembered_is_not_changed_by_its_body() -> None:
    """Messages of one head, one unpacked and one not, have the headers of their own."""
    head = b"POST / HTTP/1.1\r\nContent-Encoding: gzip\r\n\r\n"
    assert parsed(head + ZIPPED).headers == {}
    assert parsed(head + b"broken").headers == {"Content-Encoding": "gzip"}
    assert parsed(head + ZIPPED).body == b"plain"


@pytest.mark.parametrize(
    ("head", "plain"),
    [
        (b"GET / HTTP/1.1\r\nA: 1\r\nContent-length:  7 ", True),
        (b"GET / HTTP/1.1", True),
        (b"GET / HTTP/1.1\nA: 1", False),
        (b"GET / HTTP/1.1\r\nA: 1\r\na: 2", False),
        (b"GET / HTTP/1.1\r\nA: 1\r\nA: 2", False),
        (b"GET / HTTP/1.1\r\nA: 1\nB: 2", False),
        (b"GET / HTTP/1.1\r\nA", False),
        (b"GET / HTTP/1.1\r\n:path: /", False),
        (b"GET / HTTP/1.1\r\nA: \xe9", False),
        (b"GET / HTTP/1.1\r\ncontent-encoding: gzip", False),
        (b"GET / HTTP/1.1\r\nTransfer-Encoding: chunked", False),
        (b"GET", False),
    ],
)
def test_a_plain_head_is_read_at_once(head: bytes, *, plain: bool) -> None:
    """And says what the same lines say that end otherwise, which are never plain."""
    found = plain_head(head)
    assert (found is not None) is plain
    if found is not None and b"\r\n" in head:
        assert plain_head(head.replace(b"\r\n", b"\n")) is None
        assert found == head_of(head.replace(b"\r\n", b"\n"))


def test_lines_are_remembered_up_to_a_bound() -> None:
    """What was asked once is not asked again, unless all was forgotten."""
    asked: list[int] = []

    def minus(key: int) -> int:
        asked.append(key)
        return -key

    known = Remembered(minus, most=2)
    assert [known[key] for key in (1, 1, 2, 2, 3, 1)] == [-1, -1, -2, -2, -3, -1]
    assert asked == [1, 2, 3, 1]
