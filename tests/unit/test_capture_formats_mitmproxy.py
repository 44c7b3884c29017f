"""mitmproxy's netstrings, whole, in chunks, and those that are none."""

from __future__ import annotations

import pytest

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
