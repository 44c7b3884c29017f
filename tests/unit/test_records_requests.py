"""What production saw: as it was written, and the same after a journey through JSON."""

import msgspec
import pytest

from harness.records import CapturedRequest, LabelEvent, RecordedResponse


def test_a_request_survives_json_with_its_bytes() -> None:
    """Bodies are bytes that need not be text, and come back as they were."""
    answer = RecordedResponse(status=200, body=b'{"score": 0.5}\xff', latency_ns=3, latency_kind="service")
    request = CapturedRequest(
        seq=7,
        request_id="r",
        ts_ns=1_700_000_000_000_000_001,
        body=b"\x00\xff",
        recorded_response=answer,
        online_features=b'{"hour": "NaN"}',
    )
    assert msgspec.json.decode(msgspec.json.encode(request), type=CapturedRequest) == request


def test_what_was_not_captured_is_unknown_and_not_made_up() -> None:
    """No unit, no exposure and no propensity is None; a request counts once."""
    request = CapturedRequest(seq=0, request_id="r", ts_ns=1)
    unknown = (request.event_time_ns, request.unit, request.exposed, request.propensity)
    assert unknown == (None, None, None, None)
    assert (request.method, request.path, request.sampling_weight) == ("POST", "/", 1.0)


def test_no_two_requests_share_a_default() -> None:
    """A header that is put into one request is in no other."""
    first, second = (CapturedRequest(seq=seq, request_id="r", ts_ns=1) for seq in range(2))
    first.headers["x"] = "y"
    assert second.headers == {}


def test_a_changed_noun_is_another_one() -> None:
    """Assignment is refused; `replace` makes a new one."""
    event = LabelEvent(request_id="r", label=1.0, label_at_ns=3)
    with pytest.raises(AttributeError):
        event.label = 0.0  # type: ignore[misc]  # what the test is about
    assert msgspec.structs.replace(event, label=0.0) != event
