"""`mlflow`: `mlflow models serve`, Databricks and Azure ML: a data frame in JSON → {"predictions"}."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from replayers.protocols.finding import is_tensors
from replayers.protocols.instances import FIELD, Parameters, check_path, in_order, place_of
from replayers.protocols.numbers import Missing
from replayers.protocols.plain_rows import entries, field_of
from replayers.protocols.spoken import JSON, Asked, Call, Spoken, dumped, with_fields
from replayers.protocols.tables import Table

Form = Literal["split", "records", "inputs", "columns"]
_OURS = {
    "split": ("dataframe_split",),
    "records": ("dataframe_records",),
    "inputs": ("inputs",),
    "columns": ("inputs",),
}


class Mlflow(Spoken, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind", tag="mlflow"):
    """MLflow's scoring server, Databricks, Azure ML: data frames as JSON; no id, no model in answers."""

    missing: Annotated[
        Missing,
        Meta(
            description="How null and NaN are spelled: the word NaN, which MLflow takes with and without a "
            "signature (without one it refuses null), or as in the other protocols."
        ),
    ] = "nan"
    form: Annotated[
        Form,
        Meta(
            description="The frame as dataframe_split, as dataframe_records, or under `inputs` as rows by "
            "position or as columns by name. A model logged without a signature goes by position even so."
        ),
    ] = "split"
    params: Annotated[
        Parameters, Meta(description="Parameters of the model's signature, sent beside it.")
    ] = msgspec.field(default_factory=dict)
    client_request_id: Annotated[
        bool, Meta(description="Sends the request's id as client_request_id, which Databricks logs.")
    ] = False
    field: Annotated[str, Meta(description=FIELD)] = ""

    def __post_init__(self) -> None:
        super().__post_init__()
        check_path(self.field, where="field")

    @property
    def place(self) -> str:
        """Where the score of one row is, for a test that only knows JSON."""
        return place_of("predictions", self)

    def is_ours(self, document: Any) -> bool:  # noqa: ANN401  -- any JSON
        """A frame in any of the forms; of `inputs` only where that is the declared one."""
        if not isinstance(document, dict) or is_tensors(document.get("inputs")):
            return False
        keys = ("dataframe_split", "dataframe_records", *_OURS[self.form])
        return any(isinstance(document.get(key), dict | list) for key in keys)

    def adopt(self, document: Any, asked: Asked) -> Call:  # noqa: ANN401  -- any JSON
        """The captured frame, under this request's id where one is sent."""
        call = super().adopt(document, asked)
        if not self.client_request_id and "client_request_id" not in document:
            return call
        return Call(with_fields(asked.body, document, client_request_id=asked.request_id), call.headers)

    def build(self, table: Table, *, request_id: str, features: bool) -> Call:  # noqa: ARG002  -- one signature
        """The rows as one data frame."""
        body = self._frame(table)
        if self.params:
            body["params"] = self.params
        if self.client_request_id:
            body["client_request_id"] = request_id
        return Call(dumped(body), {"content-type": JSON})

    def _frame(self, table: Table) -> dict[str, object]:
        if self.form == "inputs":
            return {"inputs": in_order(self, table)}
        named = self.spelled_by_name(table)
        if self.form == "records":
            return {"dataframe_records": named}
        if self.form == "columns":
            return {"inputs": {name: [row[name] for row in named] for name in table.columns}}
        return {"dataframe_split": {"columns": list(table.columns), "data": self.spelled(table)}}

    def scores(self, document: object) -> Sequence[object]:
        """The predictions, one a row."""
        return [field_of(one, self.field) for one in entries(document, ("predictions", "outputs"))]
