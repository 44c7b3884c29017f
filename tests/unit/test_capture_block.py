"""Lines decoded together are the requests that they are one by one, or are left to be read so."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.capture import BadLine, CaptureConfig, requests
from harness.capture.block import ODD, table_of
from harness.capture.line import Line
from harness.capture.read import read, read_tables
from harness.records import CapturedRequest

USUAL = (
    '{"request_id":"%s","ts_ns":5,"body":{"a":1.50},"headers":{"a":"b"},'
    '"recorded_response":{"status":200,"body":1}}'
)
RICH = '{"request_id":"%s","ts":"2025-06-18T20:40:45.5Z","body_text":"NaN","tags":{"t":"1"},"row_index":3}'


def one_by_one(path: Path) -> tuple[list[CapturedRequest], list[BadLine]]:
    """The exact way."""
    bad: list[BadLine] = []
    return list(read(path, CaptureConfig(path="c"), on_bad=bad.append)), bad


def together(path: Path) -> tuple[list[CapturedRequest], list[BadLine]]:
    """The fast way."""
    bad: list[BadLine] = []
    return [one for table in read_tables([path], on_bad=bad.append) for one in requests(table)], bad


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        (USUAL % "a" + "\n" + USUAL % "b" + "\n", ["a", "b"]),
        (USUAL % "a" + "\r\n" + RICH % "b", ["a", "b"]),
        (USUAL % "a" + "  \n " + RICH % "b" + " \n", ["a", "b"]),
    ],
    ids=["usual", "rich, CRLF, no last newline", "white space"],
)
def test_whole_lines_are_decoded_together(text: str, seen: list[str]) -> None:
    """Each request knows the number of its line."""
    found = list(requests(table_of(text.encode(), file="c", first=7)))
    assert [one.request_id for one in found] == seen
    assert [one.source_offset for one in found] == [7, 8]


@pytest.mark.parametrize(
    "text",
    [
        "{}{}\n\n",
        '{"request_id":"a","ts_ns":1,"body":1}{"request_id":"b","ts_ns":1,"body":1}\n\n',
        '{"request_id":"a","ts_ns":1,"body":\n{}}\n{"request_id":"b","ts_ns":1,"body":1}{}',
        USUAL % "a" + "\n\n" + USUAL % "b",
        '{"request_id":"a","ts_ns":1}\n',
        '{"request_id":"a","body":1}\n',
        '{"request_id":"a","ts_ns":1,"body":1,"body_text":"1"}\n',
        '{"request_id":"a","ts_ns":1,"body":1,"headers":{"a":1}}\n',
        '{"request_id":"a","ts_ns":1,"body":1,"headers":null}\n',
        '{"request_id":"a","ts_ns":1,"body":1,"online_features":[]}\n',
        '{"request_id":"\\ud800","ts_ns":1,"body":1}\n',
        '{"request_id":"a","ts_ns":1,"body":' + "[" * 5_000 + "]" * 5_000 + "}\n",
    ],
)
def test_what_is_odd_is_left_to_be_read_line_by_line(text: str) -> None:
    """Several objects on a line, one on several, an empty line, a bad one."""
    with pytest.raises(ODD):
        table_of(text.encode(), file="c", first=1)


VALUES = st.one_of(
    st.sampled_from(
        ["null", "1", "-1", '""', '"x"', "{}", '{"a":"b"}', '{"a":null}', "[]", "true", "1e400", '"\\u0000"']
    ),
    st.sampled_from(
        [
            '"2025-06-18T20:40:45Z"',
            '"NaN"',
            "0.5",
            "9223372036854775808",
            '{"status":200,"body":{}}',
            '{"status":9}',
        ]
    ),
    st.sampled_from(
        ['{"status":200,"headers":{"k":"v"},"body_text":"t","latency_ns":5,"latency_kind":"wait"}', '"SGk="']
    ),
)
FIELDS = st.sampled_from([*Line.__struct_fields__, "other"])
PLAIN = {"request_id": '"a"', "ts_ns": "5", "body": "1"}
LINES = st.dictionaries(FIELDS, VALUES, max_size=3).map(
    lambda more: "{" + ",".join(f'"{name}":{value}' for name, value in (PLAIN | more).items()) + "}"
)
ENDS = st.sampled_from(["\n", "\n", "\n", "\r\n", " \n", "\n\n", "", "\n{", "}\n"])


@settings(max_examples=150)
@given(pieces=st.lists(st.tuples(LINES, ENDS), max_size=5), drop=st.sampled_from(["", "body", "ts_ns"]))
def test_together_is_one_by_one(
    pieces: list[tuple[str, str]], drop: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Requests and bad lines are the same, to the last field and the last word."""
    text = "".join(line + end for line, end in pieces)
    path = tmp_path_factory.getbasetemp() / "block.jsonl"
    path.write_text(text.replace(f'"{drop}":', f'"{drop}_":') if drop else text, newline="")
    assert together(path) == one_by_one(path)


def test_odd_lines_among_many_are_told_in_their_place(tmp_path: Path) -> None:
    """Bad ones, doubles, empty lines and rich ones among thousands, as they are one by one."""
    lines = [USUAL % f"r{n}" for n in range(3_000)]
    for place, line in {
        5: "{",
        700: USUAL % "r3",
        701: "",
        1_500: RICH % "x",
        2_999: RICH % "x",
        2_000: "[]",
    }.items():
        lines[place] = line
    path = tmp_path / "c.jsonl"
    path.write_text("\n".join(lines))
    found = together(path)
    assert found == one_by_one(path)
    assert [(one.line, one.reason) for one in found[1]] == [
        (6, "not JSON"),
        (701, "duplicate request_id"),
        (2_001, "wrong type"),
        (3_000, "duplicate request_id"),
    ]
    assert [one.seq for one in found[0]] == list(range(2_995))


def test_a_request_of_every_field_is_the_same(tmp_path: Path) -> None:
    """Nothing of a full line is lost in columns."""
    line = {
        "request_id": "a",
        "ts_ns": 1,
        "ts_resolution_ns": 10,
        "event_time_ns": 2,
        "parent_id": "p",
        "row_index": 0,
        "unit": "u",
        "segments": {"s": "1"},
        "exposed": True,
        "propensity": 0.5,
        "method": "PUT",
        "path": "/x",
        "headers": {"h": "1"},
        "body": {"a": [1.50]},
        "truncated": True,
        "recorded_response": {"status": 503, "headers": {"r": "2"}, "body_base64": "AAE=", "latency_ns": 4},
        "served_by": {"build": "b"},
        "online_features": {"f": "NaN"},
        "feature_timestamps": {"f": 3},
        "sampling_weight": 2.5,
        "tags": {"t": "4"},
    }
    path = tmp_path / "c.jsonl"
    path.write_bytes(msgspec.json.encode(line))
    assert together(path) == one_by_one(path)
    assert together(path)[0][0].tags == {"t": "4"}
