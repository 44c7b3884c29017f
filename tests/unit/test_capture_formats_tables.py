"""Rows of tables: one meaning of a cell, whether it comes from Parquet, CSV or JSON."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from math import isnan
from pathlib import Path

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from harness.capture.formats.streams import CHUNK_BYTES
from harness.capture.formats.tables import moment, number, row_of, rows, texts
from harness.capture.sources import Unreadable
from harness.errors import CaptureError

NOON = datetime(2025, 1, 1, 12, tzinfo=UTC)
NOON_NS = 1_735_732_800 * 10**9


def test_rows_of_parquet_are_numbered_and_know_their_times(tmp_path: Path) -> None:
    """A time is UTC in ns with the resolution of its unit, whatever zone the column names or does not."""
    east = timezone(timedelta(hours=2))
    table = pa.table(
        {
            "bare": pa.array([NOON.replace(tzinfo=None), None], pa.timestamp("ms")),
            "zoned": pa.array([NOON.astimezone(east)] * 2, pa.timestamp("us", tz="+02:00")),
            "n": [1, None],
        }
    )
    pq.write_table(table, tmp_path / "t")
    zoned = (NOON_NS, 10**3)
    assert list(rows(tmp_path / "t")) == [
        (0, {"bare": (NOON_NS, 10**6), "zoned": zoned, "n": 1}),
        (1, {"bare": None, "zoned": zoned, "n": None}),
    ]


def test_rows_of_csv_are_text_at_their_bytes(tmp_path: Path) -> None:
    """A quoted cell may hold quotes, commas and line breaks; a row of another width costs itself."""
    path = tmp_path / "t"
    path.write_bytes('a,b\né,"1\n2,""3"""\nx\ny,\n'.encode())
    found = list(rows(path))
    assert [offset for offset, _ in found] == [4, 19, 21]
    assert found[0][1] == {"a": "é", "b": '1\n2,"3"'}
    assert found[1][1] == Unreadable("wrong field", "1 cell below 2 names")
    assert found[2][1] == {"a": "y", "b": ""}


@pytest.mark.parametrize(
    ("rest", "reason", "detail"),
    [
        (b'"never ends\n', "cut short", "CSV: "),
        (b'"x"y,1\n', "cut short", "CSV: "),
        (b"Caf\xe9,1\n", "not UTF-8", "byte 0xe9 at offset 11: write the file as UTF-8"),
    ],
)
def test_csv_ends_where_it_can_no_longer_be_told_apart(
    tmp_path: Path, rest: bytes, reason: str, detail: str
) -> None:
    """A quote without its other, or bytes that are no UTF-8; the rows before stay."""
    path = tmp_path / "t"
    path.write_bytes(b"a,b\n1,2\n" + rest)
    first, last = rows(path)
    assert first == (4, {"a": "1", "b": "2"})
    assert last[0] == 8
    assert isinstance(last[1], Unreadable)
    assert last[1].reason == reason
    assert last[1].detail.startswith(detail)


@pytest.mark.parametrize("text", [b'{"a": 1}\n{"a": 2}\n', b'[{"a": 1},{"a": 2}]'])
def test_objects_are_rows_too(tmp_path: Path, text: bytes) -> None:
    """A line each, or in a list; they stay text until they are asked for."""
    (tmp_path / "t").write_bytes(text)
    assert [raw for _, raw in rows(tmp_path / "t")] == [b'{"a": 1}', b'{"a": 2}']


def test_a_row_keeps_the_text_of_what_is_nested() -> None:
    """The digits of a body are not read and written again."""
    found = row_of(b'{"n": 1, "t": "x", "none": null, "o": {"a": 1.50}, "l": [-0.0]}')
    assert (found["n"], found["t"], found["none"]) == (1, "x", None)
    assert (bytes(found["o"]), bytes(found["l"])) == (b'{"a": 1.50}', b"[-0.0]")
    assert row_of({"n": 1}) == {"n": 1}


@pytest.mark.parametrize(
    ("found", "reason"),
    [
        (b"[1]", "not JSON"),
        (b'{"a": 1', "not JSON"),
        (b'{"a": "\xff"}', "not JSON"),
        (b'{"a": ' + b"[" * 100_000, "not JSON"),
        (Unreadable("record too long", "more"), "record too long"),
    ],
    ids=["list", "cut", "no UTF-8", "deep", "unreadable"],
)
def test_what_is_no_row_is_refused(found: bytes | Unreadable, reason: str) -> None:
    """In a stable word."""
    with pytest.raises(CaptureError) as caught:
        row_of(found)
    assert caught.value.what == reason


def test_a_moment_is_a_cell_of_parquet_or_a_text() -> None:
    """Both are checked to lie in 1970-2262."""
    assert moment((NOON_NS, 10**6), "t") == (NOON_NS, 10**6)
    assert moment("2025-01-01T12:00:00Z", "t") == (NOON_NS, 10**9)
    for bad in ((-1, 1), "noon", None):
        with pytest.raises(CaptureError, match="bad time"):
            moment(bad, "t")


def test_a_number_may_be_spelled_or_missing() -> None:
    """CSV knows only text; an empty cell is no number, and NaN is one."""
    assert [number(one, "n") for one in (1, "2.5", None, "")] == [1.0, 2.5, None, None]
    found = number("NaN", "n")
    assert found is not None
    assert isnan(found)
    for bad in ("x", [1], 10**400):
        with pytest.raises(CaptureError, match="wrong value"):
            number(bad, "n")


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ({"a": "x", "b": 1, "c": None}, {"a": "x", "b": "1"}),
        ([("a", "x"), ("b", ["1", "2"])], {"a": "x", "b": "1,2"}),
        ('{"a": ["1", "2"]}', {"a": "1,2"}),
        (msgspec.Raw(b'{"a": "x"}'), {"a": "x"}),
        ("no JSON", {}),
        ("[1]", {}),
        (["a"], {}),
        (None, {}),
        (7, {}),
    ],
)
def test_a_map_is_names_and_texts(value: object, found: dict[str, str]) -> None:
    """As Parquet, CSV and JSON spell one; what is none of these costs only itself."""
    assert texts(value) == found


def test_a_blank_line_within_a_cell_of_csv_stays(tmp_path: Path) -> None:
    """One between rows is no row."""
    (tmp_path / "t.csv").write_bytes(b'a,b\n\n"x\n\ny",1\n\nz,2\n')
    assert [cells for _, cells in rows(tmp_path / "t.csv")] == [
        {"a": "x\n\ny", "b": "1"},
        {"a": "z", "b": "2"},
    ]


def test_empty_lines_between_rows_are_passed_over_and_those_in_a_cell_stay(tmp_path: Path) -> None:
    """Megabytes of them are skipped at once where no quote is open."""
    gap = "\n" * (CHUNK_BYTES * 3)
    path = tmp_path / "t.csv"
    path.write_text(f'a,b\n1,"x{gap}y"\n{gap}2,z\n')
    (_, first), (at, second) = rows(path)
    assert (first, second) == ({"a": "1", "b": f"x{gap}y"}, {"a": "2", "b": "z"})
    assert at == path.stat().st_size - 4
