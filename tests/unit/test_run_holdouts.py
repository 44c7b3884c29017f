"""Holdout and training files: what is read, what is refused, what is only set aside; and their uses."""

from __future__ import annotations

import fcntl
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from harness.diagnosis.leakage import Use
from harness.errors import HoldoutError
from harness.run.holdouts import USES, RowsFile, aligned, noted_uses, read_rows

DTYPES = {"amount": "number", "kind": "category"}
GOOD: dict[str, Any] = {
    "request_id": ["a", "b", "c"],
    "unit": ["u", "u", None],
    "event_time": ["2025-01-01T00:00:00Z", "2025-01-02T00:00:00Z", "2025-01-03T00:00:00Z"],
    "label": [0.0, 1.0, None],
    "score": [0.2, 0.8, 0.5],
    "amount": [1, 2, 3],
    "kind": ["x", None, "y"],
}


def file(folder: Path, **columns: Any) -> Path:  # noqa: ANN401  -- any column; None leaves it out
    """A Parquet file of the good rows with other columns."""
    rows = {name: values for name, values in (GOOD | columns).items() if values is not None}
    pq.write_table(pa.table(rows), folder / "rows.parquet")
    return folder / "rows.parquet"


def read(folder: Path, **columns: Any) -> RowsFile:  # noqa: ANN401  -- as `file`
    """The file as rows."""
    return read_rows(file(folder, **columns), DTYPES)


def test_rows_are_read_with_what_the_file_has(tmp_path: Path) -> None:
    """Numbers of any kind are numbers, a label may be missing, features keep their kind."""
    found = read(tmp_path)
    assert (found.size, len(found.digest)) == (3, 64)
    assert found.request_id is not None
    assert found.request_id.tolist() == ["a", "b", "c"]
    assert found.label is not None
    np.testing.assert_array_equal(found.label, [0.0, 1.0, np.nan])
    assert found.event_ns is not None
    assert np.diff(found.event_ns).tolist() == [86_400 * 10**9] * 2
    assert {name: one.dtype for name, one in found.features.items()} == DTYPES
    assert found.notes(DTYPES) == []


def test_a_csv_reads_as_the_same_rows(tmp_path: Path) -> None:
    """Ids stay texts, even where they look like numbers."""
    path = tmp_path / "rows.csv"
    path.write_text("request_id,label,score,amount,kind\n007,1,0.5,3,9\n008,0,0.25,,\n", encoding="utf-8")
    found = read_rows(path, DTYPES)
    assert found.request_id is not None
    assert found.request_id.tolist() == ["007", "008"]
    assert found.features["kind"].values[0] == "9"
    assert (found.unit, found.event_ns) == (None, None)


@pytest.mark.parametrize(
    ("columns", "needles"),
    [
        ({"label": [0.0, 1.0, 2.0]}, ["label is not 0 or 1", "found 2 in 1 of 3 rows"]),
        ({"label": ["yes", "no", "no"]}, ["label is no number"]),
        ({"score": ["high", "low", "low"]}, ["score is no number"]),
        ({"event_time": ["soon"] * 3}, ["event_time is no time", "RFC 3339"]),
        ({"event_time": [0.5] * 3}, ["event_time is no time"]),
        ({"unit": [[1], [2], [3]]}, ["unit is no text"]),
        (dict.fromkeys(GOOD, ()), ["no rows"]),
    ],
    ids=["label 2", "label text", "score text", "time text", "time number", "unit list", "empty"],
)
def test_what_makes_no_holdout_is_refused(
    columns: dict[str, Any], needles: list[str], tmp_path: Path
) -> None:
    """In one line with the file."""
    with pytest.raises(HoldoutError) as caught:
        read(tmp_path, **columns)
    assert [needle for needle in (*needles, "rows.parquet") if needle not in caught.value.sentence()] == []


@pytest.mark.parametrize(
    ("name", "content", "needle"),
    [
        ("rows.parquet", None, "no such file"),
        ("rows.parquet", b"", "cannot be read"),
        ("rows.parquet", b"not a table at all", "cannot be read"),
        ("rows.csv", b"", "cannot be read"),
        ("rows.csv", b"label,score\n1,0.5\n0,0.5,3\n", "cannot be read"),
        ("rows.csv", b"label,score\n", "no rows"),
        ("rows.xlsx", b"PK", "unknown kind of file"),
    ],
)
def test_a_file_that_is_no_table_is_refused(
    name: str, content: bytes | None, needle: str, tmp_path: Path
) -> None:
    """Missing, empty, cut, ragged, or of another kind."""
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(HoldoutError, match=needle):
        read_rows(tmp_path / name, DTYPES)


