"""What we write as HAR is what others open, and what we read back whole."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from harness.capture.formats import Asked
from harness.capture.formats.har import HAR
from harness.capture.formats.har_writer import CLOSING, OPENING, entry_of
from harness.errors import CaptureError
from harness.records import CapturedRequest, RecordedResponse

ANSWER = RecordedResponse(
    status=503, headers={"X-A": "1"}, body=b"\xff", latency_ns=1_500_000, latency_kind="rtt"
)
REQUEST = CapturedRequest(
    seq=0,
    request_id="r",
    ts_ns=1_750_000_000_000_000_001,
    ts_resolution_ns=1_000,
    row_index=2,
    segments={"land": "de"},
    propensity=0.25,
    method="PUT",
    path="/p?q=1",
    headers={"Host": "h:1", "Content-Type": "application/json"},
    body=b'{"a": NaN}\n',
    recorded_response=ANSWER,
    online_features=b'{"a": 1.50}',
    sampling_weight=4.0,
)


def test_our_own_entries_are_har_that_others_read() -> None:
    """An object with a log of version 1.2, an absolute address, and −1 for what is not known."""
    entry = entry_of(CapturedRequest(seq=0, request_id="r", ts_ns=5, path="x", body=b"\xff", unit="u"))
    log = json.loads(OPENING + entry + CLOSING)["log"]
    (found,) = log["entries"]
    assert log["version"] == "1.2"
    assert (found["request"]["url"], found["timings"]["wait"], found["response"]["status"]) == (
        "http://localhost/x",
        -1,
        0,
    )
    assert found["request"]["postData"]["encoding"] == "base64"


def test_an_entry_says_what_har_has_words_for() -> None:
    """The host is in the address, times are ms, and a body that is no UTF-8 is base64."""
    found: dict[str, Any] = json.loads(entry_of(REQUEST))
    assert (found["request"]["method"], found["request"]["url"]) == ("PUT", "http://h:1/p?q=1")
    assert found["request"]["postData"] == {"mimeType": "application/json", "text": '{"a": NaN}\n'}
    assert (found["time"], found["timings"]["wait"]) == (1.5, 1.5)
    assert found["response"]["content"] == {"size": 1, "mimeType": "", "text": "/w==", "encoding": "base64"}


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"recorded_response": None},
        {"recorded_response": RecordedResponse(status=200)},
        {"headers": {}, "body": b"\xff\x00", "path": "p"},
        {"truncated": True, "body": b""},
    ],
)
def test_an_entry_is_read_back_as_the_very_request(tmp_path: Path, changes: dict[str, Any]) -> None:
    """Digits, resolution, latency and what HAR has no word for are all there."""
    request = msgspec.structs.replace(REQUEST, **changes)
    path = tmp_path / "c.har"
    path.write_bytes(OPENING + entry_of(request) + CLOSING)
    (found,) = HAR.read(path)
    assert isinstance(found, Asked)
    assert msgspec.structs.replace(found.request, source_file="", source_offset=0) == request


@pytest.mark.parametrize("name", ["propensity", "sampling_weight"])
def test_a_number_that_json_cannot_spell_is_refused(name: str) -> None:
    """It would be null in the file, and another request when read back."""
    with pytest.raises(CaptureError, match=f"{name} is not a finite number"):
        entry_of(msgspec.structs.replace(REQUEST, **{name: float("nan")}))
