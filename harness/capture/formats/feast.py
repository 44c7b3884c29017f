"""Feast feature logs: what the online store served, with the time of each feature, a row an entity."""

from __future__ import annotations

from collections.abc import Iterator
from math import isfinite
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from harness.capture.formats.pieces import Asked, Format, Head, Piece, Place, broken, guarded, name_of
from harness.capture.formats.tables import Row, is_csv, moment, row_of, rows
from harness.capture.sources import Unreadable
from harness.errors import CaptureError
from harness.records import CapturedRequest

_ID, _TIME, _DATE = "__request_id", "__log_timestamp", "__log_date"
_STATUS: dict[object, str] = {0: "INVALID", 2: "NULL_VALUE", 3: "NOT_FOUND", 4: "OUTSIDE_MAX_AGE"}


def detects(head: Head) -> bool:
    """Whether the columns have Feast's request id and log time."""
    return head.keys >= {_ID, _TIME}


def read(path: Path) -> Iterator[Piece]:
    """The rows of a log in Parquet or JSON: a request each, its features as `view__feature` with their times.

    The body asks for the entities as Feast's own server is asked. Rows of one request id are numbered,
    wherever they stand. What was not PRESENT is in the tag `feature_status`. Raises CaptureError for CSV,
    which does not say what is a number, what a text, and what is missing.
    """
    if is_csv(path):
        raise CaptureError(
            "a Feast log as CSV has no types: 1 may be a text, and an empty cell a missing value",
            where=str(path),
            expected="Parquet or JSON Lines",
            fix="Write it as Parquet, as Feast does.",
        )
    several = _keys_of_several_rows(path)
    before = np.zeros(len(several) + 1, np.int32)
    for offset, row in rows(path):
        key = _key(row)
        at = int(np.searchsorted(several, key))
        alone = at == len(several) or int(several[at]) != key
        place = Place(path.name, offset, 0 if alone else int(before[at]))
        before[at] += not alone
        yield from guarded(_piece(row, place, alone=alone), place)


def _keys_of_several_rows(path: Path) -> NDArray[np.int64]:
    """The keys, sorted, of the request ids that more than one row has; 8 bytes a row while they are found."""
    keys = np.fromiter((_key(row) for _, row in rows(path, only=_ID)), np.int64)
    found, counts = np.unique(keys, return_counts=True)
    return found[counts > 1]


def _key(found: Row | bytes | Unreadable) -> int:
    """A hash of the request id."""
    try:
        return hash(row_of(found).get(_ID))
    except (CaptureError, TypeError):
        return 0


def _piece(found: Row | bytes | Unreadable, place: Place, *, alone: bool) -> Iterator[Piece]:
    row = row_of(found)
    name = name_of(row.get(_ID), _ID)
    ts_ns, resolution_ns = moment(row.get(_TIME), _TIME)
    features = [key for key in row if f"{key}__status" in row or f"{key}__timestamp" in row]
    if not features:
        raise broken("wrong field", "no feature with a __status or __timestamp beside it")
    beside = {f"{key}{end}" for key in features for end in ("", "__status", "__timestamp")}
    entities = {key: [row[key]] for key in row if key not in beside and key not in (_ID, _TIME, _DATE)}
    states = {key: row.get(f"{key}__status") for key in features}
    bad = [f"{key}={_STATUS.get(state, state)}" for key, state in states.items() if _absent(state)]
    stamps = {key: moment(row[stamp], stamp)[0] for key in features if row.get(stamp := f"{key}__timestamp")}
    yield Asked(
        CapturedRequest(
            seq=0,
            request_id=name,
            ts_ns=ts_ns,
            ts_resolution_ns=resolution_ns,
            row_index=None if alone else place.number,
            parent_id=None if alone else name,
            path="/get-online-features",
            headers={"Content-Type": "application/json"},
            body=msgspec.json.encode({"features": [_asked(key) for key in features], "entities": entities}),
            online_features=msgspec.json.encode({key: _value(row[key]) for key in features}),
            feature_timestamps=msgspec.json.encode(stamps) if stamps else None,
            tags={"feature_status": ", ".join(bad)} if bad else {},
            source_file=place.file,
            source_offset=place.offset,
        )
    )


def _absent(state: object) -> bool:
    return isinstance(state, int | float) and isfinite(state) and state != 1


def _asked(column: str) -> str:
    """A feature as Feast's server is asked for it: `view:feature`."""
    view, _, feature = column.partition("__")
    return f"{view}:{feature}"


def _value(value: Any) -> float | str | bool | None:  # noqa: ANN401  -- any cell of a table
    """A feature as our record holds it: NaN and infinities spelled out, lists as their JSON."""
    if isinstance(value, float) and not isfinite(value):
        return "NaN" if value != value else "Infinity" if value > 0 else "-Infinity"  # noqa: PLR0124  -- NaN
    if value is None or isinstance(value, bool | int | float | str):
        return value
    return bytes(value).decode() if isinstance(value, msgspec.Raw) else msgspec.json.encode(value).decode()


FEAST = Format("feast", "Feast feature log", detects, read)
