"""The two messages of gRPC, byte for byte, and whatever else may come for an answer."""

from __future__ import annotations

import struct
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replayers.protocols.protobuf import infer_request, infer_response, ready_request, says_ready
from replayers.selectors import Unreadable

#: what protobuf makes of grpc_predict_v2.proto: bc, id r, input x of FP64 [1, 2], raw 1.5 and -0.0
REQUEST = (
    b"\x0a\x02bc\x1a\x01r\x2a\x0d\x0a\x01x\x12\x04FP64\x1a\x02\x01\x02"
    b"\x32\x03\x0a\x01p\x3a\x10" + struct.pack("<2d", 1.5, -0.0)
)
OUTPUT = b"\x2a\x0d\x0a\x01p\x12\x04FP64\x1a\x02\x01\x01"
ANSWER = b"\x0a\x02bc\x12\x02v1\x1a\x01r" + OUTPUT + b"\x32\x08" + struct.pack("<d", 0.25)


def test_a_request_is_written_as_the_schema_says() -> None:
    """Fields 1, 3, 5, 6 and 7; shapes packed."""
    tensor = {"name": "x", "shape": [1, 2], "datatype": "FP64", "data": [1.5, -0.0]}
    document = {"id": "r", "inputs": [tensor], "outputs": [{"name": "p"}]}
    assert infer_request(document, model="bc") == REQUEST
    typed = {**document, "outputs": [], "parameters": {"content_type": "pd", "b": True, "n": 300}}
    parameters = (
        b"\x22\x14\x0a\x0ccontent_type\x12\x04\x1a\x02pd\x22\x07\x0a\x01b\x12\x02\x08\x01"
        b"\x22\x08\x0a\x01n\x12\x03\x10\xac\x02"
    )
    assert parameters in infer_request(typed, model="bc")


def test_an_answer_is_read_as_the_json_that_says_the_same() -> None:
    """With raw contents, and with typed ones."""
    output = {"name": "p", "datatype": "FP64", "shape": [1, 1], "data": [0.25]}
    known = {"model_name": "bc", "model_version": "v1", "id": "r", "outputs": [output]}
    assert infer_response(ANSWER) == known
    contents = b"\x2a\x0a\x3a\x08" + struct.pack("<d", 0.25)
    typed = b"\x0a\x02bc\x12\x02v1\x1a\x01r\x2a\x19" + OUTPUT[2:] + contents
    assert infer_response(typed) == known


@pytest.mark.parametrize(
    ("contents", "data"),
    [
        (b"\x2a\x03\x1a\x01\x07", [7]),
        (b"\x2a\x0c\x1a\x0a" + b"\xff" * 9 + b"\x01", [-1]),
        (b"\x2a\x06\x32\x04\x00\x00\x00\x3f", [0.5]),
        (b"\x2a\x05\x35\x00\x00\x00\x3f", [0.5]),
        (b"\x2a\x09\x39" + struct.pack("<d", 0.5), [0.5]),
        (b"\x2a\x03\x42\x01x", ["x"]),
        (b"\x2a\x02\x18\x07", [7]),
    ],
)
def test_typed_contents_are_read(contents: bytes, data: list[object]) -> None:
    """Packed or not, of each width."""
    body = b"\x2a" + bytes([len(contents)]) + contents
    assert infer_response(body)["outputs"][0]["data"] == data


def test_readiness_is_asked_and_told() -> None:
    """ModelReady, whose answer is one truth value."""
    assert ready_request("bc") == b"\x0a\x02bc"
    assert says_ready(b"\x08\x01")
    assert not says_ready(b"")


def test_an_answer_cut_anywhere_is_read_or_unreadable() -> None:
    """Nothing else is raised."""
    for end in range(len(ANSWER)):
        with suppress(Unreadable):
            infer_response(ANSWER[:end])
    for broken in (
        ANSWER[:-1],
        b"\xff" * 12,
        b"\x2b",
        ANSWER + b"\x32\x00",
        b"\x08\x01",
        b"\x2a\x02\x0a\x05",
    ):
        with pytest.raises(Unreadable):
            infer_response(broken)


@given(st.binary(max_size=80))
def test_no_bytes_whatever_raise_more_than_unreadable(data: bytes) -> None:
    """A server may send anything."""
    with suppress(Unreadable):
        infer_response(data)
