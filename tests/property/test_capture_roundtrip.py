"""What holds for any request: lines, columns and records carry the same, byte for byte."""

import gzip
import tempfile
from pathlib import Path

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.capture import BadLine, CaptureConfig, ingest, load, requests, times, to_table, write_jsonl
from harness.capture.read import read
from harness.records import CapturedRequest, RecordedResponse

NS = st.integers(0, 2**63 - 1)
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
TEXTS = st.dictionaries(TEXT, TEXT, max_size=3)
#: those that no intake leaves out
HEADERS = st.dictionaries(st.sampled_from(["Accept", "accept", "x-model-a", "traceparent"]), TEXT, max_size=3)
CELL = st.one_of(
    st.none(), st.booleans(), st.integers(-5, 5), st.sampled_from(["NaN", "Infinity", "-Infinity"]), TEXT
)
OBJECT = st.one_of(st.none(), st.dictionaries(TEXT, CELL, max_size=3).map(msgspec.json.encode))
BODY = st.one_of(
    st.binary(max_size=20),
    TEXT.map(str.encode),
    st.dictionaries(TEXT, CELL, max_size=3).map(msgspec.json.encode),
    st.sampled_from([b'{"x": NaN}', b'{"x": null}', b'{"x": "NaN"}', b"{}", b"", b"null", b'{"x":\n1}']),
)
RECORDED = st.builds(
    RecordedResponse,
    status=st.integers(100, 599),
    headers=HEADERS,
    body=BODY,
    latency_ns=st.none() | NS,
    latency_kind=st.sampled_from([None, "wait", "service", "rtt"]),
)
REQUEST = st.builds(
    CapturedRequest,
    seq=st.just(0),
    request_id=TEXT.filter(bool),
    ts_ns=NS,
    ts_resolution_ns=st.sampled_from([1, 10**3, 10**6, 10**9]),
    event_time_ns=st.none() | NS,
    parent_id=st.none() | TEXT,
    row_index=st.none() | st.integers(0, 2**31 - 1),
    unit=st.none() | TEXT,
    segments=TEXTS,
    exposed=st.none() | st.booleans(),
    propensity=st.none() | st.floats(0, 1, exclude_min=True),
    method=st.sampled_from(["GET", "POST"]),
    path=TEXT.map(lambda text: f"/{text}"),
    headers=HEADERS,
    body=BODY,
    truncated=st.booleans(),
    recorded_response=st.none() | RECORDED,
    served_by=TEXTS,
    online_features=OBJECT,
    feature_timestamps=st.sampled_from([None, b"{}", b'{"a":1,"b":"2025-06-18T20:40:45Z","c":null}']),
    sampling_weight=st.floats(0, 1e6, exclude_min=True),
    tags=TEXTS,
)
REQUESTS = st.lists(REQUEST, min_size=1, max_size=5, unique_by=lambda r: (r.request_id, r.row_index))
CONFIG = CaptureConfig(path="c")


def placed(some: list[CapturedRequest], name: str, first: int) -> list[CapturedRequest]:
    """The requests as they come back from a file: numbered, with their place in it."""
    return [
        msgspec.structs.replace(request, seq=seq, source_file=name, source_offset=seq + first)
        for seq, request in enumerate(some)
    ]


@settings(max_examples=40)
@given(some=REQUESTS)
def test_requests_survive_lines_and_columns(some: list[CapturedRequest]) -> None:
    """Written as JSONL, read, written as Parquet by `ingest`, loaded, and read once more as a user's capture.

    NaN, "NaN", null, missing and empty stay five different things all the way.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_jsonl(some, folder / "c.jsonl.gz")
        bad: list[BadLine] = []
        assert list(read(folder / "c.jsonl.gz", CONFIG, on_bad=bad.append)) == placed(some, "c.jsonl.gz", 1)
        ingest(folder / "c.jsonl.gz", CONFIG, folder / "out", seed=0, part_rows=2)
        table = load(folder / "out")
        assert list(requests(table)) == placed(some, "c.jsonl.gz", 1)
        (folder / "out" / "part-00000.parquet").rename(folder / "c.parquet")
        again = list(read(folder / "c.parquet", CONFIG, on_bad=bad.append))
        assert again == placed(some[:2], "c.parquet", 0)
        assert bad == []


@given(some=REQUESTS)
def test_a_table_is_lossless(some: list[CapturedRequest]) -> None:
    """Records to columns to records is the identity."""
    assert list(requests(to_table(some))) == some


@given(content=st.binary(max_size=200), packed=st.booleans(), cut=st.integers(0, 10))
def test_no_bytes_break_the_reader(content: bytes, cut: int, *, packed: bool) -> None:
    """Whatever the file holds, each line is a request or a bad line with a place: nothing is raised."""
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / ("c.jsonl.gz" if packed else "c.jsonl")
        whole = gzip.compress(content) if packed else content
        path.write_bytes(whole[: len(whole) - cut])
        bad: list[BadLine] = []
        good = list(read(path, CONFIG, on_bad=bad.append))
        assert good == []
        assert [one.line for one in bad] == sorted({one.line for one in bad})
        assert all(one.reason and one.detail for one in bad)


@given(ns=NS)
def test_a_time_written_reads_back(ns: int) -> None:
    """Every ns of the range has its text, with a resolution that divides it."""
    back, resolution_ns = times.parse(times.rfc3339(ns))
    assert back == ns
    assert ns % resolution_ns == 0
