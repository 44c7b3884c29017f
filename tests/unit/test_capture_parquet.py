"""A user's Parquet capture: which columns it may have, and how its rows become lines."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from harness.capture.line import captured
from harness.capture.parquet import line_of, rows
from harness.errors import CaptureError
from harness.records import CapturedRequest, RecordedResponse

IDS = pa.array(["r1", "r2"])
TIMES = pa.array([1, 2], pa.int64())
BODIES = pa.array([b"{}", b""], pa.binary())
GOOD = {"request_id": IDS, "ts_ns": TIMES, "body": BODIES}
EVERY_COLUMN: dict[str, Any] = {
    "seq": pa.array([99]),
    "request_id": pa.array(["r1"]),
    "parent_id": pa.array(["p"]),
    "row_index": pa.array([4], pa.int8()),
    "ts_ns": pa.array([5]),
    "ts_resolution_ns": pa.array([100]),
    "event_time": pa.array([datetime(2025, 6, 18, 20, 40, 45, tzinfo=UTC)]),
    "unit": pa.array(["u"]).dictionary_encode(),
    "segments": pa.array([[("a", "x")]], pa.map_(pa.string(), pa.string())),
    "exposed": pa.array([True]),
    "propensity": pa.array([0.5], pa.float32()),
    "method": pa.array(["PUT"], pa.large_string()),
    "path": pa.array(["/score"]),
    "headers": pa.array([{"x": "y", "z": None}]),
    "body": pa.array(['{"x": NaN}']),
    "truncated": pa.array([True]),
    "recorded_status": pa.array([200]),
    "recorded_headers": pa.array([[("h", "v")]], pa.map_(pa.string(), pa.string())),
    "recorded_body": pa.array(["NaN"]),
    "recorded_latency_ns": pa.array([7]),
    "recorded_latency_kind": pa.array(["wait"]),
    "served_by": pa.array([[("variant", "v")]], pa.map_(pa.string(), pa.string())),
    "served_by_build": pa.array(["b"]),
    "served_by_endpoint": pa.array(["e"]),
    "online_features": pa.array(['{"a": "NaN"}']),
    "feature_timestamps": pa.array([b"{}"]),
    "sampling_weight": pa.array([2.5]),
    "tags": pa.nulls(1),
    "source_file": pa.array(["other"]),
    "source_offset": pa.array([12]),
}


def requests_of(folder: Path, columns: dict[str, Any]) -> list[CapturedRequest]:
    """The requests that a Parquet file of these columns holds."""
    path = folder / "c.parquet"
    pq.write_table(pa.table(columns), path)
    return [captured(line_of(row), seq=n, source_file="c.parquet", source_offset=n) for n, row in rows(path)]


def test_three_columns_are_enough(tmp_path: Path) -> None:
    """An id, a time and a body make a request; an empty body is a body."""
    assert requests_of(tmp_path, GOOD) == [
        CapturedRequest(seq=0, request_id="r1", ts_ns=1, body=b"{}", source_file="c.parquet"),
        CapturedRequest(seq=1, request_id="r2", ts_ns=2, body=b"", source_file="c.parquet", source_offset=1),
    ]


def test_every_column_finds_its_field(tmp_path: Path) -> None:
    """The columns of the run's own artefact, and the two of served_by, are all understood."""
    assert requests_of(tmp_path, EVERY_COLUMN) == [
        CapturedRequest(
            seq=0,
            request_id="r1",
            parent_id="p",
            row_index=4,
            ts_ns=5,
            ts_resolution_ns=100,
            event_time_ns=1_750_279_245_000_000_000,
            unit="u",
            segments={"a": "x"},
            exposed=True,
            propensity=0.5,
            method="PUT",
            path="/score",
            headers={"x": "y"},
            body=b'{"x": NaN}',
            truncated=True,
            recorded_response=RecordedResponse(
                status=200, headers={"h": "v"}, body=b"NaN", latency_ns=7, latency_kind="wait"
            ),
            served_by={"variant": "v", "build": "b", "endpoint": "e"},
            online_features=b'{"a": "NaN"}',
            feature_timestamps=b"{}",
            sampling_weight=2.5,
            source_file="c.parquet",
            source_offset=0,
        )
    ]


def test_nulls_are_what_is_not_known(tmp_path: Path) -> None:
    """A null cell is a missing field: its default holds, and no response is made of nulls and empty maps."""
    empty = pa.array([[], []], pa.map_(pa.string(), pa.string()))
    nulls = {
        name: pa.nulls(2) for name in ("unit", "method", "sampling_weight", "event_time", "recorded_status")
    }
    assert requests_of(tmp_path, {**GOOD, **nulls, "recorded_headers": empty}) == requests_of(tmp_path, GOOD)


