"""A format shows itself, or is not read."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import pytest

from harness.capture.formats import FORMATS, Asked, Format, detect, head_of
from harness.errors import CaptureError


def test_two_candidates_are_named(tmp_path: Path) -> None:
    """Nothing is guessed: the error says how to choose."""
    path = tmp_path / "c"
    path.write_bytes(b"{}")
    both = [Format(name, name, lambda _: True, FORMATS["har"].read) for name in ("one", "two")]
    with pytest.raises(CaptureError, match=r"found one, two\. Say which: --format one"):
        detect(path, both)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (b"", "an empty file"),
        (b'{"headers": []}', "the words headers"),
        (b'{"log": [1]}', "the words log"),
        (b'{"request_id": "r", "ts": 1}', "the words request_id, ts"),
        (b"a,b\n1,2\n", "the words a, b"),
        (b"\x00\x01", "a file that begins"),
        (b"PAR1", "not a Parquet file"),
    ],
)
def test_what_no_format_knows_is_refused_with_what_was_seen(tmp_path: Path, text: bytes, shown: str) -> None:
    """All formats are named, or that the file is damaged."""
    path = tmp_path / "c"
    path.write_bytes(text)
    with pytest.raises(CaptureError, match=shown):
        detect(path, list(FORMATS.values()))


def test_only_words_of_the_outermost_object_count(tmp_path: Path) -> None:
    """A body may hold any words; where the object does not end in sight, all are taken."""
    path = tmp_path / "c"
    path.write_bytes(b'{"a": {"b": 1}}')
    assert head_of(path).keys == {"a"}
    path.write_bytes(b'{"a": {"b": 1}')
    assert head_of(path).keys == {"a", "b"}


PAGE = (Path(__file__).parents[2] / "docs" / "formats.md").read_text(encoding="utf-8")
PRINTED = re.findall(r"```\w*\n(.*?)```", PAGE.split("## What each looks like")[1], re.DOTALL)
#: in the order of the page; the table has no format, it is read by a map
ORDER = (
    *("goreplay", "har", "sagemaker", "cloudevents", "envoy-tap", "envoy-tap", "", "databricks", "feast"),
)


@pytest.mark.parametrize(("name", "text"), list(zip(ORDER, PRINTED, strict=True)))
def test_the_samples_of_the_page_are_what_it_says(name: str, text: str, tmp_path: Path) -> None:
    """Each is recognised and gives a request."""
    path = tmp_path / "sample"
    path.write_text(text, encoding="utf-8")
    if not name:
        with pytest.raises(CaptureError, match="no capture format that is known"):
            detect(path, list(FORMATS.values()))
        return
    found = detect(path, list(FORMATS.values()))
    assert found.name == name
    assert any(isinstance(piece, Asked) for piece in found.read(path))


def test_a_gzip_that_ends_or_breaks_at_once_is_said_to(tmp_path: Path) -> None:
    """It is not called empty; where enough can be read, the format is known all the same."""
    whole = gzip.compress(b'{"request_id": "r", "ts_ns": 1, "body": ""}\n' * 9, mtime=0)
    path = tmp_path / "c.jsonl.gz"
    path.write_bytes(whole[:12])
    with pytest.raises(CaptureError, match="truncated gzip; found the file ends before"):
        detect(path, list(FORMATS.values()))
    path.write_bytes(whole[:10] + b"\xff" + whole[11:])
    with pytest.raises(CaptureError, match=r"damaged gzip; found invalid block type at byte 10: \d+ of"):
        detect(path, list(FORMATS.values()))
    path.write_bytes(whole[:-8] + b"\0" * 8)
    assert detect(path, list(FORMATS.values())).name == "replaygate"
