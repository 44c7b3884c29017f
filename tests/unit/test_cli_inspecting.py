"""The commands that look into a run are short, and refuse limits that are none."""

from __future__ import annotations

import pytest

from harness.cli import inspecting
from tests.kit import command


@pytest.mark.parametrize("name", ["show", "reproduce", "export-test"])
def test_each_is_a_command_of_its_name(name: str) -> None:
    """And explains itself."""
    done = command.run(name, "--help")
    assert done.code == 0
    assert getattr(inspecting, name.replace("-", "_")).name == name


@pytest.mark.parametrize(
    "option", [("--rate", "inf"), ("--max-seconds", "nan"), ("--rate", "1001"), ("--max-sends", "x")]
)
def test_a_limit_must_be_one(option: tuple[str, str]) -> None:
    """NaN is below and above every limit: it would never stop."""
    done = command.run("reproduce", "RUN", "F1", *option)
    assert done.code == 64
    assert option[0] in done.complaint
