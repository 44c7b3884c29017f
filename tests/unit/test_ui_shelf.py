"""Indexes on the shelf: made beside the page, waited for, asked; a senseless question is said to be one."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from harness.errors import RunError
from harness.ui.library import Library, Opened
from harness.ui.shelf import Shelf
from tests.kit.large_run import write


@pytest.fixture
def opened(tmp_path: Path) -> Opened:
    """A run of fifty requests."""
    return Library(tmp_path / "results").open(write(tmp_path, 50))


def test_a_question_is_answered_and_a_bad_one_with_all(opened: Opened, tmp_path: Path) -> None:
    """It says what was not understood."""
    shelf = Shelf(tmp_path / "cache", patience_s=60)
    found = shelf.ask(opened, {"field": "amount"})
    assert found.answer is not None
    assert (found.answer.total, found.wrong) == (15, "")
    for asked in ({"ms": "x"}, {"pair": "a vs b"}):
        found = shelf.ask(opened, asked)
        assert found.answer is not None
        assert (found.answer.total, found.wrong != "") == (50, True)


def test_a_page_does_not_wait_for_ever(opened: Opened, tmp_path: Path) -> None:
    """Without an index yet there is no answer, and none is invented."""
    found = Shelf(tmp_path / "cache", patience_s=0).ask(opened, {"q": "a"})
    assert (found.index, found.answer, found.asked.q) == (None, None, "a")


def test_what_is_damaged_is_said_each_time_it_is_asked(opened: Opened, tmp_path: Path) -> None:
    """And shown once it is whole again."""
    part = opened.folder.capture / "part-00000.parquet"
    whole = part.read_bytes()
    part.write_bytes(whole[:-9])
    shelf = Shelf(tmp_path / "cache", patience_s=60)
    for _ in range(2):
        with pytest.raises(RunError, match="damaged"):
            shelf.ask(opened, {})
    part.write_bytes(whole)
    assert shelf.ask(opened, {}).answer is not None


def test_the_index_that_is_asked_stays_open(opened: Opened, tmp_path: Path) -> None:
    """Eight are kept, and a ninth takes the place of the one that was asked longest ago."""
    shelf = Shelf(tmp_path / "cache", patience_s=60)
    first = shelf.index(opened)
    library = Library(tmp_path / "results")
    for i in range(8):
        shutil.copytree(opened.folder.root, opened.folder.root.with_name(f"copy-{i}"))
        shelf.index(library.open(f"{opened.name.rpartition('/')[0]}/copy-{i}"))
        assert shelf.index(opened) is first
