"""`oip-v2`: the Open Inference Protocol of MLServer, KServe, Triton and Seldon, over REST.

Request and answer are tensors: {"id", "inputs": [{"name", "shape", "datatype", "data"}]}, row-major.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar, Literal

from msgspec import Meta

from harness.errors import CaptureError
from replayers.protocols import protobuf
from replayers.protocols.cells import Number, OfTheModel
from replayers.protocols.finding import flat, is_tensors, reshaped, tensor_rows
from replayers.protocols.numbers import is_missing, json_value, number
from replayers.protocols.plain_rows import hash_in
from replayers.protocols.spoken import JSON, Asked, Call, Spoken, dumped, with_fields
from replayers.protocols.tables import DECLARE, Table, Value
from replayers.protocols.tensors import BYTES, HEADER, header_length, held, put_back, take_out
from replayers.selectors import NOWHERE, Unreadable, decode_json

Floating = Literal["FP64", "FP32"]
Whole = Literal["INT64", "INT32", "INT16", "INT8", "UINT64", "UINT32", "UINT16", "UINT8"]
Datatype = Literal[Floating, Whole]
OCTETS, GRPC = "application/octet-stream", "application/grpc"
SIZE = "binary_data_size"
PREDICT = "predict"


class OipV2(Spoken, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind", tag="oip-v2"):
    """Open Inference Protocol v2 (MLServer, KServe, Triton, Seldon): tensors; the body has the request id."""

    tensors: Annotated[
        Literal["one", "columns"],
        Meta(
            description="One tensor [n, k] with the columns by position, or a tensor a column by name with "
            'content_type = "pd", which also carries text.'
        ),
    ] = "one"
    input: Annotated[str, Meta(description="Name of the one input tensor.")] = "input-0"
    datatype: Annotated[
        Datatype,
        Meta(
            description="Of numbers in input tensors. FP64 loses nothing; FP32 moves scores where a value is "
            "next to a threshold; a whole type refuses fractions, which servers cut off without a word."
        ),
    ] = "FP64"
    output: Annotated[
        str, Meta(description="Name of the output with the score; empty takes `predict`, else the only one.")
    ] = ""
    features_output: Annotated[
        str,
        Meta(
            description="An output that echoes the features, asked for in phases with features = true; empty "
            "asks for none."
        ),
    ] = ""

    binary: Annotated[
        bool,
        Meta(
            description="Tensors as raw bytes behind the JSON, and the answer's too (Triton, KServe; "
            "MLServer refuses them): NaN and infinities need no spelling."
        ),
    ] = False
    transport: Annotated[
        Literal["http", "grpc"],
        Meta(
            description="REST, or gRPC (ModelInfer, raw contents), which needs the extra `grpc`, "
            '`model_name` and ready = "". Codes are told as the HTTP status that gateways make of them.'
        ),
    ] = "http"
    model_name: Annotated[str, Meta(description="The model that gRPC asks; REST has it in the url.")] = ""

    identity_at: ClassVar[str] = "model_version"
    answer_headers: ClassVar[frozenset[str]] = frozenset({HEADER})

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.over_grpc and not self.model_name:
            raise ValueError('transport = "grpc" needs model_name')
        if self.over_grpc and self.binary:
            raise ValueError("binary is of REST; gRPC is binary in any case")

    @property
    def over_grpc(self) -> bool:
        """As declared."""
        return self.transport == "grpc"

    @property
    def shows_features(self) -> bool:
        """In an output of their own."""
        return bool(self.features_output)

    @property
    def is_text(self) -> bool:
        """Not as raw bytes."""
        return not self.raw

    @property
    def raw(self) -> bool:
        """Whether values travel as their bits."""
        return self.binary or self.over_grpc

    @property
    def place(self) -> str:
        """A value of the named output, or of the one that there is."""
        if self.raw or self.transform != "none" or (self.features_output and not self.output):
            return ""
        output = f"outputs[?name=='{self.output}'] | [0]" if self.output else "outputs[0]"
        return f"{output}.data[{self.column or 0}]"

    def warnings(self) -> tuple[str, ...]:
        """A type that loses bits of what is sent."""
        if self.datatype != "FP32":
            return ()
        return (
            "datatype = FP32 rounds every value: scores jump where one lies next to a threshold of the model",
        )

    def is_ours(self, document: Any) -> bool:  # noqa: ANN401  -- any JSON
        """A body of tensors."""
        return isinstance(document, dict) and is_tensors(document.get("inputs"))

    def count(self, document: Any) -> int | None:  # noqa: ANN401  -- any JSON
        """The rows of the captured tensors."""
        try:
            return len(tensor_rows(document["inputs"]))
        except (KeyError, TypeError, ValueError):
            return None

    def document(self, asked: Asked) -> Any:  # noqa: ANN401  -- any JSON
        """The captured body, its raw tensors as lists."""
        try:
            length = header_length(asked.headers, asked.body)
            return (
                super().document(asked)
                if length is None
                else binary_document(asked.body, length, key="inputs")
            )
        except Unreadable as error:
            raise CaptureError("a captured binary body cannot be read", found=str(error)) from None

    def adopt(self, document: Any, asked: Asked) -> Call:  # noqa: ANN401  -- any JSON
        """The captured tensors under this request's id."""
        fields: dict[str, object] = {"id": asked.request_id}
        if asked.features and self.features_output:
            fields["outputs"] = self._outputs(document.get("outputs"))
        if self.raw or header_length(asked.headers, asked.body) is not None:
            try:
                return self._call({**document, **fields, "inputs": self._anew(document["inputs"])})
            except (AttributeError, KeyError, TypeError, ValueError):
                raise CaptureError("captured tensors cannot be read") from None
        return Call(with_fields(asked.body, document, **fields), {"content-type": JSON})

    def _anew(self, inputs: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Captured tensors without the sizes that they had as bytes; as JSON with missing values spelled."""
        found = []
        for one in inputs:
            kept = {key: value for key, value in (one.get("parameters") or {}).items() if key != SIZE}
            data = flat(one["data"])
            if one["datatype"] == BYTES:
                data = [self._text(value, str(one["name"])) for value in data]
            elif not self.raw:
                data = [json_value(value, self.missing, column=str(one["name"])) for value in data]
            bare = {key: value for key, value in one.items() if key != "parameters"}
            found.append({**bare, **({"parameters": kept} if kept else {}), "data": data})
        return found

    def _call(self, document: dict[str, Any]) -> Call:
        """The tensors as JSON, as raw bytes behind it, or as a message of gRPC."""
        if self.over_grpc:
            return Call(protobuf.infer_request(document, model=self.model_name), {"content-type": GRPC})
        if not self.binary:
            return Call(dumped(document), {"content-type": JSON})
        bare, raw = take_out(document["inputs"])
        sized = [
            {**one, "parameters": {**(one.get("parameters") or {}), "binary_data_size": len(part)}}
            for one, part in zip(bare, raw, strict=True)
        ]
        head = dumped({**document, "inputs": sized, **_binary_outputs(document)})
        return Call(b"".join((head, *raw)), {"content-type": OCTETS, HEADER: str(len(head))})

    def build(self, table: Table, *, request_id: str, features: bool) -> Call:
        """The rows as one tensor or one a column."""
        inputs = [self._one(table)] if self.tensors == "one" else self._columns(table)
        body: dict[str, Any] = {"id": request_id, "inputs": inputs}
        if self.tensors == "columns":
            body["parameters"] = {"content_type": "pd"}
        if features and self.features_output:
            body["outputs"] = self._outputs(None)
        return self._call(body)

    def _outputs(self, asked: object) -> list[object]:
        """The outputs that are asked for, that of the features among them."""
        named = asked if isinstance(asked, list) else [{"name": self.output or PREDICT}]
        return [
            *(one for one in named if name_of(one) != self.features_output),
            {"name": self.features_output},
        ]

    def _one(self, table: Table) -> dict[str, object]:
        if not table.columns:
            raise CaptureError("the order of the columns is not known", fix=DECLARE)
        values = [
            self._numeric(v, name) for row in table.rows for v, name in zip(row, table.columns, strict=True)
        ]
        shape = [len(table.rows), len(table.columns)]
        return {"name": self.input, "shape": shape, "datatype": self.datatype, "data": values}

    def _columns(self, table: Table) -> list[object]:
        if not table.columns:
            raise CaptureError("the names of the columns are not known", fix=DECLARE)
        return [self._column(name, [row[at] for row in table.rows]) for at, name in enumerate(table.columns)]

    def _column(self, name: str, values: Sequence[Value]) -> dict[str, object]:
        tensor: dict[str, object] = {"name": name, "shape": [len(values), 1]}
        if self._are_texts(name, values):
            texts = [self._text(value, name) for value in values]
            return {**tensor, "datatype": BYTES, "parameters": {"content_type": "str"}, "data": texts}
        return {**tensor, "datatype": self.datatype, "data": [self._numeric(value, name) for value in values]}

    def _are_texts(self, name: str, values: Sequence[Value]) -> bool:
        """Some are, or the scenario says so of the column; the model's word counts where all are missing."""
        if any(isinstance(value, str) for value in values):
            return True
        declared = not isinstance(self.text_columns, OfTheModel)
        return name in self.text_columns and (declared or all(map(is_missing, values)))

    def _text(self, value: Value, name: str) -> Value:
        """A text, or a missing one as declared: raw bytes have no null, and any text is a category."""
        if not is_missing(value):
            return value if isinstance(value, str) else str(value)
        if self.missing == "empty":
            return ""
        if self.raw and self.missing in {"null", "nan"}:
            raise CaptureError(
                "a text is missing, and raw bytes cannot say so",
                where=f"column {name[:40]!r}",
                fix='Declare what the service takes for it: missing = "text" (NaN) or "empty".',
            )
        return json_value(value, self.missing, column=name)

    def _numeric(self, value: Value, name: str) -> Value:
        found = number(value, column=name)
        if found is None and not self.datatype.startswith("FP"):
            raise _unheld("a missing value", self.datatype, column=name)
        if found is not None:
            found = fitting(found, self.datatype, column=name)
        if self.raw and self.missing != "refuse":
            return found
        return json_value(found, self.missing, column=name)

    def decode(self, body: bytes, headers: Mapping[str, str]) -> tuple[object, str]:
        """The answer as the JSON that says the same."""
        try:
            if self.over_grpc and body[:1] != b"{":
                return protobuf.infer_response(body), ""
            length = header_length(headers, body)
            return decode_json(body) if length is None else (binary_document(body, length, key="outputs"), "")
        except Unreadable as error:
            return NOWHERE, str(error)

    def scores(self, document: object) -> Sequence[object]:
        """The rows of the score's output, in the shape that it says."""
        output = self._output(document)
        try:
            return [row[0] if len(row) == 1 else row for row in reshaped(output["data"], output["shape"])]
        except (KeyError, TypeError, ValueError, IndexError) as error:
            raise Unreadable(
                f"output {output.get('name')!r} has no data of its shape: {error}"[:80]
            ) from None

    def _output(self, document: object) -> dict[str, Any]:
        outputs = outputs_of(document)
        if self.output:
            if self.output not in outputs:
                raise Unreadable(f"no output {self.output!r}, found {', '.join(outputs)}"[:80])
            return outputs[self.output]
        if PREDICT in outputs:
            return outputs[PREDICT]
        others = [name for name in outputs if name != self.features_output]
        if not others:
            raise Unreadable("no output with a score")
        if len(others) > 1:
            named = ", ".join(one[:20] for one in others[:4])
            raise Unreadable(f"{len(others)} outputs ({named}): which has the score? Declare output")
        return outputs[others[0]]

    def features(self, document: object) -> object:
        """The echo of one row: numbers by position, or one JSON object as text."""
        try:
            output = outputs_of(document).get(self.features_output)
            values = NOWHERE if output is None else flat(output["data"])
        except (Unreadable, KeyError, TypeError, ValueError):
            return NOWHERE
        return echoed_row(values, self.columns) if isinstance(values, list) else NOWHERE

    def model(self, document: object) -> str | None:
        """`model_version` where it is a hash; a name of a version names no file."""
        return hash_in(document, "model_version")

    def echoed(self, document: object) -> str | None:
        """The `id` of the body."""
        found = document.get("id") if isinstance(document, dict) else None
        return found if isinstance(found, str) and found else None


def binary_document(body: bytes, length: int, *, key: str) -> Any:  # noqa: ANN401  -- any JSON
    """The JSON before the bytes, with the tensors under `key` filled from them; raises Unreadable."""
    document, broken = decode_json(body[:length])
    held = document.get(key, []) if isinstance(document, dict) else None
    if broken or not isinstance(held, list) or not all(isinstance(one, dict) for one in held):
        raise Unreadable(broken or f"no field {key!r}")
    put_back(held, body[length:])
    return document


def _binary_outputs(document: dict[str, Any]) -> dict[str, Any]:
    """The wish for raw outputs: of each that is named, else of all."""
    if not document.get("outputs"):
        return {"parameters": {**(document.get("parameters") or {}), "binary_data_output": True}}
    return {"outputs": [{**one, "parameters": {"binary_data": True}} for one in document["outputs"]]}


def name_of(tensor: object) -> object:
    """The name of a tensor."""
    return tensor.get("name") if isinstance(tensor, dict) else None


def outputs_of(document: object) -> dict[str, dict[str, Any]]:
    """The output tensors of an answer by name; raises Unreadable where there are none."""
    outputs = document.get("outputs") if isinstance(document, dict) else None
    if not isinstance(document, dict):
        raise Unreadable("body has no outputs")
    if "outputs" not in document:
        raise Unreadable("no field 'outputs'")
    if not isinstance(outputs, list) or not outputs or not all(isinstance(one, dict) for one in outputs):
        raise Unreadable("'outputs' has no outputs in it")
    return {str(one.get("name")): one for one in outputs}


def echoed_row(values: list[Any], names: tuple[str, ...]) -> object:
    """Echoed values of one row by name; a text is a JSON object of them."""
    if len(values) == 1 and isinstance(values[0], str):
        found, broken = decode_json(values[0].encode())
        return NOWHERE if broken else found
    return dict(zip(names, values, strict=True)) if len(values) == len(names) else NOWHERE


def fitting(value: Number, datatype: Datatype, *, column: str) -> Number:
    """The number in its type; raises CaptureError for what servers would cut off or wrap without a word."""
    if datatype == "FP64" and isinstance(value, float):
        return value
    if not datatype.startswith("FP") and isinstance(value, float) and not value.is_integer():
        raise _unheld("a fraction" if math.isfinite(value) else "an infinity", datatype, column=column)
    try:
        return held(value, datatype)
    except ValueError:
        raise _unheld("a number beyond its range", datatype, column=column) from None


def _unheld(found: str, datatype: str, *, column: str) -> CaptureError:
    return CaptureError(
        f"a column declared {datatype} holds what that type cannot",
        where=f"column {column[:40]!r}",
        found=found,
        fix='Set datatype = "FP64" in the target\'s protocol.',
    )
