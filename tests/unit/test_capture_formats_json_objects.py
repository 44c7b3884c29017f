"""JSON objects out of a stream, wherever its chunks end."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.capture.formats.json_objects import decoded, objects
from harness.capture.sources import Unreadable
from harness.errors import CaptureError

VALUE = st.recursive(
    st.none() | st.integers() | st.text('ab"\\{}[],\n', max_size=6),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text('a"{', max_size=3), inner, max_size=3)
    ),
    max_leaves=6,
)
OBJECT = st.dictionaries(st.text("ab", max_size=3), VALUE, max_size=3)


def parts(text: bytes, size: int) -> list[bytes]:
    """The text in chunks of this size."""
    return [text[at : at + size] for at in range(0, len(text), size)]


@given(
    some=st.lists(OBJECT, max_size=4), size=st.integers(1, 9), form=st.sampled_from(["one", "list", "log"])
)
def test_every_object_comes_whole_with_its_offset(
    some: list[dict[str, object]], size: int, form: str
) -> None:
    """One after another, in a list, or in the list of an object; chunks may end anywhere."""
    texts = [json.dumps(one, indent=1) for one in some]
    listed = f"[{', '.join(texts)}]"
    text = {
        "one": "\n".join(texts),
        "list": listed,
        "log": f'{{"log": {{"entriez": [{{}}], "x": "entries", "entries": {listed}, "y": [{{}}]}}}}',
    }[form].encode()
    found = list(objects(parts(text, size), ("log", "entries") if form == "log" else ()))
    assert [json.loads(raw) for _, raw in found if isinstance(raw, bytes)] == some
    assert all(isinstance(raw, bytes) and text[at : at + len(raw)] == raw for at, raw in found)


@pytest.mark.parametrize(
    ("text", "inside", "reason"),
    [
        (b'{"a": 1', (), "cut short"),
        (b'[{"a": 1}', (), "cut short"),
        (b'{"a": "' + b"x" * 99, (), "record too long"),
        (b'{"a": [' + b"1," * 99 + b"1]}", (), "record too long"),
        (b'{"log": {}}', ("log", "entries"), "not this format"),
    ],
)
def test_what_the_end_or_the_limit_cuts_is_told(text: bytes, inside: tuple[str, ...], reason: str) -> None:
    """Once, with a reason, and nothing is held for ever."""
    found = [raw for _, raw in objects(parts(text, 16), inside, limit=50) if isinstance(raw, Unreadable)]
    assert [one.reason for one in found] == [reason]


@pytest.mark.parametrize(
    "raw", [b"{", b'{"a": NaN}', b"[1]", b'{"a": "\xff"}', b'{"a":' * 99_999, Unreadable("x", "y")]
)
def test_what_is_no_object_is_refused(raw: bytes | Unreadable) -> None:
    """As an error of this record."""
    with pytest.raises(CaptureError):
        decoded(raw)
