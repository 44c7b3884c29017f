"""A small capture of two requests in each format, made here: no file of another project is copied."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from harness.capture.formats import FORMATS, Piece

SEPARATOR = "\n🐵🙈🙉\n"
BODIES = ('{"instances": [[6.8, 2.8]]}', '{"instances": [[1.50, -0.0]]}')
ANSWER = '{"predictions": [1]}'
START_NS = 1_750_000_000_000_000_000
TIMES = ("2025-06-15T15:06:40.000Z", "2025-06-15T15:06:41.500Z")


def goreplay() -> bytes:
    """Old ids of 40 characters and new ones of 24, an answer before its request."""
    records = [
        _gor(1, "a" * 24, 0, f"POST /p HTTP/1.1\r\nHost: h\r\nContent-Length: 27\r\n\r\n{BODIES[0]}"),
        _gor(2, "b" * 40, 1_520, f"HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n{ANSWER}"),
        _gor(
            2,
            "a" * 24,
            15,
            f"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n14\r\n{ANSWER}\r\n0\r\n\r\n",
        ),
        _gor(1, "b" * 40, 1_500, f"POST /p HTTP/1.1\r\nHost: h\r\nContent-Length: 29\r\n\r\n{BODIES[1]}"),
    ]
    return "".join(records).encode()


def _gor(kind: int, name: str, ms: int, message: str) -> str:
    return f"{kind} {name} {START_NS + ms * 10**6} 0\n{message}{SEPARATOR}"


def har() -> bytes:
    """One entry as Chrome writes it and an aborted one, with a byte-order mark."""
    entries = [_entry(TIMES[0], BODIES[0], status=200), _entry(TIMES[1], BODIES[1], status=0)]
    log = {"version": "1.2", "creator": {"name": "x", "version": "1"}, "pages": [], "entries": entries}
    return b"\xef\xbb\xbf" + json.dumps({"log": log}, indent=1).encode()


def _entry(time: str, body: str, *, status: int) -> dict[str, Any]:
    headers = [{"name": ":authority", "value": "h"}, {"name": "X-A", "value": "1"}]
    return {
        "startedDateTime": time,
        "time": 20,
        "request": {
            "method": "POST",
            "url": "https://h/p?q=1",
            "headers": headers,
            "postData": {"mimeType": "application/json", "text": body},
            "bodySize": len(body),
        },
        "response": {"status": status, "headers": [], "content": {"size": 20, "text": ANSWER}},
        "timings": {"blocked": -1, "send": 0, "wait": 15.0, "receive": 1},
    }


def sagemaker(*, truth: bool = True) -> bytes:
    """Two captured calls, and the ground truth of the first."""
    lines: list[dict[str, Any]] = [
        {
            "captureData": {
                "endpointInput": {
                    "observedContentType": "application/json",
                    "data": body,
                    "encoding": "JSON",
                },
                "endpointOutput": {
                    "observedContentType": "application/json",
                    "data": ANSWER,
                    "encoding": "JSON",
                },
            },
            "eventMetadata": {
                "eventId": f"e{number}",
                "inferenceTime": time.replace(".500", "").replace(".000", ""),
            },
            "eventVersion": "0",
        }
        for number, (body, time) in enumerate(zip(BODIES, TIMES, strict=True))
    ]
    if truth:
        event = {"eventId": "e0"}
        lines.append({"groundTruthData": {"data": "1", "encoding": "CSV"}, "eventMetadata": event})
    return b"".join(json.dumps(line).encode() + b"\n" for line in lines)


def kserve() -> bytes:
    """The records of KServe's blob store, as one list."""
    records = []
    for number, (body, time) in enumerate(zip(BODIES, TIMES, strict=True)):
        for kind, content in (("request", body), ("response", ANSWER)):
            records.append(
                {
                    "bytes": base64.b64encode(content.encode()).decode(),
                    "contentType": "application/json",
                    "reqType": f"org.kubeflow.serving.inference.{kind}",
                    "id": f"k{number}",
                    "inferenceService": "iris",
                    "occurrenceTime": time if kind == "request" else time.replace("00Z", "20Z"),
                }
            )
    return json.dumps(records).encode()


def seldon() -> bytes:
    """CloudEvents in structured mode, joined by `requestid`, with a feedback."""
    kind = "io.seldon.serving."
    shared = {"specversion": "1.0", "source": "s", "modelid": "m", "inferenceservicename": "iris"}
    events = []
    for number, (body, time) in enumerate(zip(BODIES, TIMES, strict=True)):
        one = {**shared, "requestid": f"s{number}", "time": time}
        events.append(
            {**one, "id": f"x{number}", "type": f"{kind}inference.request", "data": json.loads(body)}
        )
        events.append({**one, "id": f"y{number}", "type": f"{kind}inference.response", "data": ANSWER})
    truth = {"truth": {"data": {"ndarray": [1]}}}
    events.append(
        {**shared, "id": "z", "requestid": "s0", "time": TIMES[1], "type": f"{kind}feedback", "data": truth}
    )
    return b"".join(json.dumps(event).encode() + b"\n" for event in events)