@pytest.mark.parametrize(("unit", "tick_ns"), [("ms", 10**6), ("us", 10**3), ("ns", 1)])
def test_a_timestamp_column_shows_its_resolution(tmp_path: Path, unit: str, tick_ns: int) -> None:
    """`ts` of any unit and zone becomes ns UTC."""
    stamps = pa.array([0, 60], pa.timestamp("s", "Europe/Berlin")).cast(pa.timestamp(unit, "Europe/Berlin"))
    columns = {"request_id": IDS, "ts": stamps, "body": BODIES}
    requests = requests_of(tmp_path, columns)
    assert [(r.ts_ns, r.ts_resolution_ns) for r in requests] == [(0, tick_ns), (60 * 10**9, tick_ns)]
    coarse = requests_of(tmp_path, columns | {"ts_resolution_ns": pa.array([10**9, None])})
    assert [r.ts_resolution_ns for r in coarse] == [10**9, tick_ns]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"request_id": None}, "no column 'request_id'; found ts_ns, body"),
        ({"ts_ns": None}, "no column 'ts_ns'; found request_id, body"),
        ({"body": None}, "no column 'body'"),
        ({"segmets": IDS}, "unknown column 'segmets'. Did you mean 'segments'?"),
        ({"zzz": IDS}, "unknown column 'zzz'"),
        ({"ts": pa.array([1, 2], pa.timestamp("ns", "UTC"))}, "given twice"),
        ({"request_id": TIMES}, "'request_id' has another type; found int64; expected string"),
        ({"ts_ns": IDS}, "'ts_ns' has another type; found string; expected int64"),
        ({"ts_ns": None, "ts": TIMES}, "'ts' has another type; found int64; expected timestamp"),
        ({"exposed": TIMES}, "'exposed' has another type"),
        ({"headers": IDS}, "'headers' has another type; found string; expected map"),
        ({"headers": pa.array([{"a": 1}, {"a": 2}])}, "'headers' has another type"),
        ({"body": pa.array([{"a": 1}, {"a": 2}])}, "'body' has another type; found struct"),
        ({"event_time": pa.array([1, 2], pa.timestamp("ns"))}, "'event_time' holds times without a zone"),
        ({"event_time": IDS}, "'event_time' has another type; found string; expected timestamp[ns, tz=UTC]"),
        ({"row_index": pa.array([0.5, 1.0])}, "'row_index' holds a value that does not fit int32"),
        ({"row_index": pa.array([2**40, 1])}, "'row_index' holds a value that does not fit int32"),
        ({"ts_ns": None, "ts": pa.array([2**40, 1], pa.timestamp("s", "UTC"))}, "'ts' holds a value"),
    ],
)
def test_a_wrong_column_is_named_with_what_was_expected(
    tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    """One line: which column, what it is, what it should be."""
    columns = {name: array for name, array in (GOOD | changes).items() if array is not None}
    with pytest.raises(CaptureError) as caught:
        requests_of(tmp_path, columns)
    assert message in str(caught.value)
    assert "c.parquet" in caught.value.where


@pytest.mark.parametrize(
    ("changes", "reason", "detail"),
    [
        ({"request_id": pa.array([None, "r2"])}, "wrong field", "missing required field `request_id`"),
        ({"request_id": pa.array(["", "r2"])}, "wrong value", "request_id"),
        ({"ts_ns": pa.array([None, 2])}, "bad time", "one of ts and ts_ns"),
        ({"ts_ns": pa.array([-1, 2])}, "wrong value", "ts_ns"),
        ({"body": pa.array([None, b""])}, "no body", "required"),
        ({"propensity": pa.array([float("nan"), 1.0])}, "wrong value", "propensity"),
        ({"sampling_weight": pa.array([float("inf"), 1.0])}, "wrong value", "sampling_weight"),
        ({"recorded_body": pa.array(["x", "y"])}, "wrong field", "recorded_response: "),
        ({"recorded_status": pa.array([0, 200])}, "wrong value", "recorded_response.status"),
        ({"online_features": pa.array(['{"a": NaN}', "{}"])}, "not JSON", "online_features"),
    ],
)
def test_a_wrong_cell_is_a_bad_row(tmp_path: Path, changes: dict[str, Any], reason: str, detail: str) -> None:
    """A value that a line could not hold is refused in the words of a line."""
    with pytest.raises(CaptureError) as caught:
        requests_of(tmp_path, GOOD | changes)
    assert caught.value.what == reason
    assert detail in str(caught.value.found)


@pytest.mark.parametrize("keep", [0, 3, 0.5, 0.99])
def test_a_cut_file_is_one_clear_line(tmp_path: Path, keep: float) -> None:
    """A Parquet file without its end has no rows at all, and says so without a traceback of Arrow."""
    path = tmp_path / "c.parquet"
    pq.write_table(pa.table(GOOD), path)
    content = path.read_bytes()
    path.write_bytes(content[: int(keep * len(content)) if keep < 1 else int(keep)])
    with pytest.raises(CaptureError, match=r"c\.parquet: not a Parquet file, cut short, or damaged; found "):
        list(rows(path))


def test_text_that_is_no_text_is_damage(tmp_path: Path) -> None:
    """A string column of bytes that are not UTF-8 is told, not handed on."""
    ids = pa.array([b"\xff\xff", b"r2"]).view(pa.string())
    with pytest.raises(CaptureError, match=r"not a Parquet file, cut short, or damaged; found .*UTF8"):
        requests_of(tmp_path, GOOD | {"request_id": ids})


def test_a_header_that_is_there_twice_has_both_values(tmp_path: Path) -> None:
    """As HTTP joins them; of other maps the last counts, as in JSON."""
    twice = pa.array([[("a", "1"), ("b", None), ("a", "2")], [("a", "3")]], pa.map_(pa.string(), pa.string()))
    status = pa.array([200, 200])
    columns = {"headers": twice, "recorded_headers": twice, "recorded_status": status, "tags": twice}
    first, second = requests_of(tmp_path, GOOD | columns)
    assert first.recorded_response is not None
    assert (first.headers, first.recorded_response.headers) == ({"a": "1, 2"}, {"a": "1, 2"})
    assert (first.tags, second.headers) == ({"a": "2"}, {"a": "3"})
