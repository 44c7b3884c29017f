"""A finding as a pytest file of its own: it fails while the bug is there, and passes once it is gone."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING

from harness.errors import UsageError
from harness.report import words

if TYPE_CHECKING:
    from harness.replay.disclosure import Written
    from harness.report.reproduction import Reproduction

#: the first line of every file that may be written over
MARK = "# Written by replaygate export-test"
_TEMPLATE = Path(__file__).parent / "templates" / "regression_test.py.txt"
_HEADER = "header:"
Step = str | int | tuple[str, str]
_WIDTH = 90
_SECRETS = "# headers whose values are secret, and the environment variables that hold them\nSECRETS = {}\n"
_UNSET = """\
    unset = [name for name in VARIABLES if name not in os.environ]
    if unset:
        pytest.skip(f"set {', '.join(unset)}: the request needs credentials")
"""
_FROM_ENVIRONMENT = " | {header: os.environ[name] for header, name in SECRETS.items()}"
_STEP = re.compile(
    r'\.?(?:([A-Za-z_]\w*)|"((?:[^"\\]|\\.)*)")|\[(-?\d+)\]'
    r"|\[\?(\w+)=='([^']*)'\] \| \[0\]"  # the first of a list with this name
)


def render(found: Reproduction, *, score: str, features: str, file: str) -> str:
    """The file; `score` and `features` are the selectors of the answer, `file` its name for the comment.

    Raises UsageError for a selector that is more than names and places.
    """
    request = found.request
    assert request is not None  # noqa: S101  -- there is a request to test with
    literals = {
        "method": request.method,
        "headers": request.headers,
        "body": request.body,
        "times": found.times,
        "score_at": place(score),
        "features_at": place(features) if found.expected else (),
        "features": found.expected,
        "score": found.score,
        "tolerances": found.tolerances,
    }
    told = {
        "title": f"{found.finding}, {found.arm}: {words.listed(found.fields)}",
        "sentence": found.sentence,
        "origin": f"request {found.request_id}; expected is {found.against}",
        "file": file,
        "arm": "The service",
        "against": found.against,
    }
    return _template().substitute(
        {name: words.printable(text).replace('"""', "'''").replace("\\", "/") for name, text in told.items()}
        | {name: _literal(value) for name, value in literals.items()}
        | _credentials(request)
        | {"path": _path(request), "name": name_of(found)}
    )


def name_of(found: Reproduction) -> str:
    """The finding's number and its first field, as a name of Python: f1_hour_of_day."""
    text = f"{found.finding}_{next(iter(found.fields), 'request')}".lower()
    return re.sub(r"[^a-z0-9]+", "_", text).strip("_")


def place(selector: str) -> tuple[Step, ...]:
    """Where a selector points: ("header", name), or "body" and the keys and places below it.

    `[?key=='value'] | [0]` is the step (key, value): the first of a list that has it.
    """
    if selector.startswith(_HEADER):
        return ("header", selector.removeprefix(_HEADER).lower())
    steps: list[Step] = []
    at = 0
    while at < len(selector) and (step := _STEP.match(selector, at)):
        name, quoted, number, key, value = step.groups()
        if key is not None:
            steps.append((key, value))
        else:
            steps.append(int(number) if number is not None else name or quoted)
        at = step.end()
    if steps and at == len(selector):
        return ("body", *steps)
    raise UsageError(
        "a test that needs httpx alone cannot follow this selector",
        where="targets.*.response",
        found=repr(selector),
        expected="names and places, like predictions[0].score",
    )


def _credentials(request: Written) -> dict[str, str]:
    """The parts of the file about secrets, empty where the request has none."""
    secrets = _SECRETS.format(_literal(request.secrets)) if request.secrets else ""
    variables = f"VARIABLES = {list(request.variables)!r}\n" if request.variables else ""
    return {
        "credentials": secrets + variables,
        "unset": _UNSET if request.variables else "",
        "secret_headers": _FROM_ENVIRONMENT if request.secrets else "",
    }


def _literal(value: object) -> str:
    """A value as Python, in ASCII, over several lines where it is long."""
    if isinstance(value, str):
        chunks = [value[at : at + _WIDTH] for at in range(0, len(value), _WIDTH)] or [""]
        return _text(value) if len(chunks) == 1 else f"({_lines([_text(chunk) for chunk in chunks])})"
    if isinstance(value, dict) and value:
        return f"{{{_lines([f'{_text(key)}: {_literal(item)},' for key, item in value.items()])}}}"
    if isinstance(value, tuple):
        return f"({', '.join(_literal(item) for item in value)}{',' * (len(value) == 1)})"
    return ascii(value)


def _text(text: str) -> str:
    """A string in double quotes where JSON and Python spell it alike."""
    return json.dumps(text) if text.isascii() else ascii(text)


def _lines(inner: list[str]) -> str:
    return "".join(f"\n    {line}" for line in inner) + "\n"


def _path(request: Written) -> str:
    """The path as an expression: text, and variables of the environment where it holds a secret."""
    pieces = [
        f'os.environ.get("{piece}", "")' if number % 2 else _text(piece)
        for number, piece in enumerate(request.path)
        if piece
    ]
    return " + ".join(pieces) or '""'


@cache
def _template() -> Template:
    return Template(_TEMPLATE.read_text(encoding="utf-8"))
