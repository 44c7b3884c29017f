"""Delta debugging: the result still fails, nothing more can go, and the search stays within its bound."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.replay import ddmin as dd
from harness.replay.ddmin import Search, ddmin, leaves, parts, smallest, spelled, value_at, without

T = TypeVar("T")


def drive(search: Search[T], fails: Callable[[T], bool]) -> tuple[T, list[T]]:
    """The result of a search on a sure test, and the candidates it tried."""
    tried: list[T] = []
    try:
        candidate = next(search)
        while True:
            tried.append(candidate)
            candidate = search.send(fails(candidate))
    except StopIteration as end:
        return end.value, tried


@given(st.sets(st.integers(0, 40)), st.data())
def test_what_is_left_is_what_makes_it_fail(items: set[int], data: st.DataObject) -> None:
    """A failure that needs some items is reduced to exactly these, in their order."""
    ordered = sorted(items)
    needed = set(data.draw(st.lists(st.sampled_from(ordered or [0]), unique=True))) & items
    left, _ = drive(ddmin(ordered), lambda c: needed <= set(c))
    assert left == tuple(sorted(needed))


@given(st.lists(st.integers(0, 5), max_size=14), st.data())
def test_any_failure_is_reduced_to_one_from_which_nothing_can_go(
    items: list[int], data: st.DataObject
) -> None:
    """Also for a test that is not monotone: the result fails, and no result of leaving one item out does."""
    salt = data.draw(st.integers(0, 1000))

    def fails(candidate: tuple[tuple[int, int], ...]) -> bool:
        return len(candidate) == len(items) or hash((salt, candidate)) % 3 == 0

    numbered = tuple(enumerate(items))
    left, tried = drive(ddmin(numbered), fails)
    assert fails(left)
    assert not any(fails(left[:i] + left[i + 1 :]) for i in range(len(left)))
    assert len(tried) <= len(items) ** 2 + 3 * len(items) + 2


def test_two_of_eight_are_found_with_few_tries() -> None:
    """The example of the docstring, and that nothing is asked of an empty list."""
    left, tried = drive(ddmin(range(1, 9)), lambda c: {1, 7} <= set(c))
    assert left == (1, 7)
    assert len(tried) < 40
    assert drive(ddmin([]), lambda _: True) == ((), [])


TREES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=4),
    max_leaves=12,
)


def contains(document: Any, marks: list[Any]) -> bool:  # noqa: ANN401  -- any JSON
    """Whether every one of some values stands somewhere in a document."""
    held = [json.dumps(value_at(document, path)) for path in leaves(document)]
    return all(json.dumps(mark) in held for mark in marks)


@given(TREES, st.data())
def test_a_tree_keeps_the_values_that_matter_and_nothing_that_can_go(tree: Any, data: st.DataObject) -> None:  # noqa: ANN401  -- any JSON
    """The result still holds them, no part of it can be taken away, and every other value is null."""
    held = [value_at(tree, path) for path in leaves(tree)]
    marks = data.draw(st.lists(st.sampled_from(held), max_size=3)) if held else []
    left, _ = drive(smallest(tree), lambda d: contains(d, marks))
    assert contains(left, marks)
    assert not any(contains(without(left, {path}), marks) for path in parts(left))
    others = [v for p in leaves(left) if (v := value_at(left, p)) not in (None, [], {})]
    assert all(json.dumps(value) in map(json.dumps, marks) for value in others)


def test_a_value_that_is_needed_but_does_not_matter_becomes_null() -> None:
    """A service that insists on a key, and a bug that hangs on another."""
    body = {"a": 1, "needed": "x", "deep": {"b": [5, 6, {"c": 7, "d": 8}]}}
    left, _ = drive(smallest(body), lambda d: "needed" in d and contains(d, [8]))
    assert left == {"needed": None, "deep": {"b": [{"d": 8}]}}


def test_what_can_go_only_after_another_value_is_null_goes() -> None:
    """`b` is needed while `a` holds a value; the last round finds that it is not any more."""
    left, _ = drive(smallest({"a": 1, "b": 2}), lambda d: "a" in d and ("b" in d or d["a"] is None))
    assert left == {"a": None}


@pytest.mark.parametrize("scalar", [None, 3, "text", [], {}])
def test_what_has_no_parts_is_left_alone(scalar: object) -> None:
    """There is nothing to try."""
    assert drive(smallest(scalar), lambda _: True) == (scalar, [])


def test_paths_are_spelled_as_people_write_them() -> None:
    """Keys with dots, places in brackets, and the parts in the order of their depth."""
    body = {"user": {"ids": [1]}, "x": 2}
    assert [spelled(path) for path in parts(body)] == ["user", "x", "user.ids", "user.ids[0]"]
    assert dd.size(body) == 4
    assert dd.nulled(body, {("user", "ids", 0)}) == {"user": {"ids": [None]}, "x": 2}
