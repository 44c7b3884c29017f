"""One line of a capture: what it may say, and why it is refused."""

import base64
import json
from typing import Any

import msgspec
import pytest

from harness.capture.line import BadLine, Line, captured, decoded
from harness.capture.sources import Unreadable
from harness.errors import CaptureError
from harness.records import CapturedRequest, RecordedResponse

GOOD: dict[str, Any] = {"request_id": "r1", "ts_ns": 5, "body": {"a": 1}}


def request_of(raw: bytes) -> CapturedRequest:
    """The request that one line of JSON text tells of."""
    return captured(decoded(raw), seq=0, source_file="c.jsonl", source_offset=1)


def line(**changes: object) -> bytes:
    """A good line with some keys changed, or left out where the change is ... (Ellipsis)."""
    fields = {key: value for key, value in (GOOD | changes).items() if value is not ...}
    return json.dumps(fields).encode()


def test_the_shortest_line_has_every_default() -> None:
    """An id, a time and a body make a request."""
    assert request_of(line()) == CapturedRequest(
        seq=0, request_id="r1", ts_ns=5, body=b'{"a": 1}', source_file="c.jsonl", source_offset=1
    )


def test_a_full_line_keeps_every_word() -> None:
    """Nothing that a line says is lost on the way to the request."""
    full = line(
        ts_ns=...,
        ts="2025-06-18T22:40:45.5+02:00",
        event_time="2025-06-18T20:40:45Z",
        parent_id="p1",
        row_index=3,
        unit="u1",
        segments={"agent": "a"},
        exposed=False,
        propensity=0.25,
        method="PUT",
        path="/score?x=1",
        headers={"content-type": "application/json"},
        truncated=True,
        recorded_response={
            "status": 200,
            "headers": {"x": "y"},
            "body_text": "NaN",
            "latency_ns": 7,
            "latency_kind": "rtt",
        },
        served_by={"build": "b", "endpoint": "e", "variant": "v"},
        online_features={"a": 1, "b": "NaN", "c": None, "d": True},
        feature_timestamps={"a": "2025-06-18T20:40:45Z", "b": 7},
        sampling_weight=10,
        tags={"k": "v"},
    )
    assert request_of(full) == CapturedRequest(
        seq=0,
        request_id="r1",
        ts_ns=1_750_279_245_500_000_000,
        ts_resolution_ns=10**6,
        event_time_ns=1_750_279_245_000_000_000,
        parent_id="p1",
        row_index=3,
        unit="u1",
        segments={"agent": "a"},
        exposed=False,
        propensity=0.25,
        method="PUT",
        path="/score?x=1",
        headers={"content-type": "application/json"},
        body=b'{"a": 1}',
        truncated=True,
        recorded_response=RecordedResponse(
            status=200, headers={"x": "y"}, body=b"NaN", latency_ns=7, latency_kind="rtt"
        ),
        served_by={"build": "b", "endpoint": "e", "variant": "v"},
        online_features=b'{"a": 1, "b": "NaN", "c": null, "d": true}',
        feature_timestamps=b'{"a": "2025-06-18T20:40:45Z", "b": 7}',
        sampling_weight=10.0,
        tags={"k": "v"},
        source_file="c.jsonl",
        source_offset=1,
    )


@pytest.mark.parametrize(
    ("text", "body"),
    [
        (b'"body": {"x": 1.50, "a":  null}', b'{"x": 1.50, "a":  null}'),
        (b'"body": {"x": null}', b'{"x": null}'),
        (b'"body": {"x": "NaN"}', b'{"x": "NaN"}'),
        (b'"body": {}', b"{}"),
        (b'"body": null', b"null"),
        (b'"body": 1e999', b"1e999"),
        (b'"body_text": "{\\"x\\": NaN}"', b'{"x": NaN}'),
        (b'"body_text": ""', b""),
        (b'"body_base64": "/wA="', b"\xff\x00"),
    ],
)
def test_a_body_is_the_very_bytes_written(text: bytes, body: bytes) -> None:
    """NaN, "NaN", null and missing stay apart, and so do 1.50 and 1.5."""
    assert request_of(b'{"request_id": "r", "ts_ns": 1, ' + text + b"}").body == body


@pytest.mark.parametrize(
    ("changes", "resolution_ns"),
    [
        ({}, 1),
        ({"ts_resolution_ns": 10**9}, 10**9),
        ({"ts_ns": ..., "ts": "2025-06-18T20:40:45Z"}, 10**9),
        ({"ts_ns": ..., "ts": "2025-06-18T20:40:45.000000Z", "ts_resolution_ns": 10**9}, 10**9),
    ],
)
def test_the_resolution_is_said_or_shown(changes: dict[str, Any], resolution_ns: int) -> None:
    """Digits show the resolution, unless the line says it."""
    assert request_of(line(**changes)).ts_resolution_ns == resolution_ns


