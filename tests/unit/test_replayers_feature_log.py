"""Features that a service logged, joined by an id in whatever spelling each side has it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from harness.errors import DataError
from harness.records import Attempt, Outcome, State
from replayers.feature_log import FeatureLog, LoggedFeatures, Spelling, normal
from replayers.http import HttpArm, HttpTarget
from replayers.tracing import trace_id

TRACE = "0af7651916cd43dd8448eb211c80319c"


@pytest.mark.parametrize(
    ("ours", "spelling", "logged", "as_"),
    [
        ("18fef814bce72378", "hex", 1801149668947075960, "decimal"),
        ("18FEF814BCE72378", "hex", "1801149668947075960", "decimal"),
        (
            f"00-{TRACE}-b7ad6b7169203331-01",
            "traceparent",
            "14576827793038113322513871894673895836",
            "decimal",
        ),
        (TRACE, "traceparent", "0af76519-16cd-43dd-8448-eb211c80319c", "uuid"),
        ("0af76519-16cd-43dd-8448-eb211c80319c", "uuid", TRACE, "hex"),
        ("r-1", "text", "r-1", "text"),
        ("7", "text", 7, "text"),
    ],
)
def test_an_id_is_the_same_in_every_spelling(
    ours: str, spelling: Spelling, logged: object, as_: Spelling
) -> None:
    """BentoML's hex header is its decimal log."""
    assert normal(ours, spelling) == normal(logged, as_) is not None


@pytest.mark.parametrize(
    ("value", "spelling"),
    [("xyz", "hex"), ("1.5", "decimal"), ("", "text"), ("12", "uuid"), ("a-", "traceparent")],
)
def test_what_is_not_spelled_so_is_no_id(value: str, spelling: Spelling) -> None:
    """And joins to nothing."""
    assert normal(value, spelling) is None


ROWS: list[dict[str, Any]] = [
    {"request_id": "r-0", "a": 1.5, "b": "x", "timestamp": "2026"},
    {"request_id": "r-1", "a": None, "b": "y", "timestamp": "2026"},
]


def _jsonl(path: Path) -> Path:
    lines = "".join(json.dumps(row) + "\n" for row in ROWS)
    path.write_text("no json\n[1]\n" + lines + '{"request_id": "r-2", "a": 1', encoding="utf-8")
    return path


def _csv(path: Path) -> Path:
    path.write_text("request_id,a,b,timestamp\nr-0,1.5,x,2026\nr-1,,y,2026\n", encoding="utf-8")
    return path


def _parquet(path: Path) -> Path:
    pq.write_table(pa.Table.from_pylist(ROWS), path)
    return path


@pytest.mark.parametrize(
    ("name", "write"),
    [("log.jsonl", _jsonl), ("data.1.log", _jsonl), ("log.csv", _csv), ("log.parquet", _parquet)],
)
def test_features_come_from_each_kind_of_file(name: str, write: Any, tmp_path: Path) -> None:  # noqa: ANN401  -- a table
    """Only the columns that are features; a half written line is passed over."""
    write(tmp_path / name)
    log = LoggedFeatures(FeatureLog(path=str(tmp_path), columns=("a", "b"), wait_s=0))
    assert log.find("r-0") == b'{"a":1.5,"b":"x"}'
    assert log.find("r-1") == b'{"a":null,"b":"y"}'
    assert log.find("r-2") is None
    assert log.find(None) is None


@pytest.mark.parametrize(
    ("half", "rest"),
    [
        ("r-2,146.", "66,61,x\n"),
        ("r-2,146.66,6", "1,x\n"),
        ("r-2,146.66,61,x", "\n"),
        ("r-2\n", "r-2,146.66,61,x\n"),
        ('r-2,146.66,61,"x\n', '"\n'),
    ],
)
def test_a_half_written_line_of_csv_is_not_taken_for_whole(half: str, rest: str, tmp_path: Path) -> None:
    """Its last number would be another, for good; whole, it counts."""
    path = tmp_path / "log.csv"
    path.write_text("request_id,a,b,c\nr-1,1,2,y\n" + half, encoding="utf-8")
    log = LoggedFeatures(FeatureLog(path=str(path), columns=("a", "b"), wait_s=0))
    assert log.find("r-2") is None
    assert log.find("r-1") == b'{"a":1,"b":2}'
    with path.open("a", encoding="utf-8") as file:
        file.write(rest)
    log.refresh()
    assert log.find("r-2") == b'{"a":146.66,"b":61}'


def test_an_object_of_features_may_stand_deeper(tmp_path: Path) -> None:
    """And the id too; without columns it is all of it."""
    row = {"meta": {"id": 255}, "in": {"features": {"b": float("nan"), "a": 1}}}
    (tmp_path / "log.jsonl").write_text(json.dumps(row) + "\n", encoding="utf-8")
    log = FeatureLog(
        path=str(tmp_path / "log.jsonl"),
        id="meta.id",
        id_is="decimal",
        joins_is="hex",
        features="in.features",
    )
    assert LoggedFeatures(log).find(normal("ff", "hex")) == b'{"a":1,"b":"NaN"}'


def test_what_is_written_late_is_waited_for_once(tmp_path: Path) -> None:
    """The patience is for all answers together."""
    log = LoggedFeatures(FeatureLog(path=str(tmp_path / "log.jsonl"), wait_s=0.05))
    assert log.find("r-0") is None
    _jsonl(tmp_path / "log.jsonl")
    log.refresh()
    assert log.find("r-0") is not None


