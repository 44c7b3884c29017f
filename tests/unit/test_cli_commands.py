"""The commands: short, in order, each with help; what they share is declared once."""

from __future__ import annotations

import ast
import inspect

import click
import pytest

from harness.cli import approving, commands, inspecting, serving
from harness.cli.commands import cli


def leaves(group: click.Group) -> dict[str, click.Command]:
    """Every command by its words."""
    found: dict[str, click.Command] = {}
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            found |= {f"{name} {below}": inner for below, inner in leaves(command).items()}
        else:
            found[name] = command
    return found


def test_commands_stand_in_the_order_in_which_they_are_met() -> None:
    """First the main job, the schema last."""
    assert cli.list_commands(click.Context(cli)) == [
        *("run", "resume", "check", "plan", "init", "demo", "compare", "decide", "report", "approve"),
        *("diagnose", "show", "reproduce", "export-test", "ui", "capture", "labels", "gate-server", "schema"),
    ]


@pytest.mark.parametrize("name", leaves(cli))
def test_a_command_explains_itself(name: str) -> None:
    """A line for the list, a sentence for its own help, and one for each option."""
    command = leaves(cli)[name]
    assert command.short_help
    assert command.help
    assert command.help.rstrip().endswith(".")
    options = [p for p in command.params if isinstance(p, click.Option)]
    assert [o.name for o in options if not o.help or not o.help.endswith((".", ").", ")"))] == []


@pytest.mark.parametrize("name", ["run", "resume", "compare", "decide"])
def test_commands_that_end_in_a_verdict_share_their_options(name: str) -> None:
    """--quiet, --as-of and --wait-as mean the same everywhere."""
    options = {o for p in leaves(cli)[name].params for o in p.opts}
    assert options >= {"--quiet", "-q", "--as-of", "--wait-as"}


def test_no_command_is_longer_than_fifteen_lines() -> None:
    """Commands only hand over: their bodies have at most 15 lines."""
    trees = [ast.parse(inspect.getsource(module)) for module in (commands, inspecting, approving, serving)]
    long = {
        node.name: len(node.body)
        for tree in trees
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef)
        and (node.body[-1].end_lineno or 0) - node.body[0].lineno + 1 > 15
        and node.name != "ends_in_a_verdict"
    }
    assert long == {}


@pytest.mark.parametrize(
    ("code", "allowed"), [(0, True), (10, True), (1, False), (2, False), (30, False), (65, False)]
)
def test_wait_is_never_given_a_code_that_says_something_else(code: int, allowed: bool) -> None:  # noqa: FBT001  -- a table
    """`--wait-as` takes 0 or 10, never Python's codes or those of errors and INVALID."""
    from harness.cli import run_command

    assert run_command(["decide", "/no/such/run", "--wait-as", str(code)]) == (65 if allowed else 64)
