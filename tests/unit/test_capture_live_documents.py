"""Whether a text is JSON to its end, cut, or something else."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.capture.live.documents import LARGE, Documents, documents

TEXT = st.text(max_size=8)
JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=8,
)


@given(
    values=st.lists(JSON.filter(lambda one: isinstance(one, list | dict)), max_size=3),
    data=st.data(),
    ascii_only=st.booleans(),
)
def test_json_is_sound_wherever_it_is_cut(
    values: list[object], data: st.DataObject, *, ascii_only: bool
) -> None:
    """One value or several, and any beginning of them."""
    text = "\n".join(json.dumps(value, ensure_ascii=ascii_only) for value in values)
    found = documents(text)
    assert (found.sound, found.cut, len(found.values)) == (True, False, len(values))
    assert documents(text[: data.draw(st.integers(0, len(text)))]).sound


@pytest.mark.parametrize("number", ["-1.5e-07", "-1.5E+16", "NaN", "-Infinity", "1e5"])
def test_a_number_may_be_cut_anywhere(number: str) -> None:
    """Behind its sign, its point, its exponent."""
    assert all(documents('{"a": ' + number[:end]).cut for end in range(len(number) + 1))


@pytest.mark.parametrize(
    "text",
    [
        "{'a': 1}",
        '{a: "b"}',
        '{"a":1} b=2',
        '{"a":1,}x',
        "[1,2] // c",
        "[" * 100_000,
        '{"a": /* */ 1}',
    ],
)
def test_what_is_no_json_is_not_sound(text: str) -> None:
    """However it begins, and however deep it is."""
    assert not documents(text).sound


@pytest.mark.parametrize("text", ["", "\ufeff[1]", '\x1e{"a":1}\n\x1e{"a":2}\n', f"[{'9' * 5_000}]", "[NaN]"])
def test_what_json_parsers_take_is_sound(text: str) -> None:
    """A mark of order, records of a sequence, long numbers, NaN."""
    assert documents(text).sound


@pytest.mark.parametrize(("end", "sound"), [("]", True), ("", False), ("] ssn=1", False)])
def test_a_large_text_is_looked_at_without_its_values(end: str, *, sound: bool) -> None:
    """A table of many small rows would take thirty times its size."""
    found = documents("[" + "[1]," * (LARGE // 4) + "[1]" + end)
    assert found == Documents([], sound=sound, large=True)
