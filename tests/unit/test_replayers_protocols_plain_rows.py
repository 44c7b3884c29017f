"""What plain answers have in common."""

from __future__ import annotations

import pytest

from replayers.protocols.plain_rows import entries, field_of, hash_in
from replayers.selectors import Unreadable


def test_entries_are_a_list_or_stand_under_a_key() -> None:
    """The first key that is there."""
    assert entries([1], ("a",)) == [1]
    assert entries({"b": [2], "a": [1]}, ("a", "b")) == [1]
    assert entries({"b": {"x": [2]}}, ("a", "b")) == [2]
    for document, what in (
        ({}, "no field 'a'"),
        (None, "body is null"),
        (1.5, "float"),
        ({"a": 1}, "no list"),
    ):
        with pytest.raises(Unreadable, match=what):
            entries(document, ("a",))


def test_a_field_is_at_its_path_or_the_only_one() -> None:
    """What is no object is itself."""
    assert field_of(0.5, "x") == 0.5
    assert field_of({"x": {"y": 1}}, "x.y") == 1
    assert field_of({"x": 1}, "") == 1
    for path, what in (("z", "nothing at 'z'"), ("", "say which")):
        with pytest.raises(Unreadable, match=what):
            field_of({"x": 1, "y": 2}, path)


@pytest.mark.parametrize(
    ("value", "found"),
    [
        *(("ab" * 32, True), ("sha256:0123456789ab", True), ("v1", False), ("20250101", False), (7, False)),
        *(("20240119192757", False), ("20240119192757a", True)),
    ],
)
def test_only_a_hash_names_a_model(value: object, found: bool) -> None:  # noqa: FBT001  -- a table
    """A version by name may be any file."""
    assert (hash_in({"version": value}, "version") == value) is found
    assert hash_in([value], "version") is None
