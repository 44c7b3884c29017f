"""mitmproxy's netstrings, whole, in chunks, and those that are none."""

from __future__ import annotations

import tracemalloc

import pytest

from harness.capture.formats import mitmproxy
from harness.capture.formats.mitmproxy import netstrings, value_of
from harness.capture.sources import Unreadable
from harness.errors import CaptureError


@pytest.mark.parametrize(
    "text", [b"", b"x", b"3:ab,", b"1:a?", b"3:1:a]", b"2:ab,x", b"1:x#", b"4:1:a,}", b"40:" * 40]
)
def test_what_is_no_netstring_is_refused(text: bytes) -> None:
    """Lengths, tags and pairs are checked, and depth is bounded."""
    with pytest.raises(CaptureError, match="not a record"):
        value_of(text)


def test_netstrings_are_found_in_any_chunks() -> None:
    """A claim of a length beyond the limit, and bytes that are none, end the reading."""
    found = list(netstrings([b"1", b":a,2:", b"bc,", b"99", b"9:x"], limit=99))
    assert found[:2] == [(0, b"1:a,"), (4, b"2:bc,")]
    assert isinstance(found[2][1], Unreadable)
    assert found[2][1].reason == "record too long"
    assert [one.reason for _, one in netstrings([b"zz"]) if isinstance(one, Unreadable)] == ["not a record"]


def listed(text: bytes, depth: int) -> bytes:
    """A netstring of so many lists around one text."""
    found = b"%d:%b," % (len(text), text)
    for _ in range(depth):
        found = b"%d:%b]" % (len(found), found)
    return found


def test_a_level_of_lists_is_no_copy() -> None:
    """Thirty lists around a megabyte take a megabyte more, not thirty."""
    nested = listed(b"x" * (1 << 20), 30)
    tracemalloc.start()
    found = value_of(nested)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    for _ in range(30):
        (found,) = found
    assert found == b"x" * (1 << 20)
    assert peak < 3 << 20


def test_the_parts_of_a_flow_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Millions of empty lists would be twenty times their bytes."""
    monkeypatch.setattr(mitmproxy, "_MOST_PARTS", 100)
    assert len(value_of(b"%d:%b]" % (300, b"0:]" * 100))) == 100
    with pytest.raises(CaptureError, match="more than 100 values"):
        value_of(b"%d:%b]" % (303, b"0:]" * 101))
