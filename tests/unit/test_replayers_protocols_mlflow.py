"""MLflow's frames in every form, and what Databricks wants beside them."""

from __future__ import annotations

import json

import pytest

from replayers.protocols import Asked, Mlflow, Table
from replayers.protocols.mlflow import Form

TABLE = Table(("a", "b"), ((1.5, "x"), (2, None)))


@pytest.mark.parametrize(
    ("form", "body"),
    [
        ("split", '{"dataframe_split": {"columns": ["a", "b"], "data": [[1.5, "x"], [2, NaN]]}}'),
        ("records", '{"dataframe_records": [{"a": 1.5, "b": "x"}, {"a": 2, "b": NaN}]}'),
        ("inputs", '{"inputs": [[1.5, "x"], [2, NaN]]}'),
        ("columns", '{"inputs": {"a": [1.5, 2], "b": ["x", NaN]}}'),
    ],
)
def test_rows_take_each_form(form: Form, body: str) -> None:
    """A missing value is the word that MLflow takes with and without a signature."""
    call = Mlflow(form=form).build(TABLE, request_id="r", features=False)
    assert call.body.decode() == body
    assert call.headers["content-type"] == "application/json"


def test_parameters_and_our_id_go_beside_the_frame() -> None:
    """As signature and inference table want them."""
    call = Mlflow(params={"k": 1}, client_request_id=True, missing="null").build(
        Table(("a",), ((None,),)), request_id="r", features=False
    )
    frame = {"columns": ["a"], "data": [[None]]}
    assert json.loads(call.body) == {"dataframe_split": frame, "params": {"k": 1}, "client_request_id": "r"}


@pytest.mark.parametrize(
    ("protocol", "body", "scores"),
    [
        (Mlflow(), b'{"predictions": [3.651247609130187e-05]}', [3.651247609130187e-05]),
        (Mlflow(), b'{"predictions": [[0.75, 0.25]]}', [0.25]),
        (Mlflow(), b'{"predictions": [{"0": 0.5}]}', [0.5]),
        (Mlflow(field="p"), b'{"predictions": [{"p": 0.5, "q": 1}]}', [0.5]),
        (
            Mlflow(),
            b'{"predictions": [0.5], "databricks_output": {"databricks_request_id": "x"}}',
            [0.5],
        ),
    ],
)
def test_predictions_are_read(protocol: Mlflow, body: bytes, scores: list[float]) -> None:
    """As they were captured."""
    assert protocol.read(body, {}) == scores
    assert protocol.echoed(json.loads(body)) is None


def test_a_captured_frame_passes_under_our_id() -> None:
    """Where it had one, or where one is wished for; the id that production gave it is replaced."""
    body = b'{"dataframe_records": [{"a": 1.50}], "client_request_id": "old"}'
    passed = Mlflow().call(Asked(body, "r")).body
    assert json.loads(passed) == {"dataframe_records": [{"a": 1.5}], "client_request_id": "r"}
    assert b'[{"a": 1.50}]' in passed
    plain = b'{"dataframe_records": [{"a": 1.50}]}'
    assert Mlflow().call(Asked(plain, "r")).body == plain
    assert json.loads(Mlflow(client_request_id=True).call(Asked(plain, "r")).body)["client_request_id"] == "r"


def test_inputs_are_its_own_only_where_declared() -> None:
    """They are those of other protocols too."""
    body = b'{"inputs": [[1, 2]]}'
    assert Mlflow(form="inputs").call(Asked(body, "r")).body == body
    built = json.loads(Mlflow(columns=("a", "b")).call(Asked(body, "r")).body)
    assert built == {"dataframe_split": {"columns": ["a", "b"], "data": [[1, 2]]}}


def test_a_test_of_a_finding_finds_the_score() -> None:
    """Where no library is needed to look."""
    assert Mlflow().place == "predictions[0]"
