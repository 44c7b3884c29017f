"""What a survey counts."""

from __future__ import annotations

import numpy as np
import pytest

from harness.capture.survey import Surveyor, suspected
from harness.capture.table import to_table
from harness.records import CapturedRequest, RecordedResponse


def request(**words: object) -> CapturedRequest:
    """A request with these words."""
    return CapturedRequest(**{"seq": 0, "request_id": "r", "ts_ns": 0, **words})  # type: ignore[arg-type]


def test_arrivals_and_sizes_are_counted() -> None:
    """Times may be out of order; the peak is of any second, and the CV that of NumPy."""
    surveyor = Surveyor()
    seconds = [5.0, 1.0, 1.9, 2.5]
    some = [request(ts_ns=int(at * 1e9), body=b"x" * size) for size, at in enumerate(seconds)]
    tables = [to_table(some[:3]), to_table(some[3:])]
    assert list(surveyor.watched(tables)) == tables
    found = surveyor.survey()
    gaps = np.diff(sorted(seconds))
    assert (found.requests, found.out_of_order, found.peak_per_s) == (4, 3, 2)
    assert found.interarrival_cv == pytest.approx(gaps.std() / gaps.mean())
    assert (found.body_median, found.body_p95, found.body_largest) == (1, 3, 3)


def test_an_empty_capture_has_a_survey() -> None:
    """Without times there is no duration."""
    found = Surveyor().survey()
    assert (found.requests, found.first_ts_ns, found.interarrival_cv, found.peak_per_s) == (0, None, None, 0)


@pytest.mark.parametrize(
    ("words", "places"),
    [
        ({}, set()),
        ({"headers": {"X-Api-Key": "1"}}, {"header"}),
        ({"path": "/p?access_token=1&q=2"}, {"query"}),
        ({"body": b'{"k": "AKIAABCDEFGHIJKLMNOP"}'}, {"body"}),
        ({"body": b"Authorization: Bearer abcdefghijklmnopqrstuvwxyz"}, {"body"}),
        (
            {"recorded_response": RecordedResponse(status=200, headers={"Set-Cookie": "1"})},
            {"answer's header"},
        ),
    ],
)
def test_credentials_are_suspected_by_name_and_shape(words: dict[str, object], places: set[str]) -> None:
    """Where, not what: nothing secret is repeated."""
    assert suspected(to_table([request(), request(**words)])) == dict.fromkeys(places, 1)