def envoy() -> bytes:
    """Two traces one after another over several lines, the second cut by Envoy, without times."""
    return b"\n".join(_trace(number) for number in (0, 1))


def _trace(number: int) -> bytes:
    headers = {":method": "POST", ":path": "/p", ":authority": "h", "x-request-id": f"t{number}"}
    body = {"as_bytes": base64.b64encode(BODIES[number].encode()).decode(), "truncated": number == 1}
    request = {"headers": [{"key": name, "value": value} for name, value in headers.items()], "body": body}
    answer = {"headers": [{"key": ":status", "value": "200"}], "body": {"asString": ANSWER}}
    return json.dumps({"http_buffered_trace": {"request": request, "response": answer}}, indent=1).encode()


def envoy_streamed() -> bytes:
    """The pieces of two traces in one another, the answer of the second in camel case; no times."""
    pieces: list[dict[str, Any]] = []
    for number in (0, 1):
        asked = {":method": "POST", ":path": "/p", "x-request-id": f"t{number}"}
        headers = [{"key": name, "value": value} for name, value in asked.items()]
        pieces.append({"trace_id": str(number), "request_headers": {"headers": headers}})
    for number, body in enumerate(BODIES):
        for part in (body[:9], body[9:]):
            packed = base64.b64encode(part.encode()).decode()
            pieces.append({"trace_id": str(number), "request_body_chunk": {"as_bytes": packed}})
    answered = {"headers": [{"key": ":status", "value": "200"}]}
    pieces.append({"trace_id": "0", "response_headers": answered})
    pieces.append({"traceId": "1", "responseHeaders": answered})
    pieces.append({"trace_id": "0", "response_body_chunk": {"as_string": ANSWER}})
    pieces.append({"traceId": "1", "responseBodyChunk": {"asString": ANSWER, "truncated": True}})
    pieces.append({"trace_id": "0", "response_trailers": {}})
    return b"\n".join(json.dumps({"http_streamed_trace_segment": piece}).encode() for piece in pieces)


