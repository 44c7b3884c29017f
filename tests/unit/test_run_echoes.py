"""The features that arms show: what was not asked for, or was masked, is missing on both sides."""

from __future__ import annotations

from typing import Any

import numpy as np

from harness import diff
from harness.columns import Column, Kind
from harness.run import echoes


def shown(**columns: list[float]) -> dict[str, Column]:
    """Columns of numbers."""
    return {
        name: Column("number", np.array(cells), np.full(len(cells), Kind.VALUE, np.uint8))
        for name, cells in columns.items()
    }


def echo(columns: dict[str, Column], **more: Any) -> diff.Echo:  # noqa: ANN401  -- fields of Echo
    """An arm that shows these features and no others."""
    return diff.Echo(**{"columns": columns, "extra": {}, "unreadable": 0, **more})


def test_what_was_not_asked_for_is_missing_on_both_sides() -> None:
    """Everything asked for leaves both as they are."""
    theirs, mine = shown(a=[1.0, 2.0]), echo(shown(a=[1.0, 3.0]))
    assert echoes.as_asked(theirs, mine, asked=np.array([True, True])) == (theirs, mine)
    left, right = echoes.as_asked(theirs, mine, asked=np.array([True, False]))
    for one in (left["a"], right.columns["a"]):
        assert list(one.kind == Kind.MISSING) == [False, True]


def test_a_mask_of_either_side_hides_the_cell_of_both() -> None:
    """Other features of the request stay."""
    masked = np.array([False, True])
    mine = echo(shown(a=[1.0, 3.0], b=[1.0, 1.0]), hidden={"a": masked})
    hidden = echoes.hidden_in(None, mine, echo(shown(a=[1.0, 2.0]), hidden={"a": ~masked}))
    assert list(hidden["a"]) == [True, True]
    left, right = echoes.as_shown(shown(a=[1.0, 2.0], b=[1.0, 2.0]), mine, hidden={"a": masked})
    for one in (left, right.columns):
        assert [list(one[name].kind == Kind.MISSING) for name in "ab"] == [[False, True], [False, False]]


def test_what_could_not_be_compared_is_said() -> None:
    """By arm; of none nothing is said."""
    found = echo(shown(a=[1.0, 2.0]), unreadable=3, hidden={"a": np.array([True, True])})
    assert echoes.unread("new", found) == [
        "new shows features that cannot be read on 3 requests: counted as missing"
    ]
    assert echoes.masked(("old", None), ("new", found)) == [
        "redaction changed 2 cells of the features that new used (a): not compared"
    ]
    assert echoes.unread("new", None) == echoes.masked(("new", None)) == []
