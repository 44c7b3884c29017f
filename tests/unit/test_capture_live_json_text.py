"""JSON changed in place: members and elements that go, broken texts, and bytes that stay."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.capture.live.json_paths import Place
from harness.capture.live.json_text import GONE, Walk, is_number, text_of, token_of


class Removing:
    """Removes the values under one key, or puts 0 in their place."""

    def __init__(self, key: str, *, action: str = "remove") -> None:
        self.name, self.word = key, action

    def action(self, place: Place, /) -> str | None:
        """The rule for the key."""
        return self.word if place and place[-1] == self.name else None

    def key(self, _place: Place, _token: str, /) -> str | None:
        """Keys stay."""
        return None

    def value(self, _place: Place, _token: str, /, *, action: str | None) -> str | None:
        """Gone, or 0."""
        return {"remove": GONE, "mask": "0", None: None}[action]


@pytest.mark.parametrize(
    ("text", "after"),
    [
        ('{"x":1,"b":2,"x":3}', '{"b":2}'),
        ('{"a":1, "x":2, "b":3}', '{"a":1, "b":3}'),
        ('{"x":1,"x":2,"b":3,"x":4,"x":5}', '{"b":3}'),
        ('{"x":{"a":[1,{"x":2}]},"b":1}', '{"b":1}'),
        ('{"a":1,"x":[1,2]}', '{"a":1}'),
        ('{"x":1}', "{}"),
        ('[{"x":1},{"x":2,"b":1}]', '[{},{"b":1}]'),
        ('{"a":{"x":1},"b":NaN}', '{"a":{},"b":NaN}'),
        ('{"a":1,"x":{"b":[1,', '{"a":1'),
        ('{"x":{"b":[1,', "{"),
        ('{"a":1,"x":"cut', '{"a":1'),
    ],
)
def test_a_member_goes_with_one_comma(text: str, after: str) -> None:
    """What is left is JSON wherever the whole was."""
    assert Walk(text, Removing("x")).changed() == after


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["x", "a", "b"]) | st.text(), inner),
    )
)
def test_removing_a_key_is_removing_it_everywhere(value: object) -> None:
    """After the walk the text is the value without the key; a key that is not there changes nothing."""
    text = json.dumps(value)

    def without(one: object) -> object:
        if isinstance(one, dict):
            return {key: without(item) for key, item in one.items() if key != "x"}
        return [without(item) for item in one] if isinstance(one, list) else one

    assert json.loads(Walk(text, Removing("x")).changed()) == without(value)
    assert Walk(text, Removing("no such key")).changed() == text


def test_a_rule_for_a_container_reaches_all_values_in_it() -> None:
    """The shape stays, so that a server still reads it."""
    text = '{"x":{"a":[1,"b"],"c":null},"d":1}'
    assert Walk(text, Removing("x", action="mask")).changed() == '{"x":{"a":[0,0],"c":0},"d":1}'


@pytest.mark.parametrize(
    "text", ["", "{", "}", "]]", '{"a":', '{"a" "b"}', ",,,", '"', '{"a":"b\\', "[" * 10_000]
)
def test_a_broken_text_stays_as_it_is(text: str) -> None:
    """A walk ends whatever it meets."""
    assert Walk(text, Removing("x")).changed() == text


@pytest.mark.parametrize(
    ("token", "text"),
    [
        ('"a\\u0040b"', "a@b"),
        ('"a', "a"),
        ('"a\\', "a\\"),
        ("17", "17"),
        ('"\\ud800"', "\ud800"),
        ('"\\q"', "\\q"),
    ],
)
def test_a_token_spells_its_text(token: str, text: str) -> None:
    """Escapes are read; a broken one stays as it is written."""
    assert text_of(token) == text


def test_half_a_pair_is_written_again() -> None:
    """A token is ASCII, so any text has one."""
    assert json.loads(token_of("\ud800 ä")) == "\ud800 ä"


@pytest.mark.parametrize(
    ("token", "yes"), [("1", True), ("-1.5e3", True), ("NaN", False), ('"1"', False), ("01a", False)]
)
def test_a_number_is_one_of_json(token: str, *, yes: bool) -> None:
    """NaN and words are none."""
    assert is_number(token) == yes
