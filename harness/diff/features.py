"""Feature columns out of what an arm echoed (JSON) and out of what the offline pipeline built (a table)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from harness.columns import Column, Kind
from harness.errors import PipelineError

DType = Literal["number", "category"]

#: rows decoded at a time, so that a million dictionaries never live together
BLOCK = 16_384
#: JSON has no word for these, so arms spell them as strings
SPELLED: Final = {"NaN": float("nan"), "Infinity": float("inf"), "-Infinity": float("-inf")}

#: stands in an echo for a value that redaction changed, or for all of it where nobody knows which
REDACTED: Final = '{"redacted":true}'

_MARK: Final = {"redacted": True}
_ABSENT: Final = object()
_PLAIN: Final = {float, int, bool}
_OBJECT = msgspec.json.Decoder(dict[str, Any])
_RAW = msgspec.json.Decoder(dict[str, msgspec.Raw])


@dataclass(frozen=True)
class Echo:
    """What one arm echoed over n requests.

    `columns` has each feature the offline model knows; `extra` counts requests by the name of a feature it
    does not; `unreadable` counts cells that are no JSON object, whose features are all MISSING. `hidden`
    bool (n,) marks, by feature, the cells that redaction changed: they are MISSING here.
    """

    columns: dict[str, Column]
    extra: dict[str, int]
    unreadable: int
    hidden: dict[str, NDArray[np.bool_]] = field(default_factory=dict)


def from_json(cells: Sequence[bytes | None], dtypes: Mapping[str, DType]) -> Echo | None:
    """The echoed features as columns in the order of `dtypes`; None when no request echoed anything.

    `cells`: one JSON object a request, or None where none was echoed (all its features are MISSING).
    Numbers: a JSON number or bool is a VALUE, the strings "NaN", "Infinity" and "-Infinity" mean themselves,
    null is NULL, no such key MISSING, anything else WRONG_TYPE with its raw JSON kept. Categories: a string
    is a VALUE whatever it spells, null NULL, anything else WRONG_TYPE.
    """
    if all(cell is None for cell in cells):
        return None
    columns = {name: _blank(dtype, len(cells)) for name, dtype in dtypes.items()}
    extra: Counter[str] = Counter()
    hidden: dict[str, NDArray[np.bool_]] = {}
    unreadable = 0
    for start in range(0, len(cells), BLOCK):
        block = cells[start : start + BLOCK]
        rows = [_decode(cell) for cell in block]
        unreadable += sum(row is None for row in rows)
        shown = [{} if row is None or row == _MARK else row for row in rows]
        for name, column in columns.items():
            _fill(column, [row.get(name, _ABSENT) for row in shown], start=start)
            _keep_text(column, block, start=start, name=name)
        _mark(hidden, block, names=columns, rows=range(start, len(cells)))
        for row in shown:
            extra.update(row.keys() - columns.keys())
    known = {name: where for name, where in hidden.items() if name in columns}
    return Echo(columns, dict(sorted(extra.items())), unreadable, known)


def from_table(table: pa.Table, names: Sequence[str] | None = None) -> dict[str, Column]:
    """The columns of a table as features: numbers and bools as float64, strings and levels as categories.

    A null is NULL and a NaN is NAN. `names` picks and orders the columns; all of them if absent.
    Raises PipelineError for a column of any other type.
    """
    chosen = table.column_names if names is None else names
    return {name: _from_arrow(name, table.column(name)) for name in chosen}


def _decode(cell: bytes | None) -> dict[str, Any] | None:
    """The object in a cell; {} where nothing was echoed, None where it is no JSON object."""
    if cell is None:
        return {}
    try:
        return _OBJECT.decode(cell)
    except (ValueError, RecursionError):
        return None


def _blank(dtype: DType, n: int) -> Column:
    values = np.full(n, np.nan) if dtype == "number" else np.full(n, None, dtype=object)
    return Column(dtype, values, np.full(n, Kind.MISSING, np.uint8))


def _fill(column: Column, cells: list[Any], *, start: int) -> None:
    here = slice(start, start + len(cells))
    if column.dtype == "number" and _PLAIN.issuperset(map(type, cells)):
        column.values[here] = np.array(cells, np.float64)
        column.kind[here] = Kind.VALUE
        return
    read = _number if column.dtype == "number" else _category
    kinds, values = zip(*map(read, cells), strict=True)
    column.kind[here] = kinds
    column.values[here] = values


def _number(cell: object) -> tuple[Kind, float]:
    if isinstance(cell, float | int):
        return Kind.VALUE, float(cell)
    if isinstance(cell, str) and cell in SPELLED:
        return (Kind.NAN if cell == "NaN" else Kind.VALUE), SPELLED[cell]
    return _no_value(cell), np.nan


def _category(cell: object) -> tuple[Kind, str | None]:
    return (Kind.VALUE, cell) if isinstance(cell, str) else (_no_value(cell), None)


def _no_value(cell: object) -> Kind:
    if cell is None:
        return Kind.NULL
    return Kind.MISSING if cell is _ABSENT or cell == _MARK else Kind.WRONG_TYPE


def _mark(
    hidden: dict[str, NDArray[np.bool_]], block: Sequence[bytes | None], *, names: Iterable[str], rows: range
) -> None:
    """Marks the cells of a block that redaction changed, of a marked echo all; most captures have none."""
    for row, cell in zip(rows, block, strict=False):
        if cell is None or b'"redacted"' not in cell:
            continue
        found = _decode(cell) or {}
        marked = names if found == _MARK else [name for name, value in found.items() if value == _MARK]
        for name in marked:
            hidden.setdefault(name, np.zeros(rows.stop, dtype=bool))[row] = True


def _keep_text(column: Column, block: Sequence[bytes | None], *, start: int, name: str) -> None:
    """Rare, so the cell is decoded a second time rather than every cell kept raw."""
    wrong = column.kind[start : start + len(block)] == Kind.WRONG_TYPE
    for offset in np.flatnonzero(wrong).tolist():
        raw = _RAW.decode(block[offset] or b"{}")[name]
        column.text[start + offset] = bytes(raw).decode()


def _from_arrow(name: str, column: pa.ChunkedArray) -> Column:
    kind = column.type
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
        column = column.cast(kind)
        return _categories(column.cast(pa.string()))
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return _categories(column.cast(pa.string()))
    if pa.types.is_floating(kind) or pa.types.is_integer(kind) or pa.types.is_boolean(kind):
        return _numbers(column.cast(pa.float64(), safe=False))
    raise PipelineError(
        "a feature column has a type that no model reads",
        where=name,
        found=str(column.type),
        expected="numbers, bools, strings or a dictionary of strings",
        fix="Convert it in the feature pipeline.",
    )


def _categories(column: pa.ChunkedArray) -> Column:
    null = column.is_null().to_numpy()
    return Column(
        "category", column.to_numpy().astype(object), np.where(null, Kind.NULL, Kind.VALUE).astype(np.uint8)
    )


def _numbers(column: pa.ChunkedArray) -> Column:
    null = column.is_null().to_numpy()
    values = pc.fill_null(column, np.nan).to_numpy().copy()
    kind = np.where(null, Kind.NULL, np.where(np.isnan(values), Kind.NAN, Kind.VALUE))
    return Column("number", values, kind.astype(np.uint8))
