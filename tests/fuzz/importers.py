"""What is fuzzed: every importer by name, well-made files to begin with, and what must hold of any bytes."""

from __future__ import annotations

import gzip
import io
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from harness.capture.exploding import exploded
from harness.capture.formats import FORMATS, Format, head_of
from harness.capture.formats.map_config import load_map
from harness.capture.formats.map_proposal import proposed
from harness.capture.formats.mapped import mapped
from harness.capture.importing import Ledger, requests_of
from harness.capture.labels import read_labels
from harness.capture.line import captured, decoded
from harness.capture.write import line_of
from harness.errors import CaptureError, HarnessError, UsageError
from harness.records import CapturedRequest
from tests.kit import captures

#: one request must not become more than this for each byte of its file, beside what a request is itself
_MOST_REQUESTS = 20_000


@dataclass(frozen=True)
class Target:
    """An importer: what its file is called, the files to begin with, and how such a file is read."""

    file: str
    seeds: Callable[[], list[bytes]]
    check: Callable[[Path], object]


def _importing(form: str | Format, *, explode: bool = False) -> Callable[[Path], object]:
    """The file is read as this format: a CaptureError that names a place, or pieces that hold together."""

    def check(path: Path) -> None:
        try:
            head = head_of(path)
            for known in FORMATS.values():
                known.detects(head)
            ledger = Ledger()
            requests = requests_of([path], ledger, form=form)
            found = list(_bounded(exploded(requests, ledger.drop) if explode else requests))
        except UsageError:
            return  # a column of the map that such a file has not
        except CaptureError as error:
            assert error.where, "a refusal names its place"  # noqa: PT017  -- any bytes may also be fine
            return
        _offsets(ledger, path)
        for one in found[:50]:
            _kept(one)

    return check


def _bounded(requests: Iterator[CapturedRequest]) -> Iterator[CapturedRequest]:
    for number, request in enumerate(requests):
        assert number < _MOST_REQUESTS, "a small file becomes many requests"
        yield request


def _offsets(ledger: Ledger, path: Path) -> None:
    """Each loss that is told of lies inside the file; how long a packed one is, only unpacking tells."""
    start = path.read_bytes()
    packed = start[:2] == b"\x1f\x8b"
    for one in ledger.first:
        assert one.offset >= 0, f"offset {one.offset}"
        assert packed or one.offset <= len(start) + 1, f"offset {one.offset} of {len(start)} bytes"


def _kept(request: CapturedRequest) -> None:
    """The request is written as a line that gives it back."""
    line = msgspec.json.encode(line_of(request))
    again = captured(
        decoded(line),
        seq=request.seq,
        source_file=request.source_file,
        source_offset=request.source_offset,
    )
    assert again == request, "written and read again it is another request"


def _mapped(*words: str) -> Callable[[Path], object]:
    """The file is read by a map, and a map is proposed for it; what it proposes is a map."""
    importing = _importing(mapped(load_map(words)))

    def check(path: Path) -> None:
        importing(path)
        try:
            lines = proposed(path)
        except (CaptureError, pa.ArrowException, OSError, UnicodeDecodeError):
            return  # as `capture info` does, in one line
        if lines:
            msgspec.toml.decode("\n".join(lines))

    return check


def _labels(path: Path) -> None:
    """Label files are read strictly: a label, or an error that names file and line."""
    try:
        for one in read_labels(path):
            assert one.label in {0.0, 1.0}
            assert one.request_id
    except HarnessError as error:
        assert error.where, "a refusal names its place"  # noqa: PT017  -- any bytes may also be fine


def _seeds(*makers: Callable[[], bytes]) -> Callable[[], list[bytes]]:
    """The files, and the first of them packed."""

    def made() -> list[bytes]:
        found = [make() for make in makers]
        return [*found, *([] if found[0].startswith(b"PAR1") else [gzip.compress(found[0])])]

    return made


def _databricks_rows() -> bytes:
    rows = pq.read_table(io.BytesIO(captures.databricks())).to_pylist()
    return b"".join(json.dumps(row, default=str).encode() + b"\n" for row in rows)


def _databricks_csv() -> bytes:
    return (
        b"databricks_request_id,timestamp_ms,status_code,execution_time_ms,request,response\n"
        b'd0,1750000000000,200,12,"{""instances"": [[1.5], [2]]}","{""predictions"": [0.5, 1]}"\n'
    )


