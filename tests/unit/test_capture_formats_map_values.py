"""Values of mapped rows: by column, path, JMESPath or constant; texts, numbers and truths as written."""

from __future__ import annotations

from decimal import Decimal

import pytest
from msgspec import Raw

from harness.capture.formats.map_values import getter, number, text, truth
from harness.errors import CaptureError, UsageError

ROW = {
    "id": Raw(b'"a"'),
    "n": Raw(b"1.50"),
    "user": Raw(b'{"id": 7, "tags": ["x", "y"]}'),
    "odd name": Raw(b"null"),
    "at": (5, 1),
}


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("id", "a"),
        ("odd name", None),
        ("n", Raw(b"1.50")),
        ("user.id", Raw(b"7")),
        ("user.id.deeper", None),
        ("user.none", None),
        ("user.tags[1]", "y"),
        ("user | id", 7),
        ("at.x", None),
        ("'a constant'", "a constant"),
        ({"constant": 5}, 5),
        (True, True),
        ("/predict", "/predict"),
        ("join('-', [id, user.tags[0]])", "a-x"),
        ("length(n)", CaptureError),
    ],
)
def test_a_source_is_a_column_a_path_an_expression_or_a_constant(source: object, value: object) -> None:
    """Digits stay on a path; what cannot be applied to a row is that row's fault."""
    get = getter(source, list(ROW), word="unit")
    if value is CaptureError:
        with pytest.raises(CaptureError, match="wrong value"):
            get(ROW)
        return
    found = get(ROW)
    assert type(found) is type(value)
    assert (
        bytes(found) == bytes(value) if isinstance(found, Raw) and isinstance(value, Raw) else found == value
    )


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("usr.id", "no column 'usr'; found at, id, n, odd name, user. Did you mean 'user'"),
        ("odd nam", "Did you mean 'odd name'"),
        ("length(idd)", "no column 'idd'"),
        ("", "no source"),
        (None, "no source"),
    ],
)
def test_a_source_that_is_nowhere_names_the_nearest(source: object, said: str) -> None:
    """Once for the map, not once for each row."""
    with pytest.raises(UsageError, match=said.replace(".", r"\.").replace("?", "")):
        getter(source, list(ROW), word="unit")


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (None, None),
        (True, "true"),
        (7, "7"),
        (7.0, "7"),
        (1.5, "1.5"),
        (Raw(b"1.50"), "1.50"),
        (Decimal("1.10"), "1.10"),
    ],
)
def test_ids_are_texts_as_written(value: object, written: str | None) -> None:
    """A whole number that a table holds as a float is the number."""
    assert text(value, "unit") == written


@pytest.mark.parametrize("value", ["\ud800", [1], b"x"])
def test_what_is_no_text_is_refused(value: object) -> None:
    """Half a surrogate pair cannot be written."""
    with pytest.raises(CaptureError):
        text(value, "unit")


@pytest.mark.parametrize(
    ("value", "found"),
    [(None, None), ("1e3", 1000.0), (Raw(b"2"), 2.0), (Decimal("0.5"), 0.5)],
)
def test_numbers(value: object, found: float | None) -> None:
    """However they are spelled."""
    assert number(value, "score") == found


@pytest.mark.parametrize("value", ["x", True, "1_0", "9" * 500, Raw(b"[1]")])
def test_what_is_no_number_is_refused(value: object) -> None:
    """Truths and Python's own spellings are none."""
    with pytest.raises(CaptureError, match="not a number"):
        number(value, "score")


@pytest.mark.parametrize(("value", "found"), [(None, None), ("TRUE", True), (0, False), (Raw(b"1"), True)])
def test_truths(value: object, found: bool | None) -> None:  # noqa: FBT001  -- a table's column
    """Words, and 0 and 1."""
    assert truth(value, "exposed") is found
    with pytest.raises(CaptureError, match="neither true nor false"):
        truth("maybe", "exposed")
