"""The generated files: the same text each time, written whole, found out of date."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness.cli import generated
from harness.errors import UsageError


def test_the_files_are_schemas_a_contract_and_a_page() -> None:
    """Made twice they are equal, and the schemas are JSON."""
    texts = generated.texts()
    assert texts == generated.texts()
    assert sorted(texts) == [
        "diagnosis.schema.json",
        "gate-server.openapi.json",
        "report.schema.json",
        "scenario.md",
        "scenario.schema.json",
    ]
    assert all(json.loads(text)["$id"] for name, text in texts.items() if name.endswith(".schema.json"))
    assert json.loads(texts[generated.OPENAPI])["paths"]


def test_what_was_written_is_up_to_date(tmp_path: Path) -> None:
    """The folder is made where it is missing; no temporary file stays."""
    folder = tmp_path / "docs" / "deep"
    assert sorted(generated.write(folder)) == sorted(folder.iterdir())
    assert generated.check(folder) == 5


def test_an_old_file_is_named(tmp_path: Path) -> None:
    """Only the file that differs, with the command that mends it."""
    generated.write(tmp_path)
    (tmp_path / "scenario.md").write_text("old", encoding="utf-8")
    with pytest.raises(UsageError) as caught:
        generated.check(tmp_path)
    assert caught.value.found == "scenario.md"
    assert caught.value.fix == f"Run: replaygate schema --write {tmp_path}"
