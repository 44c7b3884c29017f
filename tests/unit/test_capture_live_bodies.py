"""Bodies as text and back: letters, packing, bombs."""

import gzip
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.capture.live import bodies
from harness.capture.live.bodies import UnreadableError, opened


@given(
    st.binary()
    | st.text().map(str.encode)
    | st.text().map(lambda text: b"\xff\xfe" + text.encode("utf-16-le", "ignore"))
)
def test_a_plain_body_comes_back_byte_for_byte(body: bytes) -> None:
    """Whatever its letters are, binary too."""
    if body.startswith((b"\x1f\x8b", b"\x28\xb5\x2f\xfd")):
        return
    whole = opened(body)
    assert whole.closed(whole.text) == body


@pytest.mark.parametrize(
    ("body", "encoding"),
    [
        pytest.param(gzip.compress(b"bob"), "gzip", id="gzip"),
        pytest.param(gzip.compress(b"bob"), "", id="gzip without a word"),
        pytest.param(gzip.compress(b"b") + gzip.compress(b"ob"), "gzip", id="two members"),
        pytest.param(zlib.compress(b"bob"), "deflate", id="deflate"),
        pytest.param(b"bob", "gzip", id="unpacked by the tool that captured it"),
        pytest.param(b"bob", "deflate", id="the same of deflate"),
        pytest.param(b"bob", "br", id="the same of brotli"),
        pytest.param("bob".encode("utf-16"), "", id="UTF-16"),
    ],
)
def test_a_packed_body_is_read_and_packed_again(body: bytes, encoding: str) -> None:
    """A changed text is packed as the old one was."""
    whole = opened(body, encoding)
    assert whole.text.lstrip("\ufeff") == "bob"
    assert opened(whole.closed(whole.text.replace("b", "x")), encoding).text.endswith("xox")


def test_a_body_that_was_cut_is_read_as_far_as_it_goes() -> None:
    """Captures cut bodies."""
    packed = gzip.compress(bytes(range(65, 91)) * 100)
    assert opened(packed[:-12]).text.startswith("ABC")


@pytest.mark.parametrize(
    ("body", "encoding"),
    [
        (b"\x28\xb5\x2f\xfdxx", ""),
        (b"\x8b\x02\x80", "br"),
        (b"\x1f\x8bxxxx", ""),
        (b"\x00\xff\xff", "deflate"),
    ],
)
def test_what_cannot_be_searched_is_told(body: bytes, encoding: str) -> None:
    """It is no text that could be let through."""
    with pytest.raises(UnreadableError):
        opened(body, encoding)


def test_a_bomb_is_not_unpacked() -> None:
    """A small body that unpacks to more than the cap is one that cannot be searched."""
    bomb = gzip.compress(bytes(bodies.MAX_BYTES + 2), compresslevel=9)
    with pytest.raises(UnreadableError, match="more than 64 MiB"):
        opened(bomb)
