"""Bodies out of columns: the very text of one, or an object of several, with NaN, null and missing apart."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from msgspec import Raw

from harness.capture.formats.map_bodies import Kind, builder
from harness.capture.formats.map_config import MapFile
from harness.errors import CaptureError, UsageError

CONFIG = MapFile(
    map={"request_id": "id", "ts": "when", "body": "*", "unit": "user"},
    types={"n": "number", "t": "text", "b": "boolean", "j": "json"},
)
CSV = {"id": "a", "when": "x", "user": "u", "n": "1.50", "t": "01", "b": "True", "j": '{"k": [1]}'}


def built(source: object, row: dict[str, object], kind: Kind = "csv", word: str = "body") -> str:
    """The body of a row."""
    return builder(CONFIG, source, columns=list(row), kind=kind, word=word)(row).decode()


@pytest.mark.parametrize(
    ("source", "row", "kind", "body"),
    [
        ("j", CSV, "csv", '{"k": [1]}'),
        ("*", CSV, "csv", '{"n":1.50,"t":"01","b":true,"j":{"k": [1]}}'),
        (["t", "n"], {**CSV, "n": "+.5"}, "csv", '{"t":"01","n":0.5}'),
        (["n"], {"n": "007"}, "csv", '{"n":7}'),
        (["n"], {"n": "nan"}, "csv", '{"n":NaN}'),
        (["n"], {"n": "-Infinity"}, "csv", '{"n":-Infinity}'),
        (["n"], {"n": None}, "csv", '{"n":null}'),
        (["j"], {"j": "[\n1]"}, "csv", '{"j":[1]}'),
        ({"amount": "n"}, CSV, "csv", '{"amount":1.50}'),
        ("x", {"x": Raw(b'{"a": 1.50}')}, "json", '{"a": 1.50}'),
        (["x", "y"], {"x": Raw(b"1.50")}, "json", '{"x":1.50}'),
        (["x"], {"x": Raw(b"null")}, "json", '{"x":null}'),
        ("x", {"x": b"\xc3\xa9"}, "parquet", "é"),
        (["x"], {"x": b"\xc3\xa9"}, "parquet", '{"x":"é"}'),
        (["x"], {"x": float("nan")}, "parquet", '{"x":NaN}'),
        (["x"], {"x": (0, 1)}, "parquet", '{"x":"1970-01-01T00:00:00Z"}'),
        (["x"], {"x": Decimal("1.10")}, "parquet", '{"x":1.10}'),
        (["x"], {"x": [1, {"y": None}]}, "parquet", '{"x":[1, {"y": null}]}'),
        (["x"], {"x": date(2025, 1, 2)}, "parquet", '{"x":"2025-01-02"}'),
        ({"constant": "{}"}, CSV, "csv", "{}"),
    ],
)
def test_bodies(source: object, row: dict[str, object], kind: Kind, body: str) -> None:
    """Digits stay, NaN stays NaN, nothing is null, and a word that JSON lacks stays missing."""
    known = {"x": None, "y": None} if kind == "json" else row
    made = builder(CONFIG, source, columns=list(known), kind=kind, word="body")
    assert made(row).decode() == body


def test_features_spell_what_json_cannot() -> None:
    """As our records do."""
    row: dict[str, object] = {"n": "NaN", "t": "x"}
    assert built(["n", "t"], row, word="online_features") == '{"n":"NaN","t":"x"}'


@pytest.mark.parametrize(
    ("source", "cell", "reason"),
    [
        (["n"], "x", "wrong value"),
        (["b"], "x", "wrong value"),
        (["j"], "{", "not JSON"),
        ("j", None, "no body"),
        (["t"], "\ud800", "wrong value"),
        (["t"], b"\xff", "wrong type"),
    ],
)
def test_a_cell_that_is_not_of_its_kind_is_refused(source: object, cell: object, reason: str) -> None:
    """A row of its own, with a stable word."""
    name = source if isinstance(source, str) else str(source[0])  # type: ignore[index]  # a list of one
    with pytest.raises(CaptureError, match=reason):
        built(source, {name: cell})


def test_csv_cells_have_no_type_unless_it_is_said() -> None:
    """Text or number is never guessed."""
    with pytest.raises(UsageError, match=r"\[types\] z = "):
        built(["z"], {"z": "1"})
