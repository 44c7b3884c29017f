"""What protocols share: the same row comes back from every one of them, bit by bit, and so does its score."""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import CaptureError
from replayers.http import HttpTarget
from replayers.protocols import Asked, Csv, Instances, Json, Mlflow, OipV2, Protocol, Spoken, Table
from replayers.protocols.cells import OfTheModel
from replayers.protocols.finding import document_of, rows_of
from replayers.protocols.spoken import with_fields
from replayers.protocols.tables import arranged
from replayers.selectors import Unreadable

COLUMNS = ("a", "b", "c")
EVERY: dict[str, Spoken] = {
    "json object": Json(form="object", columns=COLUMNS, missing="nan"),
    "json list": Json(form="list", columns=COLUMNS, missing="nan"),
    "json columns": Json(form="columns", columns=COLUMNS, missing="nan"),
    "tensor": OipV2(columns=COLUMNS, missing="nan"),
    "tensors": OipV2(columns=COLUMNS, tensors="columns", missing="nan"),
    "binary": OipV2(columns=COLUMNS, binary=True),
    "instances": Instances(columns=COLUMNS, missing="nan"),
    "instances of objects": Instances(columns=COLUMNS, form="object", missing="nan"),
    "instances of lists": Instances(columns=COLUMNS, form="lists", missing="nan"),
    "instances in columns": Instances(columns=COLUMNS, form="columns", missing="nan"),
    "split": Mlflow(columns=COLUMNS),
    "records": Mlflow(columns=COLUMNS, form="records"),
    "inputs": Mlflow(columns=COLUMNS, form="inputs"),
    "inputs in columns": Mlflow(columns=COLUMNS, form="columns"),
    "csv": Csv(columns=COLUMNS),
    "csv with nan": Csv(columns=COLUMNS, missing="nan", trailing_newline=True),
    "csv as json": Csv(columns=COLUMNS, body="json", missing="nan"),
}
ROWS = st.lists(st.tuples(*(st.floats(),) * len(COLUMNS)), min_size=1, max_size=3)


def _bits(value: object) -> bytes:
    number = math.nan if value is None else float(value)  # type: ignore[arg-type]  # a number
    return b"nan" if math.isnan(number) else struct.pack("<d", number)


def _read_back(protocol: Spoken, body: bytes, headers: dict[str, str]) -> list[list[bytes]]:
    """The rows of a built body, as whoever receives it reads them."""
    if isinstance(protocol, OipV2):
        document = protocol.document(Asked(body, "r", headers=headers))
    else:
        document = document_of(body, content_type=headers.get("content-type", ""))
    rows = arranged(rows_of(document), COLUMNS).rows
    return [[_bits(value) for value in row] for row in rows]


@given(name=st.sampled_from(sorted(EVERY)), rows=ROWS)
def test_every_value_arrives_to_the_last_bit(name: str, rows: list[tuple[float, ...]]) -> None:
    """Zeros with a sign, the smallest and the largest, infinities, and NaN as itself."""
    call = EVERY[name].build(Table(COLUMNS, tuple(rows)), request_id="r", features=False)
    sent = _read_back(EVERY[name], call.body, dict(call.headers))
    assert sent == [[_bits(value) for value in row] for row in rows]


FINITE = st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=4)
ANSWERS: dict[str, Callable[[list[float]], object]] = {
    "tensor": lambda scores: {"outputs": [{"name": "o", "shape": [len(scores)], "data": scores}]},
    "tensors": lambda scores: {
        "outputs": [{"name": "predict", "shape": [len(scores), 1], "data": [[score] for score in scores]}]
    },
    "instances": lambda scores: {"predictions": scores},
    "instances of objects": lambda scores: {"predictions": [[1.0, score] for score in scores]},
    "split": lambda scores: {"predictions": [{"0": score} for score in scores]},
    "csv as json": lambda scores: scores,
    "json list": lambda scores: scores,
}


@given(name=st.sampled_from(sorted(ANSWERS)), scores=FINITE)
def test_every_score_comes_back_to_the_last_bit(name: str, scores: list[float]) -> None:
    """However the server nests it."""
    body = json.dumps(ANSWERS[name](scores)).encode()
    assert [_bits(one) for one in EVERY[name].read(body, {}, rows=len(scores))] == [_bits(s) for s in scores]


