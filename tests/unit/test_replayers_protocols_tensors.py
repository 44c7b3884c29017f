"""Tensors as raw bytes and back."""

from __future__ import annotations

import math
import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import CaptureError
from replayers.protocols.tensors import HEADER, LETTERS, header_length, packed, put_back, unpacked
from replayers.selectors import Unreadable


@given(st.lists(st.floats(allow_nan=False)))
def test_doubles_come_back_to_the_last_bit(values: list[float]) -> None:
    """Little-endian, as everywhere."""
    raw = packed("FP64", values, name="x")
    assert raw == struct.pack(f"<{len(values)}d", *values)
    assert list(map(repr, unpacked("FP64", raw))) == list(map(repr, values))


@given(st.lists(st.text(max_size=5)))
def test_texts_come_back(values: list[str]) -> None:
    """Each with its length before it; those without a code point become one."""
    clean = [value.encode("utf-8", "replace").decode() for value in values]
    assert unpacked("BYTES", packed("BYTES", clean, name="x")) == clean


@pytest.mark.parametrize("datatype", LETTERS)
def test_every_type_holds_a_one(datatype: str) -> None:
    """Of its own width."""
    assert unpacked(datatype, packed(datatype, [1, 0], name="x")) == [1, 0]


@pytest.mark.parametrize(
    ("datatype", "value"),
    [
        *(("INT8", 300), ("INT64", 1.5), ("FP64", "x"), ("FP32", 1e300), ("INT64", None), ("BYTES", None)),
        *(("INT64", 1e300), ("UINT8", -1), ("INT32", math.inf), ("BOOL", 2), ("BOOL", "x"), ("BOOL", None)),
        *(("FP64", 10**400), ("INT32", "3"), ("odd", 1)),
    ],
)
def test_what_a_type_cannot_hold_is_refused(datatype: str, value: object) -> None:
    """And not cut off."""
    with pytest.raises(CaptureError, match=f"tensor of {datatype} cannot hold"):
        packed(datatype, [value], name="x")


def test_a_whole_type_holds_a_whole_float() -> None:
    """As it does in JSON."""
    assert unpacked("INT32", packed("INT32", [3.0, -0.0, True], name="x")) == [3, 0, 1]


@pytest.mark.parametrize("said", ["", "x", "-1", "1.0", "3", "9" * 5000, "²"])
def test_what_is_no_length_of_a_header_is_unreadable(said: str) -> None:
    """However long it is."""
    with pytest.raises(Unreadable, match="not the length of a header"):
        header_length({HEADER: said}, b"{}")


@pytest.mark.parametrize(
    ("datatype", "raw"),
    [("FP64", b"1234567"), ("BF16", b"12"), ("BYTES", b"\x01"), ("BYTES", b"\x05\x00\x00\x00a")],
)
def test_bytes_that_are_no_tensor_are_unreadable(datatype: str, raw: bytes) -> None:
    """Cut short, or of a type that Python has not."""
    with pytest.raises(Unreadable):
        unpacked(datatype, raw)


def test_tensors_without_a_size_keep_their_data() -> None:
    """Some of an answer may be JSON."""
    tensors: list[dict[str, Any]] = [
        {"data": [1]},
        {"datatype": "UINT8", "parameters": {"binary_data_size": 1}},
        {"parameters": None},
    ]
    put_back(tensors, b"\x07")
    assert [one.get("data") for one in tensors] == [[1], [7], None]
