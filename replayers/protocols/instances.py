"""`instances`: KServe's first protocol, TensorFlow Serving and Vertex AI: {"instances"} → {"predictions"}."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, ClassVar, Literal

import jmespath
import msgspec
from jmespath.exceptions import JMESPathError
from msgspec import Meta

from harness.errors import CaptureError
from replayers.protocols.finding import is_tensors
from replayers.protocols.plain_rows import entries, field_of, hash_in
from replayers.protocols.spoken import JSON, Call, Spoken, dumped
from replayers.protocols.tables import DECLARE, Table

Form = Literal["list", "object", "lists", "columns"]
Parameters = dict[str, Any]
FIELD = "JMESPath to the score in a prediction that is an object, as `scores[1]`; empty takes its one value."


class Instances(
    Spoken, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind", tag="instances"
):
    """KServe v1, TensorFlow Serving, Vertex AI: `instances`, `predictions`; no id, no model in answers."""

    form: Annotated[
        Form,
        Meta(
            description="A row as a list of values by position, an object of features, an object of lists of "
            "one (KServe refuses plain values in objects), or columns under `inputs` (TensorFlow Serving)."
        ),
    ] = "list"
    signature_name: Annotated[str, Meta(description="Of TensorFlow Serving; empty sends none.")] = ""
    parameters: Annotated[
        Parameters, Meta(description="Sent beside the instances, as Vertex AI takes them.")
    ] = msgspec.field(default_factory=dict)
    field: Annotated[str, Meta(description=FIELD)] = ""

    identity_at: ClassVar[str] = "modelVersionId"

    def __post_init__(self) -> None:
        super().__post_init__()
        check_path(self.field, where="field")

    @property
    def place(self) -> str:
        """Where the score of one row is, for a test that only knows JSON."""
        return place_of("outputs" if self.form == "columns" else "predictions", self)

    def is_ours(self, document: Any) -> bool:  # noqa: ANN401  -- any JSON
        """A body of instances, or of TensorFlow Serving's columns."""
        if not isinstance(document, dict) or is_tensors(document.get("inputs")):
            return False
        key = "inputs" if self.form == "columns" else "instances"
        return isinstance(document.get(key), list | dict)

    def build(self, table: Table, *, request_id: str, features: bool) -> Call:  # noqa: ARG002  -- one signature
        """The rows as instances."""
        body: dict[str, object] = {}
        if self.signature_name:
            body["signature_name"] = self.signature_name
        if self.form == "columns":
            named = self.spelled_by_name(table)
            body["inputs"] = {name: [row[name] for row in named] for name in table.columns}
        else:
            body["instances"] = self._rows(table)
        if self.parameters:
            body["parameters"] = self.parameters
        return Call(dumped(body), {"content-type": JSON})

    def _rows(self, table: Table) -> list[object]:
        if self.form == "list":
            return list(in_order(self, table))
        named = self.spelled_by_name(table)
        if self.form == "object":
            return list(named)
        return [{name: [value] for name, value in row.items()} for row in named]

    def scores(self, document: object) -> Sequence[object]:
        """The predictions, one a row."""
        return [field_of(one, self.field) for one in entries(document, ("predictions", "outputs"))]

    def model(self, document: object) -> str | None:
        """Vertex AI's `modelVersionId` where it is a hash; the others name none."""
        return hash_in(document, self.identity_at)


def in_order(protocol: Spoken, table: Table) -> list[list[Any]]:
    """The rows by position; raises CaptureError where the order is not known."""
    if not table.columns:
        raise CaptureError("the order of the columns is not known", fix=DECLARE)
    return [list(row) for row in protocol.spelled(table)]


def check_path(path: str, *, where: str) -> None:
    """Raises ValueError for what is no JMESPath."""
    try:
        if path:
            jmespath.compile(path)
    except JMESPathError as error:
        reason = " ".join(str(error).split())[:120]
        raise ValueError(f"{where}: {path!r} is not a JMESPath expression: {reason}") from None


def place_of(key: str, protocol: Instances | Any) -> str:  # noqa: ANN401  -- any protocol with a field
    """`predictions[0]`, with the field and the column that are declared; "" for what is transformed."""
    if protocol.transform != "none":
        return ""
    field = f".{protocol.field}" if protocol.field else ""
    column = "" if protocol.column is None else f"[{protocol.column}]"
    return f"{key}[0]{field}{column}"
