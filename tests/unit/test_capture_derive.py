"""What is read out of the bodies, and what the record itself says first."""

from typing import Any

import pytest

from harness.capture import CaptureConfig
from harness.capture.derive import deriving
from harness.errors import CaptureError
from harness.records import CapturedRequest

CONFIG = CaptureConfig(
    path="c", unit="user.id", segments={"agent": "agent", "n": "items | length(@)"}, event_time="t"
)


def derived(body: bytes, **fields: Any) -> CapturedRequest:  # noqa: ANN401  -- fields of a request
    """A request of this body, completed."""
    return deriving(CONFIG)(CapturedRequest(seq=0, request_id="r", ts_ns=1, body=body, **fields))


def test_the_body_fills_what_the_record_leaves_open() -> None:
    """Unit, segments and event time come from the body; a number becomes its JSON text."""
    request = derived(b'{"user": {"id": 7}, "agent": "a", "items": [1, 2], "t": "1970-01-01T00:00:01Z"}')
    assert (request.unit, request.segments, request.event_time_ns) == ("7", {"agent": "a", "n": "2"}, 10**9)


def test_what_the_record_says_stands() -> None:
    """The record knows better than an expression that is for all of them."""
    request = derived(
        b'{"user": {"id": 7}, "agent": "a", "items": [], "t": 9}',
        unit="u",
        segments={"agent": "b", "x": "y"},
        event_time_ns=5,
    )
    assert (request.unit, request.event_time_ns) == ("u", 5)
    assert request.segments == {"agent": "b", "x": "y", "n": "0"}


@pytest.mark.parametrize("body", [b"", b"no JSON", b"\xff", b'{"items": []}', b'{"user": null, "items": []}'])
def test_what_is_not_there_stays_open(body: bytes) -> None:
    """A body that is no JSON and a path that leads nowhere add nothing."""
    config = CaptureConfig(path="c", unit="user.id", segments={"agent": "agent"}, event_time="t")
    request = CapturedRequest(seq=0, request_id="r", ts_ns=1, body=body)
    assert deriving(config)(request) == request


def test_a_literal_nan_beside_it_does_not_hide_the_unit() -> None:
    """Bodies with NaN, which is no JSON, are read all the same, and a NaN keeps its name."""
    request = derived(b'{"user": {"id": "u"}, "agent": NaN, "items": []}')
    assert (request.unit, request.segments["agent"]) == ("u", "NaN")


@pytest.mark.parametrize(
    ("t", "ns"),
    [
        ('"1970-01-01T01:00:00.5+01:00"', 500_000_000),
        ("1750000000.25", 1_750_000_000_250_000_000),
        ("1750000000", 1_750_000_000_000_000_000),
    ],
)
def test_an_event_time_is_text_or_epoch_seconds(t: str, ns: int) -> None:
    """Both are exact to the ns."""
    assert derived(f'{{"items": [], "t": {t}}}'.encode()).event_time_ns == ns


@pytest.mark.parametrize(
    ("body", "reason", "detail"),
    [
        (
            b'{"items": [], "t": "2025-06-18T20:40:45"}',
            "bad time",
            "event_time: '2025-06-18T20:40:45' has no zone",
        ),
        (b'{"items": [], "t": 1750000000000}', "bad time", "outside the years"),
        (b'{"items": [], "t": NaN}', "bad time", "event_time"),
        (b'{"items": [], "t": true}', "bad time", "neither a time nor epoch seconds"),
        (b'{"items": [], "t": {}}', "bad time", "neither a time nor epoch seconds"),
        (b'{"items": 3}', "wrong value", "segments.n: "),
        (b'{"items": [], "agent": "\\ud800"}', "wrong value", "segments.agent: half a surrogate pair"),
    ],
)
def test_what_cannot_be_used_makes_a_bad_line(body: bytes, reason: str, detail: str) -> None:
    """A time without zone is refused here too, and an expression that fails says which it was."""
    with pytest.raises(CaptureError) as caught:
        derived(body)
    assert caught.value.what == reason
    assert detail in str(caught.value.found)


def test_without_expressions_nothing_is_decoded() -> None:
    """The very request comes back."""
    request = CapturedRequest(seq=0, request_id="r", ts_ns=1, body=b"{}")
    assert deriving(CaptureConfig(path="c"))(request) is request
