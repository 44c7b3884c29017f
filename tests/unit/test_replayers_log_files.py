"""Files of a log as they grow: every whole row once, whatever happens to the file meanwhile."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from replayers import log_files
from replayers.log_files import SETTLED_NS, LogFiles, files

LATE_NS = 1 << 62  # when every file has settled


def ids(log: LogFiles) -> list[object]:
    """Of the rows that are new."""
    return [row.fields.get("id") for row in log.rows()]


def lines(numbers: Iterable[int]) -> str:
    """Rows as JSON lines."""
    return "".join(json.dumps({"id": number}) + "\n" for number in numbers)


def append(path: Path, text: str) -> None:
    """As a service does."""
    with path.open("a", encoding="utf-8", newline="") as file:
        file.write(text)


@pytest.mark.parametrize("name", ["x.jsonl", "x.csv"])
def test_each_row_is_read_once(name: str, tmp_path: Path) -> None:
    """And only when it is whole."""
    path, log = tmp_path / name, LogFiles(tmp_path)
    row = '{{"id": "{}"}}\n' if name == "x.jsonl" else "{}\n"
    append(path, "" if name == "x.jsonl" else "id\n")
    append(path, row.format("a"))
    assert ids(log) == ["a"]
    assert ids(log) == []
    append(path, row.format("b") + row.format("c")[:-2])
    assert ids(log) == ["b"]
    append(path, row.format("c")[-2:] + row.format("d"))
    assert ids(log) == ["c", "d"]


def test_what_was_read_is_not_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A log of all traffic is too long for that."""
    path, log, parsed = tmp_path / "x.jsonl", LogFiles(tmp_path), []
    whole = log_files._object  # noqa: SLF001  -- what is counted

    def counted(line: str) -> dict[str, object]:
        parsed.append(line)
        return whole(line)

    monkeypatch.setattr(log_files, "_object", counted)
    for number in range(20):
        append(path, lines([number]))
        assert ids(log) == [number]
    assert len(parsed) == 20


def test_lines_end_at_newlines_alone(tmp_path: Path) -> None:
    """Other ends of lines stand inside texts; so does a mark of order before the first."""
    row = json.dumps({"id": 1, "city": "a\u2028b\x85c\x0c"}, ensure_ascii=False)
    (tmp_path / "x.jsonl").write_text(f"\ufeff{row}\n\n\r\n{lines([2])}", encoding="utf-8")
    (tmp_path / "y.csv").write_text(
        '\ufeffid,city\r\n3,a\u2028b\r\n4,"two\r\nlines"\r\n', encoding="utf-8", newline=""
    )
    assert ids(LogFiles(tmp_path)) == [1, 2, "3", "4"]


def test_a_finished_csv_needs_no_last_end(tmp_path: Path) -> None:
    """One that is written still does: its last number may be cut short."""
    path = tmp_path / "x.csv"
    append(path, "id,a\n1,1.5\n2,2.5")
    now_ns = path.stat().st_mtime_ns
    clock = iter([now_ns, now_ns + SETTLED_NS + 1, now_ns + SETTLED_NS + 2])
    log = LogFiles(path, now_ns=lambda: next(clock))
    assert [ids(log), ids(log), ids(log)] == [["1"], ["2"], []]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('id,note\n1,5" disk\n2,x\n', ["1", "2"]),
        ('id,note\n1,"5"" disk"\n2,x\n', ["1", "2"]),
        ("id,note\n1\n\n2,x,more\n", ["2"]),
        ('id,note\n1,"open\n2,x\n3,y\n', ["2", "3"]),
        ('id,note\n1,"' + "x\n" * 100_000 + "2,y\n", ["2"]),
    ],
)
def test_odd_lines_of_csv_cost_themselves_alone(text: str, found: list[str], tmp_path: Path) -> None:
    """Of a quoted text without an end the first line is passed over."""
    (tmp_path / "x.csv").write_text(text, encoding="utf-8")
    assert ids(LogFiles(tmp_path, now_ns=lambda: LATE_NS)) == found


def test_the_end_of_a_file_that_is_rotated_away_is_read(tmp_path: Path) -> None:
    """What was written to it before and after, under its new name beside it; then the new file."""
    path, log = tmp_path / "x.jsonl", LogFiles(tmp_path / "x.jsonl")
    append(path, lines([1]))
    assert ids(log) == [1]
    append(path, lines([2]))
    path.rename(tmp_path / "x.jsonl.1")
    append(path, lines([4]))
    assert ids(log) == [2, 4]
    append(tmp_path / "x.jsonl.1", lines([3]))
    append(path, lines([5]))
    assert ids(log) == [3, 5]
    (tmp_path / "x.jsonl.1").rename(tmp_path / "x.jsonl.2")
    path.rename(tmp_path / "x.jsonl.1")
    append(path, lines([7]))
    append(tmp_path / "x.jsonl.1", lines([6]))
    assert sorted(map(str, ids(log))) == ["6", "7"]
    assert ids(log) == []


@pytest.mark.parametrize("text", [lines([8]), lines(range(10, 40))])
def test_a_file_that_is_written_anew_is_read_anew(text: str, tmp_path: Path) -> None:
    """Whether it is shorter or longer than it was."""
    path, log = tmp_path / "x.jsonl", LogFiles(tmp_path)
    append(path, lines([1, 2, 3]))
    assert ids(log) == [1, 2, 3]
    path.write_text(text, encoding="utf-8")
    assert ids(log) == [json.loads(line)["id"] for line in text.splitlines()]


def test_a_file_that_is_gone_is_no_failure(tmp_path: Path) -> None:
    """It was listed a moment ago."""
    for name in ("a.jsonl", "b.jsonl"):
        append(tmp_path / name, lines([1]))
    rows = LogFiles(tmp_path).rows()
    assert next(rows).fields == {"id": 1}
    (tmp_path / "b.jsonl").unlink()
    assert list(rows) == []


def test_parquet_is_read_when_its_end_is_there(tmp_path: Path) -> None:
    """Until then it is told as broken, and the other files are read."""
    log, path = LogFiles(tmp_path), tmp_path / "a.parquet"
    pq.write_table(pa.table({"id": [1, 2], "a": [1.5, float("nan")]}), path)
    whole = path.read_bytes()
    path.write_bytes(whole[:-8])
    append(tmp_path / "b.jsonl", lines([9]))
    assert (ids(log), list(log.broken)) == ([9], [path])
    path.write_bytes(whole)
    os.utime(path, ns=(1, 1))
    assert (ids(log), log.broken) == ([1, 2], {})


def test_only_what_a_log_may_be_is_read(tmp_path: Path) -> None:
    """In folders below too; a file that is named may have any name."""
    (tmp_path / "in").mkdir()
    for name in ("in/b.log", "a.jsonl", "c.txt", "d.parquet.tmp"):
        append(tmp_path / name, "")
    assert [one.name for one in files(tmp_path)] == ["a.jsonl", "b.log"]
    assert files(tmp_path / "c.txt") == [tmp_path / "c.txt"]
    assert files(tmp_path / "nothing") == []
