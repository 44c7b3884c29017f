"""An exported test is a Python file that holds exactly what was found, whatever that is."""

from __future__ import annotations

import ast
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from harness.errors import UsageError
from harness.replay.disclosure import Written
from harness.report import regression_test
from harness.report.regression_test import name_of, place, render
from tests.kit.reproduced import FOUND

EXPECTED = replace(
    FOUND,
    expected={"hour": 14.0, "level": "de", "empty": None},
    score=0.25,
    tolerances={"hour": (0.0, 1e-9), "score": (1e-6, 0.0)},
)


def values(text: str) -> dict[str, Any]:
    """The constants of a file, as Python reads them."""
    return {
        node.targets[0].id: ast.literal_eval(node.value)
        for node in ast.parse(text).body
        if isinstance(node, ast.Assign)
        and isinstance(node.targets[0], ast.Name)
        and node.targets[0].id != "TARGET"
    }


def exported(**change: Any) -> str:  # noqa: ANN401  -- fields of a record
    """The file of a finding."""
    return render(replace(EXPECTED, **change), score="score", features="features", file="test_f1.py")


def test_the_file_holds_what_was_found() -> None:
    """Request, expectation and tolerance; it starts with the mark, and names its test after the finding."""
    text = exported()
    found = values(text)
    assert text.startswith(regression_test.MARK)
    assert found["BODY"] == '{"a": null}'
    assert found["FEATURES"] == {"hour": 14.0, "level": "de", "empty": None}
    assert (found["SCORE"], found["TIMES"], found["METHOD"], found["PATH"]) == (0.25, 1, "POST", "/score")
    assert found["TOLERANCES"] == {"hour": (0.0, 1e-9), "score": (1e-6, 0.0)}
    assert (found["SCORE_AT"], found["FEATURES_AT"]) == (("body", "score"), ("body", "features"))
    assert "def test_f1_hour():" in text
    assert exported(expected={}).count("FEATURES_AT = ()") == 1


@given(st.text())
def test_any_text_comes_back_as_it_is(text: str) -> None:
    """In the body, in headers and names of features; and no sentence breaks out of its comment."""
    request = Written(method="POST", origin="", path=("/score",), headers={"x": text}, body=text)
    found = exported(request=request, sentence=text, fields=(text,), expected={text: text}, arm=text)
    held = values(found)
    assert (held["BODY"], held["HEADERS"], held["FEATURES"]) == (text, {"x": text}, {text: text})
    assert name_of(replace(FOUND, fields=(text,))).isidentifier()


def test_secrets_are_read_from_the_environment() -> None:
    """In headers and in the query."""
    request = Written(
        method="GET", origin="", path=("/a?sid=", "SID", "&b=1"), secrets={"authorization": "TOKEN"}
    )
    text = exported(request=request)
    assert 'PATH = "/a?sid=" + os.environ.get("SID", "") + "&b=1"' in text
    assert 'SECRETS = {\n    "authorization": "TOKEN",\n}' in text
    assert "VARIABLES = ['TOKEN', 'SID']" in text
    assert "BODY = None" in text


def test_without_secrets_nothing_is_said_of_them() -> None:
    """No empty table, no variable to set; a secret in the query alone needs its variable alone."""
    plain = exported()
    assert [word for word in ("SECRETS", "VARIABLES", "credentials") if word in plain] == []
    assert "    headers = HEADERS\n" in plain
    queried = exported(request=Written(method="GET", origin="", path=("/a?sid=", "SID")))
    assert "SECRETS" not in queried
    assert "VARIABLES = ['SID']" in queried
    assert "the request needs credentials" in queried


@pytest.mark.parametrize(
    ("selector", "steps"),
    [
        ("score", ("body", "score")),
        ("a.b_1.c", ("body", "a", "b_1", "c")),
        ("predictions[0].score", ("body", "predictions", 0, "score")),
        ("[-1][2]", ("body", -1, 2)),
        ('a."b-c"', ("body", "a", "b-c")),
        ("header:X-Score", ("header", "x-score")),
        ("outputs[?name=='p-1'] | [0].data[0]", ("body", "outputs", ("name", "p-1"), "data", 0)),
    ],
)
def test_names_and_places_are_followed_without_a_library(selector: str, steps: tuple[object, ...]) -> None:
    """What most services need."""
    assert place(selector) == steps


@pytest.mark.parametrize("selector", ["max(a)", "a[?b]", "a | b", "", "a[*].b"])
def test_other_selectors_are_refused(selector: str) -> None:
    """A test that needs httpx alone cannot follow them, and says so."""
    with pytest.raises(UsageError, match="httpx alone"):
        place(selector)