@given(scores=FINITE)
def test_lines_of_scores_come_back_to_the_last_bit(scores: list[float]) -> None:
    """One a line, with or without a newline at the end, or all on one line."""
    lines = "\n".join(map(repr, scores))
    for body in (lines, lines + "\n", lines.replace("\n", "\r\n"), lines.replace("\n", ",")):
        assert Csv().read(body.encode(), {}, rows=len(scores)) == scores


@given(name=st.sampled_from(sorted(EVERY)), body=st.binary(max_size=60))
def test_no_answer_whatever_raises_more_than_unreadable(name: str, body: bytes) -> None:
    """A server may send anything."""
    for headers in ({}, {"inference-header-content-length": "2"}):
        with suppress(Unreadable):
            EVERY[name].read(body, headers)


KEYS = (
    *("outputs", "predictions", "data", "shape", "name", "inputs", "instances", "a", "datatype", "features"),
    *("parameters", "dataframe_split", "columns", "ndarray", "tensor", "values", "id"),
)
TENSOR = st.fixed_dictionaries(
    {
        "name": st.sampled_from(["predict", "a", 1]),
        "shape": st.sampled_from([[1], [1, 1], [1, 3], [2], [], 1, ["x"], [float("inf")]]),
        "datatype": st.sampled_from(["FP64", "INT8", "BYTES", "odd", None]),
        "data": st.sampled_from([[1], [1, 2, 3], [[1.5], ["x"]], [None], 3, None, [{}], ["\ud800"]]),
    },
    optional={"parameters": st.sampled_from([None, 1, {}, {"binary_data_size": 1}, {"content_type": "np"}])},
)
JSONS: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=3) | st.integers(-3, 3) | TENSOR,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4),
    max_leaves=12,
) | st.builds(
    lambda key, ones: {key: ones}, st.sampled_from(["inputs", "outputs"]), st.lists(TENSOR, max_size=2)
)


@given(name=st.sampled_from(sorted(EVERY)), document=JSONS)
def test_no_document_whatever_raises_more_than_its_kind_of_error(name: str, document: Any) -> None:  # noqa: ANN401  -- any JSON
    """As an answer Unreadable, as a captured body CaptureError."""
    body = json.dumps(document).encode()
    with suppress(Unreadable):
        EVERY[name].read(body, {})
    EVERY[name].features(document)
    EVERY[name].echoed(document)
    EVERY[name].model(document)
    with suppress(CaptureError):
        EVERY[name].call(Asked(body, "r"))


@pytest.mark.parametrize(
    ("declared", "what"),
    [
        ({"kind": "json", "columns": ["a", "a"]}, "columns: 'a' stands there twice"),
        ({"kind": "csv", "rows": "a["}, "rows: .* is not a JMESPath expression"),
        ({"kind": "instances", "field": "a["}, "field: .* is not a JMESPath expression"),
        ({"kind": "mlflow", "missing": "zero"}, "Invalid enum value 'zero'"),
        ({"kind": "oip-v2", "transport": "grpc"}, "needs model_name"),
        ({"kind": "oip-v2", "transport": "grpc", "model_name": "m", "binary": True}, "binary is of REST"),
        ({"kind": "soap"}, "Invalid value 'soap'"),
        ({"kind": "oip-v2", "template": "x"}, "unknown field `template`"),
    ],
)
def test_a_protocol_that_cannot_be_is_refused(declared: dict[str, object], what: str) -> None:
    """When the scenario is read."""
    with pytest.raises(msgspec.ValidationError, match=what):
        msgspec.convert(declared, Protocol)


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"protocol": {"kind": "csv"}, "template": "$body"}, "only the protocol json has one"),
        (
            {"protocol": {"kind": "oip-v2", "transport": "grpc", "model_name": "m"}},
            "a gRPC service has no paths",
        ),
        ({"model_identity": "v1"}, "matching regex"),
    ],
)
def test_a_target_that_cannot_be_is_refused(changes: dict[str, object], what: str) -> None:
    """As its protocol is."""
    with pytest.raises(msgspec.ValidationError, match=what):
        msgspec.convert({"kind": "http", "url": "http://127.0.0.1:1/x", **changes}, HttpTarget)


def test_columns_of_the_model_fill_in_for_none() -> None:
    """What is declared stays."""
    assert Csv().known(("x",)).columns == ("x",)
    assert Csv(columns=("y",)).known(("x",)).columns == ("y",)
    assert Json().known(("x",)).columns == ()
    assert Csv().known(("x", "y"), ("y", "z")).text_columns == ("y",)
    assert Csv(text_columns=("x",)).known(("x", "y"), ("y",)).text_columns == ("x",)
    assert not isinstance(Csv().known(("x",)).text_columns, OfTheModel)
    known = Csv(columns=("x", "raw")).known(("x", "y"), ("y",)).text_columns
    assert isinstance(known, OfTheModel)
    assert known.numbers == {"x"}


