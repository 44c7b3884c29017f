"""Files handed in: found or explained, and text read line by line whatever its state."""

import gzip
from pathlib import Path

import pyarrow as pa
import pytest

from harness.capture import sources
from harness.capture.formats.streams import chunks
from harness.capture.sources import (
    MAX_LINE_BYTES,
    Unreadable,
    did_you_mean,
    existing,
    extension,
    lines_of,
    text_blocks,
    text_lines,
    translated,
    unpacked,
)
from harness.errors import CaptureError, LabelsError


@pytest.mark.parametrize(
    ("content", "lines"),
    [
        (b"", []),
        (b"a", [(1, b"a")]),
        (b"a\nb\n", [(1, b"a\n"), (2, b"b\n")]),
        (b"\xef\xbb\xbfa\nb", [(1, b"a\n"), (2, b"b")]),
        (b"\xef\xbb\xbf\nb", [(2, b"b")]),
        (b"a\r\n\r\n \t\nb\r\n", [(1, b"a\r\n"), (4, b"b\r\n")]),
    ],
    ids=["empty file", "no last newline", "plain", "byte-order mark", "mark alone", "CRLF and empty lines"],
)
@pytest.mark.parametrize("name", ["a.jsonl", "a.jsonl.gz"])
def test_lines_keep_the_numbers_of_the_file(
    tmp_path: Path, name: str, content: bytes, lines: list[tuple[int, bytes]]
) -> None:
    """Empty lines are passed over but counted, so that a number points into the file."""
    path = tmp_path / name
    path.write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    assert list(text_lines(path)) == lines


def test_a_line_that_is_too_long_is_skipped_and_the_next_is_read(tmp_path: Path) -> None:
    """The limit is on the content; the line beyond it does not take its neighbours along."""
    path = tmp_path / "a.jsonl.gz"
    limit = b"x" * MAX_LINE_BYTES
    path.write_bytes(gzip.compress(b"".join([b"a\n", limit, b"xxxxx\n", limit, b"\nb\n"]), compresslevel=1))
    lines = [
        (number, line if isinstance(line, Unreadable) else len(line)) for number, line in text_lines(path)
    ]
    assert lines == [
        (1, 2),
        (2, Unreadable("line too long", "more than 64 MiB")),
        (3, MAX_LINE_BYTES + 1),
        (4, 2),
    ]


def test_a_cut_gzip_gives_what_was_readable(tmp_path: Path) -> None:
    """The lines before the cut are read, and the rest is one unreadable line."""
    whole = [f"line {number} {number**7}\n".encode() for number in range(5_000)]
    packed = gzip.compress(b"".join(whole))
    path = tmp_path / "a.jsonl.gz"
    path.write_bytes(packed[: len(packed) // 2])
    *lines, (number, last) = list(text_lines(path))
    assert [line for _, line in lines] == whole[: len(lines)]
    assert len(lines) > 1_000
    assert (number, last) == (
        len(lines) + 1,
        Unreadable("truncated gzip", "the file ends before its gzip stream does"),
    )


@pytest.mark.parametrize("content", [b"no gzip at all\n", gzip.compress(b"a\n", mtime=0)[:-8] + b"\0" * 8])
def test_a_gzip_that_is_none_or_fails_its_checksum_is_told(tmp_path: Path, content: bytes) -> None:
    """A plain file named .gz and a wrong checksum both end in one unreadable line."""
    path = tmp_path / "a.jsonl.gz"
    path.write_bytes(content)
    *_, (_, last) = list(text_lines(path))
    assert isinstance(last, Unreadable)
    assert last.reason == "damaged gzip"


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("captur.jsonl", "Did you mean 'capture.jsonl' in "),
        ("zzz", "holds capture.jsonl, labels.csv."),
        ("empty/x.jsonl", "is empty."),
        ("emty/x.jsonl", "Did you mean 'empty' in "),
    ],
)
def test_a_missing_file_is_answered_with_what_is_there(tmp_path: Path, name: str, hint: str) -> None:
    """The nearest name is proposed, of a folder too; else the folder's content is shown."""
    for present in ("capture.jsonl", "labels.csv"):
        (tmp_path / present).touch()
    (tmp_path / "empty").mkdir()
    if name == "zzz":
        (tmp_path / "empty").rmdir()
    with pytest.raises(CaptureError, match="no such file") as caught:
        existing(tmp_path / name, CaptureError)
    assert hint in str(caught.value)


