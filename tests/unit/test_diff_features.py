"""Feature columns out of echoed JSON and out of tables: NaN, null, missing and wrong type stay apart."""

import math

import numpy as np
import pyarrow as pa
import pytest

from harness.columns import Kind
from harness.diff import features
from harness.diff.features import from_json, from_table
from harness.errors import PipelineError

NAN = math.nan


@pytest.mark.parametrize(
    ("cell", "kind", "value", "text"),
    [
        (b'{"x": 1.5}', Kind.VALUE, 1.5, None),
        (b'{"x": 7}', Kind.VALUE, 7.0, None),
        (b'{"x": true}', Kind.VALUE, 1.0, None),
        (b'{"x": "NaN"}', Kind.NAN, NAN, None),
        (b'{"x": "Infinity"}', Kind.VALUE, math.inf, None),
        (b'{"x": "-Infinity"}', Kind.VALUE, -math.inf, None),
        (b'{"x": null}', Kind.NULL, NAN, None),
        (b'{"y": 1}', Kind.MISSING, NAN, None),
        (b'{"x": "1.5"}', Kind.WRONG_TYPE, NAN, '"1.5"'),
        (b'{"x": [1, 2]}', Kind.WRONG_TYPE, NAN, "[1, 2]"),
        (None, Kind.MISSING, NAN, None),
        (b"<html>", Kind.MISSING, NAN, None),
        (b"[1]", Kind.MISSING, NAN, None),
        (b'{"x": NaN}', Kind.MISSING, NAN, None),
        (b"[" * 100_000, Kind.MISSING, NAN, None),
    ],
)
def test_a_number_cell_is_one_of_five_kinds(
    cell: bytes | None, kind: Kind, value: float, text: str | None
) -> None:
    """What a cell holds is kept, beside a plain number or alone in its block."""
    echo = from_json([b'{"x": 2}', cell], {"x": "number"})
    assert echo is not None
    column = echo.columns["x"]
    assert column.kind.tolist() == [Kind.VALUE, kind]
    np.testing.assert_array_equal(column.values, [2.0, value])
    assert column.text.get(1) == text


@pytest.mark.parametrize(
    ("cell", "kind", "value", "text"),
    [
        (b'{"x": "de"}', Kind.VALUE, "de", None),
        (b'{"x": "NaN"}', Kind.VALUE, "NaN", None),
        (b'{"x": ""}', Kind.VALUE, "", None),
        (b'{"x": null}', Kind.NULL, None, None),
        (b"{}", Kind.MISSING, None, None),
        (b'{"x": 3}', Kind.WRONG_TYPE, None, "3"),
        (b'{"x": false}', Kind.WRONG_TYPE, None, "false"),
    ],
)
def test_a_category_cell_is_text_or_nothing(
    cell: bytes, kind: Kind, value: str | None, text: str | None
) -> None:
    """Any text is a level, even one that spells NaN; a number is not."""
    echo = from_json([cell], {"x": "category"})
    assert echo is not None
    column = echo.columns["x"]
    assert (column.kind[0], column.values[0], column.text.get(0)) == (kind, value, text)


@pytest.mark.parametrize("cells", [[], [None, None]])
def test_an_arm_that_echoes_nothing_shows_no_features(cells: list[bytes | None]) -> None:
    """Nothing echoed is not the same as every feature left out."""
    assert from_json(cells, {"x": "number"}) is None


def test_an_empty_object_leaves_every_feature_out() -> None:
    """An arm that echoes {} shows its features and has none."""
    echo = from_json([b"{}"], {"x": "number"})
    assert echo is not None
    assert echo.columns["x"].kind.tolist() == [Kind.MISSING]


def test_unknown_names_and_unreadable_cells_are_counted() -> None:
    """Nothing is dropped in silence."""
    echo = from_json([b'{"x": 1, "b": 2}', b'{"a": 1, "b": "?"}', b"oops", None], {"x": "number"})
    assert echo is not None
    assert echo.extra == {"a": 1, "b": 2}
    assert echo.unreadable == 1


def test_blocks_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same columns come out whatever the block size, raw text on the right rows."""
    cells = [f'{{"x": {value}}}'.encode() for value in (1, '"a"', "null", 4, '"NaN"', '"b"', 7)]
    whole = from_json(cells, {"x": "number"})
    monkeypatch.setattr(features, "BLOCK", 2)
    parts = from_json(cells, {"x": "number"})
    assert whole is not None
    assert parts is not None
    np.testing.assert_array_equal(parts.columns["x"].kind, whole.columns["x"].kind)
    np.testing.assert_array_equal(parts.columns["x"].values, whole.columns["x"].values)
    assert parts.columns["x"].text == whole.columns["x"].text == {1: '"a"', 5: '"b"'}


@pytest.mark.parametrize(
    ("array", "dtype", "kinds", "values"),
    [
        (pa.array([1.5, NAN, None]), "number", [0, 1, 2], [1.5, NAN, NAN]),
        (pa.array([1, None], pa.int32()), "number", [0, 2], [1.0, NAN]),
        (pa.array([True, False]), "number", [0, 0], [1.0, 0.0]),
        (pa.array([2**62 + 1]), "number", [0], [float(2**62)]),
        (pa.array(["a", None, "NaN"]), "category", [0, 2, 0], ["a", None, "NaN"]),
        (pa.array(["a", None, "a"]).dictionary_encode(), "category", [0, 2, 0], ["a", None, "a"]),
        (pa.array(["a"], pa.large_string()), "category", [0], ["a"]),
        (pa.array([], pa.float64()), "number", [], []),
    ],
    ids=str,
)
def test_a_table_column_becomes_numbers_or_levels(
    array: pa.Array, dtype: str, kinds: list[int], values: list[object]
) -> None:
    """Null is NULL, NaN is NAN, and levels come by their text, not by their code."""
    column = from_table(pa.table({"x": array}))["x"]
    assert column.dtype == dtype
    assert column.kind.tolist() == kinds
    np.testing.assert_array_equal(column.values, np.array(values, column.values.dtype))


def test_table_columns_are_picked_in_the_order_asked_for() -> None:
    """The order of features is the model's, not the file's."""
    table = pa.table({"a": [1.0], "b": [2.0], "score": [0.5]})
    assert list(from_table(table, ["b", "a"])) == ["b", "a"]


def test_a_type_that_no_model_reads_is_named() -> None:
    """The error says which column and what it holds."""
    with pytest.raises(PipelineError, match=r"when: .*timestamp"):
        from_table(pa.table({"when": pa.array([0], pa.timestamp("ns"))}))


def test_a_cell_that_redaction_changed_is_missing_and_marked() -> None:
    """A mask is not what the service used; of a name that is no feature nothing is marked."""
    cells = [b'{"a":1,"c":"x"}', None, b'{"a":{"redacted":true},"c":{"redacted":true},"z":{"redacted":true}}']
    echo = from_json(cells, {"a": "number", "c": "category", "d": "number"})
    assert echo is not None
    assert echo.columns["a"].kind.tolist() == [Kind.VALUE, Kind.MISSING, Kind.MISSING]
    assert {name: where.tolist() for name, where in echo.hidden.items()} == {
        "a": [False, False, True],
        "c": [False, False, True],
    }
    assert echo.columns["a"].text == {}
