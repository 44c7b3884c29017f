"""A map to start from: what the names and the first rows say, and what only a person knows."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from harness.capture.formats.map_config import load_map
from harness.capture.formats.map_proposal import proposed

HEAD = "request_id,created_at,user_id,amount,zip,ok,score,latency_us,status\n"
ROW = "r1,1750000000123,u1,12.5,01234,true,0.5,1200,200\nr2,1750000000124,u2,,99999,false,0.25,1100,200\n"


def proposal(path: Path) -> tuple[dict[str, Any], list[str]]:
    """The proposed map as TOML reads it, and its comments."""
    lines = proposed(path)
    return tomllib.loads("\n".join(lines)), [one[2:] for one in lines if one.startswith("# ")]


def test_a_csv_is_proposed_with_units_types_and_nothing_hidden(tmp_path: Path) -> None:
    """A code with a leading zero is text; a body is made of what nothing else uses."""
    path = tmp_path / "log.csv"
    path.write_text(HEAD + ROW)
    found, _ = proposal(path)
    words = {"ts_ms": "created_at", "request_id": "request_id", "latency_us": "latency_us", "unit": "user_id"}
    assert found["map"] == {**words, "status": "status", "score": "score", "body": ["amount", "zip", "ok"]}
    assert found["types"] == {"amount": "number", "zip": "text", "ok": "boolean"}
    (tmp_path / "map.toml").write_text("\n".join(proposed(path)))
    assert load_map([str(tmp_path / "map.toml")]).makes_requests


def test_json_and_parquet_are_proposed(tmp_path: Path) -> None:
    """An object is the body; times without a zone ask for one."""
    (tmp_path / "log.jsonl").write_text(
        '{"uuid": "a", "time": "2025-06-15T15:06:40Z", "payload": {"a": 1}}\n'
    )
    found, _ = proposal(tmp_path / "log.jsonl")
    assert found == {"map": {"ts": "time", "request_id": "uuid", "body": "payload"}}
    table = {"id": ["a", "a"], "ts": pa.array([1, 2], pa.timestamp("us")), "x": [1.5, 2.5], "label": [0, 1]}
    pq.write_table(pa.table(table), tmp_path / "log.parquet")
    found, told = proposal(tmp_path / "log.parquet")
    assert found == {"zone": "UTC", "map": {"ts": "ts", "request_id": "id", "body": ["x", "label"]}}
    assert any("not unique" in one for one in told)
    assert any("label and label_at" in one for one in told)


def test_what_is_not_there_is_left_open(tmp_path: Path) -> None:
    """No id and no time: a question mark, which no map may have, and a word why."""
    (tmp_path / "x.csv").write_text('a;b\x7f"\n1,5;x\nNA;y\n')
    found, told = proposal(tmp_path / "x.csv")
    assert found["map"] == {"request_id": "?", "ts": "?", "body": ["a", 'b\x7f"']}
    assert (found["delimiter"], found["null"]) == (";", ["", "NA"])
    assert len(told) == 3


@pytest.mark.parametrize("content", [b"", b"just text", b"\x00\x01\x02", b'[map]\na = "b"\n', b"{}"])
def test_what_is_no_table_has_no_map(tmp_path: Path, content: bytes) -> None:
    """Nothing is proposed."""
    (tmp_path / "x").write_bytes(content)
    assert proposed(tmp_path / "x") == []


@pytest.mark.parametrize("name", ["predictions", "outputs", "response", "model_output", "result", "scores"])
def test_a_recorded_answer_is_no_input(tmp_path: Path, name: str) -> None:
    """It is proposed as the answer, a second one is left out; a row that cannot be read is told, NaN can."""
    path = tmp_path / "log.jsonl"
    path.write_text(
        f'{{"id": "a", "ts": 1735725603, "instances": [[1]], "{name}": [0.5], "reply": [0.5]}}\n'
        f'{{"id": "b", "ts": 1735725604, "instances": [[NaN]], "{name}": [0.5], "reply": [0.5]}}\n{{"id"\n'
    )
    found, told = proposal(path)
    answer = found["map"].pop("answer")
    assert found == {"map": {"request_id": "id", "ts_s": "ts", "body": ["instances"]}}
    assert answer == name
    assert "by its first 2 rows" in told[0]
    assert told[1].startswith("1 row could not be read, the first at offset")
    assert told[2:] == ["'reply' looks like an answer, so it is no input of the body"]


def test_labels_alone_need_no_time_of_requests(tmp_path: Path) -> None:
    """A table of labels is a map without a body."""
    (tmp_path / "l.csv").write_text("request_id,label,label_at\nr1,1,2025-06-20T10:00:00Z\n")
    found, told = proposal(tmp_path / "l.csv")
    assert found == {"map": {"request_id": "request_id", "label": "label", "label_at": "label_at"}}
    assert "labels alone" in told[1]
