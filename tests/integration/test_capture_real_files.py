"""Capture files that other projects published are read as what they hold, or refused for the right reason."""

from __future__ import annotations

import pytest

from tests.kit.real_captures import FOLDER, REAL, found_in, is_right


def test_every_file_is_known() -> None:
    """What is added to the folder is counted, too."""
    assert {path.name for path in FOLDER.iterdir()} == {*REAL, "README.md"}


@pytest.mark.parametrize("name", REAL)
def test_a_real_file_is_understood(name: str) -> None:
    """Format, requests, answers, and the first of them; or the reason in one line."""
    assert is_right(name), found_in(FOLDER / name)
