"""What features are made of has one digest: the same for the same files, another for any that differs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from replayers import fingerprint as module
from replayers.fingerprint import fingerprint


def made(here: Path) -> tuple[Path, Path]:
    """A module and its data folder."""
    data = here / "data"
    (data / "deep").mkdir(parents=True)
    (here / "features.py").write_text("def build(): ...\n", encoding="utf-8")
    (data / "table.csv").write_text("1,2\n", encoding="utf-8")
    (data / "deep" / "more.csv").write_text("3\n", encoding="utf-8")
    return here / "features.py", data


def digest(here: Path) -> str:
    """The digest of that folder as it is."""
    return fingerprint([here / "features.py"], here / "data", home=here)


@pytest.mark.parametrize(
    ("change", "same"),
    [
        (lambda here: (here / "features.py").write_text("def build(): pass\n"), False),
        (lambda here: (here / "data" / "table.csv").write_text("1,3\n"), False),
        (lambda here: (here / "data" / "deep" / "more.csv").write_text("33\n"), False),
        (lambda here: (here / "data" / "new.csv").write_text(""), False),
        (lambda here: (here / "data" / "table.csv").rename(here / "data" / "other.csv"), False),
        (lambda here: (here / "data" / "table.csv").touch(), True),
        (lambda here: (here / "beside.csv").write_text("1"), True),
        (lambda here: (here / "data" / "__pycache__").mkdir(), True),
        (lambda here: (here / "data" / ".hidden").write_text("1"), True),
    ],
    ids=["code", "data", "deep data", "new file", "renamed", "touched", "beside", "cache", "hidden"],
)
def test_a_digest_follows_names_and_contents(
    change: Callable[[Path], object], *, same: bool, tmp_path: Path
) -> None:
    """Only what the pipeline is given counts, and of that every byte."""
    made(tmp_path)
    before = digest(tmp_path)
    change(tmp_path)
    assert (digest(tmp_path) == before) is same


def test_the_folder_of_the_scenario_counts_without_what_lies_below(tmp_path: Path) -> None:
    """Runs are written below it and scenario files are edited; neither is data of a pipeline."""
    code, _ = made(tmp_path)
    before = fingerprint([code], tmp_path, home=tmp_path)
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "run.json").write_text("{}", encoding="utf-8")
    (tmp_path / "bug.toml").write_text("", encoding="utf-8")
    assert fingerprint([code], tmp_path, home=tmp_path) == before
    (tmp_path / "levels.json").write_text("[]", encoding="utf-8")
    assert fingerprint([code], tmp_path, home=tmp_path) != before


def test_reading_is_bounded_and_sizes_still_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond the bound a changed byte is not seen, a changed size is."""
    monkeypatch.setattr(module, "MAX_BYTES", 18)
    made(tmp_path)
    before = digest(tmp_path)
    table = tmp_path / "data" / "table.csv"
    table.write_text("9,9\n", encoding="utf-8")
    assert digest(tmp_path) == before
    table.write_text("9,99\n", encoding="utf-8")
    assert digest(tmp_path) != before
