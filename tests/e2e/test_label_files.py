"""Labels by the command line as each tool writes them: one meaning, corrections known when they came."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.kit import command, small
from tests.kit.command import report_of

Rows = list[dict[str, Any]]


def as_csv(path: Path, rows: Rows) -> Path:
    """A header and a line each."""
    with (path / "labels.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path / "labels.csv"


def as_parquet(path: Path, rows: Rows) -> Path:
    """Times as timestamps."""
    frame = pd.DataFrame(rows).assign(label_at=lambda all_: pd.to_datetime(all_["label_at"]))
    pq.write_table(pa.Table.from_pandas(frame, preserve_index=False), path / "labels.parquet")
    return path / "labels.parquet"


def as_lines(path: Path, rows: Rows) -> Path:
    """As our own."""
    return small.write_lines(path / "labels.jsonl", rows)


def as_ground_truth(path: Path, rows: Rows) -> Path:
    """SageMaker's folders: a label is known at the minute and second of its file."""
    for row in rows:
        at = pd.Timestamp(row["label_at"])
        file = path / "truth" / "endpoint" / "main" / f"{at:%Y/%m/%d/%H}" / f"{at:%M%S}.jsonl"
        file.parent.mkdir(parents=True, exist_ok=True)
        truth = {
            "groundTruthData": {"data": str(row["label"]), "encoding": "CSV"},
            "eventMetadata": {"eventId": row["request_id"]},
            "eventVersion": "0",
        }
        with file.open("a", encoding="utf-8") as lines:
            lines.write(json.dumps(truth) + "\n")
    return path / "truth"


def as_feedback(path: Path, rows: Rows) -> Path:
    """Seldon's feedback events alone."""
    shared = {"specversion": "1.0", "source": "s", "type": "io.seldon.serving.feedback"}
    events = [
        {
            **shared,
            "id": f"f{number}",
            "requestid": row["request_id"],
            "time": row["label_at"],
            "data": {"truth": {"data": {"ndarray": [[row["label"]]]}}},
        }
        for number, row in enumerate(rows)
    ]
    return small.write_lines(path / "feedback.json", events)


def as_folder(path: Path, rows: Rows) -> Path:
    """Some of each, at any depth."""
    (path / "mixed" / "late").mkdir(parents=True)
    as_csv(path / "mixed", rows[:80])
    as_parquet(path / "mixed", rows[80:160])
    as_feedback(path / "mixed" / "late", rows[160:])
    (path / "mixed" / "_SUCCESS").touch()
    return path / "mixed"


WAYS = [as_csv, as_parquet, as_lines, as_ground_truth, as_feedback, as_folder]


@pytest.mark.parametrize("write", WAYS)
def test_labels_of_every_kind_are_the_same_labels(
    finished: Path, tmp_path: Path, write: Callable[[Path, Rows], Path]
) -> None:
    """Added again to a run that has them: nothing contradicts, and the part is that of the run's own file."""
    root = tmp_path / "run"
    shutil.copytree(finished, root)
    done = command.run("labels", "add", root, write(tmp_path, small.labelled()))
    assert done.code == 0, done.err
    assert "240 read, 240 requests labelled, 0 of unknown requests" in done.err
    own, added = (pq.read_table(root / "labels" / f"part-0000{part}.parquet") for part in (0, 1))
    assert added.equals(own)


def test_a_correction_counts_from_when_it_was_known(finished: Path, tmp_path: Path) -> None:
    """Late, doubled and corrected labels: an earlier time sees the label of then; history is kept."""
    root = tmp_path / "run"
    shutil.copytree(finished, root)
    wrong = [
        {**row, "label": 1 - row["label"], "label_at": "2025-04-20T00:00:00Z"} for row in small.labelled()
    ]
    wrong = [*wrong[:60], *wrong[:10]]
    assert command.run("labels", "add", root, as_csv(tmp_path, wrong)).code == 0
    harms = {}
    for day in ("2025-04-19", "2025-05-01"):
        command.run("decide", root, "--as-of", f"{day}T00:00:00Z")
        harms[day] = report_of(root)["quality"][0]["metrics"][0]["arms"]["challenger"]
    assert harms["2025-04-19"] < harms["2025-05-01"]
    contradiction = [{**wrong[0], "label": 1 - wrong[0]["label"]}]
    done = command.run("labels", "add", root, as_lines(tmp_path, contradiction))
    assert done.code == 65
    assert "a later label_at" in done.complaint


def test_check_reads_a_folder_of_labels(folder: Path) -> None:
    """The scenario names it as it would name a file."""
    as_folder(folder, small.labelled())
    url = "http://127.0.0.1:9/score"
    small.scenario(folder, url, more=small.champion(url) + small.labels("mixed"))
    done = command.run("check", folder / "scenario.toml")
    assert "240 read, 240 requests labelled" in done.out + done.err
