"""The two messages of the Open Inference Protocol over gRPC, and no more of Protocol Buffers than they need.

Fields as in grpc_predict_v2.proto: ModelInferRequest {model_name 1, id 3, parameters 4, inputs 5, outputs 6,
raw_input_contents 7}, ModelInferResponse {model_name 1, model_version 2, id 3, outputs 5,
raw_output_contents 6}, tensors {name 1, datatype 2, shape 3, parameters 4, contents 5}.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from replayers.protocols.tensors import take_out, unpacked
from replayers.selectors import Unreadable

VARINT, FIXED64, SIZED, FIXED32 = 0, 1, 2, 5
SERVICE = "inference.GRPCInferenceService"
PATH = f"/{SERVICE}/ModelInfer"
READY_PATH = f"/{SERVICE}/ModelReady"
_LONGEST_VARINT = 10
#: InferTensorContents by field: how its packed values are read, None for varints
_CONTENTS: Mapping[int, str | None] = {1: None, 2: None, 3: None, 4: None, 5: None, 6: "f", 7: "d"}
_BYTES_CONTENTS = 8
Field = tuple[int, int, int | bytes]


def infer_request(document: Mapping[str, Any], *, model: str) -> bytes:
    """A ModelInferRequest of the same tensors as the JSON document, their data as raw contents."""
    bare, raw = take_out(document["inputs"])
    parts = [_text(1, model), _text(3, str(document.get("id", "")))]
    parts += _parameters(4, document.get("parameters"))
    parts += [_sized(5, _tensor(one)) for one in bare]
    parts += [_sized(6, _text(1, str(one["name"]))) for one in document.get("outputs", ())]
    parts += [_sized(7, one) for one in raw]
    return b"".join(parts)


def ready_request(model: str) -> bytes:
    """A ModelReadyRequest."""
    return _text(1, model)


def says_ready(answer: bytes) -> bool:
    """Whether a ModelReadyResponse says so."""
    return any(number == 1 and value == 1 for number, _, value in _fields(answer))


def infer_response(data: bytes) -> dict[str, Any]:
    """A ModelInferResponse as the JSON document that says the same; raises Unreadable."""
    document: dict[str, Any] = {"outputs": []}
    raw: list[bytes] = []
    for number, _, value in _fields(data):
        if number in {1, 2, 3}:
            document[("model_name", "model_version", "id")[number - 1]] = _decoded(value)
        elif number == 5:
            document["outputs"].append(_output(_bytes(value)))
        elif number == 6:
            raw.append(_bytes(value))
    if raw and len(raw) != len(document["outputs"]):
        raise Unreadable(f"{len(raw)} raw contents for {len(document['outputs'])} outputs")
    for output, one in zip(document["outputs"], raw, strict=False):
        output["data"] = unpacked(str(output.get("datatype")), one)
    return document


def _output(data: bytes) -> dict[str, Any]:
    tensor: dict[str, Any] = {"shape": [], "data": []}
    for number, wire, value in _fields(data):
        if number in {1, 2}:
            tensor[("name", "datatype")[number - 1]] = _decoded(value)
        elif number == 3:
            tensor["shape"] += [_signed(one) for one in _varints(wire, value)]
        elif number == 5:
            tensor["data"] = _contents(_bytes(value))
    return tensor


def _contents(data: bytes) -> list[Any]:
    found: list[Any] = []
    for number, wire, value in _fields(data):
        if number == _BYTES_CONTENTS:
            found.append(_decoded(value))
        elif (letter := _CONTENTS.get(number)) is not None:
            raw = value if isinstance(value, bytes) else value.to_bytes(8 if wire == FIXED64 else 4, "little")
            found += unpacked({"f": "FP32", "d": "FP64"}[letter], raw)
        elif number in _CONTENTS:
            found += [_signed(one) if number in {2, 3} else one for one in _varints(wire, value)]
    return found


def _tensor(one: Mapping[str, Any]) -> bytes:
    shape = b"".join(_varint(size) for size in one["shape"])
    parts = [_text(1, str(one["name"])), _text(2, str(one["datatype"])), _sized(3, shape)]
    return b"".join((*parts, *_parameters(4, one.get("parameters"))))


def _parameters(number: int, parameters: object) -> list[bytes]:
    """A map of names to InferParameter; texts, truth values and whole numbers."""
    found = []
    for name, value in parameters.items() if isinstance(parameters, dict) else ():
        if isinstance(value, bool):
            inner = _key(1, VARINT) + _varint(int(value))
        elif isinstance(value, int):
            inner = _key(2, VARINT) + _varint(value)
        else:
            inner = _text(3, str(value))
        found.append(_sized(number, _text(1, str(name)) + _sized(2, inner)))
    return found


def _key(number: int, wire: int) -> bytes:
    return _varint(number << 3 | wire)


def _varint(value: int) -> bytes:
    value &= (1 << 64) - 1
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _sized(number: int, data: bytes) -> bytes:
    return _key(number, SIZED) + _varint(len(data)) + data


def _text(number: int, text: str) -> bytes:
    return _sized(number, text.encode("utf-8", "replace")) if text else b""


def _fields(data: bytes) -> Iterator[Field]:
    """The fields of a message in their order; raises Unreadable."""
    at = 0
    while at < len(data):
        key, at = _read_varint(data, at)
        number, wire = key >> 3, key & 7
        if wire == VARINT:
            value, at = _read_varint(data, at)
            yield number, wire, value
            continue
        size = {FIXED64: 8, FIXED32: 4}.get(wire)
        if wire == SIZED:
            size, at = _read_varint(data, at)
        if size is None or at + size > len(data):
            raise Unreadable("body is no ModelInferResponse")
        yield number, wire, data[at : at + size]
        at += size


def _read_varint(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for place, byte in enumerate(data[at : at + _LONGEST_VARINT]):
        value |= (byte & 0x7F) << 7 * place
        if byte < 0x80:
            return value, at + place + 1
    raise Unreadable("body is no ModelInferResponse")


def _varints(wire: int, value: int | bytes) -> Sequence[int]:
    """A repeated field of varints: one, or several packed."""
    if wire == VARINT:
        return [value] if isinstance(value, int) else []
    found, at, data = [], 0, _bytes(value)
    while at < len(data):
        one, at = _read_varint(data, at)
        found.append(one)
    return found


def _signed(value: int) -> int:
    value &= (1 << 64) - 1
    return value - (1 << 64) if value >> 63 else value


def _bytes(value: int | bytes) -> bytes:
    if isinstance(value, int):
        raise Unreadable("body is no ModelInferResponse")
    return value


def _decoded(value: int | bytes) -> str:
    return _bytes(value).decode("utf-8", "replace")
