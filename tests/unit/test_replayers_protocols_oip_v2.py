"""Open Inference tensors: the bodies of real servers, read and built."""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Mapping
from typing import Any

import msgspec
import pytest

from harness.errors import CaptureError
from harness.records import Attempt, Outcome, State
from replayers.protocols import Asked, OipV2, Table
from replayers.protocols.cells import OfTheModel
from replayers.protocols.numbers import Missing
from replayers.protocols.oip_v2 import Datatype
from replayers.protocols.tables import Value
from replayers.protocols.tensors import HEADER
from replayers.selectors import NOWHERE, Reader, Response, Unreadable

#: captured from MLServer 1.7.1 and KServe 0.21, three rows of one model
MLSERVER = (
    b'{"model_name":"bc","model_version":"v1","id":"req-1","parameters":{},"outputs":[{"name":"predict",'
    b'"shape":[3,1],"datatype":"FP64","parameters":{"content_type":"np"},'
    b'"data":[0.00003651247609130187,0.9999841131143142,0.9999839814902918]}]}'
)
KSERVE = (
    b'{"model_name":"bc","model_version":null,"id":"req-1","parameters":null,"outputs":[{"name":"output-0",'
    b'"shape":[3],"datatype":"FP64","parameters":null,'
    b'"data":[0.00003651247609130187,0.9999841131143142,0.9999839814902918]}]}'
)
BINARY = (
    b'{"id":"r8","model_name":"bc","model_version":null,"outputs":[{"name":"output-0","shape":[1],'
    b'"datatype":"FP64","parameters":{"binary_data_size":8}}]}\xa4\x94+ \x9f$\x03?'
)
SCORES = [3.651247609130187e-05, 0.9999841131143142, 0.9999839814902918]


@pytest.mark.parametrize("body", [MLSERVER, KSERVE])
def test_captured_answers_are_read_to_the_last_bit(body: bytes) -> None:
    """Whatever their shape and the spelling of their numbers."""
    assert OipV2().read(body, {}) == SCORES
    assert OipV2().echoed(json.loads(body)) == "req-1"
    assert OipV2().model(json.loads(body)) is None


def test_a_captured_binary_answer_is_read_to_the_last_bit() -> None:
    """The header says where the bytes begin, in any case of its letters."""
    size = str(BINARY.index(b"\xa4"))
    for name in (HEADER, "Inference-Header-Content-Length"):
        assert OipV2().read(BINARY, {name: size}) == [struct.unpack("<d", BINARY[-8:])[0]]
    for wrong in ("x", "9999", str(int(size) - 1)):
        with pytest.raises(Unreadable):
            OipV2().read(BINARY, {HEADER: wrong})
    with pytest.raises(Unreadable, match="cut short"):
        OipV2().read(BINARY[:-1], {HEADER: size})


def outcome(body: bytes, protocol: OipV2, *, sent_id: str = "req-1") -> Outcome:
    """The outcome of an answer to one row."""
    attempt = Attempt(seq=0, phase="p", target="t", attempt=1, state=State.OK, status=200, body=body)
    return Reader(Response(), protocol).outcome(attempt, sent_id=sent_id)


def answer(*outputs: Mapping[str, object], **fields: object) -> bytes:
    """An answer with these outputs."""
    return json.dumps({"id": "req-1", "outputs": outputs, **fields}).encode()


SCORE = {"name": "p", "shape": [1, 2], "datatype": "FP64", "data": [0.75, 0.25]}
ECHO = {"name": "f", "shape": [1, 2], "datatype": "FP64", "data": [1.5, None]}


def test_the_echo_is_named_by_the_columns() -> None:
    """An extra tensor, before or after the score's; or one text with an object."""
    protocol = OipV2(columns=("a", "b"), features_output="f")
    for outputs in ((SCORE, ECHO), (ECHO, SCORE)):
        found = outcome(answer(*outputs), protocol)
        assert (found.score, found.features) == (0.25, b'{"a":1.5,"b":null}')
    text = {**ECHO, "datatype": "BYTES", "shape": [1], "data": ['{"b": "x"}']}
    assert outcome(answer(SCORE, text), protocol).features == b'{"b":"x"}'
    for broken in ({"data": [1]}, {"data": 3}, {"data": ["no json"]}):
        assert protocol.features({"outputs": [SCORE, {**ECHO, **broken}]}) is NOWHERE
    assert outcome(answer(SCORE), protocol).features is None


