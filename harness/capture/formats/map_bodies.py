"""Bodies of mapped rows: one column as it is, or the JSON object that several columns make."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Collection
from decimal import Decimal
from typing import Any, Literal

import msgspec

from harness.capture import times
from harness.capture.formats.json_objects import encoded
from harness.capture.formats.map_config import Cell, MapFile
from harness.capture.formats.map_values import Get, getter, number, text, truth
from harness.capture.formats.pieces import broken, epoch
from harness.capture.formats.tables import Row
from harness.errors import UsageError

Kind = Literal["json", "csv", "parquet"]

_NUMBER = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?", re.ASCII)
#: NaN and infinities as Python's JSON spells them
_STRANGE = frozenset({b"NaN", b"Infinity", b"-Infinity"})
_WHOLE = re.compile(r"[+-]?\d+", re.ASCII)


def builder(
    config: MapFile, source: object, *, columns: Collection[str], kind: Kind, word: str
) -> Callable[[Row], bytes]:
    """How a row gives a body or features: one column as it is, or an object of several."""
    features = word == "online_features"
    if isinstance(source, str) and source != "*":
        get = getter(source, columns, word=word)
        return lambda row: encoded(get(row)) if features else _content(get(row))
    if source == "*":
        taken = _taken(config.map)
        parts: dict[str, object] = {name: name for name in columns if name not in taken}
    elif isinstance(source, list):
        parts = {str(name): name for name in source}
    elif isinstance(source, dict) and "constant" not in source:
        parts = dict(source)
    else:
        get = getter(source, columns, word=word)
        return lambda row: _content(get(row))
    if kind == "csv" and (untyped := [str(one) for one in parts.values() if str(one) not in config.types]):
        raise UsageError(
            f"the map does not say what the cells of {', '.join(untyped[:5])} are",
            expected="number, text, boolean or json",
            fix=f'Say [types] {untyped[0]} = "number"; `replaygate capture info FILE` proposes a map.',
        )
    cells = [
        (msgspec.json.encode(name), getter(one, columns, word=word), str(one)) for name, one in parts.items()
    ]
    return lambda row: _object(row, cells, config=config, features=features, sparse=kind == "json")


def _object(
    row: Row, cells: list[tuple[bytes, Get, str]], *, config: MapFile, features: bool, sparse: bool
) -> bytes:
    """The object of these cells; in JSON a word that is missing stays missing."""
    parts = []
    for key, get, source in cells:
        value = get(row)
        if value is None and sparse and source.partition(".")[0] not in row:
            continue
        found = as_json(value, config.types.get(source), word=source)
        if features and found in _STRANGE:
            found = b'"' + found + b'"'
        parts.append(key + b":" + found)
    return b"{" + b",".join(parts) + b"}"


def _content(value: object) -> bytes:
    """A body: text and JSON as they are; raises `broken("no body")` where there is nothing."""
    if value is None:
        raise broken("no body", "the column of the body is empty")
    if isinstance(value, bytes):
        return value
    text(value, "body") if isinstance(value, str) else None
    return encoded(value) if isinstance(value, str | msgspec.Raw) else as_json(value, None, word="body")


def _taken(words: dict[str, Any]) -> set[str]:
    """The columns that the map uses for something else than the body."""
    found: set[str] = set()
    for word, source in words.items():
        if word == "body":
            continue
        if isinstance(source, str):
            found.add(source)
        elif isinstance(source, list):
            found.update(map(str, source))
        elif isinstance(source, dict):
            found.update(str(one) for one in source.values())
    return found


def as_json(value: object, kind: Cell | None, *, word: str) -> bytes:
    """A cell as JSON text: numbers keep their digits, NaN and infinities stay literals, as Python has them.

    `kind` says what a CSV cell is. Raises `broken("wrong value")` for a cell that is not of its kind.
    """
    if isinstance(value, str) and kind in {"number", "boolean", "json"}:
        return _typed(value.strip(), kind, word=word)
    match value:
        case msgspec.Raw():
            return bytes(value)
        case str():
            text(value, word)
            return msgspec.json.encode(value)
        case tuple():
            return msgspec.json.encode(times.rfc3339(epoch(value[0], word)))
        case Decimal():
            return str(value).encode()
        case _:
            return _dumped(_text_of(value, word) if isinstance(value, bytes) else value, word)


def _text_of(value: bytes, word: str) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError as error:
        raise broken("wrong type", f"{word} holds bytes that are no text") from error


def _typed(cell: str, kind: Cell | None, *, word: str) -> bytes:
    if kind == "boolean":
        return b"true" if truth(cell, word) else b"false"
    if kind == "json":
        return _dumped(_parsed(cell, word), word) if "\n" in cell else _checked(cell, word)
    if _NUMBER.fullmatch(cell):
        return cell.encode()
    found = number(cell, word)
    if _WHOLE.fullmatch(cell):
        return str(int(cell)).encode()
    return spelled_out(math.nan if found is None else found)


def spelled_out(value: float) -> bytes:
    """A number as Python's JSON spells it: NaN, Infinity and -Infinity are words of it."""
    return json.dumps(value).encode()


def _checked(cell: str, word: str) -> bytes:
    _parsed(cell, word)
    return cell.encode()


def _parsed(cell: str, word: str) -> object:
    try:
        return json.loads(cell)
    except (ValueError, RecursionError) as error:
        raise broken("not JSON", f"{word}: {times.clip(cell, 40)}") from error


def _dumped(value: object, word: str) -> bytes:
    try:
        return json.dumps(value, default=str, ensure_ascii=False).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise broken("wrong type", f"{word}: {error}") from error
