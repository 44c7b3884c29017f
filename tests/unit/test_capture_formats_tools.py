"""The logs of serving platforms: what each says in its own words, and what is refused."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from harness.capture.formats import FORMATS, Answered, Asked, Dropped, Labelled, Piece
from harness.capture.formats.mitmproxy import netstrings, value_of
from harness.capture.importing import Ledger, requests_of, write_labels
from harness.capture.labels import read_labels
from harness.capture.sources import Unreadable
from harness.errors import CaptureError
from tests.kit import captures


def pieces(form: str, path: Path, *records: object) -> list[Piece]:
    """What a reader gives for a file of these objects, a line each."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(one) + "\n" for one in records))
    return list(FORMATS[form].read(path))


def sagemaker(**changes: object) -> dict[str, Any]:
    """A record of SageMaker with some words of its input changed."""
    side: dict[str, object] = {"observedContentType": "text/csv", "data": "1,2", "encoding": "CSV"}
    event = {"eventId": "e", "inferenceTime": "2024-01-19T19:27:57Z", "customAttributes": ["a", "b"]}
    return {"captureData": {"endpointInput": side | changes}, "eventMetadata": event, "eventVersion": "0"}


def test_sagemaker_folders_name_endpoint_variant_and_the_hour_of_labels(tmp_path: Path) -> None:
    """The label of an hour is known by its end; the client's id goes before SageMaker's."""
    truth = {"groundTruthData": {"data": "1", "encoding": "CSV"}, "eventMetadata": {"eventId": "e"}}
    found = pieces("sagemaker", tmp_path / "ep/v1/2024/01/19/19/x.jsonl", sagemaker(), truth)
    assert isinstance(found[0], Asked)
    assert found[0].request.served_by == {"endpoint": "ep", "variant": "v1"}
    assert found[0].request.headers["X-Amzn-SageMaker-Custom-Attributes"] == "a,b"
    assert found[0].request.ts_resolution_ns == 10**9
    assert found[1] == Labelled("e", 1.0, 1_705_694_399 * 10**9, 10**9)
    (later,) = pieces("sagemaker", tmp_path / "ep/v1/2024/01/19/19/3015.jsonl", truth)
    assert later == Labelled("e", 1.0, (1_705_690_800 + 30 * 60 + 15) * 10**9, 10**9)


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        (sagemaker(encoding="BASE64", data="*"), "wrong value"),
        ({"captureData": {}, "eventMetadata": {"eventId": "e"}}, "no body"),
        ({"captureData": 7, "eventMetadata": {"eventId": "e"}}, "wrong type"),
        ({"eventMetadata": {"eventId": "e"}}, "wrong field"),
        ({"eventMetadata": {}}, "wrong field"),
        ({"groundTruthData": {"data": "1,2"}, "eventMetadata": {"eventId": "e"}}, "wrong value"),
    ],
)
def test_sagemaker_refuses(tmp_path: Path, record: object, reason: str) -> None:
    """And reads on: a bad line costs itself."""
    bad, good = pieces("sagemaker", tmp_path / "x.jsonl", record, sagemaker(encoding="BASE64", data="/w=="))
    assert isinstance(bad, Dropped)
    assert bad.reason == reason
    assert isinstance(good, Asked)
    assert good.request.body == b"\xff"


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
    (found,) = pieces("cloudevents", tmp_path / "c.json", record)
    assert isinstance(found, Dropped)
    assert found.reason == reason


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


def test_envoy_spells_its_words_in_two_ways_and_may_know_times(tmp_path: Path) -> None:
    """Snake and camel case; a streamed segment is no whole request."""
    asked = {"headers": [{"key": ":path"}], "headersReceivedTime": "2025-01-01T00:00:00.000000001Z"}
    answered = {
        "headers": [{"key": ":status", "value": "500"}],
        "headersReceivedTime": "2025-01-01T00:00:01Z",
    }
    trace = {"httpBufferedTrace": {"request": asked, "response": answered}}
    found = pieces("envoy-tap", tmp_path / "t.json", trace, {"http_streamed_trace_segment": {}})
    assert isinstance(found[0], Asked)
    answer = found[0].request.recorded_response
    assert answer is not None
    assert (found[0].request.path, answer.status, answer.latency_ns) == ("/", 500, 999_999_999)
    assert isinstance(found[1], Dropped)
    assert found[1].reason == "not a single request"