def test_the_output_is_the_named_one() -> None:
    """Else `predict`, else the only one that is no echo; of several one must be declared."""
    other = {**SCORE, "name": "predict", "data": [0.5, 0.5]}
    assert outcome(answer(SCORE, other), OipV2()).score == 0.5
    assert outcome(answer(SCORE, other), OipV2(output="p")).score == 0.25
    assert outcome(answer(SCORE, other), OipV2(output="p", column=0, transform="1-p")).score == 0.25
    assert outcome(answer(SCORE), OipV2(output="q")).detail == "no output 'q', found p"
    assert outcome(answer(ECHO), OipV2(features_output="f")).detail == "no output with a score"
    label = {"name": "label", "shape": [1, 1], "datatype": "INT64", "data": [1]}
    several = "2 outputs (label, p): which has the score? Declare output"
    assert outcome(answer(label, SCORE), OipV2()).detail == several
    assert outcome(answer(label, SCORE, ECHO), OipV2(output="p", features_output="f")).score == 0.25


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        (b'{"outputs": []}', "'outputs' has no outputs in it"),
        (b'{"outputs": 3}', "'outputs' has no outputs in it"),
        (b'{"id": "r"}', "no field 'outputs'"),
        (b'{"error": "model not loaded"}', "no field 'outputs'; the service says: model not loaded"),
        (b"[1]", "body has no outputs"),
    ],
)
def test_an_answer_without_outputs_says_what_it_has(body: bytes, detail: str) -> None:
    """An error that comes with 200 is told in the service's own words."""
    assert outcome(body, OipV2()).detail == detail


def test_a_version_that_is_a_hash_names_the_model() -> None:
    """A version by name names no file."""
    digest = "0123456789abcdef"
    assert outcome(answer(SCORE, model_version=digest), OipV2()).model == digest
    assert outcome(answer(SCORE, model_version="20250101"), OipV2()).model is None


def test_the_answer_of_another_request_is_none() -> None:
    """By the id in its body."""
    assert outcome(answer(SCORE), OipV2(), sent_id="req-2").detail == "answer of another request"
    assert outcome(answer(SCORE, id=""), OipV2(), sent_id="req-2").detail == ""


def sent(protocol: OipV2, *row: Value, features: bool = False) -> dict[str, Any]:
    """What is built of a row."""
    table = Table(protocol.columns, (row,))
    built: dict[str, Any] = json.loads(protocol.build(table, request_id="r", features=features).body)
    return built


def test_one_tensor_is_row_major_under_the_request_s_id() -> None:
    """Numbers as they are, truth as 1."""
    truth = True
    assert sent(OipV2(columns=("a", "b")), 1.5, truth) == {
        "id": "r",
        "inputs": [{"name": "input-0", "shape": [1, 2], "datatype": "FP64", "data": [1.5, 1]}],
    }


def test_a_tensor_a_column_carries_text() -> None:
    """By name, for the pandas codec."""
    built = sent(OipV2(columns=("a", "b"), tensors="columns"), 1.5, "x")
    assert built["parameters"] == {"content_type": "pd"}
    assert built["inputs"] == [
        {"name": "a", "shape": [1, 1], "datatype": "FP64", "data": [1.5]},
        {
            "name": "b",
            "shape": [1, 1],
            "datatype": "BYTES",
            "parameters": {"content_type": "str"},
            "data": ["x"],
        },
    ]


def test_the_echo_is_asked_for_beside_the_score() -> None:
    """Only in phases with features."""
    protocol = OipV2(columns=("a",), features_output="f", output="p")
    assert sent(protocol, 1.5, features=True)["outputs"] == [{"name": "p"}, {"name": "f"}]
    assert "outputs" not in sent(protocol, 1.5)


@pytest.mark.parametrize("carried", [{}, {"binary": True}, {"transport": "grpc", "model_name": "m"}])
@pytest.mark.parametrize(
    ("datatype", "value", "found"),
    [
        ("INT64", 1.5, "a fraction"),
        ("INT64", None, "a missing value"),
        ("INT32", math.inf, "an infinity"),
        ("UINT8", 300, "a number beyond its range"),
        ("UINT64", -1, "a number beyond its range"),
        ("INT64", 1e300, "a number beyond its range"),
        ("FP32", 1e300, "a number beyond its range"),
        ("FP64", 10**400, "a number beyond its range"),
    ],
)
def test_a_type_refuses_what_servers_would_cut_off_or_wrap(
    datatype: Datatype, value: Value, found: str, carried: dict[str, Any]
) -> None:
    """INT64 with fractions gave another score on two stock servers, without a word; numpy makes 44 of 300."""
    protocol = OipV2(columns=("a",), datatype=datatype, **carried)
    with pytest.raises(CaptureError, match="what that type cannot") as caught:
        protocol.build(Table(("a",), ((value,),)), request_id="r", features=False)
    assert caught.value.found == found


def test_a_whole_number_is_one_in_each_form() -> None:
    """3.0 is 3 in a whole type, as JSON and as bytes."""
    whole = OipV2(columns=("a",), datatype="INT32")
    assert sent(whole, 3.0)["inputs"][0]["data"] == [3]
    assert type(sent(whole, 3.0)["inputs"][0]["data"][0]) is int
    for carried in ({"binary": True}, {"transport": "grpc", "model_name": "m"}):
        protocol = msgspec.structs.replace(whole, **carried)
        call = protocol.build(Table(("a",), ((3.0,),)), request_id="r", features=False)
        assert call.body.endswith(b"\x03\x00\x00\x00")


