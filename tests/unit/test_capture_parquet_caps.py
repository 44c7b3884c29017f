"""Parquet files that were made to fill the memory are refused before a page of them is unpacked."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from harness.capture import LabelColumn, parquet_caps, read_labels
from harness.capture.formats import FORMATS
from harness.capture.parquet_caps import rows_at_once
from harness.errors import CaptureError, LabelsError

MIB = 1 << 20


def written(path: Path, **columns: pa.Array) -> Path:
    """A Parquet file of these columns, packed as well as can be."""
    pq.write_table(pa.table(columns), path, compression="zstd")
    return path


def at_once(path: Path) -> int:
    """How many rows of the file are read at once."""
    with pq.ParquetFile(path) as file:
        return rows_at_once(file, path, error=CaptureError)


def repeated(value: bytes, rows: int) -> pa.Array:
    """One value that stands once in the file and a thousand times in the column."""
    return pa.DictionaryArray.from_arrays(pa.array([0] * rows, pa.int32()), pa.array([value]))


def test_rows_are_fewer_where_a_dictionary_is_large(tmp_path: Path) -> None:
    """2,048 rows of 20 MiB each would be 40 GiB out of a file of 256 KiB."""
    small = written(tmp_path / "s.parquet", a=pa.array([f"r{i}" for i in range(3_000)]))
    assert at_once(small) == 2_048
    large = written(tmp_path / "l.parquet", a=repeated(b"x" * 20 * MIB, 3_000))
    assert at_once(large) == (32 * MIB) // (20 * MIB) == 1
    two = written(tmp_path / "t.parquet", a=repeated(b"x" * 8 * MIB, 9), b=repeated(b"y" * 7 * MIB, 9))
    assert at_once(two) == 2
    path = tmp_path / "g.parquet"
    pq.write_table(pa.table({"a": repeated(b"x" * MIB, 640)}), path, row_group_size=64, compression="zstd")
    assert at_once(path) == 32


def test_many_short_values_make_a_large_dictionary_and_short_rows(tmp_path: Path) -> None:
    """A megabyte of names is what pandas writes; its longest value counts, of one in a map all of it."""
    names = pa.array([f"{place:0200d}" for place in range(3_000)])
    assert at_once(written(tmp_path / "n.parquet", a=names)) == 2_048
    longest = pa.concat_arrays([names, pa.array(["x" * 4 * MIB])])
    assert at_once(written(tmp_path / "l.parquet", a=longest)) == 8
    maps = pa.MapArray.from_arrays(pa.array(range(3_001), pa.int32()), names, names)
    assert at_once(written(tmp_path / "m.parquet", a=maps)) == 27
    twice = pa.table([longest, names.slice(0, 1).take(pa.array([0] * len(longest)))], names=["a", "a"])
    pq.write_table(twice, tmp_path / "w.parquet")
    assert at_once(tmp_path / "w.parquet") == 6


def test_large_bodies_come_a_few_at_a_time(tmp_path: Path) -> None:
    """Near 4 MiB of them, without any dictionary."""
    bodies = pa.array([bytes([i]) * MIB for i in range(8)])
    path = tmp_path / "b.parquet"
    pq.write_table(pa.table({"a": bodies}), path, use_dictionary=False)
    assert at_once(path) <= 4


@pytest.fixture
def low_caps(monkeypatch: pytest.MonkeyPatch) -> None:
    """A megabyte is much and a thousand rows are many: real bombs take seconds to make."""
    monkeypatch.setattr(parquet_caps, "MOST_BYTES", MIB)
    monkeypatch.setattr(parquet_caps, "FEW_ROWS", 1_000)


ROWS = 50_000
ONES = pa.array([1] * ROWS, pa.int64())
STAMPS = pa.array([1] * ROWS, pa.timestamp("s", tz="UTC"))
NAMES = pa.array(["r"] * ROWS)


@pytest.mark.usefixtures("low_caps")
@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"request_id": ONES, "request_time": ONES, "status_code": ONES}, "50,000 rows in"),
        ({"request": repeated(b"x" * 2 * MIB, 10)}, "bytes out of"),
    ],
)
def test_what_cannot_be_honest_is_refused(tmp_path: Path, columns: dict[str, pa.Array], said: str) -> None:
    """More rows than bytes, a column that is nothing but one byte again and again."""
    path = written(tmp_path / "b.parquet", **columns)
    with pytest.raises(CaptureError, match="would fill the memory") as caught:
        at_once(path)
    assert said in str(caught.value.found)
    with pytest.raises(CaptureError, match="would fill the memory"):
        list(FORMATS["databricks"].read(path))


@pytest.mark.usefixtures("low_caps")
def test_captures_and_labels_are_read_behind_the_cap(tmp_path: Path) -> None:
    """Their own errors, their own exit codes."""
    capture = written(tmp_path / "c.parquet", request_id=NAMES, ts_ns=ONES, body=NAMES)
    with pytest.raises(CaptureError, match="would fill the memory"):
        list(FORMATS["replaygate"].read(capture))
    labels = written(tmp_path / "l.parquet", request_id=NAMES, label=ONES, label_at=STAMPS)
    with pytest.raises(LabelsError, match="would fill the memory"):
        list(read_labels(labels, [LabelColumn()]))


@pytest.mark.usefixtures("low_caps")
def test_a_dictionary_that_is_larger_than_the_cap_is_refused(tmp_path: Path) -> None:
    """Its bytes cannot be packed, so that only its page header gives it away."""
    noise = np.random.default_rng(1).bytes(2 * MIB)
    with pytest.raises(CaptureError, match=r"a dictionary of 2,\d+,\d+ bytes"):
        at_once(written(tmp_path / "d.parquet", a=repeated(noise, 10)))


def test_a_header_that_says_nothing_is_no_dictionary(tmp_path: Path) -> None:
    """Bytes that are no page header are left to the reader of the file, which refuses them."""
    path = written(tmp_path / "s.parquet", a=pa.array(["x"]))
    spoiled = bytearray(path.read_bytes())
    with pq.ParquetFile(path) as file:
        start = file.metadata.row_group(0).column(0).dictionary_page_offset
    spoiled[start : start + 4] = b"\xff\xff\xff\xff"
    path.write_bytes(bytes(spoiled))
    assert at_once(path) == 2_048