@pytest.mark.parametrize(
    ("texts", "sent"),
    [
        ((), ["01234", 5, "1E5"]),
        (("zip", "amount"), ["01234", "5", "1E5"]),
        (OfTheModel(("zip",), numbers=("amount", "rate")), ["01234", 5, 1e5]),
        (OfTheModel(numbers=("zip", "amount")), [1234, 5, "1E5"]),
    ],
)
def test_a_text_that_looks_like_a_number_is_sent_as_it_stands(
    texts: tuple[str, ...], sent: list[object]
) -> None:
    """With a header or without: as the scenario or the model says, and else by its look."""
    columns = ("zip", "amount", "rate")
    for body in (b"zip,amount,rate\n01234,5,1E5\n", b"01234,5,1E5"):
        asked = Asked(body, "r", headers={"content-type": "text/csv"})
        call = Instances(columns=columns, text_columns=texts).call(asked)
        assert json.loads(call.body) == {"instances": [sent]}


def test_a_position_is_never_guessed() -> None:
    """Where nobody names the order nothing is sent by place."""
    for protocol in (
        OipV2(),
        Instances(),
        Csv(),
        Mlflow(form="inputs"),
        Json(form="columns"),
        Csv(body="json"),
    ):
        with pytest.raises(CaptureError, match="not known"):
            protocol.build(Table((), ((1.0,),)), request_id="r", features=False)


def test_a_body_is_built_anew_where_it_may_not_pass() -> None:
    """With `pass_through` off, and where `rows` says where the row is."""
    body = b'{"instances": [[1, 2, 3]], "parameters": {"x": 1}}'
    passed = Instances(columns=COLUMNS).call(Asked(body, "r"))
    assert passed.body == body
    for protocol in (
        Instances(columns=COLUMNS, pass_through=False),
        Instances(columns=COLUMNS, rows="instances"),
    ):
        assert json.loads(protocol.call(Asked(body, "r")).body) == {"instances": [[1, 2, 3]]}


@pytest.mark.parametrize("holder", ['"data": {"a": 1, "b": 2, "c": 3}', '"features": [4, 5, 6]'])
def test_a_body_that_has_its_features_twice_is_not_guessed_at(holder: str) -> None:
    """Which of them the service read nobody knows; `rows` says it."""
    body = f'{{"a": 9, "b": 9, "c": 9, {holder}}}'.encode()
    with pytest.raises(CaptureError, match="holds a row within it too") as caught:
        Csv(columns=COLUMNS).call(Asked(body, "r"))
    assert "9" not in str(caught.value.found)
    assert Csv(columns=COLUMNS, rows="{a: a, b: b, c: c}").call(Asked(body, "r")).body == b"9.0,9.0,9.0"
    fewer = Asked(body.replace(b'"c": 9', b'"d": 9'), "r")
    assert b"9" not in Csv(columns=COLUMNS, ignore=("*",)).call(fewer).body


def test_only_the_fields_that_are_set_change() -> None:
    """Every other byte of a value stays, but of a body that is no strict JSON."""
    body = b'{"id": "x", "a": 1.50, "b" : [1e0]}'
    assert with_fields(body, json.loads(body), id="r") == b'{"id":"r","a":1.50,"b":[1e0]}'
    loose = b'{"a": NaN}'
    assert with_fields(loose, json.loads(loose), id="r") == b'{"a": NaN, "id": "r"}'


@pytest.mark.parametrize("name", EVERY)
def test_a_body_a_thousand_lists_deep_is_no_crash(name: str) -> None:
    """As an answer, as its score and as a captured body."""
    deep = "[" * 900 + "1" + "]" * 900
    for text in (deep, f'{{"predictions": {deep}}}', f'{{"error": {deep}}}'):
        with suppress(Unreadable):
            EVERY[name].read(text.encode(), {})
        with suppress(CaptureError):
            EVERY[name].call(Asked(text.encode(), "r"))
    tensor = f'{{"name": "predict", "shape": [1], "datatype": "FP64", "data": {deep}}}'
    with suppress(Unreadable):
        EVERY[name].read(f'{{"outputs": [{tensor}]}}'.encode(), {})
    with suppress(CaptureError):
        EVERY[name].call(Asked(f'{{"inputs": [{tensor}]}}'.encode(), "r"))
