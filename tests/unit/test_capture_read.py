"""A capture as a stream: order, numbers, duplicates, bad lines, memory."""

import gzip
import json
import tracemalloc
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from harness.capture import BadLine, CaptureConfig
from harness.capture.read import read, source_files
from harness.errors import CaptureError
from harness.records import CapturedRequest

CONFIG = CaptureConfig(path="capture")


def lines(*ids: str, **shared: object) -> bytes:
    """One good line for each id."""
    return b"".join(
        json.dumps({"request_id": i, "ts_ns": 1, "body": 1} | shared).encode() + b"\n" for i in ids
    )


def read_all(path: Path, config: CaptureConfig = CONFIG) -> tuple[list[CapturedRequest], list[BadLine]]:
    """All requests and all bad lines."""
    bad: list[BadLine] = []
    return list(read(path, config, on_bad=bad.append)), bad


def places(requests: list[CapturedRequest]) -> list[tuple[int, str, str, int]]:
    """What each request is called and where it comes from."""
    return [(r.seq, r.request_id, r.source_file, r.source_offset) for r in requests]


@pytest.mark.parametrize("name", ["c.jsonl", "c.jsonl.gz"])
def test_good_lines_are_numbered_densely_and_bad_ones_are_told(tmp_path: Path, name: str) -> None:
    """`seq` counts good lines, `source_offset` lines of the file, and a bad line stops nothing."""
    content = lines("a") + b"\n{\n" + lines("b").replace(b"\n", b"\r\n") + b'{"request_id": 1}\n' + lines("c")
    path = tmp_path / name
    path.write_bytes(gzip.compress(content) if name.endswith("gz") else content)
    requests, bad = read_all(path)
    assert places(requests) == [(0, "a", name, 1), (1, "b", name, 4), (2, "c", name, 6)]
    assert [(b.file, b.line, b.reason) for b in bad] == [(name, 3, "not JSON"), (name, 5, "wrong type")]
    assert bad[1].detail == "request_id: Expected `str`, got `int`"


def test_the_later_line_of_an_id_is_the_bad_one(tmp_path: Path) -> None:
    """Rows of one batch request are different requests; the same row twice is not."""
    path = tmp_path / "c.jsonl"
    path.write_bytes(
        lines("a") + lines("a", row_index=0) + lines("a", row_index=1) + lines("a") + lines("a", row_index=1)
    )
    requests, bad = read_all(path)
    assert [(r.request_id, r.row_index) for r in requests] == [("a", None), ("a", 0), ("a", 1)]
    assert [(b.line, b.reason, b.detail) for b in bad] == [
        (4, "duplicate request_id", "a came before"),
        (5, "duplicate request_id", "a, row 1 came before"),
    ]


def test_a_folder_is_one_capture_in_name_order(tmp_path: Path) -> None:
    """Kinds may be mixed, `seq` runs on, ids are unique across files, names in . and _ are passed over."""
    (tmp_path / "1.jsonl").write_bytes(lines("a", "b"))
    (tmp_path / "3.jsonl.gz").write_bytes(gzip.compress(lines("d", "a")))
    columns = {"request_id": ["c", "b"], "ts_ns": [1, 2], "body": ["{}", "{}"]}
    pq.write_table(pa.table(columns), tmp_path / "2.parquet")
    (tmp_path / "_SUCCESS").touch()
    (tmp_path / ".hidden").touch()
    requests, bad = read_all(tmp_path)
    assert places(requests) == [
        (0, "a", "1.jsonl", 1),
        (1, "b", "1.jsonl", 2),
        (2, "c", "2.parquet", 0),
        (3, "d", "3.jsonl.gz", 1),
    ]
    assert [(b.file, b.line, b.reason) for b in bad] == [
        ("2.parquet", 1, "duplicate request_id"),
        ("3.jsonl.gz", 2, "duplicate request_id"),
    ]


