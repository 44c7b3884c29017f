"""Labels of other tools, and of folders, read as strictly as our own."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pytest

from harness.capture import LabelColumn, read_labels
from harness.capture.attach import attach
from harness.capture.formats import Labelled
from harness.capture.importing import write_labels
from harness.capture.label_sources import foreign, label_files
from harness.errors import LabelsError
from tests.kit import captures

AT = "2025-06-18T20:40:45Z"


def test_ground_truth_and_feedback_are_labels(tmp_path: Path) -> None:
    """With or without requests beside them; the only column asked for may have another name."""
    (tmp_path / "a.jsonl").write_bytes(captures.sagemaker())
    (tmp_path / "b.json").write_bytes(captures.seldon().splitlines()[-1])
    (tmp_path / "c.csv").write_text(f"request_id,label_at,label\nx,{AT},0\n")
    (tmp_path / "_SUCCESS").write_text("")
    assert [(one.request_id, one.label) for one in read_labels(tmp_path)] == [("e0", 1), ("s0", 1), ("x", 0)]
    (found,) = read_labels(tmp_path / "b.json", [LabelColumn("fraud", "is_fraud")])
    assert (found.outcome, found.label) == ("fraud", 1.0)


def test_which_outcome_is_meant_is_never_guessed(tmp_path: Path) -> None:
    """One of several must be the column `label`."""
    (tmp_path / "t.jsonl").write_bytes(captures.sagemaker())
    asked = [LabelColumn("loss", "loss", binary=False), LabelColumn("fraud", "fraud")]
    with pytest.raises(LabelsError, match='column = "label"'):
        list(read_labels(tmp_path / "t.jsonl", asked))
    asked[1] = LabelColumn("fraud", "label")
    assert [one.outcome for one in read_labels(tmp_path / "t.jsonl", asked)] == ["fraud"]


def test_a_lost_record_is_an_error(tmp_path: Path) -> None:
    """No label is skipped: its request would count as one without."""
    truth = captures.sagemaker().replace(b'"data": "1"', b'"data": "x"')
    (tmp_path / "t.jsonl").write_bytes(truth)
    with pytest.raises(LabelsError, match=r"t.jsonl, offset \d+: wrong value"):
        list(read_labels(tmp_path / "t.jsonl"))


def test_files_of_a_folder_are_all_of_a_kind_that_is_known(tmp_path: Path) -> None:
    """An empty folder, a file of another kind."""
    with pytest.raises(LabelsError, match="empty folder"):
        label_files(tmp_path)
    (tmp_path / "l.txt").write_text("x")
    with pytest.raises(LabelsError, match="unknown kind of file"):
        list(read_labels(tmp_path))


def test_our_own_lines_are_not_foreign(tmp_path: Path) -> None:
    """Nor is a file that cannot be seen."""
    (tmp_path / "l.jsonl").write_text(f'{{"request_id": "a", "label": 1, "label_at": "{AT}"}}\n')
    assert foreign(tmp_path / "l.jsonl") is None
    with pytest.raises(LabelsError, match="cannot be read"):
        foreign(tmp_path / "missing.jsonl")


def test_a_correction_within_the_hour_counts(tmp_path: Path) -> None:
    """Ground truth of one hour, corrected in the same file and in the next: the last written wins."""
    folder = tmp_path / "ep/v1/2025/06/18/20"
    folder.mkdir(parents=True)
    for name, said in (("part-2.jsonl", "01"), ("part-10.jsonl", "1")):
        lines = [
            {"groundTruthData": {"data": one, "encoding": "CSV"}, "eventMetadata": {"eventId": "r1"}}
            for one in said
        ]
        (folder / name).write_text("\n" + "".join(json.dumps(one) + "\n" for one in lines))
    (folder / "part-11.jsonl").write_text((folder / "part-2.jsonl").read_text().splitlines()[1])
    found = list(read_labels(tmp_path))
    assert [(one.file, one.line, one.label) for one in found] == [
        ("part-2.jsonl", 2, 0),
        ("part-2.jsonl", 3, 1),
        ("part-10.jsonl", 2, 1),
        ("part-11.jsonl", 1, 0),
    ]
    assert len({one.label_at_ns for one in found}) == 1
    assert [one.revision for one in found] == sorted({one.revision for one in found})
    capture = pa.table(
        {"seq": [0], "request_id": ["r1"], "row_index": [None], "ts_ns": [0], "event_time": [None]}
    )
    capture = capture.set_column(4, "event_time", pa.array([None], pa.timestamp("ns", "UTC")))
    assert attach(found, capture).table["label"].to_pylist() == [0.0]


def test_a_correction_survives_being_written_as_labels(tmp_path: Path) -> None:
    """`capture labels` keeps which of one hour was the last."""
    (tmp_path / "out").mkdir()
    given = [Labelled("a", 1.0, 0, offset=9), Labelled("a", 0.0, 0, offset=0)]
    write_labels(given, tmp_path / "out/l.jsonl")
    assert [(one.label, one.revision) for one in read_labels(tmp_path / "out")] == [(1.0, 0), (0.0, 1)]
