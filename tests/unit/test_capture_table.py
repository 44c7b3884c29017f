"""Requests as columns and back, without loss."""

from pathlib import Path

import msgspec
import pytest

from harness import columns
from harness.capture import load, requests, to_table
from harness.capture.table import numbered, regrouped, rows, texts, with_name, without
from harness.errors import RunError
from harness.records import CapturedRequest, RecordedResponse

BARE = CapturedRequest(seq=0, request_id="a", ts_ns=1)
FULL = CapturedRequest(
    seq=1,
    request_id="b",
    ts_ns=2,
    ts_resolution_ns=10**9,
    event_time_ns=1_750_279_245_000_000_001,
    parent_id="p",
    row_index=0,
    unit="u",
    segments={"a": "x", "b": ""},
    exposed=False,
    propensity=0.5,
    method="GET",
    path="/x",
    headers={"h": "v"},
    body=b'{"x": NaN}\xff\n',
    truncated=True,
    recorded_response=RecordedResponse(
        status=500, headers={"a": "b"}, body=b"\0", latency_ns=0, latency_kind="wait"
    ),
    served_by={"build": "b"},
    online_features=b'{"a": "NaN", "b": null}',
    feature_timestamps=b"{}",
    sampling_weight=0.5,
    tags={"t": "1"},
    source_file="c.jsonl",
    source_offset=7,
)
SPARSE = CapturedRequest(seq=2, request_id="c", ts_ns=3, recorded_response=RecordedResponse(status=204))


def test_a_table_has_the_schema_of_the_artefact_and_gives_the_requests_back() -> None:
    """No response, an empty response and a full one stay three different things."""
    table = to_table([BARE, FULL, SPARSE])
    assert table.schema.equals(columns.CAPTURE)
    assert list(requests(table)) == [BARE, FULL, SPARSE]


def test_no_response_is_null_in_every_column() -> None:
    """An empty map beside null would read as a response without status."""
    table = to_table([BARE, SPARSE])
    for name in ("recorded_status", "recorded_headers", "recorded_body"):
        assert [cell is None for cell in table[name].to_pylist()] == [True, False]


def test_no_requests_are_an_empty_table() -> None:
    """An empty list has the schema too."""
    assert to_table([]).schema.equals(columns.CAPTURE)
    assert list(requests(to_table([]))) == []


def test_a_table_from_disk_is_the_same(tmp_path: Path) -> None:
    """Parts come back in name order, and a column can be had alone."""
    columns.write(to_table([FULL, SPARSE]), tmp_path / "part-00001.parquet")
    columns.write(to_table([BARE]), tmp_path / "part-00000.parquet")
    assert list(requests(load(tmp_path))) == [BARE, FULL, SPARSE]
    assert load(tmp_path, ["seq"]).to_pydict() == {"seq": [0, 1, 2]}


def test_a_folder_without_parts_is_no_capture(tmp_path: Path) -> None:
    """A half-written part does not count."""
    (tmp_path / "part-00000.parquet.tmp").touch()
    with pytest.raises(RunError, match=r"no capture in this folder; expected part-00000\.parquet"):
        load(tmp_path)


def test_tables_are_cut_anew_by_rows_and_bytes() -> None:
    """In order, nothing lost: full tables and a last one, or smaller ones where rows are large."""
    some = [msgspec.structs.replace(BARE, seq=seq, body=b"x" * 100) for seq in range(10)]
    tables = [to_table(some[:4]), to_table([]), to_table(some[4:])]
    for limits, sizes in (((3, 1 << 20), [3, 3, 3, 1]), ((100, 1), [4, 6]), ((100, 1 << 20), [10])):
        found = list(regrouped(tables, limits[0], most_bytes=limits[1]))
        assert [one.num_rows for one in found] == sizes
        assert list(rows(found)) == some


def test_numbers_are_dense() -> None:
    """From where the last table ended."""
    assert [one.seq for one in requests(numbered(to_table([BARE, SPARSE]), 7))] == [7, 8]


def test_keys_of_maps_are_found_and_left_out() -> None:
    """By name, in slices too, a null staying a null."""
    column = texts([{"a": "1", "b": "2"}, None, {}, {"b": "3"}, {"a": "4"}])
    assert with_name(column, "b".__eq__).tolist() == [True, False, False, True, False]
    assert without(column, "b".__eq__).to_pylist() == [[("a", "1")], None, [], [], [("a", "4")]]
    assert without(column[3:], "b".__eq__).to_pylist() == [[], [("a", "4")]]
    assert with_name(column[2:], "a".__eq__).tolist() == [False, False, True]
    assert without(column, "c".__eq__) is column
