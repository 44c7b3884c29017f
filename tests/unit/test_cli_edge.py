"""The edge: whatever ends a command becomes its exit code and one line, and never 1 or 2."""

from __future__ import annotations

import os
from collections.abc import Iterator

import click
import pytest

from harness import errors
from harness.cli.edge import run_command


def family(kind: type[errors.HarnessError]) -> Iterator[type[errors.HarnessError]]:
    """An error class and all below it."""
    yield kind
    for below in kind.__subclasses__():
        yield from family(below)


def program(ending: BaseException | int | None) -> click.Group:
    """A program whose only command `end` ends like that."""
    group = click.Group("replaygate")

    @group.command("end")
    @click.option("--sure", is_flag=True)
    def end(*, sure: bool) -> int | None:
        del sure
        if isinstance(ending, BaseException):
            raise ending
        return ending

    return group


@pytest.mark.parametrize("kind", list(family(errors.HarnessError)), ids=lambda k: k.__name__)
def test_every_error_of_ours_has_its_own_code(
    kind: type[errors.HarnessError], capsys: pytest.CaptureFixture[str]
) -> None:
    """The class decides the code, the sentence is the line; no class says 1, 2 or a verdict's code."""
    error = kind("it broke", where="file:3", found="x\nTraceback", expected="y", fix="Mend it.")
    code = run_command(["end"], program=program(error))
    assert code == kind.exit_code
    assert code in {64, 65, 69, 70, 130}
    out, err = capsys.readouterr()
    assert (out, err) == ("", "error: file:3: it broke; found x Traceback; expected y. Mend it.\n")


@pytest.mark.parametrize(
    ("ending", "code", "says"),
    [
        (ZeroDivisionError("by zero"), 70, "internal error: ZeroDivisionError: by zero"),
        (MemoryError(), 70, "internal error: MemoryError"),
        (OSError(28, "No space left on device", "/x/part.tmp"), 70, "/x/part.tmp: No space left on device"),
        (OSError("odd"), 70, "internal error: OSError: odd"),
        (SystemExit(1), 70, "internal error: something called sys.exit(1)"),
        (KeyboardInterrupt(), 130, "interrupted"),
        (click.Abort(), 130, "interrupted"),
        (click.UsageError("what?"), 64, "what? Try: replaygate --help"),
    ],
    ids=lambda v: type(v).__name__ if isinstance(v, BaseException) else None,
)
def test_every_other_ending_is_one_line_too(
    ending: BaseException, code: int, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A crash, a full disk, a library that exits, Ctrl-C and a mistyped option."""
    assert run_command(["end"], program=program(ending)) == code
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"error: {says}")
    assert err.count("\n") == 1


@pytest.mark.parametrize("arguments", [["--debug", "end"], ["end", "--debug"], ["end", "--debug", "--sure"]])
def test_debug_shows_the_traceback_wherever_it_stands(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """The line, then where it came from."""
    assert run_command(arguments, program=program(ZeroDivisionError("by zero"))) == 70
    err = capsys.readouterr().err
    assert "Traceback (most recent call last)" in err
    assert "error: internal error" in err


@pytest.mark.parametrize(("ending", "code"), [(0, 0), (10, 10), (20, 20), (30, 30), (None, 0)])
def test_a_command_ends_with_what_it_returns(ending: int | None, code: int) -> None:
    """A verdict's code passes through; a command without one is 0."""
    assert run_command(["end"], program=program(ending)) == code


@pytest.mark.parametrize(
    "arguments", [[], ["--nonsense"], ["nothing"], ["end", "--nonsense"], ["end", "more"]]
)
def test_no_command_line_ends_with_clicks_own_code(arguments: list[str]) -> None:
    """Click's 2 is 64 here, and a bare program is told how it is used."""
    assert run_command(arguments, program=program(0)) == 64


@pytest.mark.parametrize("arguments", [["--help"], ["end", "--help"]])
def test_help_is_no_error(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """It goes to standard output."""
    assert run_command(arguments, program=program(70)) == 0
    assert capsys.readouterr().out.startswith("Usage: replaygate")


@pytest.mark.parametrize("code", [0, 10, 20])
def test_a_reader_that_goes_away_changes_no_code(code: int) -> None:
    """`replaygate decide RUN | head -0`: what is left to be written is lost, the verdict is not."""
    reading, writing = os.pipe()
    os.close(reading)
    with pytest.MonkeyPatch.context() as patch, os.fdopen(writing, "w") as nobody:
        patch.setattr("sys.stdout", nobody)
        nobody.write("the verdict")
        assert run_command(["end"], program=program(code)) == code


def test_text_that_nobody_reads_to_its_end_is_no_error() -> None:
    """`replaygate check … | head -1` has shown enough."""
    reading, writing = os.pipe()
    os.close(reading)
    with pytest.MonkeyPatch.context() as patch, os.fdopen(writing, "w") as nobody:
        patch.setattr("sys.stdout", nobody)
        assert run_command(["--help"], program=program(70)) == 0


def test_a_command_that_breaks_on_some_pipe_is_never_a_go(capsys: pytest.CaptureFixture[str]) -> None:
    """A pipe to a service may break too: there is no verdict then, so there is no verdict's code."""
    error = BrokenPipeError(32, "Broken pipe")
    assert run_command(["end"], program=program(error)) == 70
    assert capsys.readouterr().err.startswith("error: Broken pipe")
