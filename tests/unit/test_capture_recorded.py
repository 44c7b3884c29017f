"""What a recorder had to drop is told wherever its files are read."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from harness.capture import CaptureConfig, ingest
from harness.capture.importing import Ledger, tables_of
from harness.capture.live import Limits, Record, Recorder
from harness.capture.recorded import UNREADABLE, UNWRITTEN, not_recorded
from harness.capture.survey import Surveyor
from harness.capture.wording import as_json, told


def counts(folder: Path, name: str, content: bytes) -> None:
    """A file of counts."""
    folder.mkdir(exist_ok=True, parents=True)
    (folder / f"_counts-{name}.json").write_bytes(content)


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b'{"offered": 9, "dropped": {"disk full": 2, "queue full": 0}}   ', {"recorder: disk full": 2}),
        (b'{"offered": 9}', {}),
        (b" " * 4_096, {UNWRITTEN: 1}),
        (b"", {UNWRITTEN: 1}),
        (b'{"offered": 9, "dr', {UNREADABLE: 1}),
        (b"\xff", {UNREADABLE: 1}),
        (b'{"dropped": {"a": "b"}}', {UNREADABLE: 1}),
    ],
)
def test_what_a_file_of_counts_says(tmp_path: Path, content: bytes, found: dict[str, int]) -> None:
    """Padding is nothing; a block without counts, or what cannot be understood, is not taken for zero."""
    counts(tmp_path, "a", content)
    assert not_recorded([tmp_path]) == found


def test_processes_and_folders_are_added_up(tmp_path: Path) -> None:
    """Each process has its own counts; a capture that is a file has none."""
    counts(tmp_path, "a", b'{"dropped": {"disk full": 2}}')
    counts(tmp_path / "day", "b", b'{"dropped": {"disk full": 3, "too large": 1}}')
    (tmp_path / "file.jsonl").write_bytes(b"")
    assert not_recorded([tmp_path, tmp_path / "file.jsonl"]) == {
        "recorder: disk full": 5,
        "recorder: too large": 1,
    }


@pytest.fixture
def lossy(tmp_path: Path) -> Path:
    """A folder of a recorder that wrote two calls and dropped one that was too large."""
    folder = tmp_path / "calls"
    recorder = Recorder(folder, limits=Limits(queue_bytes=10_000))
    for name, body in (("a", b"{}"), ("b", b"x" * 20_000), ("c", b"{}")):
        recorder.offer(Record(request_id=name, ts_ns=1_750_000_000_000_000_000, body=body))
    recorder.close()
    return folder


def test_an_import_tells_it(lossy: Path) -> None:
    """In words and as JSON, beside the records that the import itself dropped."""
    ledger, surveyor = Ledger(), Surveyor()
    assert sum(table.num_rows for table in surveyor.watched(tables_of([lossy], ledger))) == 2
    lines = told(ledger, surveyor.survey())
    assert "not recorded:      recorder: too large 1" in lines
    said = msgspec.json.decode(as_json(ledger, surveyor.survey()))
    assert said["not_recorded"] == {"recorder: too large": 1}


def test_a_run_counts_it_among_the_bad(lossy: Path, tmp_path: Path) -> None:
    """The ledger of a run begins with all calls that were offered; no share of bad lines is touched."""
    intake = ingest(lossy, CaptureConfig(path="-", max_bad_share=0.0), tmp_path / "run", seed=0)
    assert (intake.lines, intake.parsed, intake.bad) == (3, 2, {"recorder: too large": 1})
