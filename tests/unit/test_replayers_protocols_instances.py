"""Instances and predictions: KServe v1, TensorFlow Serving and Vertex AI as they were captured."""

from __future__ import annotations

import json

import pytest

from harness.errors import CaptureError
from replayers.protocols import Asked, Instances, Table
from replayers.protocols.instances import Form
from replayers.selectors import Unreadable

TABLE = Table(("a", "b"), ((1.5, None), (2, 3)))


@pytest.mark.parametrize(
    ("form", "body"),
    [
        ("list", {"instances": [[1.5, None], [2, 3]]}),
        ("object", {"instances": [{"a": 1.5, "b": None}, {"a": 2, "b": 3}]}),
        ("lists", {"instances": [{"a": [1.5], "b": [None]}, {"a": [2], "b": [3]}]}),
        ("columns", {"inputs": {"a": [1.5, 2], "b": [None, 3]}}),
    ],
)
def test_rows_take_each_form(form: Form, body: dict[str, object]) -> None:
    """With what is sent beside them."""
    call = Instances(form=form).build(TABLE, request_id="r", features=False)
    assert json.loads(call.body) == body
    more = Instances(form=form, signature_name="s", parameters={"x": [1]})
    built = json.loads(more.build(TABLE, request_id="r", features=False).body)
    assert built == {"signature_name": "s", **body, "parameters": {"x": [1]}}


@pytest.mark.parametrize(
    ("protocol", "body", "scores"),
    [
        (Instances(), b'{"predictions":[0.00003651247609130187,0.25]}', [3.651247609130187e-05, 0.25]),
        (Instances(), b'{"predictions": [[0.5]]}', [0.5]),
        (Instances(), b'{"predictions": [[0.75, 0.25]]}', [0.25]),
        (Instances(column=0), b'{"predictions": [[0.75, 0.25]]}', [0.75]),
        (Instances(), b'{"predictions": [{"score": 0.5}]}', [0.5]),
        (Instances(field="scores"), b'{"predictions": [{"classes": [0], "scores": [0.75, 0.25]}]}', [0.25]),
        (Instances(field="scores[0]"), b'{"predictions": [{"a": 1, "scores": [0.75, 0.25]}]}', [0.75]),
        (Instances(form="columns"), b'{"outputs": [[0.5]]}', [0.5]),
        (Instances(form="columns"), b'{"outputs": {"score": [[0.5], [0.75]]}}', [0.5, 0.75]),
    ],
)
def test_predictions_are_read_however_they_nest(
    protocol: Instances, body: bytes, scores: list[float]
) -> None:
    """To the last bit."""
    assert protocol.read(body, {}) == scores


@pytest.mark.parametrize(
    ("body", "what"),
    [
        (b'{"error": "x"}', "no field 'predictions'"),
        (b'{"predictions": 0.5}', "predictions is no list"),
        (b'{"predictions": [{"a": 1, "b": 2}]}', "a prediction has the fields a, b: say which"),
        (b'{"outputs": {"a": [1], "b": [2]}}', "outputs has 2 outputs"),
        (b'{"predictions": [[1, 2, 3]]}', "3 numbers for a row: which is the score"),
        (b'{"predictions": ["0.5"]}', "score is a number as text"),
        (b'{"predictions": [null]}', "score is null"),
    ],
)
def test_what_cannot_be_told_is_unreadable(body: bytes, what: str) -> None:
    """With what to declare."""
    with pytest.raises(Unreadable, match=what):
        Instances().read(body, {})


def test_vertex_names_a_version_and_seldom_a_file() -> None:
    """Only a hash is an identity."""
    assert Instances().model({"modelVersionId": "1"}) is None
    assert Instances().model({"modelVersionId": "ab" * 32}) == "ab" * 32


def test_its_own_bodies_pass() -> None:
    """Tensors and frames do not."""
    body = b'{"instances": [[1.50, 2]]}'
    assert Instances(columns=("a", "b")).call(Asked(body, "r")).body == body
    frame = b'{"dataframe_split": {"columns": ["b", "a"], "data": [[1, 2]]}}'
    built = Instances(columns=("a", "b")).call(Asked(frame, "r")).body
    assert json.loads(built) == {"instances": [[2, 1]]}
    with pytest.raises(CaptureError, match="--explode"):
        Instances(columns=("a", "b")).call(Asked(b'{"instances": [[1, 2], [3, 4]]}', "r"))


def test_a_test_of_a_finding_finds_the_score() -> None:
    """Where no library is needed to look."""
    assert Instances(field="scores", column=1).place == "predictions[0].scores[1]"
    assert Instances(form="columns").place == "outputs[0]"
    assert Instances(transform="sigmoid").place == ""