def test_half_the_bits_are_warned_about() -> None:
    """They move scores."""
    assert OipV2().warnings() == ()
    assert "FP32" in OipV2(datatype="FP32").warnings()[0]


def test_text_in_a_tensor_of_numbers_is_refused() -> None:
    """With what carries it."""
    with pytest.raises(CaptureError, match='tensors = "columns"'):
        sent(OipV2(columns=("a",)), "x")


def test_a_captured_binary_body_is_sent_on_in_any_form() -> None:
    """Its tensors under this request's id; as JSON its NaN is spelled."""
    head = (
        b'{"id":"x","inputs":[{"name":"i","shape":[1,2],"datatype":"FP64",'
        b'"parameters":{"binary_data_size":16}}]}'
    )
    body = head + struct.pack("<2d", 1.5, float("nan"))
    asked = Asked(body, "r", headers={"Inference-Header-Content-Length": str(len(head))})
    tensor = {"name": "i", "shape": [1, 2], "datatype": "FP64"}
    assert json.loads(OipV2().call(asked).body) == {"id": "r", "inputs": [{**tensor, "data": [1.5, None]}]}
    call = OipV2(binary=True).call(asked)
    size = int(call.headers[HEADER])
    assert json.loads(call.body[:size])["id"] == "r"
    assert call.body[size:] == body[len(head) :]
    with pytest.raises(CaptureError, match="binary body cannot be read"):
        OipV2().call(Asked(body[:-1], "r", headers=asked.headers))


def test_the_echo_is_asked_for_in_captured_tensors_too() -> None:
    """Beside what they asked for."""
    body = b'{"inputs":[{"name":"i","shape":[1,1],"datatype":"FP64","data":[1.50]}],"outputs":[{"name":"p"}]}'
    call = OipV2(features_output="f").call(Asked(body, "r", features=True))
    assert json.loads(call.body)["outputs"] == [{"name": "p"}, {"name": "f"}]
    assert b"[1.50]" in call.body


TEXTS = OipV2(columns=("a",), tensors="columns", text_columns=("a",))


@pytest.mark.parametrize("value", [None, math.nan])
@pytest.mark.parametrize(("missing", "said"), [("null", None), ("text", "NaN"), ("empty", "")])
def test_a_missing_text_is_spelled_as_declared(
    value: float | None, missing: Missing, said: str | None
) -> None:
    """In a tensor of text, also where the only row has none, and NaN is no category `nan`."""
    built = json.loads(
        msgspec.structs.replace(TEXTS, missing=missing)
        .build(Table(("a",), ((value,),)), request_id="r", features=False)
        .body
    )
    assert (built["inputs"][0]["datatype"], built["inputs"][0]["data"]) == ("BYTES", [said])


@pytest.mark.parametrize(
    "protocol",
    [
        msgspec.structs.replace(TEXTS, missing="refuse"),
        msgspec.structs.replace(TEXTS, binary=True),
        msgspec.structs.replace(TEXTS, transport="grpc", model_name="m"),
    ],
)
@pytest.mark.parametrize("value", [None, math.nan])
def test_a_missing_text_that_cannot_be_said_is_refused(protocol: OipV2, value: float | None) -> None:
    """Raw bytes have no null: an empty text would be another category."""
    with pytest.raises(CaptureError, match="missing"):
        protocol.build(Table(("a",), (("x",), (value,))), request_id="r", features=False)


def test_a_captured_missing_text_is_spelled_too() -> None:
    """A body of tensors that goes over gRPC as raw bytes."""
    body = b'{"inputs":[{"name":"a","shape":[1,1],"datatype":"BYTES","data":[null]}]}'
    asked = Asked(body=body, request_id="r")
    raw = msgspec.structs.replace(TEXTS, transport="grpc", model_name="m")
    with pytest.raises(CaptureError, match="a text is missing"):
        raw.call(asked)
    assert b"NaN" in msgspec.structs.replace(raw, missing="text").call(asked).body


@pytest.mark.parametrize(
    ("value", "texts", "tensor"),
    [
        (2, OfTheModel(("a",)), ("FP64", [2])),
        (2, ("a",), ("BYTES", ["2"])),
        (None, OfTheModel(("a",)), ("BYTES", [None])),
        ("2", OfTheModel(), ("BYTES", ["2"])),
    ],
)
def test_a_number_is_sent_as_one_unless_the_scenario_says_text(
    value: Value, texts: tuple[str, ...], tensor: tuple[str, list[object]]
) -> None:
    """The text "2" is no level of [1, 2, 3]; what a model names counts only where a value is missing."""
    built = sent(OipV2(columns=("a",), tensors="columns", text_columns=texts), value)["inputs"][0]
    assert (built["datatype"], built["data"]) == tensor


def test_the_columns_of_text_are_the_model_s() -> None:
    """Where none are declared, and only those that are sent."""
    assert OipV2(tensors="columns").known(("a", "b"), ("b", "c")).text_columns == ("b",)
    assert OipV2(tensors="columns", columns=("a",), text_columns=("a",)).known(
        ("b",), ("b",)
    ).text_columns == ("a",)