def envoy_protobuf() -> bytes:
    """A buffered trace with its time, and a streamed one in two pieces, each behind its length."""
    asked = _fields(
        (1, _pair(":method", "POST")), (1, _pair(":path", "/p")), (1, _pair("x-request-id", "t0"))
    )
    body = _fields((1, BODIES[0].encode()), (3, 0))
    time = _fields((1, START_NS // 10**9), (2, 5))
    answered = _fields((1, _pair(":status", "200")), (2, _fields((1, ANSWER.encode()), (3, 1))))
    whole = _fields((1, asked + _fields((2, body), (4, time))), (2, answered))
    headers = _fields((1, _pair(":method", "POST")), (1, _pair("x-request-id", "t1")))
    begun = _fields((1, 7), (2, headers))
    part = _fields((1, 7), (3, _fields((1, BODIES[1].encode()))))
    wrappers = [_fields((1, whole)), _fields((2, begun)), _fields((2, part))]
    return b"".join(_varint(len(one)) + one for one in wrappers)


def _pair(key: str, value: str) -> bytes:
    return _fields((1, key.encode()), (2, value.encode()))


def _fields(*fields: tuple[int, bytes | int]) -> bytes:
    """A message of protocol buffers: numbers as varints, all else behind its length."""
    made = b""
    for number, value in fields:
        if isinstance(value, int):
            made += _varint(number << 3) + _varint(value)
        else:
            made += _varint(number << 3 | 2) + _varint(len(value)) + value
    return made


def _varint(value: int) -> bytes:
    made = b""
    while value > 0x7F:
        made += bytes([value & 0x7F | 0x80])
        value >>= 7
    return made + bytes([value])


def databricks() -> bytes:
    """The second generation, as Parquet: a batch of two rows, and a call that was too large to log."""
    batch = {"dataframe_records": [{"a": 1.5}, {"a": 2}]}
    table = {
        "databricks_request_id": ["d0", "d1"],
        "request_time": pa.array([START_NS // 1_000, START_NS // 1_000 + 1], pa.timestamp("us")),
        "status_code": [200, 200],
        "sampling_fraction": [0.25, 0.25],
        "execution_duration_ms": [12, 12],
        "request": [json.dumps(batch), None],
        "response": ['{"predictions": [0.1, 0.2]}', None],
        "logging_error_codes": [None, ["MAX_REQUEST_SIZE_EXCEEDED"]],
    }
    return _parquet(table)


def feast() -> bytes:
    """Two entities of one request; one feature was not found for the second."""
    stamps = pa.array([START_NS // 1_000] * 2, pa.timestamp("us", tz="UTC"))
    table = {
        "driver_id": [1, 2],
        "view__trips": [3.5, None],
        "view__trips__timestamp": stamps,
        "view__trips__status": pa.array([1, 3], pa.int32()),
        "__log_timestamp": stamps,
        "__request_id": ["f0", "f0"],
    }
    return _parquet(table)


def mitmproxy() -> bytes:
    """Two flows of version 21."""
    return b"".join(_netstring(_flow(number)) for number in (0, 1))


def _flow(number: int) -> dict[str, object]:
    shared = {"http_version": b"HTTP/1.1", "headers": [[b"X-A", b"1"]]}
    asked = {
        **shared,
        "method": b"POST",
        "host": "h",
        "path": b"/p",
        "content": BODIES[number].encode(),
        "timestamp_start": 1_750_000_000.0 + number,
        "timestamp_end": 1_750_000_000.25 + number,
    }
    answered = {
        **shared,
        "status_code": 200,
        "content": ANSWER.encode(),
        "timestamp_end": 1_750_000_000.5 + number,
    }
    return {"version": 21, "type": "http", "id": f"m{number}", "request": asked, "response": answered}


def _netstring(value: object) -> bytes:
    match value:
        case dict():
            content, tag = b"".join(_netstring(one) for pair in value.items() for one in pair), b"}"
        case list():
            content, tag = b"".join(map(_netstring, value)), b"]"
        case bytes():
            content, tag = value, b","
        case str():
            content, tag = value.encode(), b";"
        case _:
            content, tag = repr(value).encode(), b"#" if isinstance(value, int) else b"^"
    return f"{len(content)}:".encode() + content + tag


def _parquet(columns: dict[str, Any]) -> bytes:
    file = io.BytesIO()
    pq.write_table(pa.table(columns), file)
    return file.getvalue()


def ours() -> bytes:
    """Three lines of our own, with all that a line may hold."""
    lines = [
        {"request_id": "a", "ts": "2025-06-15T15:06:40.5Z", "body": {"a": 1.5, "b": [None]}, "unit": "u"},
        {"request_id": "b", "ts_ns": START_NS, "body_text": '{"a": NaN}', "segments": {"c": "PT"}},
        {
            "request_id": "c",
            "ts_ns": START_NS,
            "body_base64": "/w==",
            "sampling_weight": 2.5,
            "recorded_response": {
                "status": 200,
                "body": {"score": 0.5},
                "latency_ns": 9,
                "latency_kind": "rtt",
            },
            "online_features": {"f": "NaN"},
            "feature_timestamps": {"f": 1},
        },
    ]
    return b"".join(json.dumps(one).encode() + b"\n" for one in lines)


def table_csv() -> bytes:
    """Two rows of a log that any service may write."""
    return (
        b"id,when,amount,country,payload,prob,known,label\n"
        b'a,2025-06-15 15:06:40,1.50,PT,"{""a"": 1}",0.5,2025-06-15 15:06:41,1\n'
        b'b,2025-06-15 15:06:41,NaN,,"[1]",,,\n'
    )


def table_lines() -> bytes:
    """Two lines of a log that any service may write, one with a NaN."""
    row = {"id": "a", "when": 1_750_000_000_123, "req": {"a": 1.5, "b": [1]}, "amount": 2, "flag": True}
    other = b'{"id": 7, "when": 1750000000.5, "req": {"a": NaN}, "amount": null, "user": {"id": "u"}}\n'
    return json.dumps(row).encode() + b"\n" + other


def table_parquet() -> bytes:
    """Two rows of a log, the second without its time."""
    stamps = pa.array([START_NS // 1_000, None], pa.timestamp("us"))
    table = {"id": ["a", "b"], "when": stamps, "amount": [1.5, float("nan")], "tags": [{"x": "y"}, None]}
    return _parquet(table)


#: by kind, what a table's file is called, what it holds, and the map that reads it
TABLES: dict[str, tuple[str, Callable[[], bytes], tuple[str, ...]]] = {
    "csv": (
        "t.csv",
        table_csv,
        (
            *("request_id=id", "ts=when", "zone=Europe/Lisbon", "body=amount,country,payload", "score=prob"),
            *("types.amount=number", "types.country=text", "types.payload=json", "label=label"),
            *("label_at=known", "unit=country"),
        ),
    ),
    "jsonl": (
        "t.jsonl",
        table_lines,
        ("request_id=id", "ts_ms=when", "body=req", "online_features=amount,flag", "unit=user.id"),
    ),
    "parquet": (
        "t.parquet",
        table_parquet,
        ("request_id=id", "ts=when", "zone=Europe/Lisbon", "body=*", "segments=tags"),
    ),
}

#: by the name of the format, what its file is called and what it holds
SAMPLES = {
    "goreplay": ("c_0.gor", goreplay),
    "har": ("c.har", har),
    "sagemaker": ("c.jsonl", sagemaker),
    "cloudevents": ("kserve.json", kserve),
    "envoy-tap": ("tap_1.json", envoy),
    "databricks": ("payload.parquet", databricks),
    "feast": ("feast.parquet", feast),
    "mitmproxy": ("c.mitm", mitmproxy),
}


def pieces(form: str, path: Path, *records: object) -> list[Piece]:
    """What a reader gives for a file of these objects, a line each."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(one) + "\n" for one in records))
    return list(FORMATS[form].read(path))
