"""The journals of a run at work, read on: counts, late answers, and where a share can still end."""

from __future__ import annotations

import shutil
from pathlib import Path

import msgspec
import pytest

from harness.records import Attempt, State
from harness.ui.journals import Course, Journals, lines

MS = 1_000_000


def attempt(seq: int, state: State = State.OK, *, took_ms: float = 5.0, phase: str = "rush") -> Attempt:
    """A request that was due at a time and left 1 ms late."""
    due = seq * 10 * MS
    done = due + int(took_ms * MS)
    return Attempt(
        seq=seq,
        phase=phase,
        target="challenger",
        attempt=1,
        state=state,
        due_ns=due,
        written_ns=due + MS,
        done_ns=done if state is State.OK else None,
    )


def write(root: Path, attempts: list[Attempt], *, torn: bytes = b"") -> Path:
    """More lines of the journal."""
    path = root / "outcomes" / "challenger" / "journal-0000.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab") as file:
        file.write(msgspec.json.Encoder().encode_lines(attempts) + torn)
    return path


def test_a_journal_is_read_on_from_where_it_was_left(tmp_path: Path) -> None:
    """A torn last line waits for its rest; phases and targets are counted apart."""
    journals = Journals(tmp_path, budget_ms=10.0)
    assert journals.look() == []
    late = msgspec.json.encode(attempt(3, took_ms=50.0))
    write(tmp_path, [attempt(0), attempt(1, State.TIMEOUT), attempt(2, phase="parity")], torn=late[:20])
    assert [(c.phase, c.n, c.failed, c.slow) for c in journals.look()] == [
        ("rush", 2, 1, 1),
        ("parity", 1, 0, 0),
    ]
    write(tmp_path, [], torn=late[20:] + b"\n")
    course = journals.look()[0]
    assert (course.n, course.failed, course.slow, course.states) == (3, 1, 2, {"ok": 2, "timeout": 1})
    assert (course.lag_ms, course.slowest_ms) == (1.0, 50.0)
    assert journals.look()[0].n == 3


def test_a_try_that_is_made_again_is_no_end(tmp_path: Path) -> None:
    """Abandoned by a stop, it will be sent again by `resume`."""
    write(tmp_path, [attempt(0, State.ABANDONED), attempt(1)])
    assert [c.n for c in Journals(tmp_path, budget_ms=10.0).look()] == [1]


def test_a_journal_that_was_cut_is_read_from_its_beginning(tmp_path: Path) -> None:
    """A resumed run cuts off a torn line."""
    path = write(tmp_path, [attempt(0), attempt(1)])
    journals = Journals(tmp_path, budget_ms=10.0)
    journals.look()
    path.write_bytes(msgspec.json.Encoder().encode_lines([attempt(0)]))
    assert [c.n for c in journals.look()] == [1]


def test_when_one_of_two_journals_is_cut_the_other_still_counts(tmp_path: Path) -> None:
    """Whichever of them it is; another target is not read again."""
    first = write(tmp_path, [attempt(0), attempt(1)])
    second, other = first.with_name("journal-0001.jsonl"), tmp_path / "outcomes/champion/journal-0000.jsonl"
    other.parent.mkdir()
    for path in (second, other):
        shutil.copy(first, path)
    one = msgspec.json.Encoder().encode_lines([attempt(0)])
    for cut in (first, second):
        for path in (first, second):
            path.write_bytes(one * 2)
        journals = Journals(tmp_path, budget_ms=10.0)
        journals.look()
        cut.write_bytes(one)
        assert sum(c.n for c in journals.look() if c.target == "challenger") == 3


def test_a_journal_that_has_just_gone_is_no_error(tmp_path: Path) -> None:
    """Between the list of a folder and the look into it."""
    path = write(tmp_path, [attempt(0)])
    path.with_name("journal-0001.jsonl").symlink_to("gone")
    assert [c.n for c in Journals(tmp_path, budget_ms=10.0).look()] == [1]


def test_a_damaged_journal_is_said_and_what_was_read_stays(tmp_path: Path) -> None:
    """It is not looked at again and again."""
    write(tmp_path, [attempt(0)])
    journals = Journals(tmp_path, budget_ms=10.0)
    journals.look()
    write(tmp_path, [], torn=b"{nonsense}\n")
    assert [c.n for c in journals.look()] == [1]
    assert "the journal is damaged" in journals.damaged


@pytest.mark.parametrize(
    ("failed", "of", "planned", "standing"),
    [
        (0, 50, 100, "open"),
        (2, 50, 100, "over the line, whatever comes"),
        (0, 99, 100, "within, whatever comes"),
        (1, 99, 100, "open"),
        (1, 100, 100, "within"),
        (2, 100, 100, "over the line"),
    ],
)
def test_a_share_is_certain_only_when_nothing_to_come_can_change_it(
    failed: int, of: int, planned: int, standing: str
) -> None:
    """Against an error budget of 1 %: every request still to come could fail, or none."""
    course = Course("parity", "challenger")
    for seq in range(of):
        course.note(attempt(seq, State.TIMEOUT if seq < failed else State.OK), budget_ms=10.0)
    line, slow = lines(course, planned=planned, error_limit=0.01, slow_limit=0.05)
    assert line.standing == standing
    assert (line.least, line.most) == (failed / planned, (failed + planned - of) / planned)
    assert slow.share == failed / of
    assert all(0 <= x <= 1 for point in line.points for x in point)


def test_a_long_line_keeps_its_ends_and_few_points() -> None:
    """Every second point goes when there are too many; counts stay exact."""
    course = Course("parity", "challenger")
    for seq in range(5_000):
        course.note(attempt(seq, State.TIMEOUT if seq % 10 == 0 else State.OK), budget_ms=10.0)
    (line, _) = lines(course, planned=5_000, error_limit=0.01, slow_limit=0.05)
    assert (line.share, line.n) == (0.1, 5_000)
    assert len(line.points) < 170
    assert line.points[-1][0] == 1.0


def test_a_closed_loop_has_no_line_of_late_answers() -> None:
    """Nothing was due at a time there."""
    course = Course("parity", "challenger")
    course.note(msgspec.structs.replace(attempt(0), due_ns=None), budget_ms=10.0)
    assert [one.title for one in lines(course, planned=9, error_limit=0.01, slow_limit=0.05)] == [
        "Failed requests"
    ]
