"""What a recorded call was, as the line of a capture that the reader gives back."""

from __future__ import annotations

import json
import math
from decimal import Decimal
from typing import Any

import msgspec
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.capture.line import captured, decoded
from harness.capture.live import record as live
from harness.capture.live.record import Record
from harness.records import CapturedRequest

TEXTS = st.dictionaries(st.text(max_size=8), st.text(max_size=8), max_size=3)
NUMBERS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
BODIES = st.binary(max_size=40) | st.text(max_size=20).map(str.encode) | NUMBERS.map(msgspec.json.encode)
RECORDS = st.builds(
    Record,
    request_id=st.text(min_size=1, max_size=8),
    ts_ns=st.integers(0, 2**60),
    body=BODIES,
    answer_body=BODIES,
    headers=TEXTS,
    answer_headers=TEXTS,
    status=st.none() | st.integers(100, 599),
    latency_ns=st.none() | st.integers(0, 2**50),
    unit=st.none() | st.text(max_size=5),
    features=st.none() | st.dictionaries(st.text(max_size=5), NUMBERS, max_size=4),
    served_by=TEXTS,
    tags=TEXTS,
    truncated=st.booleans(),
    sampling_weight=st.floats(0.1, 1e6),
)


def read_back(record: Record) -> CapturedRequest:
    """The record's line as our own reader reads it."""
    line = record.line()
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    return captured(decoded(line), seq=0, source_file="", source_offset=1)


@given(RECORDS)
def test_every_record_is_read_back_as_it_was(record: Record) -> None:
    """Whatever bytes and texts a call has, its line is a line of a capture and holds the very same."""
    found = read_back(record)
    assert (found.request_id, found.ts_ns, found.body) == (record.request_id, record.ts_ns, record.body)
    assert (found.headers, found.unit, found.tags) == (record.headers, record.unit, record.tags)
    assert (found.served_by, found.truncated) == (record.served_by, record.truncated)
    assert found.sampling_weight == record.sampling_weight
    assert (found.online_features is None) == (record.features is None)
    answer = found.recorded_response
    assert (None if answer is None else answer.status) == record.status
    if answer is not None:
        assert (answer.body, answer.headers) == (record.answer_body, record.answer_headers)
        assert answer.latency_ns == record.latency_ns
        assert answer.latency_kind == (None if record.latency_ns is None else "service")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b'{"a": 1}', "body"),
        (b"[1,\n2]", "body_text"),
        (b'{"a": NaN}', "body_text"),
        (b' {"a": 1}', "body_text"),
        (b"", "body_text"),
        (b"1,2,3", "body_text"),
        (b"\xff\x00", "body_base64"),
        (b'{"a": "\xff"}', "body_base64"),
        (b"[" * 100_000, "body_text"),
    ],
)
def test_a_body_stands_in_the_field_that_holds_its_bytes(body: bytes, field: str) -> None:
    """JSON on one line stays JSON; what JSON is not stays text; the rest is base64."""
    line = msgspec.json.decode(Record(request_id="r", ts_ns=1, body=body).line(), type=dict[str, msgspec.Raw])
    assert [name for name in line if name.startswith("body")] == [field]


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (1.5, 1.5),
        (math.nan, "NaN"),
        (math.inf, "Infinity"),
        (-math.inf, "-Infinity"),
        (True, True),
        (None, None),
        ("PT", "PT"),
        (2**70, 2**70),
        (np.float64(0.1), 0.1),
        (np.float64("nan"), "NaN"),
        (np.float32(0.5), 0.5),
        (np.int64(3), 3),
        (np.bool_(True), True),  # noqa: FBT003  -- the value is what is tested
        (np.array([4.0]), 4.0),
        (np.array([1, 2]), "[1,2]"),
        (pd.NA, None),
        (pd.NaT, None),
        (pd.Timestamp("2026-01-02"), "2026-01-02 00:00:00"),
        (Decimal("1.5"), "1.5"),
        ([1, 2], "[1,2]"),
        ("x" * 5_000, "x" * 5_000),
        (["x"] * 5_000, json.dumps(["x"] * 5_000, separators=(",", ":"))),
    ],
)
def test_a_feature_is_a_number_or_a_text(value: object, said: Any) -> None:  # noqa: ANN401  -- JSON
    """What a handler computed with is written as the number it is; JSON's missing words are spelled."""
    found = live.spelled({"f": value})
    assert found == {"f": said}
    assert type(found["f"]) is type(said)
    read_back(Record(request_id="r", ts_ns=1, features={"f": value}))


def test_an_answer_of_no_possible_status_is_left_out() -> None:
    """A status that HTTP has not would make the whole line bad, so there is no answer then."""
    assert read_back(Record(request_id="r", ts_ns=1, status=0)).recorded_response is None


def test_a_cut_answer_is_told_by_a_tag() -> None:
    """`truncated` is about the request; that the answer is not whole stands among the tags."""
    found = read_back(Record(request_id="r", ts_ns=1, answer_truncated=True, tags={"a": "b"}))
    assert (found.truncated, found.tags) == (False, {"a": "b", "answer_truncated": "true"})


def test_headers_of_one_name_are_joined() -> None:
    """Names are lower case, a header that comes twice is one with a comma, and no byte is refused."""
    pairs = [(b"Accept", b"a"), (b"accept", b"b"), (b"X-\xff", b"\xe9")]
    assert live.decoded(pairs) == {"accept": "a, b", "x-\xff": "\xe9"}


def test_the_size_of_a_record_grows_with_what_it_holds() -> None:
    """The memory that a record takes is never less than its bodies."""
    record = Record(request_id="r", ts_ns=1, body=b"x" * 700, answer_body=b"y" * 500, features={"a": 1})
    assert record.size > 1_200
    assert record.record() is record
