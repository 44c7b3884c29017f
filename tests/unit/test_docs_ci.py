"""The examples for CI: YAML that parses, and commands and options that there are."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest

from harness.cli.commands import cli
from harness.records import EXIT_CODES

PAGE = Path(__file__).parents[2] / "docs" / "integrations" / "ci.md"
TEXT = PAGE.read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```yaml\n(.*?)^```$", TEXT, flags=re.MULTILINE | re.DOTALL)
COMMANDS = re.findall(r"^\s*(?:- )?(replaygate [^\n]*)$", "\n".join(BLOCKS), flags=re.MULTILINE)


@pytest.mark.parametrize("block", BLOCKS, ids=["action", "workflow", "gitlab"])
def test_examples_are_yaml(block: str) -> None:
    """Each block is one document, and a mapping."""
    yaml = pytest.importorskip("yaml", reason="PyYAML is in the dev group")
    assert isinstance(yaml.safe_load(block), dict)


@pytest.mark.parametrize("line", COMMANDS)
def test_commands_and_their_options_exist(line: str) -> None:
    """As the command line declares them, with a format that there is."""
    words = shlex.split(re.split(r" \|\| | >> ", line)[0])
    command = cli.commands[words[1]]
    options = {name: option for option in command.params for name in option.opts}
    for place, word in enumerate(words):
        if word.startswith("--"):
            assert word in options
            kind = options[word].type
            if isinstance(kind, click.Choice):
                assert words[place + 1] in kind.choices


def test_there_are_commands_to_check() -> None:
    """The action runs once and reports twice, the job runs."""
    assert [line.split()[1] for line in COMMANDS] == ["run", "report", "report", "run"]


def test_every_format_is_told() -> None:
    """But those that a terminal and a program read."""
    (form,) = [option for option in cli.commands["report"].params if option.name == "form"]
    assert isinstance(form.type, click.Choice)
    told = set(re.findall(r"^\| `(\w+)` \|", TEXT, flags=re.MULTILINE))
    assert told == set(form.type.choices) - {"terminal", "json"}


def test_every_exit_code_of_a_verdict_is_told() -> None:
    """With its word."""
    rows = dict(re.findall(r"^\| (\d+) \| ([A-Z-]+) \|", TEXT, flags=re.MULTILINE))
    assert rows == {str(code): word for word, code in EXIT_CODES.items()}
