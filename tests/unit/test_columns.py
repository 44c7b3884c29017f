"""Artefacts on disk: whole or not there, read in order, and a damaged one is told in one line."""

from pathlib import Path

import msgspec
import pyarrow as pa
import pytest

from harness import columns
from harness.errors import RunError
from harness.records import CapturedRequest, Outcome

ONE, TWO = pa.table({"seq": [0, 1], "score": [0.1, None]}), pa.table({"seq": [2], "score": [0.3]})


def test_what_is_written_is_read(tmp_path: Path) -> None:
    """Values and nulls, in folders that did not exist, without a trace of the temporary file."""
    path = tmp_path / "outcomes" / "challenger" / "part-00000.parquet"
    columns.write(ONE, path)
    assert columns.read(path).equals(ONE)
    assert [p.name for p in path.parent.iterdir()] == [path.name]


def test_parts_are_read_in_the_order_of_their_names(tmp_path: Path) -> None:
    """Whichever was written first; other files of the folder are not parts."""
    columns.write(TWO, tmp_path / "part-00001.parquet")
    columns.write(ONE, tmp_path / "part-00000.parquet")
    (tmp_path / "journal-0000.jsonl").write_text("{}")
    (tmp_path / "part-00002.parquet.tmp").write_text("killed while writing")
    assert columns.read(tmp_path)["seq"].to_pylist() == [0, 1, 2]
    assert columns.read(tmp_path).equals(columns.concat([ONE, TWO]))


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    """Writing again leaves the new table only; bytes likewise."""
    path = tmp_path / "part-00000.parquet"
    columns.write(ONE, path)
    columns.write(TWO, path)
    assert columns.read(path).equals(TWO)
    for text in (b"long text", b"short"):
        columns.write_bytes(text, tmp_path / "new" / "looks.jsonl")
    assert (tmp_path / "new" / "looks.jsonl").read_bytes() == b"short"


def test_a_writer_that_dies_leaves_the_old_file(tmp_path: Path) -> None:
    """A table that cannot be written destroys nothing."""
    path = tmp_path / "part-00000.parquet"
    columns.write(ONE, path)
    with pytest.raises(pa.ArrowNotImplementedError):
        columns.write(pa.table({"x": pa.array([pa.MonthDayNano([1, 2, 3])])}), path)
    assert columns.read(path).equals(ONE)


def test_only_the_columns_asked_for_are_read(tmp_path: Path) -> None:
    """The others stay on disk."""
    columns.write(ONE, tmp_path / "part-00000.parquet")
    assert columns.read(tmp_path, ["score"]).column_names == ["score"]


@pytest.mark.parametrize("content", [None, b"", b"PAR1 and nothing", b"{}"])
def test_an_artefact_that_cannot_be_read_is_a_run_error(tmp_path: Path, content: bytes | None) -> None:
    """Missing, empty, cut or something else: one line that names the file."""
    path = tmp_path / "part-00000.parquet"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(RunError, match=r"part-00000\.parquet: an artefact of the run cannot be read"):
        columns.read(path)


def test_a_cut_part_is_a_run_error(tmp_path: Path) -> None:
    """Half a file has no footer."""
    path = tmp_path / "part-00000.parquet"
    columns.write(ONE, path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(RunError):
        columns.read(tmp_path)


def test_a_folder_without_parts_is_a_run_error(tmp_path: Path) -> None:
    """No part is no empty table: something was lost."""
    with pytest.raises(RunError, match="no parts"):
        columns.read(tmp_path)


def test_a_column_that_is_not_there_is_a_run_error(tmp_path: Path) -> None:
    """An artefact of another version is named, with what it lacks."""
    columns.write(ONE, tmp_path / "part-00000.parquet")
    with pytest.raises(RunError, match="lacks column 'label'"):
        columns.read(tmp_path, ["seq", "label"])


def test_outcomes_have_a_column_for_each_field_of_an_outcome() -> None:
    """The row and the column of one noun do not drift apart."""
    assert tuple(columns.OUTCOMES.names) == Outcome.__struct_fields__


def test_the_capture_has_a_column_for_each_field_of_a_request() -> None:
    """The event time is a timestamp there, and the recorded response lies flat."""
    flat = {
        "event_time",
        "recorded_status",
        "recorded_headers",
        "recorded_body",
        "recorded_latency_ns",
        "recorded_latency_kind",
    }
    fields = {field.name for field in msgspec.structs.fields(CapturedRequest)}
    assert set(columns.CAPTURE.names) == fields - {"event_time_ns", "recorded_response"} | flat


def test_the_kinds_of_a_cell_are_numbered_for_good() -> None:
    """They are written to artefacts, so a number never changes its meaning."""
    assert {kind.name: kind.value for kind in columns.Kind} == {
        "VALUE": 0,
        "NAN": 1,
        "NULL": 2,
        "MISSING": 3,
        "WRONG_TYPE": 4,
    }
