"""GoReplay files: meta, messages, separators, and what is wrong with real ones."""

from __future__ import annotations

import tempfile
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.capture.formats.goreplay import GOREPLAY, SEPARATOR, records
from harness.capture.formats.pieces import Answered, Asked, Dropped, Piece
from harness.capture.sources import Unreadable

OLD = "a" * 40


def pieces(tmp_path: Path, *parts: bytes) -> list[Piece]:
    """What the reader gives for records with these texts."""
    path = tmp_path / "c_0.gor"
    path.write_bytes(b"".join(part + SEPARATOR for part in parts))
    return list(GOREPLAY.read(path))


def asked(head: str = "Content-Length: 3\r\n", body: bytes = b"abc") -> bytes:
    """One request record."""
    return f"1 {OLD} 5 2\nPOST /p HTTP/1.1\r\n{head}\r\n".encode() + body


def test_a_request_has_its_time_path_and_body(tmp_path: Path) -> None:
    """Both headers of meta are taken, three words or four; framing headers do not stay."""
    (piece,) = pieces(tmp_path, asked("X-A: 1\r\nX-A: 2\r\nContent-Length: 3\r\n"))
    assert isinstance(piece, Asked)
    assert (piece.request.request_id, piece.request.ts_ns, piece.sent_ns, piece.waits) == (OLD, 5, 7, True)
    assert (piece.request.method, piece.request.path, piece.request.body) == ("POST", "/p", b"abc")
    assert piece.request.headers == {"X-A": "1, 2"}


def test_a_body_that_lacks_bytes_is_truncated(tmp_path: Path) -> None:
    """GoReplay cuts messages at 5 MB in silence; their Content-Length tells."""
    (piece,) = pieces(tmp_path, asked("Content-Length: 30\r\n"))
    assert isinstance(piece, Asked)
    assert piece.request.truncated


def test_an_answer_that_lacks_bytes_is_truncated(tmp_path: Path) -> None:
    """As the request is."""
    (piece,) = pieces(
        tmp_path, b"2 a1 1600000000000000000 0\nHTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc"
    )
    assert isinstance(piece, Answered)
    assert piece.truncated


def test_a_body_that_holds_the_separator_is_put_together(tmp_path: Path) -> None:
    """Even where what follows looks like meta; a record that is merely cut is not joined to the next."""
    body = b"x" + SEPARATOR + b"1 a 5 0\n"
    (piece,) = pieces(tmp_path, asked(f"Content-Length: {len(body)}\r\n", body))
    assert isinstance(piece, Asked)
    assert piece.request.body == body
    assert len(pieces(tmp_path, asked("Content-Length: 999\r\n"), asked())) == 2


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        (b"nonsense", "not a record"),
        (b"1 a\nGET / HTTP/1.1\r\n\r\n", "not a record"),
        (b"1 a 9999999999999999999\nGET / HTTP/1.1\r\n\r\n", "bad time"),
        (b"1 a 5\nGET / HTTP/1.1\r\n", "cut short"),
        (b"1 a 5\nhello\r\n\r\n", "not HTTP"),
        (b"2 a 5\nHTTP/1.1 x\r\n\r\n", "wrong value"),
        (b"3 a 5 1\nHTTP/1.1 200 OK\r\n\r\n", "replayed answer"),
    ],
)
def test_what_is_no_request_is_told_with_its_place(tmp_path: Path, record: bytes, reason: str) -> None:
    """The reason is a stable word and the offset that of the record."""
    good, dropped = pieces(tmp_path, asked(), record)
    assert isinstance(good, Asked)
    assert isinstance(dropped, Dropped)
    assert (dropped.reason, dropped.offset) == (reason, len(asked()) + len(SEPARATOR))


def test_an_answer_has_its_status_and_time(tmp_path: Path) -> None:
    """Its latency is known once it is joined."""
    (piece,) = pieces(tmp_path, b"2 a 9 0\nHTTP/1.1 503 No\r\n\r\nx")
    assert isinstance(piece, Answered)
    assert (piece.request_id, piece.at_ns, piece.response.status, piece.response.body) == ("a", 9, 503, b"x")


