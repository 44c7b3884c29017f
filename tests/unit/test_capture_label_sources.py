"""Labels of other tools, and of folders, read as strictly as our own."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.capture import LabelColumn, read_labels
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
