"""Paths: what they say, what they match, and how a place is spelled."""

import pytest

from harness.capture.live.json_paths import ELEMENT, Paths, child, parsed, spelled


@pytest.mark.parametrize(
    ("path", "names"),
    [
        ("user.email", ("user", "email")),
        ("$.user.email", ("user", "email")),
        ("rows[].card", ("rows", "card")),
        ("[].card", ("card",)),
        ("**.iban", ("**", "iban")),
        ('"a.b".c', ("a.b", "c")),
        ("*", ("*",)),
    ],
)
def test_a_path_is_names(path: str, names: tuple[str, ...]) -> None:
    """Brackets say only that an array stands there, which is looked into anyway."""
    assert parsed(path) == names


@pytest.mark.parametrize("path", ["", ".", "a.", "a..b", "[]", 'a"b', "a[0]", "$"])
def test_what_is_no_path_is_refused(path: str) -> None:
    """A path that could match nothing, or not what it says, is an error when it is read."""
    with pytest.raises(ValueError, match="is no path"):
        parsed(path)


@pytest.mark.parametrize(
    ("path", "place", "matches"),
    [
        ("a.b", ("a", "b"), True),
        ("a.b", ("a", "c"), False),
        ("a.b", ("a",), False),
        ("a.b", ("x", "a", "b"), False),
        ("a.b", ("a", ELEMENT, ELEMENT, "b"), True),
        ("*.b", ("a", "b"), True),
        ("**.b", ("b",), True),
        ("**.b", ("x", "y", "b"), True),
        ("a.**.b", ("a", "b"), True),
        ("a.**.b", ("a", "x", ELEMENT, "b"), True),
        ("a.**", ("a", "x", "y"), True),
        ("a", ("a", ELEMENT), False),
    ],
)
def test_a_path_matches_its_places(path: str, place: tuple[str, ...], *, matches: bool) -> None:
    """An element of an array has the rule of its array, so it has none of its own."""
    assert (Paths({path: "mask"}).at(place) is not None) == matches


def test_the_first_rule_that_matches_counts() -> None:
    """Rules are asked in the order in which they are written."""
    assert Paths({"a.b": "hash", "**": "mask"}).at(("a", "b")) == "hash"


def test_hostile_depth_is_matched_at_once() -> None:
    """Many `**` against many names: a table, and no search that doubles."""
    assert Paths({".".join(["**", "a"] * 20 + ["b"]): "mask"}).at(("a",) * 40) is None


def test_a_long_place_remembers_its_end() -> None:
    """However deep, a place costs little, its last names count, and no rule from the root takes it."""
    place: tuple[str, ...] = ("root",)
    for _ in range(1_000):
        place = child(place, "a")
    place = child(place, "iban")
    assert len(place) < 60
    assert Paths({"**.iban": "mask"}).at(place) == "mask"
    assert Paths({"root.**": "mask"}).at(place) is None


@pytest.mark.parametrize("path", ["user.email", "rows[].card", '"a.b"."c d"[]', '"ä"'])
def test_a_place_is_spelled_as_it_is_read(path: str) -> None:
    """What is counted can be copied into the rules."""
    names = tuple(part for part in parsed(path))
    assert parsed(spelled(names)) == names


def test_a_text_without_the_last_name_is_not_walked() -> None:
    """An escape may hide any name, so it is walked."""
    paths = Paths({"user.email": "mask"})
    assert [paths.may_speak_of(text) for text in ('{"x":1}', '{"email":1}', '{"\\u0065":1}')] == [
        False,
        True,
        True,
    ]