def databricks(**changes: object) -> dict[str, object]:
    """A row of a legacy table."""
    return {
        "databricks_request_id": "d",
        "timestamp_ms": 1_750_000_000_123,
        "execution_time_ms": 12,
        "status_code": 200,
        "sampling_fraction": 0.5,
        "request": '{"dataframe_split": {"index": [0, 1], "columns": ["a"], "data": [[1.50], [2]]}}',
        "response": '{"predictions": [1]}',
        **changes,
    }


@pytest.mark.parametrize(
    ("row", "bodies", "answers"),
    [
        (
            databricks(),
            [f'{{"dataframe_split":{{"columns":["a"],"data":[{row}]}}}}' for row in ("[1.50]", "[2]")],
            [None, None],
        ),
        (databricks(request='{"instances": [1]}'), ['{"instances": [1]}'], ['{"predictions": [1]}']),
        (databricks(request="text"), ["text"], ['{"predictions": [1]}']),
        (
            databricks(request='{"inputs": [1, 2], "params": {}}', response='{"predictions": [3, 4.50]}'),
            ['{"inputs":[1],"params":{}}', '{"inputs":[2],"params":{}}'],
            ['{"predictions":[3]}', '{"predictions":[4.50]}'],
        ),
    ],
)
def test_databricks_batches_are_taken_apart(
    tmp_path: Path, row: dict[str, object], bodies: list[str], answers: list[str | None]
) -> None:
    """Digits stay; predictions go with their rows where there are as many; weights are kept."""
    found = [one.request for one in pieces("databricks", tmp_path / "d.jsonl", row) if isinstance(one, Asked)]
    assert [one.body.decode() for one in found] == bodies
    assert [one.recorded_response and one.recorded_response.body.decode() for one in found] == answers
    assert {one.sampling_weight for one in found} == {2.0}
    assert [one.row_index for one in found] == ([0, 1] if len(bodies) > 1 else [None])


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"request": None}, "no body"),
        ({"timestamp_ms": "x"}, "wrong value"),
        ({"timestamp_ms": 1e300}, "bad time"),
        ({"sampling_fraction": 0}, "wrong value"),
        ({"status_code": None}, "wrong value"),
        ({"databricks_request_id": None}, "wrong field"),
    ],
)
def test_databricks_refuses(tmp_path: Path, changes: dict[str, object], reason: str) -> None:
    """A weight of zero has no inverse."""
    (found,) = pieces("databricks", tmp_path / "d.jsonl", databricks(**changes))
    assert isinstance(found, Dropped)
    assert found.reason == reason


def test_feast_rows_are_features_with_their_times(tmp_path: Path) -> None:
    """NaN is spelled out; one row of a request has no number."""
    row = {
        "__request_id": "f",
        "__log_timestamp": "2025-01-01T00:00:00Z",
        "id": 1,
        "v__a": 1.5,
        "v__a__status": 1,
        "v__b": [1],
        "v__b__status": 4,
    }
    one, two = pieces("feast", tmp_path / "f.jsonl", row, {**row, "__request_id": "g", "v__a__status": None})
    assert isinstance(one, Asked)
    assert isinstance(two, Asked)
    assert (one.request.row_index, one.request.online_features) == (None, b'{"v__a":1.5,"v__b":"[1]"}')
    assert one.request.tags == {"feature_status": "v__b=OUTSIDE_MAX_AGE"}


@pytest.mark.parametrize(
    "text", [b"", b"x", b"3:ab,", b"1:a?", b"3:1:a]", b"2:ab,x", b"1:x#", b"4:1:a,}", b"40:" * 40]
)
def test_what_is_no_netstring_is_refused(text: bytes) -> None:
    """Lengths, tags and pairs are checked, and depth is bounded."""
    with pytest.raises(CaptureError, match="not a record"):
        value_of(text)


def test_netstrings_are_found_in_any_chunks() -> None:
    """A claim of a length beyond the limit, and bytes that are none, end the reading."""
    found = list(netstrings([b"1", b":a,2:", b"bc,", b"99", b"9:x"], limit=99))
    assert found[:2] == [(0, b"1:a,"), (4, b"2:bc,")]
    assert isinstance(found[2][1], Unreadable)
    assert found[2][1].reason == "record too long"
    assert [one.reason for _, one in netstrings([b"zz"]) if isinstance(one, Unreadable)] == ["not a record"]