def test_a_record_above_the_limit_costs_itself() -> None:
    """Its bytes are not held, and the next record is read."""
    stream = [b"1" * 40, b"1" * 40 + SEPARATOR + b"ok" + SEPARATOR]
    found = list(records(stream, limit=50))
    assert isinstance(found[0][1], Unreadable)
    assert found[1] == (80 + len(SEPARATOR), b"ok")


def test_a_body_of_separators_is_put_together_at_once(tmp_path: Path) -> None:
    """However many stand in it, and as far as its Content-Length says: what follows is no more of it."""
    body = SEPARATOR * 2_000
    first, second = pieces(tmp_path, asked(f"Content-Length: {len(body)}\r\n", body), asked())
    assert isinstance(first, Asked)
    assert isinstance(second, Asked)
    assert (first.request.body, first.request.truncated, second.request.body) == (body, False, b"abc")


def test_a_replayed_answer_takes_its_separators_along(tmp_path: Path) -> None:
    """It is passed over whole; the rest of its body is no record of its own."""
    body = b"x" + SEPARATOR + b"y"
    record = f"3 a 5 1\nHTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body
    dropped, good = pieces(tmp_path, record, asked())
    assert isinstance(dropped, Dropped)
    assert dropped.reason == "replayed answer"
    assert isinstance(good, Asked)


@pytest.mark.parametrize("size", [1, 5, 13, 14, 15, 40, 1_000])
def test_records_are_the_same_however_much_is_read_at_once(size: int) -> None:
    """A separator may stand across two chunks, or more."""
    parts = [b"one", b"", b"\n", SEPARATOR[:-1], SEPARATOR[1:], b"three" * 9]
    whole = SEPARATOR.join(parts)
    chunks = [whole[at : at + size] for at in range(0, len(whole), size)]
    found = list(records(chunks))
    assert [raw for _, raw in found] == whole.split(SEPARATOR)
    assert all(whole[offset:].startswith(raw) for offset, raw in found if isinstance(raw, bytes))


_LINE = st.sampled_from(
    [
        *("X-A: 1", "X-A: 2", "x-a: 3", "X-B:4", "X-C:  5", "X-D: 6 ", "X-E: \t7", "X-F: \x1f8", "X-G: a: b"),
        *("Content-Length: 3", "content-length: 1", "Content-Length: +3", "Content-Length: " + "9" * 19),
        *("Transfer-Encoding: chunked", "Content-Encoding: gzip", "X-H: é", "Ü: 9", " X-I: 1", "X-J : 1"),
        *("X-K", ":path: /", ": 1", "X-L:"),
    ]
)
_FIRST = st.sampled_from(
    [
        "POST /p HTTP/1.1",
        "POST http://h/p?q=1 HTTP/1.1",
        "GET / HTTP/1.1 ",
        "GET /",
        "GET  / HTTP/1.1",
        "HTTP/1.1 200",
        "HTTP/1.1 200 OK",
        "HTTP/1.1 99 no",
        "HTTP/1.1 2000 no",
        "HTTP/1.1 +20 no",
        "HTTP/1.1 200 Não",
        "",
        "POST /p SPDY/1",
    ]
)
_META = st.sampled_from(
    ["1 a 5", "1 b 5 2", "2 a 5 0", "1 a 5 -7", "3 a 5", "1 é 5 9", "2 a 9999999999999999999", "1 a 5 \n"]
)


@settings(max_examples=400)
@given(
    _META,
    _FIRST,
    st.lists(_LINE, max_size=4),
    st.sampled_from([b"", b"abc", b"3\r\nabc\r\n0\r\n\r\n", b"\n\n", SEPARATOR]),
)
def test_lines_mean_the_same_however_they_end(meta: str, first: str, lines: list[str], body: bytes) -> None:
    """Records with the ends of lines that HTTP has are read at once, others step by step."""
    both = []
    for end in ("\r\n", "\n"):
        raw = f"{meta}\n{end.join([first, *lines, '', ''])}".encode() + body + SEPARATOR
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "c.gor"
            path.write_bytes(raw)
            both.append([_but_its_place(piece) for piece in GOREPLAY.read(path)])
    assert both[0] == both[1]


def _but_its_place(piece: Piece) -> Piece:
    """What was dropped is quoted as it stands."""
    return msgspec.structs.replace(piece, offset=0, detail="") if isinstance(piece, Dropped) else piece
