"""A user's Parquet capture: its columns checked once, its rows given as lines of the canonical record."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import types

from harness.capture.line import Line, refused
from harness.capture.parquet_caps import rows_at_once
from harness.capture.sources import did_you_mean, translated
from harness.columns import CAPTURE
from harness.errors import CaptureError

_OURS = ("seq", "source_file", "source_offset")
_ALIASES = {
    "ts": CAPTURE.field("event_time").type,
    "served_by_build": pa.string(),
    "served_by_endpoint": pa.string(),
}
_TYPES = {field.name: field.type for field in CAPTURE} | _ALIASES
#: the resolution of a timestamp column by its unit
TICKS_NS = {"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}
_RECORDED = frozenset(name for name in CAPTURE.names if name.startswith("recorded_"))
_HEADERS = frozenset({"headers", "recorded_headers"})
_JSON_COLUMNS = ("online_features", "feature_timestamps")


def rows(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Each row by column name, without its nulls, with its number from 0; times are int ns.

    A timestamp column `ts` shows the resolution by its unit, unless `ts_resolution_ns` says it; Parquet has
    no unit above the ms, so a log that counts whole seconds has to say so. Memory is that of a record batch.
    Raises CaptureError for a file that is not Parquet or is damaged, and for a column that is missing,
    unknown or of another type.
    """
    with translated(path, CaptureError), pq.ParquetFile(path) as file:
        _check(file.schema_arrow, path)
        wanted = [name for name in file.schema_arrow.names if name not in _OURS]
        shown = (
            {"ts_resolution_ns": TICKS_NS[file.schema_arrow.field("ts").type.unit]} if "ts" in wanted else {}
        )
        number = 0
        at_once = rows_at_once(file, path, error=CaptureError)
        for batch in file.iter_batches(batch_size=at_once, columns=wanted):
            batch.validate(full=True)
            cells = [_cells(batch.column(name), name, path=path) for name in wanted]
            for values in zip(*cells, strict=True):
                given = zip(wanted, values, strict=True)
                yield number, shown | {name: value for name, value in given if value is not None}
                number += 1


def line_of(row: dict[str, Any]) -> Line:
    """The row as a canonical line; raises `bad(...)` for a value that a line could not hold."""
    recorded = {name.removeprefix("recorded_"): row.pop(name) for name in list(row) if name in _RECORDED}
    if recorded:
        row["recorded_response"] = _body_moved(recorded)
    served = {key: row.pop(f"served_by_{key}") for key in ("build", "endpoint") if f"served_by_{key}" in row}
    if served:
        row["served_by"] = row.get("served_by", {}) | served
    for name in _JSON_COLUMNS:
        if name in row:
            row[name] = msgspec.Raw(row[name])
    if "event_time" in row:
        row["event_time_ns"] = row.pop("event_time")
    if "ts" in row:
        row["ts_ns"] = row.pop("ts")
    try:
        return msgspec.convert(_body_moved(row), Line)
    except msgspec.ValidationError as error:
        raise refused(error) from error


def _body_moved(fields: dict[str, Any]) -> dict[str, Any]:
    if "body" in fields:
        fields["body_base64"] = fields.pop("body")
    return fields


def _check(schema: pa.Schema, path: Path) -> None:
    for name in schema.names:
        if name not in _TYPES:
            raise CaptureError(
                f"unknown column {name!r}", where=str(path), fix=_sentence(did_you_mean(name, _TYPES))
            )
    stamps = [name for name in ("ts_ns", "ts") if name in schema.names]
    missing = [name for name in ("request_id", "body") if name not in schema.names]
    if missing or not stamps:
        raise CaptureError(
            f"no column {(missing or ['ts_ns'])[0]!r}",
            where=str(path),
            found=", ".join(schema.names) or "none",
        )
    if len(stamps) > 1 or len(set(schema.names)) < len(schema.names):
        raise CaptureError("a column is given twice", where=str(path), found=", ".join(schema.names))
    for field in schema:
        _check_type(field, path)


def _check_type(field: pa.Field, path: Path) -> None:
    expected = _TYPES[field.name]
    if types.is_timestamp(field.type) and types.is_timestamp(expected) and field.type.tz is None:
        raise CaptureError(
            f"column {field.name!r} holds times without a zone",
            where=str(path),
            found=field.type,
            expected=expected,
            fix="Say which zone they are in, for example df.ts.dt.tz_localize('UTC').",
        )
    if not any(fits(field.type) and fits_ours(expected) for fits, fits_ours in _FAMILIES):
        raise CaptureError(
            f"column {field.name!r} has another type", where=str(path), found=field.type, expected=expected
        )


def _is_text(kind: pa.DataType) -> bool:
    if types.is_dictionary(kind):
        return _is_text(kind.value_type)
    return bool(types.is_string(kind) or types.is_large_string(kind))


def _is_bytes(kind: pa.DataType) -> bool:
    return bool(types.is_binary(kind) or types.is_large_binary(kind) or _is_text(kind))


def _is_number(kind: pa.DataType) -> bool:
    return bool(types.is_integer(kind) or types.is_floating(kind))


def _is_texts(kind: pa.DataType) -> bool:
    if types.is_map(kind):
        return _is_text(kind.key_type) and _is_text(kind.item_type)
    return bool(types.is_struct(kind)) and all(_is_text(f.type) or types.is_null(f.type) for f in kind)


#: (what a user's column may be, for which of our types)
_FAMILIES: tuple[tuple[Callable[[pa.DataType], bool], Callable[[pa.DataType], bool]], ...] = (
    (types.is_null, lambda _: True),
    (_is_text, types.is_string),
    (_is_bytes, types.is_binary),
    (_is_number, _is_number),
    (types.is_boolean, types.is_boolean),
    (types.is_timestamp, types.is_timestamp),
    (_is_texts, types.is_map),
)


def _cells(column: pa.Array, name: str, *, path: Path) -> list[Any]:
    kind = _TYPES[name]
    if types.is_map(kind):
        return [_texts(value, joined=name in _HEADERS) for value in column.to_pylist()]
    try:
        plain = column.cast(column.type.value_type) if types.is_dictionary(column.type) else column
        exact = plain.cast(kind)
    except pa.ArrowInvalid as error:
        raise CaptureError(
            f"column {name!r} holds a value that does not fit {kind}", where=str(path), found=error
        ) from error
    return list((exact.cast(pa.int64()) if types.is_timestamp(kind) else exact).to_pylist())


def _texts(
    value: dict[str, str | None] | list[tuple[str, str | None]] | None, *, joined: bool
) -> dict[str, str] | None:
    """The texts by name; the values of a header that is there twice are `joined`, as HTTP has it."""
    if not value:
        return None
    found: dict[str, str] = {}
    for key, text in value.items() if isinstance(value, dict) else value:
        if text is not None:
            found[key] = f"{found[key]}, {text}" if joined and key in found else text
    return found


def _sentence(text: str) -> str:
    """A hint as a sentence of its own; names in it keep their letters."""
    return text[:1].upper() + text[1:]
