"""Requests written as JSON lines: what each body travels as, and what cannot be written."""

import gzip
import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from harness.capture import CaptureConfig, write_jsonl
from harness.capture.read import read
from harness.capture.write import line_of
from harness.errors import CaptureError, UsageError
from harness.records import CapturedRequest, RecordedResponse


def request(**fields: Any) -> CapturedRequest:  # noqa: ANN401  -- fields of a request
    """A short request with some fields changed."""
    return msgspec.structs.replace(CapturedRequest(seq=0, request_id="r", ts_ns=1), **fields)


@pytest.mark.parametrize(
    ("body", "written"),
    [
        (b'{"x": 1.50}', '"body":{"x": 1.50}'),
        (b"null", '"body":null'),
        (b'{"x": "NaN"}', '"body":{"x": "NaN"}'),
        (b'{"x": NaN}', '"body_text":"{\\"x\\": NaN}"'),
        (b'{\n"x": 1}', '"body_text":"{\\n\\"x\\": 1}"'),
        (b' {"x": 1}', '"body_text":" {\\"x\\": 1}"'),
        (b"1e999", '"body_text":"1e999"'),
        (b"", '"body_text":""'),
        (b"\xff\x00", '"body_base64":"/wA="'),
        (b"[" * 99_999, '"body_text":"[['),
    ],
)
def test_a_body_travels_as_what_keeps_its_bytes(tmp_path: Path, body: bytes, written: str) -> None:
    """JSON on one line as JSON, other text as text, bytes as base64; and each reads back unchanged."""
    path = tmp_path / "c.jsonl"
    original = request(body=body, recorded_response=RecordedResponse(status=200, body=body))
    assert write_jsonl([original], path) == 1
    text = path.read_text(encoding="utf-8")
    assert text.count(written) == (2 if body else 1)
    (back,) = read(path, CaptureConfig(path="c"), on_bad=lambda bad: pytest.fail(str(bad)))
    assert (back.body, back.recorded_response) == (body, original.recorded_response)


def test_only_what_is_known_is_written() -> None:
    """Defaults are left out, and where a request came from is not its own."""
    path_and_seq = request(seq=7, source_file="x", source_offset=3, unit="u")
    line = line_of(path_and_seq)
    assert (line.unit, line.ts, line.event_time_ns) == ("u", None, None)


def test_features_on_several_lines_do_not_break_the_line(tmp_path: Path) -> None:
    """JSON that came with line ends is written on one line."""
    path = tmp_path / "c.jsonl"
    write_jsonl([request(online_features=b'{\n "a": "NaN"\n}')], path)
    assert [json.loads(text)["online_features"] for text in path.read_text().splitlines()] == [{"a": "NaN"}]


def test_the_same_requests_give_the_same_gzip(tmp_path: Path) -> None:
    """No clock and no file name in the header."""
    for name in ("a.jsonl.gz", "b.jsonl.gz"):
        write_jsonl([request()], tmp_path / name)
    first = (tmp_path / "a.jsonl.gz").read_bytes()
    assert (tmp_path / "b.jsonl.gz").read_bytes() == first
    flags, moment = first[3], first[4:8]
    assert (flags, moment) == (0, b"\0\0\0\0")
    assert json.loads(gzip.decompress(first)) == {
        "request_id": "r",
        "ts_ns": 1,
        "ts_resolution_ns": 1,
        "body_text": "",
        "sampling_weight": 1.0,
    }


@pytest.mark.parametrize("field", ["propensity", "sampling_weight"])
@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_nan_does_not_become_null_in_silence(tmp_path: Path, field: str, value: float) -> None:
    """JSON cannot spell it, so it is refused, and no half file is left under the name."""
    path = tmp_path / "c.jsonl"
    with pytest.raises(CaptureError, match=f"r: {field} is not a finite number"):
        write_jsonl([request(**{field: value})], path)
    assert not path.exists()


def test_another_extension_is_refused(tmp_path: Path) -> None:
    """Parquet is written by `ingest`, not here."""
    with pytest.raises(UsageError, match=r"unknown kind of file; found \.parquet"):
        write_jsonl([], tmp_path / "c.parquet")
