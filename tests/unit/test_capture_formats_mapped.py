"""Any table as a capture: CSV, JSON Lines and Parquet by a map, each row a request or a counted loss."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from harness.capture.formats import Asked, Dropped, Labelled, Piece
from harness.capture.formats.map_config import load_map
from harness.capture.formats.mapped import mapped
from harness.errors import UsageError
from harness.records import CapturedRequest, RecordedResponse

NS = 1_750_000_000_000_000_000
AT = "2025-06-15T15:06:40Z"


def pieces(path: Path, *words: str) -> list[Piece]:
    """What a map makes of a file."""
    return list(mapped(load_map(words)).read(path))


ROW = {
    "id": 17,
    "at": AT,
    "seen": "2025-06-15T15:06:39Z",
    "req": {"a": 1.5},
    "user": "u",
    "shown": 1,
    "p": 0.5,
    "verb": "PUT",
    "url": "/score?x=1",
    "code": 201,
    "said": {"score": 0.25},
    "took": 1.5,
    "w": 2,
    "batch": "b",
    "row": 3,
    "cut": False,
    "f": 1.0,
    "g": "x",
    "country": "PT",
    "build": "v1",
    "f_at": AT,
    "payee": "q",
    "truth": 1,
    "late": AT,
    "heads": {"X-A": "1"},
}


def test_every_word_of_a_request_can_be_mapped(tmp_path: Path) -> None:
    """One row of JSON that has them all; numbers keep their digits, texts stay texts."""
    path = tmp_path / "log.jsonl"
    path.write_text(json.dumps(ROW) + "\n")
    found = pieces(
        path,
        *("request_id=id", "ts=at", "event_time=seen", "body=req", "unit=user", "exposed=shown"),
        *("propensity=p", "method=verb", "path=url", "status=code", "answer=said", "latency_ms=took"),
        *("latency_kind=wait", "sampling_weight=w", "parent_id=batch", "row_index=row", "truncated=cut"),
        *("online_features=f,g", "segments.country=country", "served_by.build=build", "headers=heads"),
        *("feature_timestamps.f=f_at", "tags.payee=payee", "label=truth", "label_at=late"),
    )
    assert found == [
        Asked(
            CapturedRequest(
                seq=0,
                request_id="17",
                ts_ns=NS,
                ts_resolution_ns=10**9,
                event_time_ns=NS - 10**9,
                parent_id="b",
                row_index=3,
                unit="u",
                segments={"country": "PT"},
                exposed=True,
                propensity=0.5,
                method="PUT",
                path="/score?x=1",
                headers={"X-A": "1", "Content-Type": "application/json"},
                body=b'{"a": 1.5}',
                recorded_response=RecordedResponse(
                    status=201, body=b'{"score": 0.25}', latency_ns=1_500_000, latency_kind="wait"
                ),
                served_by={"build": "v1"},
                online_features=b'{"f":1.0,"g":"x"}',
                feature_timestamps=b'{"f":%d}' % NS,
                sampling_weight=2.0,
                tags={"payee": "q"},
                source_file="log.jsonl",
            )
        ),
        Labelled("17", 1.0, NS, 10**9, row_index=3),
    ]


def test_csv_is_mapped_with_its_types_and_gaps(tmp_path: Path) -> None:
    """Semicolons, a zone, gaps spelled in words; NaN stays NaN; a score is an answer."""
    path = tmp_path / "log.csv"
    path.write_text("id;when;amount;prob\na;2025-06-15 16:06:40;NaN;0.5\nb;2025-06-15 16:06:41;NA;\n")
    found = pieces(
        path,
        *("request_id=id", "ts=when", "body.amount=amount", "score=prob", "zone=Europe/Lisbon"),
        *("delimiter=;", "types.amount=number", "null=NA,"),
    )
    asked = [one.request for one in found if isinstance(one, Asked)]
    assert [one.body for one in asked] == [b'{"amount":NaN}', b'{"amount":null}']
    assert [one.ts_ns for one in asked] == [NS, NS + 10**9]
    answers = [one.recorded_response for one in asked]
    assert answers == [RecordedResponse(status=200, body=b'{"score":0.5}'), None]
    assert [one.tags for one in asked] == [{"status_from": "assumed"}, {}]


def test_parquet_is_mapped_with_its_types(tmp_path: Path) -> None:
    """Timestamps with a zone need none of the map; all other columns make the body."""
    path = tmp_path / "log.parquet"
    at = pa.array([datetime(2025, 6, 15, 15, 6, 40, tzinfo=UTC)], pa.timestamp("ms", tz="UTC"))
    pq.write_table(pa.table({"id": [1], "when": at, "a": [1.5], "b": ["x"], "c": [None]}), path)
    (found,) = pieces(path, "request_id=id", "ts=when", "body=*")
    assert isinstance(found, Asked)
    assert (found.request.request_id, found.request.ts_ns, found.request.ts_resolution_ns) == ("1", NS, 10**6)
    assert found.request.body == b'{"a":1.5,"b":"x","c":null}'


def test_a_literal_nan_of_python_is_understood(tmp_path: Path) -> None:
    """`json.dumps` writes it, and JSON does not have it."""
    path = tmp_path / "log.jsonl"
    path.write_text('{"id": "a", "at": 5, "x": NaN}\n')
    (found,) = pieces(path, "request_id=id", "ts_ns=at", "body.x=x")
    assert isinstance(found, Asked)
    assert found.request.body == b'{"x":NaN}'


def test_labels_alone_need_no_request(tmp_path: Path) -> None:
    """Several outcomes, each where it is known; a rest without a label is no loss."""
    path = tmp_path / "l.csv"
    path.write_text(f"id,late,lost,fraud\na,{AT},12.5,\nb,{AT},,true\nc,,,\n")
    words = ("request_id=id", "label_at=late", "labels.loss=lost", "label=fraud")
    assert pieces(path, *words) == [
        Labelled("a", 12.5, NS, 10**9, outcome="loss"),
        Labelled("b", 1.0, NS, 10**9),
    ]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("a,x,1", "bad time"),
        (f",{AT},1", "wrong field"),
        (f"a,{AT},", "no body"),
        (f"a,{AT}", "wrong field"),
        (f'a,{AT},"', "cut short"),
    ],
)
def test_a_row_that_gives_nothing_is_counted(tmp_path: Path, row: str, reason: str) -> None:
    """With its offset, and the others are read."""
    path = tmp_path / "log.csv"
    path.write_text(f"id,when,payload\nok,{AT},1\n{row}")
    kept, lost = pieces(path, "request_id=id", "ts=when", "body=payload")
    assert isinstance(kept, Asked)
    assert isinstance(lost, Dropped)
    assert (lost.reason, lost.offset) == (reason, 42)


@pytest.mark.parametrize(
    ("word", "cell"),
    [
        ("sampling_weight", "0"),
        ("propensity", "2"),
        ("row_index", "1.5"),
        ("latency_kind", "x"),
        ("status", "9"),
    ],
)
def test_a_value_that_a_request_cannot_have_is_counted(tmp_path: Path, word: str, cell: str) -> None:
    """As wrong, not as nothing."""
    path = tmp_path / "log.csv"
    path.write_text(f"id,when,payload,it\na,{AT},1,{cell}\n")
    (found,) = pieces(path, "request_id=id", "ts=when", "body=payload", f"{word}=it", "score=payload")
    assert isinstance(found, Dropped)
    assert found.reason == "wrong value"


def test_a_map_that_does_not_fit_its_table_is_refused_at_once(tmp_path: Path) -> None:
    """A column that is not there, and times of Parquet without a zone."""
    path = tmp_path / "log.csv"
    path.write_text("id,when\na,1\n")
    with pytest.raises(UsageError, match=r"no column 'whn'.*Did you mean 'when'"):
        pieces(path, "request_id=id", "ts_s=whn", "body=id")
    path = tmp_path / "log.parquet"
    pq.write_table(pa.table({"id": ["a"], "when": pa.array([1], pa.timestamp("us"))}), path)
    with pytest.raises(UsageError, match="without a zone"):
        pieces(path, "request_id=id", "ts=when", "body=id")


@pytest.mark.parametrize(("delimiter", "spelled"), [(";", "';'"), ("\t", r"\$'\\t'"), ("|", r"'\|'")])
def test_another_delimiter_is_named(tmp_path: Path, delimiter: str, spelled: str) -> None:
    """With how to give it, also where commas are those of numbers."""
    (tmp_path / "t.csv").write_text("id;ts;x\nr1;1735725603;1,5\n".replace(";", delimiter))
    with pytest.raises(UsageError, match=f"--map delimiter={spelled}"):
        pieces(tmp_path / "t.csv", "request_id=id", "ts_s=ts", "body=x", "types.x=text")
