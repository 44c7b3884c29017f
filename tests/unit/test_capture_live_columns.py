"""Values whose names stand elsewhere in a JSON text."""

import json

import pytest

from harness.capture.live.columns import Index, at, columns, plain


def action(place: tuple[str, ...], name: str) -> str | None:
    """The rule for `ssn` anywhere, and for `id` in an object `t`."""
    return "mask" if name == "ssn" or (plain(place) == ("t",) and name == "id") else None


def numbered(*place: str | int) -> tuple[str, ...]:
    """A place with numbers of elements."""
    return tuple(Index(f"[{name}]") if isinstance(name, int) else name for name in place)


def everywhere(value: object, place: tuple[str, ...]) -> list[tuple[str, ...]]:
    """Every place in a value."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [place, *(one for name, held in inner for one in everywhere(held, (*place, *numbered(name))))]


@pytest.mark.parametrize(
    ("text", "places"),
    [
        (
            '{"t":{"columns":["id","x"],"index":[0],"data":[[1,2],[3]]}}',
            [("t", "data", 0, 0), ("t", "data", 1, 0)],
        ),
        ('{"columns":["id","x"],"data":[[1,2]]}', []),
        ('[["x","ssn"],[1,2],["ssn","y"],[3,4]]', [(1, 1), (2, 1), (3, 1)]),
        ('{"inputs":[{"name":"ssn","data":[1],"shape":[1]}]}', [("inputs", 0, "data")]),
        ('{"key":"ssn","value":{"a":1}}', [("value",)]),
        ('{"ssn":1,"name":2,"why":["ssn"],"p":[0.5]}', []),
        ('{"why":["ssn","x"],"p":[1,2,3]}', []),
    ],
)
def test_values_are_found_by_names_beside_them(text: str, places: list[tuple[str | int, ...]]) -> None:
    """Rows by the list of names, tensors and pairs by their own; a list of names alone names nothing."""
    found = columns([json.loads(text)], (), action=action)
    assert found is not None
    assert {place for place in everywhere(json.loads(text), ()) if at(found, place)} == {
        numbered(*place) for place in places
    }
    assert columns([json.loads(text)], ("a",), action=action) is not None


@pytest.mark.parametrize(
    "texts",
    [['{"n":["ssn","x"],"v":{"w":[1,2,3,4]}}'], ['["ssn","x"]', "[1,2]"], ['{"n":["x","ssn"],"v":[{},{}]}']],
)
def test_names_whose_values_may_be_anywhere_are_unclear(texts: list[str]) -> None:
    """Another list that could hold them, or lines of a table."""
    assert columns([json.loads(text) for text in texts], (), action=action) is None
    assert columns([json.loads(text.replace("ssn", "y")) for text in texts], (), action=action) == {}


def test_the_number_of_an_element_is_no_name() -> None:
    """A key that looks like one is a key."""
    assert plain(numbered("a", 3, "[3]")) == ("a", "[]", "[3]")
