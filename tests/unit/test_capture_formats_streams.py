"""Bytes in bounded pieces: gzip by what it is, cuts and bombs told."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from harness.capture.formats.streams import chunks, lines
from harness.capture.sources import Unreadable


def given(tmp_path: Path, data: bytes) -> list[bytes | Unreadable]:
    """The chunks of a file with these bytes; its name says nothing."""
    path = tmp_path / "file"
    path.write_bytes(data)
    return list(chunks(path))


@pytest.mark.parametrize(
    "data",
    [b"abc", gzip.compress(b"abc", mtime=0), gzip.compress(b"a", mtime=0) + gzip.compress(b"bc", mtime=0)],
)
def test_gzip_is_known_by_its_first_bytes(tmp_path: Path, data: bytes) -> None:
    """One member or several, whatever the file is called."""
    assert b"".join(one for one in given(tmp_path, data) if isinstance(one, bytes)) == b"abc"


def test_a_byte_order_mark_is_no_content(tmp_path: Path) -> None:
    """Only at the beginning."""
    assert given(tmp_path, b"\xef\xbb\xbfa\xef\xbb\xbf") == [b"a\xef\xbb\xbf"]


def test_a_damaged_stream_is_told_behind_what_came_before(tmp_path: Path) -> None:
    """Cut and damaged are two things."""
    packed = gzip.compress(b"a" * 500)
    assert given(tmp_path, packed[:-3])[-1] == Unreadable(
        "truncated gzip", "the file ends before its gzip stream does"
    )
    last = given(tmp_path, packed[:10] + b"\xff" * 20)[-1]
    assert isinstance(last, Unreadable)
    assert last.reason == "damaged gzip"


def test_lines_have_offsets_and_a_limit() -> None:
    """Lines may span chunks; a long one costs itself."""
    found = list(lines([b"ab\n\nc", b"d\n", b"x" * 20, b"\nend"], limit=9))
    assert [(at, one if isinstance(one, bytes) else one.reason) for at, one in found] == [
        (0, b"ab"),
        (4, b"cd"),
        (7, "record too long"),
        (28, b"end"),
    ]


def test_empty_lines_keep_the_offsets() -> None:
    """Chunks of nothing but white space are passed over at once, the line that begins in one is not."""
    found = list(lines([b"\n" * 1_000, b"\r\n\r", b"\n  ", b"a\n", b"\n\n", b"b"]))
    assert found == [(1_004, b"  a"), (1_010, b"b")]
    assert len(list(lines([b"\n\n", b"\n"], blank=lambda: True))) == 4
    assert [at for at, _ in lines([b"a\n\n", b"\n\n", b"b\n"], blank=lambda: False)] == [0, 2, 5, 7]