def test_a_file_that_was_cut_is_refused(tmp_path: Path) -> None:
    """Half a Parquet file is none."""
    path = file(tmp_path)
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(HoldoutError, match="cannot be read"):
        read_rows(path, DTYPES)


@pytest.mark.parametrize(
    ("columns", "notes"),
    [
        ({"amount": None}, ["rows.parquet: no column amount"]),
        ({"amount": ["x", "y", "z"]}, ["rows.parquet: amount holds"]),
        ({"amount": [[1], [2], [3]]}, ["rows.parquet: "]),
        ({"kind": [1, 2, 3]}, []),
        ({"amount": ["1", "2", "3"]}, []),
    ],
    ids=["missing", "texts", "lists", "numbers as categories", "numbers in texts"],
)
def test_a_feature_that_cannot_be_used_is_set_aside_and_named(
    columns: dict[str, Any], notes: list[str], tmp_path: Path
) -> None:
    """The other columns are read all the same."""
    found = read(tmp_path, **columns)
    told = found.notes(DTYPES)
    assert len(told) == len(notes)
    assert all(one.startswith(start) for one, start in zip(told, notes, strict=True))
    assert found.lacking(DTYPES) == (["amount"] if notes else [])


def test_times_of_some_rows_order_none(tmp_path: Path) -> None:
    """A time that is not known for all rows is no column."""
    assert read(tmp_path, event_time=["2025-01-01T00:00:00Z", None, None]).event_ns is None


def test_rows_are_aligned_by_their_ids(tmp_path: Path) -> None:
    """The other file comes in the order of the first."""
    first = read(tmp_path)
    other = read(tmp_path, request_id=["c", "a", "b"], amount=[30, 10, 20])
    assert aligned(first, other).features["amount"].values.tolist() == [10.0, 20.0, 30.0]


@pytest.mark.parametrize(
    ("ids", "needle"),
    [(["a", "b", "d"], "1 missing, 'c' for one"), (["a", "b", "b"], "there twice"), (None, "no request_id")],
)
def test_rows_that_are_not_the_same_are_refused(ids: list[str] | None, needle: str, tmp_path: Path) -> None:
    """Every row must be there, once."""
    first = read(tmp_path)
    with pytest.raises(HoldoutError, match=needle):
        aligned(first, read(tmp_path, request_id=ids))


def test_uses_are_noted_once_each_and_a_cut_line_is_left_out(tmp_path: Path) -> None:
    """The same decision on the same holdout is one use, another decision another."""
    use = Use(at="2026-01-01T00:00:00Z", holdout="d", decision="release 1")
    assert noted_uses(tmp_path, use) == (use,)
    with (tmp_path / USES).open("ab") as lines:
        lines.write(b'{"at": "2026-\n')
    again = Use(at="2026-02-01T00:00:00Z", holdout="d", decision="release 1")
    other = Use(at="2026-02-01T00:00:00Z", holdout="d", decision="release 2")
    assert noted_uses(tmp_path, again) == (use,)
    assert noted_uses(tmp_path, other) == (use, other)


def test_two_diagnoses_at_once_note_a_use_once(tmp_path: Path) -> None:
    """While another holds the ledger, a use waits; then it finds what was noted meanwhile."""
    use = Use(at="2026-01-01T00:00:00Z", holdout="d", decision="release 1")
    with ThreadPoolExecutor(1) as pool, (tmp_path / USES).open("ab") as ledger:
        fcntl.flock(ledger, fcntl.LOCK_EX)
        waiting = pool.submit(noted_uses, tmp_path, use)
        with pytest.raises(TimeoutError):
            waiting.result(timeout=0.2)
        ledger.write(msgspec.json.encode(use) + b"\n")
        ledger.flush()
        fcntl.flock(ledger, fcntl.LOCK_UN)
        assert waiting.result(timeout=30) == (use,)