@pytest.mark.parametrize("id_is", ["text", "hex"])
def test_an_id_stays_as_it_is_spelled(id_is: Spelling, tmp_path: Path) -> None:
    """As a number 00123 is the id of another request, and 18e45 is none; so is a text of the features."""
    (tmp_path / "log.csv").write_text("request_id,a,zip\n00123,1.5,01234\n18e45,2,x\n", encoding="utf-8")
    log = LoggedFeatures(FeatureLog(path=str(tmp_path), wait_s=0, id_is=id_is, joins_is=id_is))
    assert log.find(normal("00123", id_is)) == b'{"a":1.5,"zip":"01234"}'
    assert log.find(normal("18e45", id_is)) == b'{"a":2,"zip":"x"}'
    assert (log.find(normal("123", id_is)) is None) is (id_is == "text")


def test_categories_of_csv_are_texts(tmp_path: Path) -> None:
    """A category 2 of a log without types is the text of its level, and an empty one is missing."""
    (tmp_path / "log.csv").write_text("request_id,plan,a\nr,2,2\ns,,\n", encoding="utf-8")
    log = LoggedFeatures(FeatureLog(path=str(tmp_path), wait_s=0, text_columns=("plan",)))
    assert log.find("r") == b'{"a":2,"plan":"2"}'
    assert log.find("s") == b'{"a":null,"plan":null}'


def test_patience_is_by_the_clock(tmp_path: Path) -> None:
    """What a look into the log takes is a part of it; after that, one look serves all that ask meanwhile."""
    times = iter(range(100))
    log = LoggedFeatures(FeatureLog(path=str(tmp_path), wait_s=2), clock=lambda: float(next(times)))
    assert log.find("a") is None
    waited = next(times)
    assert waited < 12
    assert log.find("a") is None
    assert next(times) - waited < 4


def test_rows_of_parquet_may_hold_times(tmp_path: Path) -> None:
    """They are told as texts."""
    pq.write_table(
        pa.table({"request_id": ["r"], "at": pa.array([0], pa.timestamp("s"))}), tmp_path / "log.parquet"
    )
    assert (
        LoggedFeatures(FeatureLog(path=str(tmp_path), wait_s=0)).find("r") == b'{"at":"1970-01-01 00:00:00"}'
    )


def test_an_id_without_code_points_is_one(tmp_path: Path) -> None:
    """A lone half of a pair, as JSON may spell it; a row that is deeper than a stack is none."""
    rows = '{"request_id": "\\ud800", "a": 1}\n{"request_id": "deep", "a": ' + "[" * 900 + "]" * 900 + "}\n"
    (tmp_path / "log.jsonl").write_text(rows, encoding="utf-8")
    log = LoggedFeatures(FeatureLog(path=str(tmp_path), wait_s=0))
    assert log.find("\ud800") == b'{"a":1}'
    assert log.find("deep") is None


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    """It is not taken for an empty one."""
    (tmp_path / "log.parquet").write_bytes(b"PAR1")
    with pytest.raises(DataError, match=r"log\.parquet"):
        LoggedFeatures(FeatureLog(path=str(tmp_path / "log.parquet"), wait_s=0)).find("r-0")


@pytest.mark.parametrize(
    ("declared", "what"),
    [
        ({"joins": "x-id"}, "joins: request_id, traceparent or header"),
        ({"joins": "header:x y"}, "names no header"),
        ({"joins": "traceparent"}, "id_is text and joins_is traceparent never meet"),
        ({"id_is": "hex"}, "id_is hex and joins_is text never meet"),
        ({"id": "a["}, "not a JMESPath"),
    ],
)
def test_a_join_that_cannot_be_is_refused(declared: dict[str, str], what: str) -> None:
    """When the scenario is read."""
    with pytest.raises(msgspec.ValidationError, match=what):
        msgspec.convert({"path": "x", **declared}, FeatureLog)


@pytest.mark.parametrize(
    ("joins", "row"),
    [
        ({}, {"request_id": "r-3"}),
        ({"joins": "traceparent", "id_is": "hex", "id": "trace"}, {"trace": trace_id("run", "t", seq=3)}),
        (
            {"joins": "header:X-Bento", "joins_is": "hex", "id_is": "decimal"},
            {"request_id": str(int("18fef814bce72378", 16))},
        ),
    ],
)
def test_an_arm_joins_the_features_of_its_answers(
    joins: dict[str, str], row: dict[str, str], tmp_path: Path
) -> None:
    """By the id that was sent, by its trace, or by a header of the answer."""
    (tmp_path / "log.jsonl").write_text(json.dumps({**row, "a": 1}) + "\n", encoding="utf-8")
    log = {"path": str(tmp_path / "log.jsonl"), "columns": ["a"], "wait_s": 0, **joins}
    target = msgspec.convert({"kind": "http", "url": "http://127.0.0.1:1/x", "feature_log": log}, HttpTarget)

    def parsed(body: bytes, state: State = State.OK) -> Outcome:
        arm = HttpArm(target, name="t", run_id="run", ids={3: "r-3"})
        headers = {"x-bento": "18fef814bce72378"}
        return arm.parse(
            Attempt(
                seq=3, phase="p", target="t", attempt=1, state=state, status=200, headers=headers, body=body
            )
        )

    assert parsed(b'{"score": 0.5}').features == b'{"a":1}'
    assert parsed(b'{"score": 0.5, "features": {"a": 2}}').features == b'{"a":2}'
    assert parsed(b"{}").features is None
