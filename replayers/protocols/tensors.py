"""Tensors as raw bytes: little-endian values of one datatype, texts with their lengths before them."""

from __future__ import annotations

import re
import struct
from collections.abc import Mapping, Sequence
from typing import Any

from harness.errors import CaptureError
from replayers.protocols.cells import Number
from replayers.protocols.finding import flat
from replayers.selectors import Unreadable

HEADER = "inference-header-content-length"
BYTES = "BYTES"
#: of more digits is no body
_LENGTH = re.compile(r"[0-9]{1,15}")
#: the struct letter of each datatype of fixed size
LETTERS: Mapping[str, str] = {
    "BOOL": "?",
    "UINT8": "B",
    "UINT16": "H",
    "UINT32": "I",
    "UINT64": "Q",
    "INT8": "b",
    "INT16": "h",
    "INT32": "i",
    "INT64": "q",
    "FP16": "e",
    "FP32": "f",
    "FP64": "d",
}


def packed(datatype: str, values: Sequence[Any], *, name: str) -> bytes:
    """The values in row-major order; null is NaN, and no text. Raises CaptureError for what none holds."""
    try:
        if datatype == BYTES:
            texts = [_text(value) for value in values]
            return b"".join(struct.pack("<I", len(text)) + text for text in texts)
        numbers = [float("nan") if value is None else value for value in values]
        if not datatype.startswith("FP"):  # those say for themselves what they cannot hold
            numbers = [held(value, datatype) for value in numbers]
        return struct.pack(f"<{len(numbers)}{LETTERS[datatype]}", *numbers)
    except (struct.error, KeyError, OverflowError, TypeError, ValueError):
        raise CaptureError(f"a tensor of {datatype} cannot hold a value", where=f"tensor {name!r}") from None


def held(value: Number, datatype: str) -> Number:
    """The number as one of the type: 3.0 is 3 in a whole one; raises ValueError for what it cannot hold.

    Servers that go by numpy wrap such numbers (300 is 44 in UINT8) or make an infinity of them.
    """
    kind = datatype.rstrip("0123456789")
    if kind == "BOOL" and value not in {0, 1}:
        raise ValueError("no truth value")
    if kind in {"INT", "UINT"} and isinstance(value, float) and value.is_integer():
        value = int(value)
    try:
        struct.pack(f"<{LETTERS[datatype]}", value)
    except (struct.error, OverflowError):
        raise ValueError(f"out of the range of {datatype}") from None
    return value


def unpacked(datatype: str, raw: bytes) -> list[Any]:
    """The values of a tensor; raises Unreadable for bytes that are no whole number of them."""
    if datatype == BYTES:
        return _texts(raw)
    letter = LETTERS.get(datatype)
    if letter is None:
        raise Unreadable(f"a tensor of {datatype[:20]} cannot be read")
    size = struct.calcsize(letter)
    if len(raw) % size:
        raise Unreadable(f"{len(raw)} bytes are no tensor of {datatype}")
    return list(struct.unpack(f"<{len(raw) // size}{letter}", raw))


def _text(value: object) -> bytes:
    if value is None:
        raise TypeError("no text")
    return str(value).encode()


def _texts(raw: bytes) -> list[Any]:
    found, at = [], 0
    while at < len(raw):
        if at + 4 > len(raw) or (end := at + 4 + int.from_bytes(raw[at : at + 4], "little")) > len(raw):
            raise Unreadable("a tensor of texts is cut short")
        found.append(raw[at + 4 : end].decode("utf-8", "replace"))
        at = end
    return found


def take_out(tensors: Sequence[dict[str, Any]]) -> tuple[list[dict[str, Any]], list[bytes]]:
    """The tensors without their data, and that as bytes."""
    raw = [packed(one["datatype"], flat(one["data"]), name=str(one["name"])) for one in tensors]
    bare = [{key: value for key, value in one.items() if key != "data"} for one in tensors]
    return bare, raw


def put_back(tensors: Sequence[dict[str, Any]], raw: bytes) -> None:
    """Each tensor that says how many bytes are its own gets its data; raises Unreadable."""
    at = 0
    for one in tensors:
        parameters = one.get("parameters")
        size = parameters.get("binary_data_size") if isinstance(parameters, dict) else None
        if isinstance(size, int) and size >= 0:
            if at + size > len(raw):
                raise Unreadable("the binary part of the body is cut short")
            one["data"] = unpacked(str(one.get("datatype")), raw[at : at + size])
            at += size


def header_length(headers: Mapping[str, str], body: bytes) -> int | None:
    """How long the JSON before the bytes is; None for a body that is all JSON; raises Unreadable."""
    said = next((value for name, value in headers.items() if name.lower() == HEADER), None)
    if said is None:
        return None
    if not _LENGTH.fullmatch(said.strip()) or int(said) > len(body):
        raise Unreadable(f"{HEADER} is not the length of a header")
    return int(said)