BASE64 = base64.b64encode(b"x").decode()


@pytest.mark.parametrize(
    ("raw", "reason", "detail"),
    [
        (b"{", "not JSON", "truncated"),
        (b"nonsense", "not JSON", "malformed"),
        (b'{"request_id": "r", "ts_ns": 1, "body": {"x": NaN}}', "not JSON", "malformed"),
        (b'{"request_id": "r\xff", "ts_ns": 1, "body": 1}', "not JSON", "utf-8"),
        (line() + line(), "not JSON", "trailing"),
        (b'{"body": ' + b"[" * 99_999 + b"]" * 99_999 + b"}", "not JSON", "nested too deeply"),
        (b"[]", "wrong type", "Expected `object`, got `array`"),
        (line(request_id=...), "wrong field", "missing required field `request_id`"),
        (line(request_ids="r"), "wrong field", "did you mean 'request_id'?"),
        (line(zzz=1), "wrong field", "unknown field `zzz`"),
        (line(recorded_response={"status": 200, "hedaers": {}}), "wrong field", "recorded_response: "),
        (line(request_id=7), "wrong type", "request_id: Expected `str`, got `int`"),
        (line(request_id=None), "wrong type", "request_id: Expected `str`, got `null`"),
        (line(segments={"a": 1}), "wrong type", "segments"),
        (line(exposed="yes"), "wrong type", "exposed"),
        (line(request_id=""), "wrong value", "request_id"),
        (line(propensity=0), "wrong value", "propensity"),
        (line(propensity=1.01), "wrong value", "propensity"),
        (line(sampling_weight=0), "wrong value", "sampling_weight"),
        (line(row_index=-1), "wrong value", "row_index"),
        (line(ts_ns=-1), "wrong value", "ts_ns"),
        (line(ts_ns=2**63), "wrong value", "ts_ns"),
        (line(recorded_response={"status": 99}), "wrong value", "recorded_response.status"),
        (line(recorded_response={"status": 200, "latency_kind": "x"}), "wrong value", "latency_kind"),
        (line(body=..., body_base64="*"), "wrong value", "body_base64"),
        (line(online_features={"a": [1]}), "wrong type", "online_features"),
        (line(online_features=[1]), "wrong type", "online_features"),
        (line(feature_timestamps={"a": True}), "wrong type", "feature_timestamps"),
        (line(ts_ns=...), "bad time", "one of ts and ts_ns"),
        (line(ts_ns=..., ts="2025-06-18T20:40:45"), "bad time", "ts: '2025-06-18T20:40:45' has no zone"),
        (line(event_time="yesterday"), "bad time", "event_time: 'yesterday' is not an RFC 3339 time"),
        (line(ts="2025-06-18T20:40:45Z"), "wrong field", "ts and ts_ns exclude"),
        (line(event_time="2025-06-18T20:40:45Z", event_time_ns=1), "wrong field", "exclude each other"),
        (line(body_text="x"), "wrong field", "exclude each other"),
        (line(recorded_response={"status": 200, "body": 1, "body_base64": BASE64}), "wrong field", "exclude"),
        (line(body=...), "no body", "one of body"),
    ],
)
def test_a_bad_line_is_refused_in_a_stable_word(raw: bytes, reason: str, detail: str) -> None:
    """The word is for the ledger, the detail names the field and what was found in it."""
    with pytest.raises(CaptureError) as caught:
        request_of(raw)
    assert caught.value.what == reason
    assert detail in str(caught.value.found)


def test_what_stands_for_a_line_keeps_its_reason() -> None:
    """A line that could not be had is bad for the reason that the file gave."""
    with pytest.raises(CaptureError, match="truncated gzip; found cut"):
        decoded(Unreadable("truncated gzip", "cut"))


def test_a_null_of_features_is_no_features() -> None:
    """A line may say null for what it does not know."""
    request = request_of(
        line(online_features=None, feature_timestamps=None, unit=None, recorded_response=None)
    )
    assert request == request_of(line())


def test_a_line_and_its_fault_travel_as_json() -> None:
    """A bad line is a record of the run like any other, and an encoded line says only what it knows."""
    bad = BadLine(file="c.jsonl", line=3, reason="not JSON", detail="x")
    assert msgspec.json.decode(msgspec.json.encode(bad), type=BadLine) == bad
    assert msgspec.json.encode(Line(request_id="r", ts_ns=1, body_text="NaN")) == (
        b'{"request_id":"r","ts_ns":1,"body_text":"NaN"}'
    )
