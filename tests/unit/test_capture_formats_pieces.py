"""The words that all readers share: what they take, and the stable reason for what they do not."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from harness.capture.formats.pieces import (
    Asked,
    Dropped,
    Piece,
    Place,
    answer,
    broken,
    epoch,
    guarded,
    header,
    headers_of,
    instant,
    name_of,
    object_of,
    readable,
)
from harness.capture.sources import Unreadable
from harness.errors import CaptureError
from harness.records import CapturedRequest

PLACE = Place("c", 7)


def test_a_refusal_ends_its_record_alone() -> None:
    """What came before it stays, and it is told where it stands, its detail cut to 200 characters."""
    asked = Asked(CapturedRequest(seq=0, request_id="r", ts_ns=0))

    def record() -> Iterator[Piece]:
        yield asked
        raise broken("not HTTP", "x" * 300)

    assert list(guarded(record(), PLACE)) == [
        asked,
        Dropped(file="c", offset=7, reason="not HTTP", detail="x" * 200),
    ]
    assert list(guarded([asked], PLACE)) == [asked]


def test_what_is_taken() -> None:
    """Bytes, times, ids and objects come as they are; a text of a time with its resolution."""
    assert readable(b"x") == b"x"
    assert instant("1970-01-01T00:00:01.5Z", "t") == (1_500_000_000, 10**6)
    assert epoch(2**63 - 1, "t") == 2**63 - 1
    assert name_of("r", "id") == "r"
    assert object_of({"a": 1}, "o") == {"a": 1}


@pytest.mark.parametrize(
    ("refused", "reason", "detail"),
    [
        (lambda: readable(Unreadable("record too long", "more")), "record too long", "more"),
        (lambda: instant(5, "t"), "bad time", "t is 5, not a text"),
        (lambda: instant("1970-01-01T00:00:01", "t"), "bad time", "t: .* no zone"),
        (lambda: epoch(-1, "t"), "bad time", "t: '-1' lies outside"),
        (lambda: epoch(2**63, "t"), "bad time", "lies outside"),
        (lambda: name_of("", "id"), "wrong field", "id is .*, not an id"),
        (lambda: name_of(5, "id"), "wrong field", "id is 5, not an id"),
        (lambda: object_of([1], "o"), "wrong type", r"o is \[1\], not an object"),
        (lambda: answer(99, b""), "wrong value", "status 99"),
        (lambda: answer(1000, b""), "wrong value", "status 1000"),
        (lambda: answer("200", b""), "wrong value", "status"),
    ],
)
def test_what_is_refused(refused: Callable[[], object], reason: str, detail: str) -> None:
    """In a stable word, with the name of the field and the value."""
    with pytest.raises(CaptureError, match=detail) as caught:
        refused()
    assert caught.value.what == reason


def test_a_hostile_value_does_not_fill_the_ledger() -> None:
    """It is shown by its beginning."""
    with pytest.raises(CaptureError) as caught:
        object_of("x" * 10_000, "o")
    assert len(str(caught.value)) < 100


@pytest.mark.parametrize(("latency_ns", "known"), [(1, True), (0, False), (-1, False), (2**63, False)])
def test_a_latency_is_kept_where_it_is_a_time(latency_ns: int, *, known: bool) -> None:
    """Else its kind goes with it; the answer stays."""
    found = answer(200, b"k", latency_ns=latency_ns, kind="wait")
    assert (found.status, found.body) == (200, b"k")
    assert (found.latency_ns, found.latency_kind) == ((latency_ns, "wait") if known else (None, None))


def test_repeated_headers_are_one() -> None:
    """Named as first spelled, whatever the case; a name of HTTP/2 or of nothing is none."""
    pairs = [("X-A", "1"), (":path", "/"), ("", "x"), ("x-a", "2"), ("B", "")]
    assert headers_of(iter(pairs)) == {"X-A": "1, 2", "B": ""}


def test_a_header_is_found_in_any_case() -> None:
    """And is empty where there is none."""
    assert header({"Content-TYPE": "a"}, "content-type") == "a"
    assert header({"Content-TYPE": "a"}, "host") == ""


def test_a_place_names_its_record() -> None:
    """File, offset, reason and detail, as the ledger shows them."""
    assert PLACE.dropped("cut short", "d") == Dropped(file="c", offset=7, reason="cut short", detail="d")