def _feast_rows() -> bytes:
    row = {"driver_id": 1, "v__t": 3.5, "v__t__timestamp": "2025-06-15T15:00:00Z", "v__t__status": 1}
    both = [{**row, "__request_id": name, "__log_timestamp": "2025-06-15T15:06:40Z"} for name in "ff"]
    return b"".join(json.dumps(one).encode() + b"\n" for one in both)


def _kserve_csv() -> bytes:
    return (
        b"id,reqType,bytes,contentType\n"
        b"k0,org.kubeflow.serving.inference.request,eyJhIjogMX0=,application/json\n"
        b"k0,org.kubeflow.serving.inference.response,eyJhIjogMX0=,application/json\n"
    )


def _ours_parquet() -> bytes:
    file = io.BytesIO()
    table = {"request_id": ["a", "b"], "ts_ns": [captures.START_NS, 5], "body": [b'{"a":1}', b"\xff"]}
    pq.write_table(pa.table(table), file)
    return file.getvalue()


def _batches() -> bytes:
    tensor = {"name": "a", "shape": [2, 2], "datatype": "FP64", "data": [1, 2, 3, 4]}
    bodies = [
        ({"inputs": [tensor, {**tensor, "shape": [2], "data": [[1], [2]]}]}, {"outputs": [tensor]}),
        ({"dataframe_split": {"columns": ["a"], "data": [[1], [2]]}}, {"predictions": [1, 2]}),
        ({"instances": {"a": [1, 2], "b": ["x", "y"]}}, [0.5, 0.25]),
    ]
    lines: list[dict[str, object]] = [
        {
            "request_id": f"r{number}",
            "ts_ns": captures.START_NS,
            "body": body,
            "recorded_response": {"status": 200, "body": said},
        }
        for number, (body, said) in enumerate(bodies)
    ]
    csv = {"headers": {"Content-Type": "text/csv"}, "body_text": 'a,b\n1,2\n3,"x\ny"\n'}
    lines.append(
        {"request_id": "c", "ts_ns": 5, **csv, "recorded_response": {"status": 200, "body_text": "1,2"}}
    )
    return b"".join(json.dumps(line).encode() + b"\n" for line in lines)


def _label_truths() -> bytes:
    return captures.sagemaker() + captures.seldon()


def _label_lines() -> bytes:
    return (
        b'{"request_id": "a", "label_at": "2025-06-15T15:06:40Z", "label": 1}\n'
        b'{"request_id": "a", "label_at": "2025-06-16T15:06:40Z", "label": false, "row_index": 2}\n'
    )


def _label_csv() -> bytes:
    return b"request_id,label_at,label\na,2025-06-15T15:06:40Z,1\nb,2025-06-15T15:06:40.25+01:00,false\n"


_KSERVE, _SELDON = captures.kserve, captures.seldon

#: every importer, by the name that `make fuzz NAME=` takes
TARGETS = {
    "goreplay": Target("c_0.gor", _seeds(captures.goreplay), _importing("goreplay")),
    "har": Target("c.har", _seeds(captures.har), _importing("har")),
    "sagemaker": Target("c.jsonl", _seeds(captures.sagemaker), _importing("sagemaker")),
    "cloudevents": Target("c.json", _seeds(_KSERVE, _SELDON, _kserve_csv), _importing("cloudevents")),
    "envoy-tap": Target("tap.json", _seeds(captures.envoy, captures.envoy_streamed), _importing("envoy-tap")),
    "databricks": Target("t.json", _seeds(_databricks_rows, _databricks_csv), _importing("databricks")),
    "envoy-protobuf": Target(
        "tap.pb_length_delimited", _seeds(captures.envoy_protobuf), _importing("envoy-tap")
    ),
    **{
        f"mapped-{kind}": Target(file, _seeds(make), _mapped(*words))
        for kind, (file, make, words) in captures.TABLES.items()
    },
    "batches": Target("b.jsonl", _seeds(_batches), _importing("replaygate", explode=True)),
    "feast": Target("f.json", _seeds(_feast_rows), _importing("feast")),
    "mitmproxy": Target("c.mitm", _seeds(captures.mitmproxy), _importing("mitmproxy")),
    "replaygate": Target("c.jsonl", _seeds(captures.ours), _importing("replaygate")),
    "replaygate-parquet": Target("c.parquet", _seeds(_ours_parquet), _importing("replaygate")),
    "databricks-parquet": Target("t.parquet", _seeds(captures.databricks), _importing("databricks")),
    "labels-jsonl": Target("l.jsonl", _seeds(_label_lines), _labels),
    "labels-truth": Target("l.json", _seeds(captures.sagemaker, _label_truths), _labels),
    "labels-csv": Target("l.csv", _seeds(_label_csv), _labels),
}
