"""The journal keeps every attempt, survives torn ends, notices a full disk, and becomes one table."""

from pathlib import Path

import pytest

from harness import columns
from harness.errors import HarnessError, RunError
from harness.records import Attempt, Outcome, State
from harness.replay.journal import Journal, compact, read_journal


def attempt(seq: int, **changes: object) -> Attempt:
    """An attempt with a body that is not text."""
    values: dict[str, object] = {
        "phase": "p",
        "target": "t",
        "attempt": 1,
        "state": State.OK,
        "body": b"\x00\xff",
    }
    return Attempt(seq=seq, **(values | changes))  # type: ignore[arg-type]  # a table of changes


def written(path: Path, *attempts: Attempt) -> Path:
    """A journal with these attempts."""
    with Journal(path) as journal:
        for one in attempts:
            journal.append(one)
    return path


def parse(one: Attempt) -> Outcome:
    """The simplest outcome: the state and the body's length as the score."""
    score = float(len(one.body))
    return Outcome(seq=one.seq, phase=one.phase, target=one.target, state=one.state, score=score)


def test_what_is_appended_is_read_back(tmp_path: Path) -> None:
    """All fields survive, bytes and line breaks included."""
    attempts = [attempt(1, detail="a\nb\u2028c", headers={"x": "ä"}), attempt(2, state=State.SHED, due_ns=7)]
    assert list(read_journal(written(tmp_path / "new" / "j.jsonl", *attempts))) == attempts


def test_a_second_writer_appends(tmp_path: Path) -> None:
    """Opening again keeps what is there."""
    path = written(tmp_path / "j", attempt(1))
    assert [one.seq for one in read_journal(written(path, attempt(2)))] == [1, 2]


@pytest.mark.parametrize("torn", [b'{"seq": 3, "pha', b"{", b"\x00\x00\x00"])
def test_a_torn_last_line_is_no_attempt_and_is_cut_before_the_next_one(tmp_path: Path, torn: bytes) -> None:
    """After a kill while writing, reading stops at the last whole line and writing starts there."""
    path = written(tmp_path / "j", attempt(1), attempt(2))
    with path.open("ab") as file:
        file.write(torn)
    assert [one.seq for one in read_journal(path)] == [1, 2]
    assert [one.seq for one in read_journal(written(path, attempt(3)))] == [1, 2, 3]


def test_a_whole_line_without_its_break_is_torn(tmp_path: Path) -> None:
    """The break is written with the line, so its absence means that the write was cut."""
    path = written(tmp_path / "j", attempt(1), attempt(2))
    path.write_bytes(path.read_bytes()[:-1])
    assert [one.seq for one in read_journal(path)] == [1]


def test_a_torn_line_longer_than_a_block_is_cut(tmp_path: Path) -> None:
    """The end of the last whole line is found however far back it is."""
    path = written(tmp_path / "j", attempt(1))
    whole = path.stat().st_size
    with path.open("ab") as file:
        file.write(b"x" * 200_000)
    written(path)
    assert path.stat().st_size == whole


def test_damage_in_the_middle_is_an_error_with_its_line(tmp_path: Path) -> None:
    """Only an end can be torn; a broken line before it means that the file was tampered with."""
    path = written(tmp_path / "j", attempt(1), attempt(2))
    path.write_bytes(b"{]\n" + path.read_bytes())
    with pytest.raises(RunError, match=r"j:1: the journal is damaged"):
        list(read_journal(path))


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_is_noticed() -> None:
    """Appending never raises, for it happens on the clock; checking and closing do."""
    journal = Journal(Path("/dev/full"))
    journal.append(attempt(1))
    with pytest.raises(HarnessError, match=r"cannot be written.*Free space"):
        journal.close()
    with pytest.raises(HarnessError):
        journal.check()


def test_compacting_keeps_the_last_attempt_of_each_request_sorted() -> None:
    """One row a phase and request; tries are counted, and what was never tried counts none."""
    attempts = [
        attempt(2, phase="b"),
        attempt(5, phase="a", state=State.CONNECTION_ERROR),
        attempt(5, phase="a", attempt=2, body=b"123"),
        attempt(1, phase="b", attempt=0, state=State.SHED),
        attempt(3, phase="a"),
        attempt(9, target="other"),
    ]
    table = compact(attempts, parse, target="t")
    assert table.schema == columns.OUTCOMES
    kept = zip(
        *(table[name].to_pylist() for name in ("phase", "seq", "state", "attempts", "score")), strict=True
    )
    assert list(kept) == [
        ("b", 1, "shed", 0, 2.0),
        ("b", 2, "ok", 1, 2.0),
        ("a", 3, "ok", 1, 2.0),
        ("a", 5, "ok", 2, 3.0),
    ]


def test_an_empty_journal_is_an_empty_table(tmp_path: Path) -> None:
    """No attempts, no rows, and still every column."""
    table = compact(read_journal(written(tmp_path / "j")), parse, target="t")
    assert (table.num_rows, table.schema) == (0, columns.OUTCOMES)