def test_an_unknown_extension_is_named_with_the_known_ones() -> None:
    """Upper case is the same extension; an unknown one is answered with the list."""
    assert extension(Path("A.JSONL.GZ"), (".jsonl", ".jsonl.gz"), error=LabelsError) == ".jsonl.gz"
    with pytest.raises(
        LabelsError, match=r"a\.txt: unknown kind of file; found \.txt; expected \.csv or \.jsonl"
    ):
        extension(Path("a.txt"), (".csv", ".jsonl"), error=LabelsError)


def test_the_closest_word_is_proposed_or_none() -> None:
    """A typo finds its word; nonsense finds nothing."""
    assert did_you_mean("reqest_id", ["request_id", "body"]) == "did you mean 'request_id'?"
    assert did_you_mean("zzz", ["request_id", "body"]) == ""


@pytest.mark.parametrize(
    ("cause", "line"),
    [
        (PermissionError(13, "Permission denied"), "x: cannot be read; found Permission denied"),
        (OSError("Corrupt snappy data"), "x: cannot be read; found Corrupt snappy data"),
        (UnicodeDecodeError("utf-8", b"\xff", 0, 1, "?"), "x: not a Parquet file, cut short, or damaged; "),
        (
            pa.ArrowInvalid("Parquet magic bytes not found\nmore"),
            "x: not a Parquet file, cut short, or damaged; ",
        ),
    ],
)
def test_a_foreign_error_becomes_ours(cause: Exception, line: str) -> None:
    """What the system and Arrow raise ends in one clear line that names the file."""
    with pytest.raises(CaptureError) as caught, translated(Path("x"), CaptureError):
        raise cause
    assert str(caught.value).startswith(line)


@pytest.mark.parametrize("size", [3, 4, 7, 100])
@pytest.mark.parametrize("name", ["a.jsonl", "a.jsonl.gz"])
def test_blocks_are_whole_lines(tmp_path: Path, name: str, size: int) -> None:
    """However much is read at once; each block knows the number of its first line."""
    content = b"\xef\xbb\xbfone\n\ntwo three\n\r\nfour"
    path = tmp_path / name
    path.write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    found = list(text_blocks(path, size))
    assert b"".join(text for _, text in found if isinstance(text, bytes)) == content[3:]
    lines = [line for first, text in found if isinstance(text, bytes) for line in lines_of(text, first)]
    assert lines == [(1, b"one\n"), (3, b"two three\n"), (5, b"four")]


def packed(tmp_path: Path, data: bytes) -> list[bytes | Unreadable]:
    """What the bytes of a gzip file unpack to."""
    path = tmp_path / "p.gz"
    path.write_bytes(data)
    with path.open("rb") as file:
        return list(unpacked(file))


def test_damage_is_told_with_its_place_behind_all_that_came_before(tmp_path: Path) -> None:
    """The last bytes before it are not lost with it, and what was not read is counted."""
    text = b"".join(b"line %d %d\n" % (number, number**5) for number in range(3_000))
    spoiled = gzip.compress(text, mtime=0) + b"\x1f\x8b\x08" + b"\0" * 7 + b"\xff" * 90
    *given, why = packed(tmp_path, spoiled)
    assert b"".join(one for one in given if isinstance(one, bytes)) == text
    at = len(spoiled) - 90
    assert why == Unreadable(
        "damaged gzip", f"invalid block type at byte {at:,}: 90 of {len(spoiled):,} bytes were not read"
    )


def test_zeros_behind_a_member_are_padding(tmp_path: Path) -> None:
    """Tapes and block devices leave them; what is neither zeros nor gzip is damage."""
    member = gzip.compress(b"a\n", mtime=0)
    assert packed(tmp_path, member + b"\0" * 600 + member + b"\0") == [b"a\n", b"a\n"]
    assert packed(tmp_path, b"") == []
    *_, why = packed(tmp_path, member + b"\0\0junk")
    assert isinstance(why, Unreadable)
    assert why.detail.endswith(f" of {len(member) + 6} bytes were not read")


@pytest.mark.parametrize("name", ["c.jsonl", "c.jsonl.gz"])
@pytest.mark.parametrize("inside", [b"0", b"\n"])
def test_a_bomb_is_stopped_whatever_it_is_called_and_holds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, name: str, inside: bytes
) -> None:
    """What unpacks to far more than text does is not unpacked to its end, empty lines included."""
    monkeypatch.setattr(sources, "_BOMB_FROM", 4 << 20)
    path = tmp_path / name
    path.write_bytes(gzip.compress(inside * (32 << 20), 9))
    for found in (list(chunks(path)), [one.text for one in text_blocks(path)]):
        assert isinstance(found[-1], Unreadable)
        assert found[-1].reason == "gzip bomb"
        assert sum(len(one) for one in found if isinstance(one, bytes)) < 16 << 20
    *_, (_, last) = text_lines(path)
    assert isinstance(last, Unreadable)
