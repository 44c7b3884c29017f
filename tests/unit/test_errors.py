"""The tree of errors: as drawn, each with its exit code, each one clear line."""

import inspect
import re

import pytest

from harness import errors
from harness.errors import HarnessError
from harness.records import EXIT_CODES

DRAWN = re.findall(r"^([│├└─\s]*)(\w+) +(\d+)  \S", errors.__doc__ or "", flags=re.MULTILINE)
CLASSES = [c for _, c in inspect.getmembers(errors, inspect.isclass) if issubclass(c, HarnessError)]


def drawn_tree() -> dict[str, tuple[str | None, int]]:
    """Each class of the drawing with its parent, by depth, and its exit code."""
    tree: dict[str, tuple[str | None, int]] = {}
    path: list[str] = []
    for indent, name, code in DRAWN:
        depth = len(indent) // 4
        path = [*path[:depth], name]
        tree[name] = (path[depth - 1] if depth else None, int(code))
    return tree


def test_the_drawing_is_the_tree() -> None:
    """Every class stands where it is drawn, with the code that is drawn."""
    real = {
        c.__name__: (c.__bases__[0].__name__ if c is not HarnessError else None, c.exit_code) for c in CLASSES
    }
    assert drawn_tree() == real


@pytest.mark.parametrize("error", CLASSES)
def test_no_error_reads_as_a_verdict_or_as_a_crash(error: type[HarnessError]) -> None:
    """Codes 1 and 2 are Python's and click's own; those of verdicts are taken."""
    assert error.exit_code not in {1, 2, *EXIT_CODES.values()}


def test_a_sentence_says_what_where_found_expected_and_what_to_do() -> None:
    """In this order, in one line."""
    error = HarnessError(
        "no such model", where="a.toml: $.m", found="x", expected="y", fix="Did you mean 'y'?"
    )
    assert str(error) == "a.toml: $.m: no such model; found x; expected y. Did you mean 'y'?"
    assert (error.what, error.where, error.found, error.expected) == (
        "no such model",
        "a.toml: $.m",
        "x",
        "y",
    )


@pytest.mark.parametrize(
    ("keywords", "expected"),
    [
        ({}, "no such model"),
        ({"where": "a.toml"}, "a.toml: no such model"),
        ({"found": 0}, "no such model; found 0"),
        ({"found": ""}, "no such model; found"),
        ({"fix": "Try again."}, "no such model. Try again."),
    ],
)
def test_what_is_not_known_is_not_said(keywords: dict[str, str], expected: str) -> None:
    """Parts that are missing leave no gap; a found 0 is something found."""
    assert str(HarnessError("no such model", **keywords)) == expected


def test_a_message_that_ends_in_a_period_gets_no_second_one() -> None:
    """Foreign messages often end in one."""
    assert str(HarnessError("it broke.", fix="Mend it.")) == "it broke. Mend it."


@pytest.mark.parametrize("evil", ["a\nb", "a\r\nb", "a\x1b[31mb", "a\u2028b", "a\u202eb", "a\x00b", "a\tb"])
def test_foreign_text_cannot_break_the_line(evil: str) -> None:
    """Newlines, escape sequences and direction marks in what was found do not reach the terminal."""
    line = str(HarnessError("bad body", found=evil))
    assert line.isprintable()
    assert line.startswith("bad body; found a ")


def test_what_a_library_says_is_not_called_found() -> None:
    """The words "found Expected" would read as if they stood in the file."""
    error = HarnessError("the rules cannot be used", where="r.toml", found=ValueError("Expected `int`"))
    assert error.sentence() == "r.toml: the rules cannot be used; Expected `int`"
