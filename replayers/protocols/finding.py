"""Where the rows are in a captured body: the shapes that model servers are asked in, recognised."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Sequence
from typing import Any

import jmespath
from jmespath.exceptions import JMESPathError

from harness.errors import CaptureError
from replayers.protocols.cells import Cell, number_or_text
from replayers.protocols.tables import Row

#: keys under which a body holds its rows in any of the plain shapes
HOLDERS = ("instances", "rows", "features", "dataframe_records", "inputs", "data")
SHAPES = (
    "an object of features, {features}, {instances}, {rows}, {inputs}, {dataframe_split}, "
    "{dataframe_records}, {data: {names, ndarray}}, Open Inference tensors, or CSV"
)
Document = Any
_END = object()


def document_of(body: bytes, *, content_type: str = "") -> Document:
    """The decoded body: JSON, or CSV as a list of rows; raises CaptureError for anything else."""
    try:
        text = body.decode()
    except UnicodeDecodeError:
        raise CaptureError("a captured body is not text", expected=SHAPES) from None
    says_json = "json" in content_type.lower()
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        if says_json or not text.strip() or text.lstrip()[:1] in {"{", "[", "<"}:
            raise CaptureError("a captured body is neither JSON nor CSV", expected=SHAPES) from None
        return _csv(text)
    one_field = isinstance(document, int | float) and not says_json
    return _csv(text) if one_field else document


def rows_of(document: Document, *, where: str = "") -> list[Row]:
    """The rows of a body, those that the JMESPath `where` selects or those of a shape that is recognised.

    Raises CaptureError where there are none.
    """
    if where:
        document = _selected(document, where)
    try:
        rows = _rows(document)
    except (IndexError, KeyError, TypeError, ValueError):
        rows = []
    if not rows:
        raise CaptureError(
            "no row of features is recognised in a captured body",
            found=_kind(document),
            expected=SHAPES,
            fix="Say where it is: rows = <JMESPath> in the target's protocol.",
        )
    return rows


def _selected(document: Document, where: str) -> Document:
    try:
        return jmespath.search(where, document)
    except JMESPathError as error:
        raise CaptureError("rows cannot be looked up in a captured body", found=str(error)[:80]) from None


def _rows(document: Document) -> list[Row]:
    if isinstance(document, list):
        return _listed(document)
    if not isinstance(document, dict):
        return []
    if is_tensors(document.get("inputs")):
        return tensor_rows(document["inputs"])
    if isinstance(split := document.get("dataframe_split"), dict):
        return _split(split)
    for key in HOLDERS:
        if isinstance(held := document.get(key), dict | list):
            return _seldon(held) if key == "data" and isinstance(held, dict) else _rows(held)
    return _object(document)


def _listed(items: list[Any]) -> list[Row]:
    """A list of rows, or one row of plain values."""
    if not any(isinstance(item, dict | list) for item in items):
        return [tuple(items)] if items else []
    rows: list[Row] = []
    for item in items:
        rows += _nested(item)
    return rows


def _nested(item: Any) -> list[Row]:  # noqa: ANN401  -- any JSON
    """One item of a list of rows; KServe also takes a list of one object, SageMaker's hold `features`."""
    if isinstance(item, dict):
        held = item.get("features")
        return _rows(held) if isinstance(held, dict | list) else _object(item)
    if isinstance(item, list) and item and all(isinstance(inner, dict) for inner in item):
        return [row for inner in item for row in _object(inner)]
    if isinstance(item, list) and not any(isinstance(inner, dict) for inner in item):
        return [tuple(item)]
    raise ValueError


def _object(item: dict[str, Any]) -> list[Row]:
    """One row by name, or columns by name, each a list or an object by row label as pandas writes them."""
    if not item:
        return []
    columns = {name: list(v.values()) if isinstance(v, dict) else v for name, v in item.items()}
    if not all(isinstance(values, list) for values in columns.values()):
        return [dict(item)]
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _split(split: dict[str, Any]) -> list[Row]:
    names = split.get("columns")
    if names is None:
        return [tuple(row) for row in split["data"]]
    return [dict(zip(map(str, names), row, strict=True)) for row in split["data"]]


