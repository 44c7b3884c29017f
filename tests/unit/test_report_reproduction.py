"""What a reproduction says: on a console, in a script, and when there is nothing to show."""

from __future__ import annotations

import io

import msgspec
import pytest
from msgspec.structs import replace
from rich.console import Console

from harness.report.reproduction import Reproduction, render, script, start_line, summary
from tests.kit.reproduced import FOUND


def printed(found: Reproduction, *, width: int = 100) -> str:
    """What a console of a width shows."""
    out = io.StringIO()
    render(found, Console(file=out, width=width, color_system=None))
    return out.getvalue()


def test_a_console_shows_the_request_the_command_and_both_sides() -> None:
    """In this order, and the equal score is not marked."""
    text = printed(FOUND)
    assert "REPRODUCED by request r1: 5 fields reduced to 2, 1 of them null or empty; without any one" in text
    assert "12 requests sent in 1.2 s." in text
    assert "null will do" in text
    assert 'curl --silent --show-error \\\n  --request POST "http://127.0.0.1:${PORT:-8000}/score"' in text
    assert "≠ 13" in text
    assert "≠ 0.5" not in text
    assert "Beside the finding, age differ" in text


def test_how_the_service_is_started_hides_its_environment() -> None:
    """Names, not values; words are quoted for a shell, the port is the variable of the script."""
    assert FOUND.start is not None
    assert start_line(FOUND.start) == ("""cd /scenario && TOKEN=… python 'a b.py' --port "${PORT:-8000}\"""")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"minimal": False, "stopped": "after 4 sends"}, "perhaps not the fewest: stopped after 4 sends"),
        ({"minimal": False}, "nothing was taken out"),
        ({"before": 0, "after": 0, "parts": ()}, "its body is empty"),
        ({"note": "The reference is not that of the run."}, "The reference is not that of the run."),
        ({"reproduced": False, "tried": ("r1: gone",)}, "NOT REPRODUCED: no exemplar shows it any more."),
        ({"reproduced": False, "stopped": "in trouble"}, "NOT REPRODUCED: in trouble."),
    ],
)
def test_reservations_are_said(change: dict[str, object], says: str) -> None:
    """What was not done, and why."""
    assert says in "\n".join(summary(replace(FOUND, **change)))


def test_a_script_tells_what_it_shows_and_nothing_breaks_out_of_its_comments() -> None:
    """A sentence with a newline stays a comment."""
    text = script(replace(FOUND, sentence="first\nrm -rf \x1b[31m"))
    assert text.startswith("#!/bin/sh\n# F1: first\\nrm -rf \\x1b[31m\n")
    assert "# hour: expected 14 (offline:model), served 13" in text
    comments, _, commands = text.partition("set -eu\n")
    assert all(line.startswith("#") for line in comments.splitlines())
    assert commands.startswith("curl")


def test_a_record_survives_its_file_and_a_long_one_its_console() -> None:
    """JSON there and back; forty parts are listed, the others counted."""
    assert msgspec.json.decode(msgspec.json.encode(FOUND), type=Reproduction) == FOUND
    many = replace(FOUND, parts=tuple(replace(FOUND.parts[0], path=f"p{i}") for i in range(60)))
    assert "and 20 more in F1.json" in printed(many)
    assert printed(replace(FOUND, request=None, reproduced=False)).startswith("F1  challenger: hour")
