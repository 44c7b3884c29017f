"""What the README and the docs say to type: commands that there are, scenarios and JSON that can be read."""

from __future__ import annotations

import ast
import itertools
import json
import re
import shlex
import tomllib
from pathlib import Path
from typing import Any

import click
import msgspec
import pytest

from harness.capture.formats.map_config import MapFile
from harness.cli.commands import cli
from harness.scenario import Scenario
from tests.kit.pages import PAGES, ROOT, Block, blocks, commands, spans, text_of

#: a command keeps the names of its help option from the first context that it is in
ABOVE = click.Context(cli, **cli.context_settings)
SHELL = [(block.page, line) for block in blocks("", "sh") for line in commands(block.text, "replaygate")]
INLINE = sorted(
    {(page, span) for page in PAGES for span in spans(page) if re.match(r"replaygate [a-z]", span)}
)
TARGETS = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE))
#: what a part of a scenario is completed with
REST = {
    "name": "part",
    "capture": {"path": "capture.jsonl"},
    "targets": {"challenger": {"kind": "http", "url": "http://127.0.0.1:8000/score"}},
}


def words(line: str) -> list[str]:
    """The arguments of one command, up to a comment, a pipe or the next command."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
    lexer.wordchars += "$:{}@,[]%"
    return list(itertools.takewhile(lambda word: not set(word) <= set("();<>|&"), lexer))[1:]


def meant(line: str) -> tuple[click.Command, list[str]]:
    """The command that a line names, through groups, and its own arguments."""
    found: click.Command = cli
    rest = words(line)
    while isinstance(found, click.Group):
        found, rest = found.commands[rest[0]], rest[1:]
    return found, rest


@pytest.mark.parametrize(("page", "line"), SHELL, ids=str)
def test_commands_of_code_blocks_parse(page: Path, line: str) -> None:
    """As click parses them: the command, its options, their values, and all arguments that it needs."""
    command, rest = meant(line)
    assert command.make_context(command.name, rest, parent=ABOVE).command is command, page


@pytest.mark.parametrize(
    "line", ["replaygate run", "replaygate run S --quick", "replaygate report RUN --format pdf"]
)
def test_a_command_that_is_wrong_is_seen(line: str) -> None:
    """A missing argument, an option of another command, a value that there is not."""
    command, rest = meant(line)
    with pytest.raises(click.UsageError):
        command.make_context(command.name, rest, parent=ABOVE)


@pytest.mark.parametrize(("page", "span"), INLINE, ids=str)
def test_commands_named_in_sentences_exist(page: Path, span: str) -> None:
    """And so do the options named with them."""
    command, rest = meant(span)
    known = {name for option in command.params for name in option.opts}
    assert [word for word in rest if re.match(r"--\w", word) and word not in known] == [], page


def test_there_is_something_to_check() -> None:
    """No pattern has stopped to match."""
    assert len(SHELL) > 20
    assert len(INLINE) > 30
    assert len(blocks("toml")) > 4


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_targets_of_make_exist(page: Path) -> None:
    """In blocks and in sentences."""
    lines = [
        line for block in blocks("", "sh") if block.page == page for line in commands(block.text, "make")
    ]
    named = [
        line.split()[1] for line in (*lines, *(span for span in spans(page) if re.match(r"make [a-z]", span)))
    ]
    assert [target for target in named if target not in TARGETS] == []


def completed(block: Block) -> dict[str, Any]:
    """The scenario of a block; one that says that it is a part, with the rest of a scenario."""
    raw = tomllib.loads(block.text)
    return {**REST, **raw} if block.text.startswith("# part of a scenario\n") else raw


MAPS = [block for block in blocks("toml") if "[map]" in block.text]


@pytest.mark.parametrize("block", MAPS, ids=str)
def test_maps_are_maps(block: Block) -> None:
    """Of any table to a capture."""
    msgspec.toml.decode(block.text, type=MapFile)


@pytest.mark.parametrize("block", [block for block in blocks("toml") if block not in MAPS], ids=str)
def test_scenarios_are_scenarios(block: Block) -> None:
    """Every word is one of the format; a part is marked by its first line, "# part of a scenario"."""
    msgspec.convert(completed(block), Scenario, strict=True)


@pytest.mark.parametrize("block", blocks("json"), ids=str)
def test_json_can_be_read(block: Block) -> None:
    """One document a block."""
    json.loads(block.text)


@pytest.mark.parametrize("block", blocks("python"), ids=str)
def test_python_can_be_read(block: Block) -> None:
    """It has no syntax error; it may use what stands around it."""
    ast.parse(block.text)


def test_plain_words_quote_the_kept_figures() -> None:
    """Every `id` = number is the figure that `make simulate` kept, rounded to the digits written."""
    rows = json.loads((ROOT / "results" / "simulations" / "statistics.json").read_text(encoding="utf-8"))
    kept = {row["id"]: row["value"] for row in rows}
    quoted = re.findall(r"`(\w+)` = (\d*\.\d+)", text_of(Path("docs/statistics-in-words.md")))
    assert len(quoted) > 3
    decimals = {name: len(text.partition(".")[2]) for name, text in quoted}
    assert [q for q in quoted if abs(kept[q[0]] - float(q[1])) > 0.5001 * 10.0 ** -decimals[q[0]]] == []


def test_the_quoted_diagnosis_is_that_of_the_scenario() -> None:
    """Each row begins one of the README beside the scenario, whose table is held against the command."""
    (quoted,) = (b for b in blocks("text") if b.page.name == "diagnosis.md" and "reported holdout" in b.text)
    whole = text_of(Path("scenarios/hotel_cancellation/README.md")).splitlines()
    rows = quoted.text.splitlines()
    assert [row for row in rows if not any(line.startswith(row) for line in whole)] == []
    assert len(rows) > 14
