"""Values of a mapped row, looked up by column, path or JMESPath: texts, numbers and truths."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from contextlib import suppress
from decimal import Decimal
from typing import Any

import jmespath
import msgspec
from jmespath.exceptions import JMESPathError

from harness.capture import times
from harness.capture.formats.pieces import broken
from harness.capture.formats.tables import Row
from harness.capture.sources import did_you_mean
from harness.errors import UsageError

Get = Callable[[Row], Any]

_PATH = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+")
_OBJECT = msgspec.json.Decoder(dict[str, msgspec.Raw])
_NOT_JSON = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_TRUTHS = {"true": True, "false": False, "1": True, "0": False, "1.0": True, "0.0": False}
LONGEST_NUMBER = 400


def getter(source: object, columns: Collection[str], *, word: str) -> Get:
    """How a row gives this word: a column of this name, a constant, else a JMESPath over the row.

    Text with a leading slash is a constant, for paths. Raises UsageError for what begins with no column,
    naming the nearest.
    """
    match source:
        case bool() | int() | float():
            return lambda _: source
        case {"constant": value}:
            return lambda _: value
        case str() if source in columns:
            return lambda row: plain(row.get(source))
        case str() if source.startswith("/"):
            return lambda _: source
        case str() if source:
            return _searching(source, columns, word=word)
        case _:
            raise UsageError(
                f"{word} of the map is no source",
                found=times.clip(source),
                expected="a column, or { constant = … }",
            )


def _searching(source: str, columns: Collection[str], *, word: str) -> Get:
    try:
        search = jmespath.compile(source)
    except JMESPathError as error:
        raise _no_column(source, columns, word=word) from error
    missing = sorted(_roots(search.parsed) - set(columns))
    if missing:
        raise _no_column(missing[0], columns, word=word)
    if _PATH.fullmatch(source):
        return lambda row: _walked(row, source.split("."))

    def found(row: Row) -> Any:  # noqa: ANN401  -- any JSON
        try:
            return search.search({name: _whole(value) for name, value in row.items()})
        except JMESPathError as error:
            raise broken("wrong value", f"{word}: {str(error).splitlines()[0]}") from error

    return found


def _no_column(name: str, columns: Collection[str], *, word: str) -> UsageError:
    shown = sorted(columns)
    more = f" and {len(shown) - 20} more" if len(shown) > 20 else ""
    hint = did_you_mean(name, columns)
    return UsageError(
        f"{word} of the map: no column {name!r}",
        found=", ".join(shown[:20]) + more or "no columns",
        fix=hint[:1].upper() + hint[1:],
    )


def _roots(node: dict[str, Any]) -> set[str]:
    """The columns that an expression begins with."""
    kind, inside = node["type"], node["children"]
    if kind == "field":
        return {node["value"]}
    if kind in {"literal", "current"}:
        return set()
    first = inside[:1] if kind in _FROM_LEFT else inside
    return {name for one in first if isinstance(one, dict) for name in _roots(one)}


#: of these the rest is looked up in what the first gives
_FROM_LEFT = {
    "subexpression",
    "index_expression",
    "projection",
    "value_projection",
    "filter_projection",
    "pipe",
}


def _walked(row: Row, names: list[str]) -> Any:  # noqa: ANN401  -- any JSON
    """What stands at the end of a path; JSON on the way keeps its very text."""
    found: Any = row
    for name in names:
        if isinstance(found, msgspec.Raw):
            try:
                found = _OBJECT.decode(found)
            except _NOT_JSON:
                return None
        if not isinstance(found, dict):
            return None
        found = found.get(name)
    return plain(found)


def plain(value: Any) -> Any:  # noqa: ANN401  -- any cell
    """A cell of JSON: texts, truths and null decoded; numbers, objects and lists stay their text, as Raw."""
    if isinstance(value, msgspec.Raw) and bytes(value)[:1] in (b'"', b"n", b"t", b"f"):
        return msgspec.json.decode(value)
    return value


def _whole(value: Any) -> Any:  # noqa: ANN401  -- any cell
    if isinstance(value, tuple):
        return times.rfc3339(value[0])
    return msgspec.json.decode(value) if isinstance(value, msgspec.Raw) else value


def as_written(value: object) -> str:
    """A cell as its file writes it, as near as can be."""
    return bytes(value).decode(errors="replace") if isinstance(value, msgspec.Raw) else str(value)


def text(value: object, word: str) -> str | None:
    """An id or name: text as it is, a number as written, whole ones without a fraction; None for nothing."""
    match value:
        case None:
            return None
        case bool():
            return "true" if value else "false"
        case float() if value.is_integer() and abs(value) < 2**53:
            return str(int(value))
        case int() | float() | Decimal():
            return str(value)
        case msgspec.Raw():
            return as_written(value)
        case str():
            try:
                value.encode()
            except UnicodeEncodeError as error:
                raise broken("wrong value", f"{word}: half a surrogate pair is no text") from error
            return value
        case _:
            raise broken("wrong type", f"{word} is {times.clip(value, 40)}, not a text")


def number(value: object, word: str) -> float | None:
    """A number however it is spelled; None for nothing; raises `broken("wrong value")`."""
    if value is None:
        return None
    spelled = as_written(value)
    if not isinstance(value, bool) and len(spelled) <= LONGEST_NUMBER and "_" not in spelled:
        with suppress(ValueError):
            return float(spelled)
    raise broken("wrong value", f"{word} is {times.clip(spelled)}, not a number")


def truth(value: object, word: str) -> bool | None:
    """True or false, spelled as words or as 0 and 1; None for nothing; raises `broken("wrong value")`."""
    if value is None or isinstance(value, bool):
        return value
    spelled = as_written(value)
    if (found := _TRUTHS.get(spelled.strip().lower())) is None:
        raise broken("wrong value", f"{word} is {times.clip(spelled)}, neither true nor false")
    return found