def test_a_cut_gzip_is_read_to_the_cut(tmp_path: Path) -> None:
    """What was readable is there, and the rest is one bad line."""
    packed = gzip.compress(lines(*map(str, range(5_000))))
    path = tmp_path / "c.jsonl.gz"
    path.write_bytes(packed[: len(packed) // 2])
    requests, bad = read_all(path)
    assert [r.request_id for r in requests] == [str(n) for n in range(len(requests))]
    assert len(requests) > 1_000
    assert [(b.line, b.reason) for b in bad] == [(len(requests) + 1, "truncated gzip")]


def test_what_the_config_derives_is_in_the_request(tmp_path: Path) -> None:
    """A request without a unit gets it from its body, and a body with a wrong time is a bad line."""
    path = tmp_path / "c.jsonl"
    path.write_bytes(lines("a", body={"u": "x", "t": 1}) + lines("b", body={"u": "y", "t": "soon"}))
    requests, bad = read_all(path, CaptureConfig(path="c", unit="u", event_time="t"))
    assert [(r.unit, r.event_time_ns) for r in requests] == [("x", 10**9)]
    assert [(b.line, b.reason) for b in bad] == [(2, "bad time")]


def test_a_line_that_was_refused_does_not_claim_its_id(tmp_path: Path) -> None:
    """A bad line is not the first of its id: the good line after it counts."""
    path = tmp_path / "c.jsonl"
    path.write_bytes(lines("a", body={"t": "soon"}) + lines("a", body={"t": 1}))
    requests, bad = read_all(path, CaptureConfig(path="c", event_time="t"))
    assert places(requests) == [(0, "a", "c.jsonl", 2)]
    assert [b.reason for b in bad] == ["bad time"]


def test_reading_streams(tmp_path: Path) -> None:
    """The first request is there before the last line is looked at."""
    path = tmp_path / "c.jsonl"
    path.write_bytes(lines("a") + b"{\n")
    bad: list[BadLine] = []
    stream = read(path, CONFIG, on_bad=bad.append)
    assert next(stream).request_id == "a"
    assert bad == []
    assert list(stream) == []
    assert len(bad) == 1


@pytest.mark.parametrize("kind", ["jsonl", "jsonl.gz", "parquet"])
def test_memory_does_not_grow_with_the_file(tmp_path: Path, kind: str) -> None:
    """Reading 24 MiB of bodies holds less than 12 MiB of Python objects at any time."""
    path = tmp_path / f"c.{kind}"
    ids = [f"r{n}" for n in range(6_000)]
    bodies = [f"{n:04096}" for n in range(6_000)]
    if kind == "parquet":
        columns = {"request_id": ids, "ts_ns": [1] * len(ids), "body": bodies}
        pq.write_table(pa.table(columns), path)
    else:
        pairs = zip(ids, bodies, strict=True)
        content = "".join(f'{{"request_id":"{i}","ts_ns":1,"body":"{b}"}}\n' for i, b in pairs).encode()
        path.write_bytes(gzip.compress(content, compresslevel=1) if kind == "jsonl.gz" else content)
    tracemalloc.start()
    try:
        count = sum(1 for _ in read(path, CONFIG, on_bad=lambda _: None))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert count == len(ids)
    assert peak < 12 << 20


@pytest.mark.parametrize(
    ("names", "asked", "message"),
    [
        (["capture.jsonl"], "captur.jsonl", "no such file. Did you mean 'capture.jsonl'"),
        (["c.json"], "c.json", "unknown kind of file; found .json; expected .jsonl or .jsonl.gz or .parquet"),
        (["d/a.jsonl", "d/notes.txt"], "d", "notes.txt: unknown kind of file"),
        (["d/_SUCCESS"], "d", "d: empty capture"),
    ],
)
def test_a_path_that_is_no_capture_is_told(
    tmp_path: Path, names: list[str], asked: str, message: str
) -> None:
    """A missing file, an unknown extension, a stray file in the folder, an empty folder: one line each."""
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    with pytest.raises(CaptureError) as caught:
        source_files(tmp_path / asked)
    assert message in str(caught.value)
    assert caught.value.exit_code == 65
