"""Content encodings are undone to their end, or it is said why not."""

from __future__ import annotations

import gzip
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.inflating import inflated

ABC = gzip.compress(b"abc", mtime=0)


def raw_deflate(data: bytes) -> bytes:
    """Deflate without the zlib frame, as some servers send it."""
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(data) + packer.flush()


@pytest.mark.parametrize(
    ("body", "encoding"),
    [
        (ABC, "gzip"),
        (ABC, "x-gzip"),
        (ABC, "deflate"),
        (zlib.compress(b"abc"), "deflate"),
        (raw_deflate(b"abc"), "deflate"),
        (gzip.compress(b"a", mtime=0) + gzip.compress(b"bc", mtime=0), "gzip"),
        (ABC + b"\0" * 9, "gzip"),
    ],
)
def test_the_usual_encodings_are_undone(body: bytes, encoding: str) -> None:
    """Deflate with and without its frame, for servers disagree on it; gzip of one member or of many."""
    assert inflated(body, encoding, limit=3) == b"abc"


@pytest.mark.parametrize(
    ("body", "encoding", "complaint"),
    [
        (gzip.compress(bytes(10_000_000), mtime=0), "gzip", "over 1000 bytes"),
        (gzip.compress(bytes(600), mtime=0) * 2, "gzip", "over 1000 bytes"),
        (ABC[:-5], "gzip", "gzip cut short"),
        (ABC + ABC[:-5], "gzip", "gzip cut short"),
        (b"", "gzip", "gzip cut short"),
        (b"not gzip", "gzip", "damaged gzip"),
        (ABC + b"junk", "gzip", "damaged gzip"),
        (ABC + b"\0junk", "gzip", "damaged gzip"),
        (b"\x1b\x02\x80abc\x03", "br", "content encoding 'br'"),
    ],
)
def test_what_cannot_be_undone_says_why(body: bytes, encoding: str, complaint: str) -> None:
    """A bomb stops at the limit, whatever its members; damage and unknown encodings are named."""
    with pytest.raises(ValueError, match=complaint):
        inflated(body, encoding, limit=1000)


@given(st.lists(st.binary(max_size=9_000), min_size=1, max_size=5), st.integers(0, 9))
def test_members_are_put_together_wherever_they_end(members: list[bytes], level: int) -> None:
    """Also at the end of a piece, and where one is empty."""
    packed = b"".join(gzip.compress(one, compresslevel=level, mtime=0) for one in members)
    assert inflated(packed, "gzip", limit=50_000) == b"".join(members)
