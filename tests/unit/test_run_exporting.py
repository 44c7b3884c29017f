"""A test is made of the run itself where nothing was reproduced, and of the smallest request where it was."""

from __future__ import annotations

import json
from pathlib import Path

from msgspec import structs

from harness.replay.disclosure import Written
from harness.run.exporting import export_test
from tests.kit import small
from tests.kit.reproduced import FOUND, case


def test_the_request_of_the_run_is_used_as_it_was_captured(tmp_path: Path) -> None:
    """Whole, with what the run found; nothing is sent or looked up for it."""
    run, one = case(tmp_path)
    said: list[str] = []
    path = export_test(run.folder.root, "F1", output=None, say=said.append)
    text = path.read_text(encoding="utf-8")
    first = one.finding.exemplars[0]
    assert path == run.folder.root / "reproduce" / "test_f1.py"
    assert f"request {first.request_id}" in text
    assert json.dumps(small.captured()[first.seq]["body"]["user"])[1:-1] in text
    assert "as it was captured" in said[0]


def test_the_smallest_request_is_used_where_there_is_one(tmp_path: Path) -> None:
    """What reproduce has left in the run; one that shows nothing any more is not used."""
    run, _ = case(tmp_path)
    small_one = structs.replace(
        FOUND, request=Written(method="POST", origin="", path=("/score",), body='{"tiny": 1}')
    )
    run.folder.save("reproduce/F1.json", small_one)
    mine = tmp_path / "here" / "test_mine.py"
    export_test(run.folder.root, "F1", output=mine, say=lambda _: None)
    assert "tiny" in mine.read_text(encoding="utf-8")
    run.folder.save("reproduce/F1.json", structs.replace(small_one, reproduced=False))
    export_test(run.folder.root, "F1", output=mine, say=lambda _: None)
    assert "tiny" not in mine.read_text(encoding="utf-8")
