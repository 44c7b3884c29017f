"""Answers as they are parsed: what is over, what is a fault, what is remembered, and bodies undone."""

import gzip

import pytest

from harness.records import State
from replayers.answer import Answer, RawTry, Terms

TERMS = Terms(headers=frozenset({"x-a"}), max_body=100)
PLAIN = b"HTTP/1.1 200 OK\r\nX-A: 1\r\nContent-Length: 2\r\n\r\nab"


def fed(*reads: bytes, terms: Terms = TERMS, head_only: bool = False) -> Answer:
    """An answer that has come so far."""
    answer = Answer(terms)
    answer.begin(head_only=head_only)
    for read in reads:
        answer.feed(read)
    return answer


@pytest.mark.parametrize(
    ("read", "fault"),
    [
        (b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 101, (State.BAD_BODY, "over 100 bytes")),
        (b"HTTP/1.1 503 No\r\n\r\n" + b"x" * 101, (State.HTTP_ERROR, "HTTP 503, over 100 bytes")),
        (b"HTTP/1.1 200 OK\r\nX: " + b"x" * 70_000, (State.BAD_BODY, "over 100 bytes")),
        (b"SSH-2.0\r\n", (State.CONNECTION_ERROR, "the answer is not HTTP/1.1")),
        (
            b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
            (State.CONNECTION_ERROR, "the answer is not HTTP/1.1"),
        ),
    ],
)
def test_what_cannot_be_an_answer_is_over_with_a_fault(read: bytes, fault: tuple[State, str]) -> None:
    """Too long in its head or its body, or not HTTP: nothing more needs to come, nothing is kept."""
    answer = fed(read)
    assert (answer.over, answer.fault, answer.reusable) == (True, fault, False)
    assert (answer.result().state, answer.result().detail, answer.result().body) == (*fault, b"")


@pytest.mark.parametrize(
    ("read", "reset", "detail"),
    [
        (b"", False, "closed before an answer"),
        (b"", True, "reset before an answer"),
        (b"HTTP/1.1 200 OK\r\n", False, "closed in the middle of the answer"),
        (b"HTTP/1.1 200 OK\r\n\r\nab", True, "reset in the middle of the answer"),
        (b"HTTP/1.1 200 OK\r\n\r\nab", False, None),
    ],
)
def test_the_end_of_the_connection_ends_an_answer(read: bytes, detail: str | None, *, reset: bool) -> None:
    """A body without a length is whole then, unless the connection was reset."""
    answer = fed(*[read] if read else [])
    answer.eof(reset=reset)
    wanted = (State.OK, "", b"ab") if detail is None else (State.CONNECTION_ERROR, detail, b"")
    assert (answer.result().state, answer.result().detail, answer.result().body) == wanted
    assert not answer.reusable


def test_one_answer_after_another_on_one_connection() -> None:
    """Nothing of the first is left in the second, also after an answer to HEAD."""
    answer = fed(PLAIN)
    assert (answer.result().headers, answer.reusable) == ({"x-a": "1"}, True)
    answer.begin(head_only=True)
    answer.feed(b"HTTP/1.1 404 No\r\nContent-Length: 9\r\n\r\n")
    assert (answer.result().status, answer.result().headers, answer.reusable) == (404, {}, True)
    answer.begin()
    answer.feed(PLAIN)
    assert (answer.result().body, answer.reusable) == (b"ab", True)


def test_raw_answers_keep_every_field_and_their_encoding() -> None:
    """In the order and the case that they came in."""
    packed = gzip.compress(b"abc", mtime=0)
    read = b"HTTP/1.1 200 OK\r\nX-A: 1\r\nx-a: 2\r\nContent-Encoding: gzip\r\n\r\n" + packed
    answer = fed(read, terms=Terms(raw=True))
    answer.eof()
    result = answer.result()
    assert isinstance(result, RawTry)
    assert result.fields == ((b"X-A", b"1"), (b"x-a", b"2"), (b"Content-Encoding", b"gzip"))
    assert (result.whole, result.body) == (True, packed)


def test_trailers_say_nothing() -> None:
    """What comes after a chunked body is neither a header nor an encoding."""
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    result = fed(head, b"1\r\na\r\n0\r\nX-A: 1\r\nContent-Encoding: br\r\n\r\n").result()
    assert (result.state, result.headers, result.body) == (State.OK, {}, b"a")


@pytest.mark.parametrize(
    ("reads", "known"),
    [
        ([PLAIN], True),
        ([b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n"], True),
        ([PLAIN[:9], PLAIN[9:]], False),
        ([b"HTTP/1.1 100 Continue\r\n\r\n" + PLAIN], False),
        ([PLAIN + b"x"], False),
        ([b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nab"], False),
        ([b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n"], False),
        ([b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\nab"], False),
    ],
)
def test_a_head_is_remembered_where_it_says_all(reads: list[bytes], *, known: bool) -> None:
    """One whole message in one read, kept alive, with a length and no encoding; of nothing else."""
    found = fed(*reads).head(reads[-1])
    assert (found is not None) == known
    if found is not None:
        head, said = found
        assert reads[0].startswith(head)
        assert (said.status, said.length) == (int(head[9:12]), len(reads[0]) - len(head))
