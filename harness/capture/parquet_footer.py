"""The sizes of a Parquet file's columns, read off its footer by ourselves.

pyarrow ends the whole process where the metadata of a column is spoiled and is asked for (found by fuzzing);
its readers, which come after this, refuse such a file. The footer is a struct of Thrift's compact protocol.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

#: a longer footer is of thousands of columns or row groups and is not looked through
LONGEST = 1 << 20
_ROW_GROUPS, _COLUMNS, _META = 4, 1, 3
_UNPACKED, _PACKED, _DATA_PAGE, _DICTIONARY_PAGE = 6, 7, 9, 11
_FIXED = {1: 0, 2: 0, 3: 1, 7: 8, 13: 16}
_DEEPEST = 32

Struct = dict[int, Any]


class Column(NamedTuple):
    """A column of one row group: where its first page begins, and its size unpacked and in the file."""

    start: int
    unpacked: int
    packed: int


def columns_of(path: Path) -> list[Column] | None:
    """Every column of every row group; None where the footer is too long or cannot be understood."""
    with path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - 8))
        length = int.from_bytes(file.read(4), "little")
        if not 0 < length <= min(LONGEST, size - 8):
            return None
        file.seek(size - 8 - length)
        footer = file.read(length)
    try:
        groups = _struct(footer, 0, depth=0)[0][_ROW_GROUPS]
        found = [chunk[_META] for group in groups for chunk in group[_COLUMNS]]
        return [_column(one) for one in found]
    except (IndexError, KeyError, TypeError, ValueError):
        return None


def _column(meta: Struct) -> Column:
    if not isinstance(meta, dict):
        raise TypeError("a column without metadata")
    start = meta.get(_DICTIONARY_PAGE) or meta[_DATA_PAGE]
    return Column(int(start), int(meta[_UNPACKED]), int(meta[_PACKED]))


def _struct(data: bytes, place: int, *, depth: int) -> tuple[Struct, int]:
    if depth > _DEEPEST:
        raise ValueError("nested too deeply")
    fields: Struct = {}
    number = 0
    while (head := data[place]) != 0:
        place += 1
        if head >> 4:
            number += head >> 4
        else:
            number, place = _zigzag(data, place)
        fields[number], place = _value(data, place, kind=head & 15, depth=depth)
    return fields, place + 1


def _value(data: bytes, place: int, *, kind: int, depth: int) -> tuple[Any, int]:
    if kind in _FIXED:
        return None, place + _FIXED[kind]
    if kind in {4, 5, 6}:
        return _zigzag(data, place)
    if kind == 8:
        length, place = varint(data, place)
        return None, place + length
    if kind in {9, 10}:
        return _list(data, place, depth=depth)
    if kind == 12:
        return _struct(data, place, depth=depth + 1)
    raise ValueError(f"no type {kind} in a footer")


def _list(data: bytes, place: int, *, depth: int) -> tuple[list[Any], int]:
    head, place = data[place], place + 1
    count, kind = head >> 4, head & 15
    if count == 15:
        count, place = varint(data, place)
    if count > len(data):
        raise ValueError("more elements than bytes")
    found: list[Any] = []
    for _ in range(count):
        value, place = _value(data, place, kind=3 if kind in {1, 2} else kind, depth=depth + 1)
        found.append(value)
    return found, place


def _zigzag(data: bytes, place: int) -> tuple[int, int]:
    value, place = varint(data, place)
    return value >> 1 ^ -(value & 1), place


def varint(data: bytes, place: int) -> tuple[int, int]:
    """A number in base 128, lowest digits first, and the place behind it; raises IndexError or ValueError."""
    value = 0
    for shift in range(0, 70, 7):
        byte, place = data[place], place + 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, place
    raise ValueError("a number that does not end")
