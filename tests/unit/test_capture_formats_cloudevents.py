"""CloudEvents and tables of KServe and Seldon: bodies, labels, and what is refused."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from harness.capture.formats import FORMATS, Answered, Asked, Dropped
from harness.capture.importing import Ledger, requests_of, write_labels
from harness.capture.labels import read_labels
from tests.kit import captures


def event(kind: str, **more: object) -> dict[str, object]:
    """A CloudEvent of KServe."""
    return {
        "specversion": "1.0",
        "id": "k",
        "type": f"org.kubeflow.serving.inference.{kind}",
        "time": "2020-02-27T09:52:15.816441245Z",
        "inferenceservicename": '"iris"',
        **more,
    }


def test_cloudevents_keep_bodies_byte_for_byte(tmp_path: Path) -> None:
    """Data as JSON, as text and as base64; early KServe quoted its attributes twice."""
    path = tmp_path / "c.json"
    path.write_bytes(
        json.dumps(event("request")).encode()[:-1]
        + b', "data": {"inputs": [{"datatype": "FP64", "data": [1.50]}]}}\n'
        + json.dumps(event("response", data_base64="/w==")).encode()
    )
    asked, answered = FORMATS["cloudevents"].read(path)
    assert isinstance(asked, Asked)
    assert isinstance(answered, Answered)
    assert asked.request.body == b'{"inputs": [{"datatype": "FP64", "data": [1.50]}]}'
    assert (asked.request.path, asked.request.served_by) == ("/v2/models/iris/infer", {"endpoint": "iris"})
    assert answered.response.body == b"\xff"
    assert answered.delivered


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        (event("explained"), "not a single request"),
        (event("request", time="yesterday"), "bad time"),
        (event("request", data_base64="*"), "wrong value"),
        (event("request", id=""), "wrong field"),
        (event("x.feedback", data={"reward": 1}), "feedback without a label"),
    ],
)
def test_cloudevents_refuse(tmp_path: Path, record: object, reason: str) -> None:
    """In stable words."""
    (found,) = captures.pieces("cloudevents", tmp_path / "c.json", record)
    assert isinstance(found, Dropped)
    assert found.reason == reason


def test_labels_of_a_capture_are_read_as_labels(tmp_path: Path) -> None:
    """What `--labels-to` writes is what a scenario's labels are."""
    path = tmp_path / "s.jsonl"
    path.write_bytes(captures.seldon())
    ledger = Ledger()
    found = list(requests_of([path], ledger))
    assert [one.body for one in found] == [json.dumps(json.loads(b)).encode() for b in captures.BODIES]
    assert write_labels(ledger.labels, tmp_path / "labels.jsonl") == 1
    (label,) = read_labels(tmp_path / "labels.jsonl")
    assert (label.request_id, label.label, label.label_at_ns) == (
        "s0",
        1.0,
        captures.START_NS + 1_500_000_000,
    )


def test_kserve_tables_have_no_time(tmp_path: Path) -> None:
    """CSV and Parquet records are in the order of the file, at its time, and say so."""
    packed = base64.b64encode(b'{"instances": [1]}').decode()
    table = {"id": ["k"], "reqType": ["a.request"], "bytes": [packed], "metadata": ['{"X-A": ["1", "2"]}']}
    pq.write_table(pa.table(table), tmp_path / "k.parquet")
    (tmp_path / "k.csv").write_text(
        f'id,reqType,bytes,metadata\nk,a.request,{packed},"{{""X-A"": [""1""]}}"\n'
    )
    for file, value in (("k.parquet", "1,2"), ("k.csv", "1")):
        (found,) = requests_of([tmp_path / file], Ledger())
        assert (found.tags, found.headers, found.body) == (
            {"ts_from": "file"},
            {"X-A": value},
            b'{"instances": [1]}',
        )