def _seldon(data: dict[str, Any]) -> list[Row]:
    """Seldon's `data`: names with an ndarray, or a tensor of shape and values; else an object of features."""
    if "ndarray" in data:
        rows = data["ndarray"]
    elif isinstance(tensor := data.get("tensor"), dict):
        rows = reshaped(tensor["values"], tensor["shape"])
    else:
        return _rows(data)
    names = data.get("names")
    return _split({"columns": names, "data": rows}) if names else _listed(rows)


def is_tensors(inputs: object) -> bool:
    """Whether these are input tensors of the Open Inference Protocol."""
    return (
        isinstance(inputs, list)
        and bool(inputs)
        and all(isinstance(one, dict) and {"name", "shape", "datatype"} <= one.keys() for one in inputs)
    )


def tensor_rows(inputs: Sequence[dict[str, Any]]) -> list[Row]:
    """The rows of tensors: one of [n, k] by place, several of [n] or [n, 1] by name."""
    if len(inputs) == 1 and len(inputs[0]["shape"]) > 1 and inputs[0]["shape"][-1] != 1:
        return [tuple(row) for row in reshaped(inputs[0]["data"], inputs[0]["shape"])]
    columns = {str(one["name"]): flat(one["data"]) for one in inputs}
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def flat(data: Any) -> list[Any]:  # noqa: ANN401  -- any JSON
    """The values of a tensor in row-major order, however deep its lists are."""
    if not isinstance(data, list):
        raise ValueError("data is no list")  # noqa: TRY004  -- of what a body holds, not of a caller's mistake
    if not any(isinstance(item, list) for item in data):
        return data
    values: list[Any] = []
    levels = [iter(data)]  # and no recursion, for a body may be a thousand lists deep
    while levels:
        item = next(levels[-1], _END)
        if item is _END:
            levels.pop()
        elif isinstance(item, list):
            levels.append(iter(item))
        else:
            values.append(item)
    return values


def reshaped(data: Any, shape: Sequence[int]) -> list[list[Any]]:  # noqa: ANN401  -- any JSON
    """Row-major data as n rows, where `shape` is [n, ...]; raises ValueError where they do not fit."""
    if not shape or not all(isinstance(size, int) for size in shape):
        raise ValueError("a shape that is no list of sizes")
    values, n = flat(data), shape[0]
    if n < 0 or (n == 0) != (not values) or (n and len(values) % n):
        raise ValueError(f"{len(values)} values in a shape of {n} rows")
    width = len(values) // n if n else 0
    if n and len(shape) > 1 and _product(shape[1:]) != width:
        raise ValueError(f"{len(values)} values in the shape {list(shape)[:4]}")
    return [values[at : at + width] for at in range(0, len(values), width or 1)]


def _product(sizes: Iterable[int]) -> int:
    found = 1
    for size in sizes:
        found *= size
    return found


def _csv(text: str) -> Document:
    """The lines as rows of cells, None where one is empty; with a header, by name."""
    lines = [line for line in csv.reader(io.StringIO(text)) if line]
    if len(lines) > 1 and not any(map(_is_number, lines[0])) and all(lines[0]):
        return [dict(zip(lines[0], map(_cell, line), strict=False)) for line in lines[1:]]
    return [list(map(_cell, line)) for line in lines]


def _is_number(text: str) -> bool:
    return isinstance(number_or_text(text), float | int)


def _cell(text: str) -> Cell | None:
    return Cell(text) if text.strip() else None


def _kind(document: object) -> str:
    if isinstance(document, dict):
        return f"an object with {', '.join(str(key)[:40] for key in list(document)[:5]) or 'no field'}"
    return "nothing" if document is None else f"a {type(document).__name__}"
