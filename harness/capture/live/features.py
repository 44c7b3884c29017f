"""Features as a line of a capture holds them: numbers and texts; what has parts is the text of its JSON."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping
from datetime import date, time, timedelta
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from ipaddress import IPv4Address, IPv6Address
from math import isnan
from pathlib import PurePath
from uuid import UUID

import msgspec

Plain = float | int | str | bool | None
Lost = Callable[[object], None]

#: a feature of more values is none: as JSON it would take some megabytes a call
MAX_VALUES = 1 << 16
_DEEPEST = 32

_AS_IT_IS = frozenset({int, str, bool, type(None)})
_PLAIN = _AS_IT_IS | {float}
#: what is known by its text
_WORDS = (
    bytes,
    Decimal,
    Fraction,
    complex,
    date,
    time,
    timedelta,
    UUID,
    Enum,
    PurePath,
    IPv4Address,
    IPv6Address,
)
_ARRAYS = (list, tuple, set, frozenset)
_MISSING = frozenset({"NAType", "NaTType"})

_ENCODER = msgspec.json.Encoder()


class NoJsonError(Exception):
    """A value that has no JSON, or too much of it."""


def are_plain(features: Mapping[str, object]) -> bool:
    """Whether all are numbers and texts of Python's own."""
    return _PLAIN.issuperset(map(type, features.values()))


def spelled(features: Mapping[str, object], lost: Lost = lambda _: None) -> dict[str, Plain]:
    """Features as JSON can say them: NaN and infinities as words, NumPy's scalars as Python's.

    What has parts (a mapping, a list, an array, a dataclass) is the text of its JSON, so that rules for
    places reach into it. `lost` hears of each value that has none; such a feature is left out.
    """
    found: dict[str, Plain] = {}
    for name, value in features.items():
        try:
            found[str(name)] = _plain(value)
        except Exception:  # noqa: BLE001  -- whatever a value of the service raises, the others go on
            lost(value)
    return found


def _plain(value: object) -> Plain:
    found = _value(value, _Room())
    return _ENCODER.encode(found).decode() if isinstance(found, dict | list) else found  # type: ignore[return-value]


class _Room:
    """How many values of a feature may still come, and how deep they stand."""

    def __init__(self) -> None:
        self.left = MAX_VALUES
        self.depth = 0

    def array(self, values: Iterable[object]) -> list[object]:
        """Raises NoJsonError."""
        self._in()
        found = [self._take(value) for value in values]
        self.depth -= 1
        return found

    def named(self, members: Mapping[object, object]) -> dict[str, object]:
        """Raises NoJsonError."""
        self._in()
        found = {str(name): self._take(value) for name, value in members.items()}
        self.depth -= 1
        return found

    def _in(self) -> None:
        self.depth += 1
        if self.depth > _DEEPEST:
            raise NoJsonError

    def _take(self, value: object) -> object:
        self.left -= 1
        if self.left < 0:
            raise NoJsonError
        return _value(value, self)


def _value(value: object, room: _Room) -> object:
    kind = type(value)
    if kind is float:
        return value if value - value == 0 else _finite(value)  # type: ignore[operator,arg-type]
    if kind in _AS_IT_IS:
        return value
    if isinstance(value, float):
        return _finite(float(value))
    if isinstance(value, int):
        return int(value)
    return str(value) if isinstance(value, str) else _converted(value, room)


def _finite(value: float) -> float | str:
    if value - value == 0:
        return value
    return "NaN" if isnan(value) else "Infinity" if value > 0 else "-Infinity"


def _converted(value: object, room: _Room) -> object:
    """A value that is neither number nor text of Python's own; raises NoJsonError."""
    if type(value).__name__ in _MISSING:
        return None
    if isinstance(value, Mapping):
        return room.named(value)
    if isinstance(value, _ARRAYS):
        return room.array(value if isinstance(value, list | tuple) else sorted(value, key=str))
    if isinstance(value, _WORDS):
        return value.decode() if isinstance(value, bytes) else str(value)
    return _of_a_library(value, room)


def _of_a_library(value: object, room: _Room) -> object:
    """Arrays and scalars by their own words, members by name; raises NoJsonError."""
    if isinstance(value, msgspec.Struct):
        return room.named(msgspec.structs.asdict(value))  # type: ignore[arg-type]
    if dataclasses.is_dataclass(value):
        return room.named({one.name: getattr(value, one.name) for one in dataclasses.fields(value)})
    if callable(dump := getattr(value, "model_dump", None)):
        return room.named(dump())
    size = getattr(value, "size", 0)
    if isinstance(size, int) and size > room.left:
        raise NoJsonError
    found = _unpacked(value)
    return str(value) if type(found) is type(value) else _value(found, room)


def _unpacked(value: object) -> object:
    """A scalar of another library, or an array of one, as Python has it; a larger array as a list."""
    for name in ("item", "tolist"):
        try:
            return getattr(value, name)()
        except (AttributeError, TypeError, ValueError, RuntimeError):
            continue
    raise NoJsonError
