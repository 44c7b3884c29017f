"""What a recorder had to drop is told wherever its files are read."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from harness.capture import CaptureConfig, ingest
from harness.capture.exporting import OTHERS, OURS, write_capture, write_tables
from harness.capture.importing import Ledger, requests_of, tables_of
from harness.capture.live import Limits, Record, Recorder
from harness.capture.live.sampling import Sample, Sampler
from harness.capture.recorded import UNREADABLE, UNWRITTEN, not_recorded
from harness.capture.redacting import Preparation
from harness.capture.survey import Surveyor
from harness.capture.wording import as_json, told
from harness.records import CapturedRequest


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
    """Each process has its own counts; a capture that is a file has those of its recorders."""
    counts(tmp_path, "a", b'{"dropped": {"disk full": 2}}')
    counts(tmp_path / "day", "b", b'{"dropped": {"disk full": 3, "too large": 1}}')
    (tmp_path / "file.jsonl").write_bytes(b"")
    both = {"recorder: disk full": 5, "recorder: too large": 1}
    assert not_recorded([tmp_path, tmp_path / "file.jsonl"]) == both
    counts(tmp_path, "20260102T030405Z-4711", b'{"dropped": {"queue full": 4}}')
    assert not_recorded([tmp_path / "file.jsonl"]) == {"recorder: queue full": 4}


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


@pytest.mark.parametrize("ending", [*OURS, *OTHERS])
def test_a_capture_that_was_made_of_it_says_it_too(lossy: Path, tmp_path: Path, ending: str) -> None:
    """Whatever its kind: the losses are those of the file alone, go with it, and are gone with the next."""
    ledger, place = Ledger(), tmp_path / "out"
    path, clean = place / f"c{ending}", place / f"clean{ending}"
    known = (*OURS, *OTHERS)
    assert write_capture(requests_of([lossy], ledger), path, known=known, lost=ledger.missing) == 2
    again = Ledger()
    write_capture(requests_of([path], again), clean, known=known, lost=again.missing)
    assert again.not_recorded == {"recorder: too large": 1}
    assert not_recorded([clean]) == {"recorder: too large": 1}
    write_capture([CapturedRequest(seq=0, request_id="r", ts_ns=0)], clean, known=known)
    assert not_recorded([clean]) == {}
    assert not_recorded([place]) == {"recorder: too large": 1}


def test_a_run_on_what_was_imported_has_the_losses_of_its_folder(lossy: Path, tmp_path: Path) -> None:
    """The same completeness, whichever of them the scenario names; a file of the folder as well."""
    ledger, path = Ledger(), tmp_path / "out" / "c.parquet"
    write_tables(tables_of([lossy], ledger), path, lost=ledger.missing)
    config = CaptureConfig(path="-", max_bad_share=0.0)
    (file,) = lossy.glob("capture-*.jsonl")
    found = [ingest(one, config, tmp_path / one.name, seed=0) for one in (lossy, path, path.parent, file)]
    assert [(one.lines, one.bad) for one in found] == [(3, {"recorder: too large": 1})] * 4


def test_what_is_missing_is_that_of_the_sample_and_what_rules_left_out() -> None:
    """Of 10 dropped calls a fifth would have been sampled; what rules left out is counted as it is."""
    preparation = Preparation(sampler=Sampler(Sample(share=0.2)))
    preparation.redactor.dropped["rule for body:ssn"] = 3
    ledger = Ledger(requests=100, preparation=preparation, not_recorded={"recorder: queue full": 10})
    assert ledger.missing(17) == {"recorder: queue full": 2, "recorder: left out by a rule": 3}
    assert Ledger(requests=3, not_recorded={"recorder: x": 7}).missing(3) == {"recorder: x": 7}


def test_a_damaged_file_is_told_by_who_reads_its_rows(tmp_path: Path) -> None:
    """Its counts are none; those of another tool's Parquet are not ours."""
    (tmp_path / "c.parquet").write_bytes(b"PAR1")
    assert not_recorded([tmp_path / "c.parquet"]) == not_recorded([tmp_path]) == {}


def test_a_name_in_parquet_that_is_no_text_says_nothing_of_losses(tmp_path: Path) -> None:
    """Found by fuzzing: pyarrow reads the names of all columns as UTF-8."""
    path = tmp_path / "c.parquet"
    pq.write_table(pa.table({"amount": [1.0]}), path, store_schema=False)
    path.write_bytes(path.read_bytes().replace(b"amount", b"am\xe2unt"))
    assert not_recorded([path]) == {}
